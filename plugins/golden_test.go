//go:build unix

package plugins

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/plugins/wire"
)

// Golden plugins are of the first version of the protocol as it was when they were made, and are
// kept: every later host must run them and get the same numbers.
//
//   - testdata/golden/audiosep-plugin-golden_python is testdata/audiosep-plugin-snakes and the SDK
//     of its day in one file (python3 -m zipapp).
//   - A plugin in Go is 10 MB; kept is what one said, message by message, to which question
//     (testdata/golden/go.json.gz). The plugin golden_go answers so again.
//   - testdata/golden/numbers.json.gz has the numbers that came out of each.
//
// AUDIOSEP_GOLDEN=write go test -run TestGolden ./plugins writes them anew, for another version of
// the protocol; those of this one stay.
const goldenDir = "testdata/golden"

const (
	goldenEnv = "AUDIOSEP_TEST_GOLDEN" // the file with what a plugin says
	goldenPy  = goldenDir + "/audiosep-plugin-golden_python"
)

// goldenStages are the stages run, and their parameters.
var goldenStages = []string{"ramp", "half", "reverse", "padded", "learn", "learn_odd", "factor", "activate", "joint", "share", "pass", "blur", "chunks"}

// goldenScene is what they are given: numbers that any machine computes alike.
func goldenScene(t *testing.T) audiosep.Values {
	numbers := func(n, by int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64((i*by+11)%64) / 64
		}
		return x
	}
	const m, n = 4, 40
	f := besides([][]float64{numbers(m*n, 37), numbers(m*n, 23)}, 8000, m, 2)
	tr, err := local[audiosep.Transformer](t, "copy", "").Transform(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	x, err := audiosep.NewSpectra(f, tr)
	if err != nil {
		t.Fatal(err)
	}
	factors := &audiosep.Factors{W: mat.NewDense(m, 3, numbers(3*m, 7)), H: mat.NewDense(3, n/2, numbers(3*n/2, 5)), Objective: []float64{2, 1}, Stop: "enough", Framing: &f.Framing}
	return audiosep.Values{
		"audio": f.Source, "frames": f, "coefs": x, "power": audiosep.PowerOf(x, nil), "factors": factors, "dictionary": factors,
		"notes": audiosep.Notes{{Onset: 0.5, Offset: 1, Pitch: 60.5, Source: "flute", Velocity: 0.25}},
	}
}

// goldenNumbers runs the stages of a plugin and returns all that they make.
func goldenNumbers(t *testing.T, h *Host, plugin string) map[string][]float64 {
	t.Helper()
	all := map[string][]float64{}
	scene := goldenScene(t)
	for _, name := range goldenStages {
		s := stageOf(t, h, plugin, name, "{}")
		in := audiosep.Values{}
		for _, p := range s.def.In {
			if v := scene[p.Name]; v != nil {
				in[p.Name] = v
			}
		}
		out, err := s.run(t.Context(), audiosep.Env{Seed: 3}, in)
		if err != nil {
			t.Fatalf("%s/%s: %v", plugin, name, err)
		}
		for port, v := range out {
			all[name+"."+port] = numbersOf(t, v)
			stems, ok := v.(audiosep.Stems)
			if !ok {
				continue
			}
			parts, err := audiosep.Collect(blocks.WithSize(t.Context(), 16), stems) // in several runs, with what is beside them
			if err != nil {
				t.Fatalf("%s/%s: %v", plugin, name, err)
			}
			for j, part := range parts {
				all[fmt.Sprintf("%s.%s.%d", name, port, j)] = slices.Concat(part.Data...)
			}
		}
	}
	return all
}

// TestGolden runs plugins that were made when the protocol was.
func TestGolden(t *testing.T) {
	write := os.Getenv("AUDIOSEP_GOLDEN") == "write"
	numbers := map[string]map[string][]float64{}
	if !write {
		readGolden(t, "numbers.json.gz", &numbers)
	}
	for _, plugin := range []string{"golden_go", "golden_python"} {
		t.Run(plugin, func(t *testing.T) {
			tol := 0.0
			if plugin == "golden_python" {
				needPython(t)
				tol = 1e-13 // numpy's sums
			}
			if write {
				numbers[plugin] = makeGolden(t, plugin)
				return
			}
			file, err := filepath.Abs(goldenDir + "/go.json.gz")
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv(goldenEnv, file)
			h := newTestHost(t, Options{Folders: []string{goldenDir}}, "golden_go")
			got := goldenNumbers(t, h, plugin)
			h.Close()
			nothingLeft(t, h)
			if len(got) != len(numbers[plugin]) || len(got) < len(goldenStages) {
				t.Errorf("there are %d outputs; want %d", len(got), len(numbers[plugin]))
			}
			for name, x := range got {
				same(t, name, x, numbers[plugin][name], tol)
			}
		})
	}
	if write {
		writeGolden(t, "numbers.json.gz", numbers)
	}
}

// makeGolden makes a golden plugin anew, and returns what comes out of it.
func makeGolden(t *testing.T, plugin string) map[string][]float64 {
	t.Helper()
	dir := t.TempDir()
	if plugin == "golden_go" {
		lines := filepath.Join(dir, "lines")
		t.Setenv(goldenEnv, lines)
		h := newTestHost(t, Options{}, "recorded")
		numbers := goldenNumbers(t, h, "recorded")
		h.Close()
		text, err := os.ReadFile(lines)
		if err != nil {
			t.Fatal(err)
		}
		var all []*exchange
		for line := range bytes.Lines(text) {
			e := new(exchange)
			if err := json.Unmarshal(line, e); err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
		writeGolden(t, "go.json.gz", all)
		return numbers
	}
	for from, to := range map[string]string{"testdata/audiosep-plugin-snakes": "__main__.py", "python/audiosep_plugin.py": "audiosep_plugin.py"} {
		text, err := os.ReadFile(from)
		text = bytes.Replace(text, []byte(`version="0.1")`), []byte(`version="0.1", one_process=True)`), 1)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("/usr/bin/python3", "-m", "zipapp", dir, "-c", "-p", "/usr/bin/python3", "-o", goldenPy).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h := NewHost(Options{Folders: []string{goldenDir}})
	defer h.Close()
	return goldenNumbers(t, h, plugin)
}

func readGolden(t *testing.T, name string, v any) {
	t.Helper()
	if err := readJSONGzip(filepath.Join(goldenDir, name), v); err != nil {
		t.Fatal(err)
	}
}

func readJSONGzip(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return json.NewDecoder(r).Decode(v)
}

func writeGolden(t *testing.T, name string, v any) {
	t.Helper()
	if err := writeJSONGzip(filepath.Join(goldenDir, name), v); err != nil {
		t.Fatal(err)
	}
}

func writeJSONGzip(path string, v any) error {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(w).Encode(v), w.Close()); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// exchange is a call of a plugin: what it was asked, what it asked for in the course of it and was
// told, and what it answered.
type exchange struct {
	Stage   string // that was built last
	Method  string
	Request []byte
	Asked   []asking
	Replies [][]byte
	used    bool
}

type asking struct{ Question, Answer []byte }

func init() {
	badPlugins["recorded"] = func() {
		os.Unsetenv(sharedEnv) // numbers are to be in the messages
		s := newServer(testStages)
		s.together = true
		r := &recorder{server: s, open: map[uint64]*exchange{}, questions: map[uint64]*exchange{}}
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, r) })
	}
	badPlugins["golden_go"] = func() {
		r := &replayer{asker: newAsker()}
		if err := readJSONGzip(os.Getenv(goldenEnv), &r.all); err != nil {
			panic(err)
		}
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, r) })
	}
}

func marshal(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// recorder is a plugin that writes down what it says, a line for each call.
type recorder struct {
	*server
	mu        sync.Mutex
	stage     string               // that was built
	open      map[uint64]*exchange // by call
	questions map[uint64]*exchange // by question
}

// note adds an exchange to the file.
func (r *recorder) note(e *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Stage = r.stage
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	f, err := os.OpenFile(os.Getenv(goldenEnv), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		panic(err)
	}
}

func recorded[Q, A proto.Message](r *recorder, method string, do func(context.Context, Q) (A, error)) func(context.Context, Q) (A, error) {
	return func(ctx context.Context, req Q) (A, error) {
		reply, err := do(ctx, req)
		if err == nil {
			r.note(&exchange{Method: method, Request: marshal(req), Replies: [][]byte{marshal(reply)}})
		}
		return reply, err
	}
}

func (r *recorder) Describe(ctx context.Context, req *wire.DescribeRequest) (*wire.DescribeReply, error) {
	return recorded(r, "Describe", r.server.Describe)(ctx, req)
}

func (r *recorder) Build(ctx context.Context, req *wire.BuildRequest) (*wire.BuildReply, error) {
	reply, err := recorded(r, "Build", r.server.Build)(ctx, req)
	if !req.GetCheck() {
		r.stage = req.GetStage()
	}
	return reply, err
}

func (r *recorder) Read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	return recorded(r, "Read", r.server.Read)(ctx, req)
}

func (r *recorder) Run(req *wire.RunRequest, stream grpc.ServerStreamingServer[wire.RunReply]) error {
	e := &exchange{Method: "Run", Request: marshal(req)}
	r.mu.Lock()
	r.open[req.GetCall().GetId()] = e
	r.mu.Unlock()
	err := r.server.Run(req, recordedRun{stream, e})
	r.mu.Lock()
	delete(r.open, req.GetCall().GetId())
	r.mu.Unlock()
	if err == nil {
		r.note(e)
	}
	return err
}

type recordedRun struct {
	grpc.ServerStreamingServer[wire.RunReply]
	e *exchange
}

func (s recordedRun) Send(reply *wire.RunReply) error {
	s.e.Replies = append(s.e.Replies, marshal(reply))
	return s.ServerStreamingServer.Send(reply)
}

func (r *recorder) Ask(stream grpc.BidiStreamingServer[wire.Answer, wire.Question]) error {
	return r.server.Ask(recordedAsk{stream, r})
}

type recordedAsk struct {
	grpc.BidiStreamingServer[wire.Answer, wire.Question]
	r *recorder
}

func (s recordedAsk) Send(q *wire.Question) error {
	s.r.mu.Lock()
	if e := s.r.open[q.GetCall()]; e != nil && q.GetRead() != nil {
		s.r.questions[q.GetId()] = e
		e.Asked = append(e.Asked, asking{Question: marshal(q)})
	}
	s.r.mu.Unlock()
	return s.BidiStreamingServer.Send(q)
}

func (s recordedAsk) Recv() (*wire.Answer, error) {
	a, err := s.BidiStreamingServer.Recv()
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if e := s.r.questions[a.GetId()]; e != nil {
		for i := range e.Asked {
			var q wire.Question
			if proto.Unmarshal(e.Asked[i].Question, &q) == nil && q.GetId() == a.GetId() {
				e.Asked[i].Answer = marshal(a)
			}
		}
	}
	return a, err
}

// replayer is a plugin that answers as one did when it was recorded. The host's handles and calls
// may have other numbers than then.
type replayer struct {
	wire.UnimplementedPluginServer
	asker *asker
	mu    sync.Mutex
	stage string // that was built
	all   []*exchange
}

// find returns a call that was recorded, one that was not answered yet if there is.
func (r *replayer) find(method string, fits func(request []byte) bool) (found *exchange, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		ours := e.Stage == r.stage || method == "Describe" || method == "Build"
		if ours && e.Method == method && fits(e.Request) && (found == nil || found.used) {
			found = e
		}
	}
	if found == nil {
		return nil, fmt.Errorf("the golden plugin was not asked this by %s when it was recorded", method)
	}
	found.used = true
	return found, nil
}

func replayed[A any, P interface {
	*A
	proto.Message
}](e *exchange, err error) (*A, error) {
	reply := new(A)
	if err == nil {
		err = proto.Unmarshal(e.Replies[0], P(reply))
	}
	return reply, err
}

func (r *replayer) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeReply, error) {
	return replayed[wire.DescribeReply](r.find("Describe", func([]byte) bool { return true }))
}

func (r *replayer) Build(_ context.Context, req *wire.BuildRequest) (*wire.BuildReply, error) {
	e, err := r.find("Build", func(b []byte) bool {
		var was wire.BuildRequest
		return proto.Unmarshal(b, &was) == nil && was.GetStage() == req.GetStage() && was.GetCheck() == req.GetCheck()
	})
	if !req.GetCheck() {
		r.stage = req.GetStage()
	}
	return replayed[wire.BuildReply](e, err)
}

func (r *replayer) Close(context.Context, *wire.CloseRequest) (*wire.Empty, error) {
	return &wire.Empty{}, nil
}

func (r *replayer) Read(_ context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	bare := func(m *wire.ReadRequest) []byte { // what counts
		m = proto.CloneOf(m)
		m.Call, m.Place = nil, nil // of these a plugin of that day knows the first alone, and need not look
		m.ProtoReflect().SetUnknown(nil)
		return marshal(m)
	}
	want := bare(req)
	return replayed[wire.ReadReply](r.find("Read", func(b []byte) bool {
		var was wire.ReadRequest
		return proto.Unmarshal(b, &was) == nil && bytes.Equal(bare(&was), want)
	}))
}

func (r *replayer) Ask(stream grpc.BidiStreamingServer[wire.Answer, wire.Question]) error {
	return r.asker.serve(stream)
}

func (r *replayer) Run(req *wire.RunRequest, stream grpc.ServerStreamingServer[wire.RunReply]) error {
	handles := map[uint64]uint64{} // of the host: then -> now
	e, err := r.find("Run", func(b []byte) bool {
		var was wire.RunRequest
		if proto.Unmarshal(b, &was) != nil || was.GetStage() != req.GetStage() || len(was.Inputs) != len(req.Inputs) {
			return false
		}
		slices.SortFunc(was.Inputs, byName)
		slices.SortFunc(req.Inputs, byName)
		then, now := hostHandles(&was), hostHandles(req)
		for i := range min(len(then), len(now)) {
			handles[then[i]] = now[i]
		}
		return len(then) == len(now) && slices.EqualFunc(was.Inputs, req.Inputs, func(a, b *wire.Port) bool { return a.Name == b.Name })
	})
	if err != nil {
		return err
	}
	var was wire.RunRequest
	if err := proto.Unmarshal(e.Request, &was); err != nil {
		return err
	}
	slices.SortFunc(was.Inputs, byName)
	for i, p := range was.Inputs {
		if field := differs(p.ProtoReflect(), req.Inputs[i].ProtoReflect()); field != "" {
			return fmt.Errorf("the host sends another %s of %s than when the golden plugin was recorded", field, p.GetName())
		}
	}
	for _, a := range e.Asked {
		if err := r.ask(inCall(stream.Context(), req.GetCall()), a, handles); err != nil {
			return err
		}
	}
	for _, b := range e.Replies {
		reply := new(wire.RunReply)
		if err := proto.Unmarshal(b, reply); err != nil {
			return err
		}
		walk(reply.ProtoReflect(), func(m protoreflect.Message, handle protoreflect.FieldDescriptor) {
			if yours := m.Descriptor().Fields().ByName("yours"); yours != nil && m.Get(yours).Bool() {
				m.Set(handle, protoreflect.ValueOfUint64(handles[m.Get(handle).Uint()]))
			}
		})
		if err := stream.Send(reply); err != nil {
			return err
		}
	}
	return nil
}

func byName(a, b *wire.Port) int { return strings.Compare(a.GetName(), b.GetName()) }

// ask asks what was asked; the host must answer as it did.
func (r *replayer) ask(ctx context.Context, a asking, handles map[uint64]uint64) error {
	var q wire.Question
	var was wire.Answer
	if err := errors.Join(proto.Unmarshal(a.Question, &q), proto.Unmarshal(a.Answer, &was)); err != nil {
		return err
	}
	read := q.GetRead()
	read.Handle = handles[read.GetHandle()]
	got, err := r.asker.read(ctx, read)
	if err != nil {
		return err
	}
	if h := was.GetReply().GetHandle(); h != 0 {
		handles[h] = got.GetHandle()
	}
	for i, x := range was.GetReply().GetArrays() {
		if i >= len(got.GetArrays()) || !bytes.Equal(got.Arrays[i].GetData(), x.GetData()) {
			return fmt.Errorf("the host answers a question with other numbers than when the golden plugin was recorded")
		}
	}
	return nil
}

// hostHandles returns the handles of the host in a message, in its order.
func hostHandles(m proto.Message) (all []uint64) {
	walk(m.ProtoReflect(), func(m protoreflect.Message, handle protoreflect.FieldDescriptor) {
		all = append(all, m.Get(handle).Uint())
	})
	return all
}

// differs returns the field of one message that another has not, or not so, "" if there is none.
// Handles may differ, and there may be more.
func differs(then, now protoreflect.Message) (field string) {
	then.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		same := f.Name() == "handle" || now.Has(f)
		switch {
		case !same:
		case f.Kind() == protoreflect.MessageKind && f.IsList():
			same = v.List().Len() == now.Get(f).List().Len()
			for i := 0; same && i < v.List().Len() && field == ""; i++ {
				field = differs(v.List().Get(i).Message(), now.Get(f).List().Get(i).Message())
			}
		case f.Kind() == protoreflect.MessageKind:
			field = differs(v.Message(), now.Get(f).Message())
		default:
			same = f.Name() == "handle" || v.Equal(now.Get(f))
		}
		if !same {
			field = string(f.FullName())
		}
		return field == ""
	})
	return field
}

// walk calls do with each message in m that has a handle, and its handle, in the order of fields.
func walk(m protoreflect.Message, do func(m protoreflect.Message, handle protoreflect.FieldDescriptor)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.Name() == "handle":
			do(m, f)
		case f.Kind() != protoreflect.MessageKind || !m.Has(f):
		case f.IsList():
			for j := range m.Get(f).List().Len() {
				walk(m.Get(f).List().Get(j).Message(), do)
			}
		default:
			walk(m.Get(f).Message(), do)
		}
	}
}
