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

// The keys are those of museval's schema, and what JSON has no number for is left out.
func TestWriteJSON(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Targets []struct {
			Name   string
			Frames []struct {
				Time, Duration float64
				Metrics        map[string]float64
			}
		}
		Convention string
		Warnings   []string
	}
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Targets) != 2 || doc.Targets[0].Name != "bass" || doc.Convention != "bss_v4" || len(doc.Warnings) != 1 {
		t.Fatalf("the JSON is %s", b.String())
	}
	last := doc.Targets[0].Frames[2]
	if last.Time != 1 || last.Duration != 1 || len(last.Metrics) != 1 || last.Metrics["SDR"] != 3.5 {
		t.Errorf("the last frame is %+v", last)
	}
	if n := len(doc.Targets[0].Frames[1].Metrics); n != 0 {
		t.Errorf("the undefined frame has %d numbers; want none", n)
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
		0:  "convention,reference,estimate,time_s,duration_s,metric,db,improvement_db",
		1:  "bss_v4,bass,bass_est,0,1,SDR,1.25,0.5",
		2:  "bss_v4,bass,bass_est,0,1,SIR,inf,",
		3:  "bss_v4,bass,,0.5,1,SDR,,",
		11: "bss_v4,drums,b,1,1,SDR,-inf,0",
	} {
		if got := strings.Join(rows[i], ","); got != want {
			t.Errorf("row %d is %s; want %s", i, got, want)
		}
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
