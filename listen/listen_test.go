package listen

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/picture"
	"github.com/audiosep/audiosep/models"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

const rate = 8000

// tones writes a stereo recording of 2 s: 440 and 1000 Hz that come and go, with some noise.
func tones(t *testing.T, dir string) string {
	t.Helper()
	s := &audiosep.Signal{Rate: rate, Channels: 2, Data: [][]float64{make([]float64, 2*rate), make([]float64, 2*rate)}}
	noise := uint32(1)
	for i := range 2 * rate {
		at := float64(i) / rate
		a := 0.3 * math.Sin(2*math.Pi*440*at) * (0.5 + 0.5*math.Sin(2*math.Pi*3*at))
		b := 0.2 * math.Sin(2*math.Pi*1000*at) * (0.5 + 0.5*math.Cos(2*math.Pi*2*at))
		noise = noise*1664525 + 1013904223
		s.Data[0][i] = a + b + 0.001*(float64(noise)/math.MaxUint32-0.5)
		s.Data[1][i] = a - 0.5*b
	}
	stems, err := audiosep.NewStems([]string{"tones"}, []*audiosep.Signal{s})
	if err == nil {
		err = audio.WriteFiles(t.Context(), stems, filepath.Join(dir, "{source}.wav"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "tones.wav")
}

func server(t *testing.T) *Server {
	t.Helper()
	dir := t.TempDir()
	s, err := New(t.Context(), Options{File: tones(t, dir), Out: filepath.Join(dir, "out")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ask sends a request and returns the status and the answer.
func ask(t *testing.T, s *Server, method, path string, body any) (int, []byte) {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, r))
	return w.Code, w.Body.Bytes()
}

// plans are one for each method, with what they are solved from.
func plans() map[string]Plan {
	nmf := newPlan()
	nmf.Components, nmf.Iterations, nmf.Seed = 5, 20, 7
	nmf.Sources, nmf.Groups = []string{"low tone", `high/"tone"`}, [][]int{{2, 4}, {1}}
	paint := newPlan()
	paint.Method, paint.Components, paint.Iterations = "paint", 3, 10
	paint.Sources = []string{"low", "rest"}
	high := 700.0
	paint.Paint = []factorizers.Region{{Source: "low", From: 0.1, To: 1.1, Low: 300, High: &high}}
	score := newPlan()
	score.Method, score.Delay, score.Pace = "score", -0.05, 1.1
	a, c := 69.0, 83.2
	score.Notes = []Note{{"a, b", 0, 1.5, &a, 1}, {"c", 0.3, 1.6, &c, 0.7}, {"drum", 1, 1.2, nil, 0.5}}
	return map[string]Plan{"nmf": nmf, "paint": paint, "score": score}
}

func registry() *pipeline.Registry {
	return pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages, models.Stages, notes.Stages)
}

// TestReplay holds that the pipeline that is saved makes the bits of the page's stems, of
// every method, of paint also where it went on from an earlier solution, and that the folder
// opens again with the same.
func TestReplay(t *testing.T) {
	s := server(t)
	check := func(name string, p Plan, sol *solution) {
		t.Helper()
		dir := filepath.Join(s.out, name)
		if _, err := s.r.write(t.Context(), dir, &p, sol, "wav"); err != nil {
			t.Fatal(err)
		}
		stems, err := s.r.stems(t.Context(), &p, sol)
		if err != nil {
			t.Fatal(err)
		}
		want, err := audiosep.Collect(t.Context(), stems)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, pipelineFile))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := pipeline.Parse(filepath.Join(dir, pipelineFile), text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		run, err := pipeline.Check(spec, registry())
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		got, err := run.RunInMemory(t.Context(), nil, pipeline.Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(stems.Names(), got.Names); diff != "" {
			t.Errorf("%s: names differ: %s", name, diff)
		}
		for j := range want {
			if !equal(want[j].Data, got.Stems[j].Data) {
				t.Errorf("%s: stem %q differs from what the pipeline makes", name, stems.Names()[j])
			}
		}
		again, err := New(t.Context(), Options{File: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		x, err := again.session(1)
		if err != nil {
			t.Fatal(err)
		}
		q, restored, err := x.current()
		if err != nil {
			t.Fatal(err)
		}
		if stems, err = again.r.stems(t.Context(), &q, restored); err != nil {
			t.Fatal(err)
		}
		back, err := audiosep.Collect(t.Context(), stems)
		if err != nil {
			t.Fatal(err)
		}
		for j := range want {
			if !equal(want[j].Data, back[j].Data) {
				t.Errorf("%s: the folder opens with another stem %q", name, stems.Names()[j])
			}
		}
	}
	quiet := func(string, audiosep.Step) {}
	for name, p := range plans() {
		sol, err := s.r.solve(t.Context(), p, nil, quiet)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		check(name, p, sol)
		if name == "nmf" { // another way is chosen, and not yet solved
			p.Method = "score"
			check("nmf, a score read", p, sol)
			if stems, err := s.r.stems(t.Context(), &p, sol); err != nil || stems.Names()[0] != p.Sources[0] {
				t.Errorf("with a score read the stems are %v, %v; want the groups", stems, err)
			}
		}
		if name != "paint" {
			continue
		}
		p.Paint = append(p.Paint, factorizers.Region{Source: "rest", From: 1, To: 2, Low: 900})
		more, err := s.r.solve(t.Context(), p, sol, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if first := sol.factors.Objective[0]; more.factors.Objective[0] >= first {
			t.Errorf("with more paint it began at %g; want it to go on below %g", more.factors.Objective[0], first)
		}
		check("painted twice", p, more)
		check("painted twice", plans()["paint"], sol) // over what went on from a start
	}
}

func equal(a, b [][]float64) bool {
	return slices.EqualFunc(a, b, func(x, y []float64) bool { return slices.Equal(x, y) })
}

// TestPart holds that a part of the stems, which is what is played, has the bits of the whole.
func TestPart(t *testing.T) {
	s := server(t)
	for name, p := range plans() {
		sol, err := s.r.solve(t.Context(), p, nil, func(string, audiosep.Step) {})
		if err != nil {
			t.Fatal(err)
		}
		stems, err := s.r.stems(t.Context(), &p, sol)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := audiosep.Collect(t.Context(), stems)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range [][2]int{{0, 1}, {0, 2 * rate}, {1, 700}, {5000, 3001}, {2*rate - 10, 10}, {743, 744}} {
			got, err := part(t.Context(), stems, span[0], span[1])
			if err != nil {
				t.Fatal(err)
			}
			for j := range got {
				for l := range got[j] {
					if want := whole[j].Data[l][span[0] : span[0]+span[1]]; !slices.Equal(got[j][l], want) {
						t.Errorf("%s: samples %v of source %d, layer %d differ from those of the whole", name, span, j, l)
					}
				}
			}
		}
	}
}

// TestMix holds that components sum to the mixture and follow their gains, however many
// gains differ.
func TestMix(t *testing.T) {
	s := server(t)
	sol, err := s.r.solve(t.Context(), plans()["nmf"], nil, func(string, audiosep.Step) {})
	if err != nil {
		t.Fatal(err)
	}
	mix := func(gains ...float64) []float64 {
		t.Helper()
		y, err := s.r.mix(t.Context(), sol, gains, 3000, 500)
		if err != nil {
			t.Fatal(err)
		}
		return y[1]
	}
	want, err := read(t.Context(), s.r.source, 2, 3000, 500)
	if err != nil {
		t.Fatal(err)
	}
	all, some := mix(1, 1, 1, 1, 1), mix(1, 0.5, 0, 2, 0.5)
	one, two, four, five := mix(1, 0, 0, 0, 0), mix(0, 1, 0, 0, 0), mix(0, 0, 0, 1, 0), mix(0, 0, 0, 0, 1)
	for i := range all {
		sum := one[i] + 0.5*two[i] + 2*four[i] + 0.5*five[i]
		if math.Abs(all[i]-want[1][i]) > 1e-12 || math.Abs(some[i]-sum) > 1e-12 {
			t.Fatalf("sample %d is %g and %g; want %g and %g", i, all[i], some[i], want[1][i], sum)
		}
	}
	if _, err := s.r.mix(t.Context(), sol, []float64{1}, 0, 1); err == nil {
		t.Error("one gain for five components is taken; want an error")
	}
}

// TestTiles holds that a full tone is at full scale where its frequency is, that each level is
// the greater of two pixels of the one below, and that masks of all components are full where
// something sounds.
func TestTiles(t *testing.T) {
	s := &audiosep.Signal{Rate: rate, Data: [][]float64{make([]float64, 60*rate)}}
	for i := range s.Data[0] {
		s.Data[0][i] = math.Sin(2 * math.Pi * 1000 * float64(i) / rate)
	}
	x, err := transforms.STFT(t.Context(), s, frameParams())
	if err != nil {
		t.Fatal(err)
	}
	full, err := fullScale(t.Context(), x.Framing(), x.Transform())
	if err != nil {
		t.Fatal(err)
	}
	p := newTiles(audiosep.PowerOf(x, nil), full)
	if p.levels() < 2 {
		t.Fatalf("there are %d levels; want two at least", p.levels())
	}
	base, err := p.tile(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	row := int(picture.Rows * math.Log(1000/p.Low) / math.Log(p.High/p.Low))
	loudest := 0
	for i := range picture.Rows {
		if base[i*tileColumns+9] > base[loudest*tileColumns+9] {
			loudest = i
		}
	}
	if loudest < row-2 || loudest > row+2 || base[loudest*tileColumns+9] < 253 {
		t.Errorf("the tone is in row %d at %d; want it in row %d at 255", loudest, base[loudest*tileColumns+9], row)
	}
	if quiet := base[20*tileColumns+9]; quiet > 100 {
		t.Errorf("far from the tone it is %d; want less than 100", quiet)
	}
	up, err := p.tile(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range picture.Rows {
		for c := range tileColumns / 2 {
			if a, b := base[i*tileColumns+2*c], base[i*tileColumns+2*c+1]; up[i*tileColumns+tileColumns/2+c] != max(a, b) {
				t.Fatalf("row %d, column %d of level 1 is not the greater of %d and %d", i, c, a, b)
			}
		}
	}
	for _, wrong := range [][2]int{{-1, 0}, {0, -1}, {p.levels(), 0}, {0, 1 << 40}, {0, 1 << 56}, {1, 99}} {
		if _, err := p.tile(t.Context(), wrong[0], wrong[1]); err == nil {
			t.Errorf("there is a tile %v; want an error", wrong)
		}
	}
}

// TestSessions solves in one session, and cancels in another, which does not disturb it.
func TestSessions(t *testing.T) {
	s := server(t)
	for range 2 {
		if code, b := ask(t, s, "POST", "/api/sessions", nil); code != 200 {
			t.Fatalf("%d: %s", code, b)
		}
	}
	first, _ := s.session(1)
	second, _ := s.session(2)
	long, short := newPlan(), newPlan()
	long.Components, long.Iterations = 40, 10000
	short.Components, short.Iterations = 3, 5
	if code, b := ask(t, s, "POST", "/api/sessions/2/solve", long); code != 202 {
		t.Fatalf("%d: %s", code, b)
	}
	if code, b := ask(t, s, "POST", "/api/sessions/2/solve", short); code != 409 || !bytes.Contains(b, []byte("already")) {
		t.Errorf("a second work is answered by %d: %s; want 409", code, b)
	}
	told := first.events.Join()
	if code, b := ask(t, s, "POST", "/api/sessions/1/solve", short); code != 202 {
		t.Fatalf("%d: %s", code, b)
	}
	for done := false; !done; {
		select {
		case e := <-told:
			done = bytes.HasPrefix(e, []byte("event: done"))
		case <-time.After(2 * time.Minute):
			t.Fatal("it is not told that it is done")
		}
	}
	if st := first.state(); len(st.Solutions) != 1 || st.Adopted != 0 {
		t.Errorf("of %d solutions %d is in a page's plan; want the first, which is in none", len(st.Solutions), st.Adopted)
	}
	short.Solution = 1
	if code, b := ask(t, s, "PUT", "/api/sessions/1/plan", short); code != 200 || first.state().Adopted != 1 {
		t.Errorf("a plan with the solution is answered by %d, %s", code, b)
	}
	if st := second.state(); st.Job == nil {
		t.Error("the long work has ended; want it at work")
	}
	cancelled := second.events.Join()
	ask(t, s, "DELETE", "/api/sessions/2/job", nil)
	for done := false; !done; {
		select {
		case e := <-cancelled:
			done = bytes.HasPrefix(e, []byte("event: cancelled"))
		case <-time.After(2 * time.Minute):
			t.Fatal("it is not told that it was cancelled")
		}
	}
	if st := second.state(); st.Job != nil || len(st.Solutions) != 0 {
		t.Errorf("after cancelling it has %+v; want neither work nor solutions", st)
	}
	_, b := ask(t, s, "GET", "/api/sessions", nil)
	var offers []offered
	if err := json.Unmarshal(b, &offers); err != nil || len(offers) != 2 || !offers[0].Solved || offers[1].Solved {
		t.Errorf("offered are %s; want two, the first solved", b)
	}
}

// TestRefusals asks for what must not be had.
func TestRefusals(t *testing.T) {
	s := server(t)
	ask(t, s, "POST", "/api/sessions", nil)
	x, _ := s.session(1)
	p := plans()["nmf"]
	sol, err := s.r.solve(t.Context(), p, nil, func(string, audiosep.Step) {})
	if err != nil {
		t.Fatal(err)
	}
	x.keep(sol)
	p.Solution = sol.id
	if code, b := ask(t, s, "PUT", "/api/sessions/1/plan", p); code != 200 {
		t.Fatalf("%d: %s", code, b)
	}
	foreign := filepath.Join(s.out, "foreign")
	if err := os.MkdirAll(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	wrong := p
	wrong.Groups = [][]int{{1}, {1}}
	twice := p
	twice.Sources = []string{"a", "A"}
	for _, c := range []struct {
		method, path string
		body         any
		code         int
		want         string
	}{
		{"POST", "/api/sessions/1/save", asked{"../up", "wav"}, 400, "no name for a folder"},
		{"POST", "/api/sessions/1/save", asked{"..", "wav"}, 400, "no name for a folder"},
		{"POST", "/api/sessions/1/save", asked{`a\b`, "wav"}, 400, "no name for a folder"},
		{"POST", "/api/sessions/1/save", asked{".hidden", "wav"}, 400, "no name for a folder"},
		{"POST", "/api/sessions/1/save", asked{Name: "foreign", Format: "wav"}, 400, "no page saved it"},
		{"POST", "/api/sessions/1/save", asked{Name: "x", Format: "mp3"}, 400, "want wav or flac"},
		{"PUT", "/api/sessions/1/plan", wrong, 400, "component 1 is in two sources"},
		{"PUT", "/api/sessions/1/plan", twice, 400, "want names that differ"},
		{"PUT", "/api/sessions/1/plan", []byte(`{"methods": 1}`), 400, "unknown field"},
		{"GET", "/api/sessions/9", nil, 400, "there is no session 9"},
		{"GET", "/api/sessions/1/audio?solution=1&gains=1,1,1,1,5&at=0&n=10", nil, 400, "want 0 to 4"},
		{"GET", "/api/sessions/1/audio?solution=1&gains=1,1,1,1,1&at=-1&n=10", nil, 400, "from -1 on"},
		{"GET", "/api/sessions/1/audio?solution=1&gains=1,1,1,1,1&at=0&n=99999999", nil, 400, "want 1 to"},
		{"GET", "/api/sessions/1/audio?solution=8&gains=1&at=0&n=10", nil, 410, "not kept"},
		{"GET", "/api/sessions/1/masks/1/7/0/0", nil, 400, `no component \"7\"; want 1 to 5`},
		{"GET", "/api/audio/reference/0", nil, 400, "no reference 0"},
		{"GET", "/api/audio/run/0/0", nil, 400, "no stem 0 of run 0"},
		{"POST", "/api/sessions/1/score", []byte("no score"), 400, "line 1"},
		{"GET", "/go.mod", nil, 404, "not found"},
		{"GET", "/listen.html", nil, 404, "not found"},
	} {
		if code, b := ask(t, s, c.method, c.path, c.body); code != c.code || !strings.Contains(string(b), c.want) {
			t.Errorf("%s %s: %d, %s; want %d, %s", c.method, c.path, code, b, c.code, c.want)
		}
	}
	if code, b := ask(t, s, "POST", "/api/sessions/1/save", asked{Name: "mine", Format: "flac"}); code != 200 {
		t.Errorf("saving: %d, %s", code, b)
	}
	if code, b := ask(t, s, "POST", "/api/sessions/1/save", asked{Name: "mine", Format: "wav"}); code != 200 {
		t.Errorf("saving again: %d, %s", code, b)
	}
}

// TestMeters holds the meters against the definition, on stems that are known.
func TestMeters(t *testing.T) {
	dir := t.TempDir()
	file := tones(t, dir)
	refs := filepath.Join(dir, "refs")
	mix, err := audio.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	x, err := audiosep.ReadAll(t.Context(), mix)
	mix.Close()
	if err != nil {
		t.Fatal(err)
	}
	half := &audiosep.Signal{Rate: rate, Channels: 2, Data: [][]float64{make([]float64, 2*rate), make([]float64, 2*rate)}}
	copy(half.Data[0], x.Data[0]) // the left channel alone
	stems, err := audiosep.NewStems([]string{"left", "both"}, []*audiosep.Signal{half, x})
	if err == nil {
		err = audio.WriteFiles(t.Context(), stems, filepath.Join(refs, "{source}.wav"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Options{File: file, References: refs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.measure(t.Context(), stems)
	if err != nil {
		t.Fatal(err)
	}
	left, right := floats.Dot(x.Data[0], x.Data[0]), floats.Dot(x.Data[1], x.Data[1])
	want := []meter{{"left", "left", got[0].SISDR, 10 * math.Log10(left/right)}, {"both", "both", got[1].SISDR, got[1].SISDR}} // the mixture is both
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })); diff != "" {
		t.Errorf("meters differ (-want +got):\n%s", diff)
	}
	if got[0].SISDR < 80 || got[1].SISDR < 80 {
		t.Errorf("what is its reference has %.1f and %.1f dB; want 80 at least", got[0].SISDR, got[1].SISDR)
	}
}

// TestProjects reads back what other programs are given.
func TestProjects(t *testing.T) {
	s := server(t)
	p := newPlan()
	p.Sources, p.Levels = []string{`a "b"`, "c"}, []Level{{0.5, true, false}, {1, false, true}, {2, false, false}}
	names, paths := []string{`a "b"`, "c", residual}, []string{"stems/a _b_.wav", "stems/c.flac", "stems/residual.wav"}
	rpp := s.r.reaper(&p, names, paths)
	for _, want := range []string{"NAME 'a \"b\"'\n    VOLPAN 0.500000 0 -1 -1 1\n    MUTESOLO 1 0 0", "<SOURCE FLAC\n        FILE \"stems/c.flac\"", "VOLPAN 2.000000", "LENGTH 2.000000000", "SAMPLERATE 8000"} {
		if !strings.Contains(rpp, want) {
			t.Errorf("the project lacks %s:\n%s", want, rpp)
		}
	}
	if open, shut := strings.Count(rpp, "<"), strings.Count(rpp, "\n>")+strings.Count(rpp, "  >\n"); open != shut {
		t.Errorf("%d blocks open and %d close:\n%s", open, shut, rpp)
	}
	if want := "window\nfile \"stems/a _b_.wav\" offset 0\n"; !strings.HasPrefix(audacity(paths), want) {
		t.Errorf("the list is %s; want %s first", audacity(paths), want)
	}
}

// TestPage asks for the page and all that it names.
func TestPage(t *testing.T) {
	s := server(t)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("the page is answered by %d, %v", w.Code, w.Header())
	}
	size := 0 // of all files, the report's too
	for _, pattern := range []string{"html", "css", "js"} {
		files, err := filepath.Glob("../internal/page/*." + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("there is no %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			size += len(text)
			name := filepath.Base(file)
			if pattern == "html" {
				continue
			}
			code, b := ask(t, s, "GET", "/"+name, nil)
			if code != 200 || !bytes.Equal(b, text) || name != "report.js" && !strings.Contains(w.Body.String(), name) {
				t.Errorf("%s: %d; want 200, the file, and its name in the page", name, code)
			}
		}
	}
	if size > 300<<10 {
		t.Errorf("the page has %d bytes; want at most 300 KiB", size)
	}
}

// TestRun opens the folder of a run: its recording, and its stems beside it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := tones(t, dir)
	text := []byte(`{"audiosep": 1, "stages": [{"use": "read_audio", "params": {"files": ["tones.wav"]}}, {"use": "frame"}, {"use": "stft"}, {"use": "hpss"}, {"use": "write_audio"}]}`)
	spec, err := pipeline.Parse(filepath.Join(dir, "p.json"), text)
	if err != nil {
		t.Fatal(err)
	}
	spec.Out = filepath.Join(dir, "out")
	p, err := pipeline.Check(spec, registry())
	if err != nil {
		t.Fatal(err)
	}
	w := record.New(p, record.Options{Input: "tones"})
	defer w.Close()
	if err := p.Run(t.Context(), pipeline.Options{With: []audiosep.Committer{w}}); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Options{File: spec.Out, Out: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.shown(); s.r.path != file || len(got.Runs) != 1 || !slices.Equal(got.Runs[0].Stems, []string{"tones-harmonic", "tones-percussive"}) {
		t.Errorf("it opens %s with runs %v; want %s with the stems of hpss", s.r.path, got.Runs, file)
	}
	if code, b := ask(t, s, "GET", "/api/audio/run/0/1?at=0&n=100", nil); code != 200 || len(b) != 2*4*100 {
		t.Errorf("a stem is answered by %d, %d bytes; want 100 samples of two channels", code, len(b))
	}
}
