package listen

import (
	"cmp"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/oraclegroups"
	"github.com/audiosep/audiosep/transforms"
)

// track is a mixture and its stems, of one channel each.
type track struct {
	r     *recording
	names []string
	mix   []float64
	stems [][]float64
}

// tracks opens the recordings of the folder AUDIOSEP_DATA that match a pattern.
func tracks(t *testing.T, pattern string) (all []*track) {
	t.Helper()
	if testing.Short() {
		t.Skip("it is long")
	}
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA is not set: want a folder with audio/*/mix.wav and stems")
	}
	mixes, _ := filepath.Glob(filepath.Join(data, "audio", pattern, "mix.wav"))
	for _, path := range mixes {
		r, err := open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		k := &track{r: r, mix: samples(t, path)}
		stems, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "stems", "*.wav"))
		for _, stem := range stems {
			k.names = append(k.names, strings.TrimSuffix(filepath.Base(stem), ".wav"))
			k.stems = append(k.stems, samples(t, stem))
		}
		all = append(all, k)
	}
	if len(all) == 0 {
		t.Skipf("%s has no audio/%s/mix.wav", data, pattern)
	}
	return all
}

func samples(t *testing.T, path string) []float64 {
	t.Helper()
	f, err := audio.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := audiosep.ReadAll(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return s.Data[0]
}

// gain is the mean over the stems of SI-SDR, more than the mixture has, in dB.
func (k *track) gain(estimates [][]float64) float64 {
	sum := 0.0
	for j, s := range k.stems {
		sum += siSDR(estimates[j], s) - siSDR(k.mix, s)
	}
	return sum / float64(len(k.stems))
}

func siSDR(y, s []float64) float64 {
	p, energy, all := floats.Dot(y, s), floats.Dot(s, s), floats.Dot(y, y)
	if all == 0 {
		return -100
	}
	target := p * p / energy
	return 10 * math.Log10(target/max(all-target, 1e-12*target))
}

// click asks for the component that it would help most to know, and answers by the stems: the
// one of which the most power is heard with the least confidence.
func (k *track) click(t *testing.T, sol *solution, p *Plan, likeness func(k, j int) float64) {
	t.Helper()
	shown, err := k.r.shown(t.Context(), sol, p)
	if err != nil {
		t.Fatal(err)
	}
	known := func(c int) bool {
		return slices.ContainsFunc(p.Groups, func(g []int) bool { return slices.Contains(g, c+1) })
	}
	best, most := -1, -1.0
	for c, s := range shown {
		if doubt := s.Heard * (1.05 - s.Confidence); !known(c) && doubt > most {
			best, most = c, doubt
		}
	}
	if best < 0 {
		return
	}
	whose := 0
	for j := range k.stems {
		if likeness(best, j) > likeness(best, whose) {
			whose = j
		}
	}
	p.Groups[whose] = append(slices.Clone(p.Groups[whose]), best+1)
}

// TestPerson has a scripted person put ten components into sources by ear: asked for one, it
// knows which stem that is most like. All others go where they are suggested. On average over
// the recordings that is worth four fifths at least of what an oracle gains who puts every component
// where the stems come out best. Where AUDIOSEP_RELEASE is not set every other recording is taken.
func TestPerson(t *testing.T) {
	persons, oracles := 0.0, 0.0
	all := tracks(t, "*")
	if os.Getenv("AUDIOSEP_RELEASE") == "" {
		var some []*track
		for i := min(1, len(all)-1); i < len(all); i += 2 {
			some = append(some, all[i])
		}
		all = some
	}
	for _, k := range all {
		p := newPlan()
		p.Components, p.Sources, p.Groups = 5*len(k.stems), k.names, make([][]int, len(k.stems))
		sol, err := k.r.solve(t.Context(), p, nil, func(string, audiosep.Step) {})
		if err != nil {
			t.Fatal(err)
		}
		bare := newPlan()
		stems, err := k.r.stems(t.Context(), &bare, sol)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := audiosep.Collect(t.Context(), stems)
		if err != nil {
			t.Fatal(err)
		}
		cross, within := mat.NewDense(len(parts), len(k.stems), nil), mat.NewDense(len(parts), len(parts), nil)
		energy := make([]float64, len(k.stems))
		for a, x := range parts {
			for j, s := range k.stems {
				cross.Set(a, j, floats.Dot(x.Data[0], s))
				energy[j] = floats.Dot(s, s)
			}
			for b, y := range parts {
				within.Set(a, b, floats.Dot(x.Data[0], y.Data[0]))
			}
		}
		sums := func(groups [][]int) [][]float64 {
			out := make([][]float64, len(groups))
			for j, g := range groups {
				out[j] = make([]float64, len(k.mix))
				for _, c := range g {
					floats.Add(out[j], parts[c].Data[0])
				}
			}
			return out
		}
		for range 10 {
			k.click(t, sol, &p, func(c, j int) float64 { return cross.At(c, j) / math.Sqrt(energy[j]) })
		}
		shown, err := k.r.shown(t.Context(), sol, &p)
		if err != nil {
			t.Fatal(err)
		}
		groups := make([][]int, len(k.stems))
		for c, s := range shown {
			groups[s.Source] = append(groups[s.Source], c)
		}
		person, oracle := k.gain(sums(groups)), k.gain(sums(oraclegroups.Groups(cross, within, energy)))
		t.Logf("%-32s %2d components: ten clicks %5.1f dB, oracle %5.1f dB", filepath.Base(filepath.Dir(k.r.path)), len(parts), person, oracle)
		persons, oracles = persons+person/float64(len(all)), oracles+oracle/float64(len(all))
	}
	t.Logf("mean: ten clicks %.2f dB, oracle %.2f dB: %.0f %%", persons, oracles, 100*persons/oracles)
	if persons < 0.8*oracles {
		t.Errorf("ten clicks are worth %.2f dB; want four fifths of the oracle's %.2f", persons, oracles)
	}
}

// TestPainter has a scripted painter, who knows speech from strings, paint 3 % of their
// spectrogram in four sittings, each solved from where the last ended: the loudest tiles of
// 64 ms by 125 Hz of which one stem has nine tenths. It is worth 5 dB at least.
func TestPainter(t *testing.T) {
	k := tracks(t, "speech_strings")[0]
	p := newPlan()
	p.Method, p.Components, p.Iterations, p.Sources = "paint", 12, 30, k.names
	strokes := k.strokes(t, 0.064, 125)
	whole := float64(len(k.mix)) / float64(k.r.head.Rate) * float64(k.r.head.Rate) / 2 // s·Hz
	budget := int(0.03 * whole / (0.064 * 125))
	var sol *solution
	for sitting := 1; sitting <= 4; sitting++ {
		p.Paint = strokes[:min(len(strokes), budget*sitting/4)]
		var err error
		if sol, err = k.r.solve(t.Context(), p, sol, func(string, audiosep.Step) {}); err != nil {
			t.Fatal(err)
		}
		got, err := audiosep.Collect(t.Context(), sol.painted)
		if err != nil {
			t.Fatal(err)
		}
		estimates := make([][]float64, len(got))
		for j := range got {
			estimates[j] = got[j].Data[0]
		}
		gain := k.gain(estimates)
		t.Logf("%.2f %% painted: %.2f dB", 100*float64(len(p.Paint))*0.064*125/whole, gain)
		if sitting == 4 && gain < 5 {
			t.Errorf("3 %% of paint is worth %.2f dB; want 5", gain)
		}
	}
}

// strokes are the tiles of which one stem has nine tenths, the loudest first.
func (k *track) strokes(t *testing.T, seconds, hz float64) []factorizers.Region {
	t.Helper()
	rate := k.r.head.Rate
	cols, rows := int(float64(len(k.mix))/float64(rate)/seconds), int(float64(rate)/2/hz)
	power := make([][]float64, len(k.stems)) // [stem][column*rows+row]
	for j, s := range k.stems {
		x, err := transforms.STFT(t.Context(), &audiosep.Signal{Rate: rate, Data: [][]float64{s}}, transforms.Frame(1024, 0.75, "hann"))
		if err != nil {
			t.Fatal(err)
		}
		v := audiosep.PowerOf(x, nil)
		m, err := v.V(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		power[j] = make([]float64, cols*rows)
		for c := range x.Framing().Columns() {
			for i, f := range v.Hz() {
				if a, b := int(math.Floor(x.Framing().Middle(c)/seconds)), int(f/hz); a >= 0 && a < cols && b < rows {
					power[j][a*rows+b] += m.At(i, c)
				}
			}
		}
	}
	type stroke struct {
		factorizers.Region
		loud float64
	}
	var all []stroke
	for n := range power[0] {
		sum, best := 0.0, 0
		for j := range power {
			sum += power[j][n]
			if power[j][n] > power[best][n] {
				best = j
			}
		}
		if power[best][n] < 0.9*sum || sum == 0 {
			continue
		}
		from, low := float64(n/rows)*seconds, float64(n%rows)*hz
		high := low + hz
		all = append(all, stroke{factorizers.Region{Source: k.names[best], From: from, To: from + seconds, Low: low, High: &high}, sum})
	}
	slices.SortStableFunc(all, func(a, b stroke) int { return cmp.Compare(b.loud, a.loud) })
	out := make([]factorizers.Region, len(all))
	for i, s := range all {
		out[i] = s.Region
	}
	return out
}
