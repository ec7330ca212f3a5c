package metrics

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// sample is a report with every kind of number.
func sample() *Report {
	nan, inf := math.NaN(), math.Inf(1)
	return &Report{
		Convention: V4, Definition: V4.Doc(), Rate: 1000, Samples: 3000, Channels: 2, Window: 1000, Hop: 500, Taps: 512, Match: MatchGiven,
		Sources: []Source{
			{Name: "bass", Estimates: []string{"bass_est", "", "bass_est"}, Metrics: []Metric{
				{"SDR", []float64{1.25, nan, 3.5}, []float64{0.5, nan, 1}},
				{"SIR", []float64{inf, nan, inf}, []float64{nan, nan, nan}},
			}},
			{Name: "drums", Estimates: []string{"a", "", "b"}, Metrics: []Metric{
				{"SDR", []float64{-2, nan, -math.Inf(1)}, []float64{0, nan, 0}},
				{"SIR", []float64{nan, nan, nan}, []float64{nan, nan, nan}},
			}},
		},
		Warnings: []string{"1 of 3 frames is undefined"},
	}
}

func TestWriteText(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	want := `bss_v4: BSS Eval 4 as in museval: images, filters fitted once on the whole signal, median over frames; 512 taps; median of 3 frames of 1 s every 0.5 s; estimates matched by order
  reference  estimate  SDR dB  over mixture     SIR dB  over mixture
       bass  bass_est    2.38          0.75       +inf     undefined
      drums  (varies)    -inf          0.00  undefined     undefined
warning: 1 of 3 frames is undefined
`
	if b.String() != want {
		t.Errorf("the text is\n%s\nwant\n%s", b.String(), want)
	}
}

// The keys are those of museval's schema, every frame has every ratio, and what JSON
// has no number for is null.
func TestWriteJSON(t *testing.T) {
	type doc struct {
		Targets []struct {
			Name   string
			Frames []struct {
				Time, Duration      float64
				Metrics             map[string]*float64
				Infinite            map[string]string
				Improvement         map[string]*float64
				InfiniteImprovement map[string]string `json:"infinite_improvement"`
			}
		}
		Convention string
		Warnings   []string
	}
	var b strings.Builder
	r := sample()
	r.Sources[0].Metrics[0].Improvement[2] = math.Inf(1)
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var one doc
	if err := json.Unmarshal([]byte(b.String()), &one); err != nil {
		t.Fatal(err)
	}
	if len(one.Targets) != 2 || one.Targets[0].Name != "bass" || one.Convention != "bss_v4" || len(one.Warnings) != 1 {
		t.Fatalf("the JSON is %s", b.String())
	}
	for _, target := range one.Targets {
		for i, f := range target.Frames {
			for _, numbers := range []map[string]*float64{f.Metrics, f.Improvement} {
				if _, ok := numbers["SIR"]; !ok || len(numbers) != 2 {
					t.Errorf("frame %d of %s has the ratios %v; want SDR and SIR", i, target.Name, numbers)
				}
			}
		}
	}
	last := one.Targets[0].Frames[2]
	if last.Time != 1 || last.Duration != 1 || *last.Metrics["SDR"] != 3.5 || last.Metrics["SIR"] != nil || last.Infinite["SIR"] != "inf" || last.InfiniteImprovement["SDR"] != "inf" {
		t.Errorf("the last frame is %+v", last)
	}
	if f := one.Targets[0].Frames[1]; f.Metrics["SDR"] != nil || f.Infinite != nil {
		t.Errorf("the undefined frame is %+v; want nulls that are not infinite", f)
	}

	b.Reset()
	if err := (Reports{r, sample(), sample()}).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var many []doc
	if err := json.Unmarshal([]byte(b.String()), &many); err != nil || len(many) != 3 || len(many[2].Targets) != 2 {
		t.Errorf("three reports are %v, %v; want an array of three", many, err)
	}
}

func TestWriteCSV(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+2*3*2 {
		t.Fatalf("there are %d rows; want one a source, frame and metric", len(rows))
	}
	for i, want := range map[int]string{
		0:  "convention,reference,estimate,time_s,duration_s,metric,db,improvement_db,channel,track,estimator",
		1:  "bss_v4,bass,bass_est,0,1,SDR,1.25,0.5,,,",
		2:  "bss_v4,bass,bass_est,0,1,SIR,inf,,,,",
		3:  "bss_v4,bass,,0.5,1,SDR,,,,,",
		11: "bss_v4,drums,b,1,1,SDR,-inf,0,,,",
	} {
		if got := strings.Join(rows[i], ","); got != want {
			t.Errorf("row %d is %s; want %s", i, got, want)
		}
	}
}

// Several reports are one table.
func TestWriteCSVOfSeveral(t *testing.T) {
	var b strings.Builder
	if err := (Reports{sample(), sample()}).WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(b.String(), "\n"); rows != 1+2*12 || strings.Count(b.String(), "convention") != 1 {
		t.Errorf("there are %d rows; want one header and 24", rows)
	}
}

// No name reaches a terminal as a control sequence.
func TestWriteTextQuotes(t *testing.T) {
	var b strings.Builder
	r := sample()
	r.Sources[0].Name = "\x1b]0;owned\a"
	r.Warnings = []string{"estimate \x1b[2J is silent"}
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\a") || !strings.Contains(b.String(), `"\x1b]0;owned\a"`) {
		t.Errorf("the text is %q; want quoted names", b.String())
	}
}

// tracks are reports of three tracks, one of which lacks a reference.
func tracks() Reports {
	var rs Reports
	for i, x := range []float64{1, 2, 6} {
		r := &Report{Track: string(rune('A' + i)), Convention: V2, Definition: "d", Rate: 1000, Samples: 10, Channels: 1, Window: 10, Hop: 10, Match: MatchSIR}
		r.Sources = append(r.Sources, Source{Name: "bass", Estimates: []string{"e1"}, Metrics: []Metric{{"SDR", []float64{x}, []float64{x - 1}}}})
		if i != 1 {
			r.Sources = append(r.Sources, Source{Name: "drums", Estimates: []string{"e2"}, Metrics: []Metric{{"SDR", []float64{2 * x}, []float64{math.NaN()}}}})
		}
		r.Warnings = []string{"of " + r.Track}
		rs = append(rs, r)
	}
	return rs
}

// Medians over tracks are those of the tracks' medians.
func TestMedians(t *testing.T) {
	got := tracks().Medians()
	if len(got) != 2 || got[0].Reference != "bass" || got[0].Tracks != 3 || got[0].Metrics[0].Median() != 2 || got[0].Metrics[0].MedianImprovement() != 1 {
		t.Fatalf("the medians are %+v", got)
	}
	if m := got[1]; m.Tracks != 2 || m.Metrics[0].Median() != 7 || !math.IsNaN(m.Metrics[0].MedianImprovement()) {
		t.Errorf("the second reference's medians are %+v", m)
	}
	if m := (Reports{sample()}).Medians(); m != nil {
		t.Errorf("the medians of a report without track are %v", m)
	}
	var b strings.Builder
	if err := tracks().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	want := `bss_v2: d; one frame; estimates matched by best mean SIR; 3 tracks
        track  reference  estimate  SDR dB  over mixture
            A       bass        e1    1.00          0.00
            A      drums        e2    2.00     undefined
            B       bass        e1    2.00          1.00
            C       bass        e1    6.00          5.00
            C      drums        e2   12.00     undefined
  median of 3       bass              2.00          1.00
  median of 2      drums              7.00     undefined
warning: A: of A
warning: B: of B
warning: C: of C
`
	if b.String() != want {
		t.Errorf("the text is\n%s\nwant\n%s", b.String(), want)
	}
}

func TestMedian(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		frames []float64
		want   float64
	}{
		{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}, {[]float64{nan, 5, nan}, 5},
		{[]float64{inf, inf}, inf}, {[]float64{1, inf, inf}, inf}, {nil, nan}, {[]float64{nan}, nan},
	} {
		if got := (Metric{Frames: c.frames}).Median(); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("the median of %v is %v; want %v", c.frames, got, c.want)
		}
	}
}
