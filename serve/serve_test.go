package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

const spec = `{"audiosep": 1, "name": "two", "stages": [{"use": "read_audio"%s}, {"use": "frame"}, {"use": "stft"},
	{"use": "kl_nmf", "params": {"rank": 2, "iterations": %d, "tol": 0}}, {"use": "wiener"}, {"use": "write_audio"%s}]}`

func server(t *testing.T) *Server {
	t.Helper()
	return serverBy(t, func(ctx context.Context, p *pipeline.Pipeline, o pipeline.Options) error { return p.Run(ctx, o) })
}

// serverBy is a server that has run run pipelines.
func serverBy(t *testing.T, run func(ctx context.Context, p *pipeline.Pipeline, o pipeline.Options) error) *Server {
	t.Helper()
	s, err := New(t.Context(), Options{Dir: t.TempDir(), MostInput: 200000,
		Registry: pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages),
		Preset:   func(name string) ([]byte, bool) { return fmt.Appendf(nil, spec, "", 3, ""), name == "two" },
		Run:      run})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// sound is a WAV file of one tone that swells.
func sound(t *testing.T) []byte {
	t.Helper()
	x := make([]float64, 8000)
	for i := range x {
		x[i] = 0.3 * math.Sin(float64(i)*0.3) * math.Sin(float64(i)*0.001)
	}
	path := filepath.Join(t.TempDir(), "x.wav")
	if err := audio.WriteFile(path, &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{x}}, "int16"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ask(t *testing.T, s *Server, method, path string, body []byte) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewReader(body)))
	return w.Code, w.Body.String()
}

// wait waits for the end of a run.
func wait(t *testing.T, s *Server, id int) shown {
	t.Helper()
	for range 12000 { // two minutes at most
		_, text := ask(t, s, "GET", fmt.Sprintf("/v1/runs/%d", id), nil)
		var x shown
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if x.State != "queued" && x.State != "running" {
			return x
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the run does not end")
	return shown{}
}

// TestRun hands in a recording and a pipeline, watches, and fetches stems that are those of
// the command line.
func TestRun(t *testing.T) {
	s := server(t)
	if code, text := ask(t, s, "PUT", "/v1/inputs/song.wav", sound(t)); code != 201 {
		t.Fatalf("%d: %s", code, text)
	}
	code, text := ask(t, s, "POST", "/v1/runs", []byte(`{"preset": "two", "input": "song.wav", "set": ["kl_nmf.iterations=5"]}`))
	if code != 201 {
		t.Fatalf("%d: %s", code, text)
	}
	_, events := ask(t, s, "GET", "/v1/runs/1/events", nil) // ends with the run
	for _, want := range []string{"event: state\n", `"stage":"kl_nmf","done":5,"of":5`, `"state":"done"`} {
		if !strings.Contains(events, want) {
			t.Errorf("the events lack %s:\n%s", want, events)
		}
	}
	x := wait(t, s, 1)
	if x.State != "done" || fmt.Sprint(x.Files) != "[song-1.wav song-2.wav]" {
		t.Fatalf("it is %+v; want it done, with two files", x)
	}
	p, err := pipeline.Parse("x.json", fmt.Appendf(nil, spec, "", 5, ""))
	if err != nil {
		t.Fatal(err)
	}
	p.SetInput("", filepath.Join(s.Dir, "inputs", "song.wav"))
	p.Out = t.TempDir()
	checked, err := pipeline.Check(p, s.Registry)
	if err == nil {
		err = checked.Run(t.Context(), pipeline.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range x.Files {
		want, err := os.ReadFile(filepath.Join(p.Out, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, got := ask(t, s, "GET", "/v1/runs/1/files/"+name, nil); got != string(want) {
			t.Errorf("%s differs from what the pipeline makes", name)
		}
	}
}

// TestCancel ends one run while it works and one while it waits.
func TestCancel(t *testing.T) {
	s := server(t)
	ask(t, s, "PUT", "/v1/inputs/song.wav", sound(t))
	long := fmt.Appendf(nil, `{"input": "song.wav", "pipeline": %s}`, fmt.Sprintf(spec, "", 100000000, ""))
	for range 2 {
		if code, text := ask(t, s, "POST", "/v1/runs", long); code != 201 {
			t.Fatalf("%d: %s", code, text)
		}
	}
	for _, id := range []int{2, 1} {
		ask(t, s, "DELETE", fmt.Sprintf("/v1/runs/%d", id), nil)
	}
	for _, id := range []int{1, 2} {
		if x := wait(t, s, id); x.State != "cancelled" || len(x.Files) != 0 {
			t.Errorf("run %d is %+v; want it cancelled, without files", id, x)
		}
	}
	if code, _ := ask(t, s, "GET", "/v1/runs/1/files/song-1.wav", nil); code != 404 {
		t.Errorf("a file of it is answered by %d; want 404", code)
	}
}

// TestLongBodies says that bodies will be longer than they may be, and sends none: they are refused at once. Those that
// do not say how long they are, are refused when they are too long.
func TestLongBodies(t *testing.T) {
	s := server(t)
	h := httptest.NewServer(s.Handler())
	defer h.Close()
	for path, most := range map[string]int64{"PUT /v1/inputs/x.wav": s.MostInput, "POST /v1/runs": mostSpec} {
		for _, head := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n", most+1), "Transfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n", most+1, strings.Repeat(" ", int(most)+1))} {
			c, err := net.Dial("tcp", h.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: localhost\r\n%s", path, head)
			line, err := bufio.NewReader(c).ReadString('\n')
			if !strings.HasPrefix(line, "HTTP/1.1 413 ") {
				t.Errorf("%s, %.20q: %q, %v; want 413", path, head, line, err)
			}
			c.Close()
		}
	}
	if names, _ := os.ReadDir(filepath.Join(s.Dir, "inputs")); len(names) > 0 {
		t.Errorf("%v are there; want no input", names)
	}
}

// TestManyWait hands in many more runs than are remembered behind one that does not end, from several
// places at once, and cancels most: each is taken or refused for their number, what is cancelled
// never runs, the others do in the order in which they were taken, and the end of the server ends all.
func TestManyWait(t *testing.T) {
	var ran []string // by the server's one worker
	begun, free := make(chan struct{}), make(chan struct{})
	s := serverBy(t, func(ctx context.Context, p *pipeline.Pipeline, _ pipeline.Options) error {
		if ran = append(ran, filepath.Base(p.Out)); ran[0] == filepath.Base(p.Out) {
			begun <- struct{}{}
			<-free
		}
		return nil
	})
	ask(t, s, "PUT", "/v1/inputs/song.wav", sound(t))
	body := []byte(`{"preset": "two", "input": "song.wav"}`)
	submit := func() (id int) {
		switch code, text := ask(t, s, "POST", "/v1/runs", body); code {
		case 201:
			var x shown
			if err := json.Unmarshal([]byte(text), &x); err != nil {
				t.Error(err)
			}
			return x.ID
		case 429:
		default:
			t.Errorf("%d: %s; want 201 or 429", code, text)
		}
		return 0
	}
	cancel := func(id int) {
		if code, text := ask(t, s, "DELETE", fmt.Sprintf("/v1/runs/%d", id), nil); code != 200 || id > 1 && !strings.Contains(text, `"cancelled"`) {
			t.Errorf("run %d is cancelled: %d, %s", id, code, text)
		}
	}
	submit()
	<-begun
	var users sync.WaitGroup
	for range 3 {
		users.Go(func() {
			for range mostRuns {
				if id := submit(); id > 0 {
					cancel(id)
				}
			}
		})
	}
	users.Wait()
	wait := []int{}
	for id := submit(); id > 0; id = submit() {
		wait = append(wait, id)
	}
	if len(wait) != mostRuns-1 {
		t.Errorf("%d runs wait behind the first before one is refused; want %d", len(wait), mostRuns-1)
	}
	want := []string{"1"}
	for i, id := range wait {
		if i%100 == 50 {
			want = append(want, strconv.Itoa(id))
		} else {
			cancel(id)
		}
	}
	last := submit()
	if last == 0 {
		t.Fatal("none is taken when most are cancelled")
	}
	want = append(want, strconv.Itoa(last))
	_, text := ask(t, s, "GET", fmt.Sprintf("/v1/runs/%d", last), nil)
	if !strings.Contains(text, `"queued"`) {
		t.Errorf("the last is %s; want it queued", text)
	}
	close(free)
	ask(t, s, "GET", fmt.Sprintf("/v1/runs/%d/events", last), nil) // ends with the run
	if !slices.Equal(ran, want) {
		t.Errorf("%v ran; want %v", ran, want)
	}
}

// TestCloseEndsAll ends a server with a run at work and many that wait. What is handed in from then on is
// refused.
func TestCloseEndsAll(t *testing.T) {
	s := serverBy(t, func(ctx context.Context, _ *pipeline.Pipeline, _ pipeline.Options) error {
		<-ctx.Done()
		return ctx.Err()
	})
	ask(t, s, "PUT", "/v1/inputs/song.wav", sound(t))
	body := []byte(`{"preset": "two", "input": "song.wav"}`)
	for range 20 {
		ask(t, s, "POST", "/v1/runs", body)
	}
	s.stop()
	<-s.ended
	for _, x := range s.runs {
		<-x.done
		if x.state != "cancelled" {
			t.Errorf("run %d is %s; want it cancelled", x.id, x.state)
		}
	}
	if len(s.runs) != 20 {
		t.Errorf("%d runs were taken; want 20", len(s.runs))
	}
	if code, text := ask(t, s, "POST", "/v1/runs", body); code != 503 || len(s.runs) != 20 {
		t.Errorf("%d, %s, %d runs; want it refused", code, text, len(s.runs))
	}
}

// TestOptions gives inputs in the place of a file that is not there: by the pipeline's own option, also one that names what
// is written too, by set, and as input. A file of that name in the working folder is not read.
func TestOptions(t *testing.T) {
	s := server(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("song.wav", []byte("no sound"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "PUT", "/v1/inputs/song.wav", sound(t))
	const options = `"options": {"song": {"sets": "read_audio.files", "about": "the recording"}, "parts": {"sets": "kl_nmf.rank", "about": "components"},
		"both": {"sets": ["write_audio.pattern", "read_audio.files"], "about": "both"}}, "stages"`
	theirs := fmt.Sprintf(spec, `, "params": {"files": ["theirs.wav"]}`, 3, "")
	with := strings.Replace(theirs, `"stages"`, options, 1)
	for i, given := range []string{
		with + `, "options": {"song": "song.wav", "parts": 3}`,
		with + `, "options": {"parts": 3}, "set": ["read_audio.files=song.wav"]`,
		with + `, "options": {"parts": 3, "both": "song.wav"}, "set": ["write_audio.pattern={source}.wav"]`,
		theirs + `, "input": "song.wav", "set": ["kl_nmf.rank=3"]`,
	} {
		code, text := ask(t, s, "POST", "/v1/runs", fmt.Appendf(nil, `{"pipeline": %s}`, given))
		if code != 201 {
			t.Fatalf("%s: %d, %s; want it taken", given, code, text)
		}
		if x := wait(t, s, i+1); x.State != "done" || len(x.Files) != 3 {
			t.Errorf("%s: %+v; want it done, with three stems", given, x)
		}
	}
}

// TestRefusals asks for what is outside of the folder, for what is too long, and for what
// there is not.
func TestRefusals(t *testing.T) {
	s := server(t)
	secret := filepath.Join(t.TempDir(), "secret.wav")
	if err := os.WriteFile(secret, sound(t), 0o600); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "PUT", "/v1/inputs/song.wav", sound(t))
	if err := os.Symlink(secret, filepath.Join(s.Dir, "inputs", "link.wav")); err != nil {
		t.Skip(err)
	}
	run := func(read, write string) string {
		return fmt.Sprintf(`{"pipeline": %s}`, fmt.Sprintf(spec, read, 3, write))
	}
	file := func(name string) string { return fmt.Sprintf(`, "params": {"files": [%q]}`, name) }
	out := func(name string) string { return fmt.Sprintf(`, "params": {"pattern": %q}`, name) }
	for _, c := range []struct {
		name, method, path, body string
		code                     int
		want                     string
	}{
		{"absolute input", "POST", "/v1/runs", run(file(secret), ""), 403, "no name below"},
		{"input above", "POST", "/v1/runs", run(file("../../secret.wav"), ""), 403, "no name below"},
		{"a run's file", "POST", "/v1/runs", run(file("../runs/1/x.wav"), ""), 403, "no name below"},
		{"standard input", "POST", "/v1/runs", run(file("-"), ""), 403, "no name below"},
		{"link out", "POST", "/v1/runs", run(file("link.wav"), ""), 403, "cannot be opened inside"},
		{"link out as input", "POST", "/v1/runs", `{"preset": "two", "input": "link.wav"}`, 403, "cannot be opened inside"},
		{"missing input", "POST", "/v1/runs", run(file("none.wav"), ""), 422, "no input"},
		{"input as set", "POST", "/v1/runs", `{"preset": "two", "set": ["read_audio.files=none.wav"]}`, 422, "parameter files: there is no input"},
		{"link out as set", "POST", "/v1/runs", `{"preset": "two", "set": ["read_audio.files=[\"song.wav\", \"link.wav\"]"]}`, 403, "cannot be opened inside"},
		{"number as set", "POST", "/v1/runs", `{"preset": "two", "set": ["read_audio.files=3"]}`, 422, "in quotation marks"},
		{"null as set", "POST", "/v1/runs", `{"preset": "two", "set": ["read_audio.files=null"]}`, 422, "is null"},
		{"no such option", "POST", "/v1/runs", `{"preset": "two", "input": "song.wav", "options": {"parts": 3}}`, 422, `there is no option`},
		{"absolute output", "POST", "/v1/runs", run(file("song.wav"), out("/tmp/x-{source}")), 403, "no name below"},
		{"output above", "POST", "/v1/runs", run(file("song.wav"), out("../{source}")), 403, "no name below"},
		{"standard output", "POST", "/v1/runs", run(file("song.wav"), out("-")), 403, "no name below"},
		{"set a file", "POST", "/v1/runs", `{"preset": "two", "input": "song.wav", "set": ["read_audio.files=/etc/hostname"]}`, 403, "no name below"},
		{"set an output", "POST", "/v1/runs", `{"preset": "two", "input": "song.wav", "set": ["write_audio.pattern=/tmp/x"]}`, 403, "no name below"},
		{"report above", "POST", "/v1/runs", `{"pipeline": {"audiosep": 1, "report": {"dir": "../..", "ports": ["*"]}, "stages": [{"use": "stft"}]}}`, 403, "report"},
		{"references", "POST", "/v1/runs", `{"pipeline": {"audiosep": 1, "report": {"dir": "r", "ports": ["*"], "references": "/etc"}, "stages": [{"use": "stft"}]}}`, 403, "references"},
		{"plugin", "POST", "/v1/runs", `{"pipeline": {"audiosep": 1, "stages": [{"use": "evil/stage"}]}}`, 403, "plugins"},
		{"a wrong pipeline", "POST", "/v1/runs", `{"preset": "two", "input": "song.wav", "set": ["kl_nmf.rank=x"]}`, 422, `"problems":[`},
		{"neither", "POST", "/v1/runs", `{}`, 400, "or neither"},
		{"unknown field", "POST", "/v1/runs", `{"presets": "two"}`, 400, "unknown field"},
		{"two requests", "POST", "/v1/runs", `{"preset": "two"} {"preset": "two"}`, 400, "ends at byte 17; want one value"},
		{"text behind a request", "POST", "/v1/runs", `{"preset": "two"}x`, 400, "goes on after its JSON"},
		{"a bracket behind a request", "POST", "/v1/runs", `{"preset": "two"}]`, 400, "goes on after its JSON"},
		{"half a text behind a request", "POST", "/v1/runs", `{"preset": "two"} "x`, 400, "goes on after its JSON"},
		{"half a request", "POST", "/v1/runs", `{"preset": "two"`, 400, "unexpected EOF"},
		{"no preset", "POST", "/v1/runs", `{"preset": "../two"}`, 400, "no preset"},
		{"a long request", "POST", "/v1/runs", `{"preset": "` + strings.Repeat("x", mostSpec) + `"}`, 413, "too large"},
		{"a long input", "PUT", "/v1/inputs/long.wav", strings.Repeat("x", 200001), 413, "too large"},
		{"input outside", "PUT", "/v1/inputs/..%2fx.wav", "x", 400, "no name for an input"},
		{"hidden input", "PUT", "/v1/inputs/.x.wav", "x", 400, "no name for an input"},
		{"remove outside", "DELETE", "/v1/inputs/..%2f..%2fx", "", 400, "no name for an input"},
		{"no run", "GET", "/v1/runs/9", "", 404, "no run"},
		{"no number", "GET", "/v1/runs/x", "", 404, "no run"},
		{"no such input", "DELETE", "/v1/inputs/none.wav", "", 404, "there is no input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if code, text := ask(t, s, c.method, c.path, []byte(c.body)); code != c.code || !strings.Contains(text, c.want) {
				t.Errorf("%d, %.300s; want %d, %s", code, text, c.code, c.want)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "inputs", "long.wav")); err == nil {
		t.Error("an input that is too long is there")
	}
	code, _ := ask(t, s, "POST", "/v1/runs", []byte(run(file("song.wav"), "")))
	if x := wait(t, s, 1); code != 201 || x.State != "done" {
		t.Fatalf("%d, %+v; want it done", code, x)
	}
	for _, name := range []string{"../../inputs/song.wav", "..%2f..%2finputs%2fsong.wav", "none"} {
		if code, _ := ask(t, s, "GET", "/v1/runs/1/files/"+name, nil); code == 200 {
			t.Errorf("%s is fetched", name)
		}
	}
}
