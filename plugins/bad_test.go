//go:build unix

package plugins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gonum.org/v1/gonum/mat"
	"google.golang.org/grpc"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// hang does nothing for ever; a program without cgo of which all goroutines are blocked would end.
func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// badPlugins are plugins that misbehave before they serve, or in what they serve.
var badPlugins = map[string]func(){
	"exits":   func() { fmt.Fprintln(os.Stderr, "no licence\nfound"); os.Exit(3) },
	"silent":  hang,
	"greets":  func() { fmt.Println("Hello! Plugin starting."); hang() },
	"shouts":  func() { os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<20)); hang() },
	"nowhere": func() { fmt.Println("1|1|unix|/nowhere/socket|grpc|"); hang() },
	"deaf":    func() { listen("1"); hang() },
	"future":  func() { listen("99"); hang() },
	"past":    func() { fmt.Println("1|0|unix|/nowhere/socket|grpc|"); os.Exit(0) },
	"netrpc":  func() { fmt.Println("1|1|unix|/nowhere/socket|netrpc|"); hang() },
	"noisy": func() {
		go func() {
			for line := bytes.Repeat([]byte("all work and no play "), 100); ; {
				os.Stderr.Write(append(line, '\n'))
			}
		}()
		Serve(testStages...)
	},
	"clings": func() { // to life: neither asked to end nor without a host does it
		os.Stdin, _, _ = os.Pipe()
		serve(newServer(testStages).register)
		time.Sleep(time.Hour)
	},
	"breeds": func() { // a child that holds the pipes
		child := exec.Command("/bin/sleep", "1000")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.Start()
		Serve(testStages...)
	},
	"beats": func() {
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, beats{newServer(testStages)}) })
	},
	"liar": func() {
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, liar{newServer(badStages)}) })
	},
	"empty":       describes(`[]`),
	"nojson":      describes(`{"Name":`),
	"badname":     describes(`[{"Name": "../x", "Doc": "X.", "In": [{"Name": "audio", "Cargo": "audio"}]}]`),
	"nodoc":       describes(`[{"Name": "x", "In": [{"Name": "audio", "Cargo": "audio"}]}]`),
	"noports":     describes(`[{"Name": "x", "Doc": "X."}]`),
	"badport":     describes(`[{"Name": "x", "Doc": "X.", "In": [{"Name": "A-B", "Cargo": "audio"}]}]`),
	"twinports":   describes(`[{"Name": "x", "Doc": "X.", "Out": [{"Name": "a", "Cargo": "audio"}, {"Name": "a", "Cargo": "audio"}]}]`),
	"manyout":     describes(`[{"Name": "x", "Doc": "X.", "Out": [{"Name": "a", "Cargo": "audio", "Many": true}]}]`),
	"badparam":    describes(`[{"Name": "x", "Doc": "X.", "In": [{"Name": "audio", "Cargo": "audio"}], "Params": [{"Name": "p", "Type": "int", "Doc": "P."}]}]`),
	"twice":       describes(`[{"Name": "x", "Doc": "X.", "In": [{"Name": "audio", "Cargo": "audio"}]}, {"Name": "x", "Doc": "Y.", "In": [{"Name": "audio", "Cargo": "audio"}]}]`),
	"misbehaving": func() { Serve(badStages...) },
	"twins": func() {
		Serve(audiosep.Define("one", "Reads frames backwards.", struct{}{}, newReverse), audiosep.Define("one", "Copies frames.", struct{}{}, newCopy))
	},
}

// beats gives signs of life while it takes its time to answer.
type beats struct{ *server }

func (b beats) Read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	for range 60 {
		b.asker.send(ctx, &wire.Question{What: &wire.Question_Alive{Alive: &wire.Empty{}}})
		time.Sleep(50 * time.Millisecond)
	}
	return b.server.Read(ctx, req)
}

func listen(version string) {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
	if _, err := net.Listen("unix", path); err != nil {
		panic(err)
	}
	fmt.Printf("1|%s|unix|%s|grpc|\n", version, path)
}

// describer serves a description and nothing else.
type describer struct {
	wire.UnimplementedPluginServer
	text string
}

func (d describer) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeReply, error) {
	return &wire.DescribeReply{Definitions: d.text}, nil
}

func describes(text string) func() {
	return func() { serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, describer{text: text}) }) }
}

// badStages misbehave in the way that their parameter says.
var badStages = []audiosep.Definition{
	audiosep.Define("bad", "A transformer that misbehaves.", badParams{}, func(p badParams) (audiosep.Transformer, error) { return badTransform(p), nil }),
	audiosep.Define("bad_stems", "A stage of stems that misbehaves.", badParams{}, func(p badParams) (badStems, error) { return badStems(p), nil }),
	audiosep.Define("bad_factors", "A factorizer that misbehaves.", badParams{}, func(p badParams) (audiosep.Factorizer, error) { return badFactorizer(p), nil }),
}

type badParams struct {
	How string `json:"how" doc:"What is wrong."`
}

type badTransform badParams

func (b badTransform) Transform(context.Context, int) (audiosep.Transform, error) { return b, nil }
func (badTransform) Len() int                                                     { return 4 }
func (badTransform) Bins() int                                                    { return 4 }
func (badTransform) Complex() bool                                                { return false }

func (b badTransform) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	switch b.How {
	case "exit":
		fmt.Fprintln(os.Stderr, "giving up")
		os.Exit(3)
	case "exit0":
		os.Exit(0)
	case "panic":
		panic("at the disco")
	case "crash":
		go panic("elsewhere")
		hang()
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		hang()
	case "orphan": // a child that holds the pipes and the connection
		for fd := range 100 {
			unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
		}
		child := exec.Command("/bin/sleep", "20")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.Start()
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		hang()
	case "stop":
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour)
	case "hang":
		hang()
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	case "error":
		return errors.New("the frames are ugly; want pretty ones")
	case "nan":
		dst.Re[0] = math.NaN()
	case "inf":
		dst.Re[0] = math.Inf(-1)
	}
	return nil
}

func (b badTransform) Inverse(context.Context, []float64, audiosep.Coefs) error { return nil }

type badStems badParams

func (badStems) Run(context.Context, audiosep.Env, blurIn) (out stemsOut, err error) { return out, nil }

type badFactorizer badParams

func (b badFactorizer) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, _ *audiosep.Factors) (*audiosep.Factors, error) {
	r, c := v.Dims()
	f := &audiosep.Factors{W: mat.NewDense(r, 2, nil), H: mat.NewDense(2, c, nil)}
	switch b.How {
	case "nil":
		return nil, nil
	case "no w":
		f.W = nil
	case "wrong w":
		f.W = mat.NewDense(r+1, 2, nil)
	case "wrong h":
		f.H = mat.NewDense(2, c+1, nil)
	case "ranks":
		f.H = mat.NewDense(3, c, nil)
	case "negative":
		f.W.Set(0, 0, -1)
	case "nan":
		f.H.Set(0, 0, math.NaN())
	case "hang":
		hang()
	case "slow": // longer than the limit, but with signs of life
		for i := range 50 {
			time.Sleep(60 * time.Millisecond)
			env.Report(audiosep.Step{Done: i, Of: 50})
		}
	case "chatter":
		for i := range 50000 {
			env.Report(audiosep.Step{Done: i, Of: 50000})
		}
	case "exit":
		env.Report(audiosep.Step{Done: 1, Of: 2})
		os.Exit(4)
	}
	return f, nil
}

// liar breaks the protocol in the way that its stage's parameter says.
type liar struct{ *server }

func (l liar) Run(req *wire.RunRequest, stream grpc.ServerStreamingServer[wire.RunReply]) error {
	b, err := l.stage(req.GetStage())
	if err != nil {
		return err
	}
	result := func(ports ...*wire.Port) error {
		return stream.Send(&wire.RunReply{Part: &wire.RunReply_Result{Result: &wire.Result{Outputs: ports}}})
	}
	if t, ok := b.stage.(badTransform); ok {
		return result(lyingTransform(t.How, req.GetInputs()[0].GetValues()[0].GetFrames())...)
	}
	if s, ok := b.stage.(badStems); ok {
		return result(lyingStems(s.How, req.GetInputs()[0].GetValues()[0].GetCoefs()))
	}
	how := b.stage.(badFactorizer).How
	switch how {
	case "nothing":
		return nil
	case "empty part":
		return stream.Send(&wire.RunReply{})
	case "missing":
		return result()
	case "unknown port":
		return result(lyingFactors(how), &wire.Port{Name: "extra"})
	case "twice":
		return result(lyingFactors(how), lyingFactors(how))
	case "no values":
		return result(&wire.Port{Name: "factors"})
	case "two values":
		p := lyingFactors(how)
		p.Values = append(p.Values, p.Values...)
		return result(p)
	case "wrong cargo":
		return result(&wire.Port{Name: "factors", Values: []*wire.Value{{Cargo: &wire.Value_Notes{Notes: &wire.Notes{}}}}})
	case "empty value":
		return result(&wire.Port{Name: "factors", Values: []*wire.Value{{}}})
	case "not yours":
		return result(&wire.Port{Name: "factors", Values: []*wire.Value{{Cargo: &wire.Value_Factors{Factors: &wire.Factors{Handle: 77, Yours: true}}}}})
	case "two results", "more":
		result(lyingFactors(how))
		if how == "more" {
			return stream.Send(&wire.RunReply{Part: &wire.RunReply_Step{Step: &wire.Step{}}})
		}
	}
	return result(lyingFactors(how))
}

// lyingTransform is what a transformer gives, with a transform that cannot be or whose
// handle says how Read lies.
func lyingTransform(how string, f *wire.Frames) []*wire.Port {
	m := f.GetFraming().GetLength()
	frames := &wire.Frames{Handle: f.GetHandle(), Yours: true}
	t := &wire.Transform{Handle: uint64(len(how)) + 1, Length: m, Bins: m}
	switch how {
	case "length":
		t.Length++
	case "bins":
		t.Bins = 0
	case "many bins":
		t.Bins = 1 << 60
	case "nothing":
		t = &wire.Transform{}
	case "phi":
		t.Phi = &wire.Matrix{Rows: m, Columns: m + 1, Handle: 5}
	case "frequencies":
		t.Frequencies = make([]byte, 24)
	case "foreign":
		frames.Handle = 1000
	}
	x := &wire.Coefs{Frames: frames, Transform: t}
	return []*wire.Port{
		{Name: "coefs", Values: []*wire.Value{{Cargo: &wire.Value_Coefs{Coefs: x}}}},
		{Name: "power", Values: []*wire.Value{{Cargo: &wire.Value_Power{Power: &wire.Power{Coefs: x}}}}},
		{Name: "transform", Values: []*wire.Value{{Cargo: &wire.Value_Transform{Transform: &wire.FittedTransform{Handle: 9, Transform: t}}}}},
	}
}

// lyingStems are stems of which the last source is the rest, that cannot be or whose parts are never as
// many as they say.
func lyingStems(how string, x *wire.Coefs) *wire.Port {
	s := &wire.Stems{Handle: 7, Head: x.GetFraming().GetHead(), Names: []string{"a", "b"},
		Separated: &wire.Separated{Coefs: &wire.Coefs{Handle: x.GetHandle(), Yours: true}, Rest: true}}
	switch how {
	case "rest of one":
		s.Names = s.Names[:1]
	case "rest of none":
		s.Names = nil
	case "rest of nothing":
		s.Separated.Coefs = nil
	}
	return &wire.Port{Name: "sources", Values: []*wire.Value{{Cargo: &wire.Value_Sources{Sources: s}}}}
}

// lyingFactors are factors of a V of 3×5 that cannot be.
func lyingFactors(how string) *wire.Port {
	nan := encode([]float64{1, math.NaN(), 1})
	w, h := &wire.Matrix{Rows: 3, Columns: 1, Data: make([]byte, 24)}, &wire.Matrix{Rows: 1, Columns: 5, Data: make([]byte, 40)}
	f := &wire.Factors{Handle: 1, W: w, H: h}
	switch how {
	case "wrong w":
		w.Rows, w.Data = 4, make([]byte, 32)
	case "wrong h":
		h.Columns, h.Data = 4, make([]byte, 32)
	case "no h":
		f.H = nil
	case "huge":
		w.Columns = 1 << 62
	case "big":
		w.Columns, w.Data, w.Handle = 1<<30, nil, 1
	case "short":
		w.Data = w.Data[8:]
	case "odd":
		w.Data = w.Data[11:]
	case "nan":
		w.Data = nan
	case "negative":
		w.Data = encode([]float64{1, -1, 1})
	case "objective":
		f.Objective = nan
	case "group":
		f.Sources = []*wire.Group{{Name: "a", Components: []uint64{0, 1}}}
	case "framing":
		f.Framing = &wire.Framing{Length: 4, Hop: 2, Share: 1}
	}
	return &wire.Port{Name: "factors", Values: []*wire.Value{{Cargo: &wire.Value_Factors{Factors: f}}}}
}

// Read lies in a way that depends on the transform's number. Inverse is missing.
func (l liar) Read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	if req.GetSeparate() != nil { // both sources, though it is asked for one
		a := req.GetTo()[0]
		return &wire.ReadReply{Arrays: []*wire.Array{{Offset: a.GetOffset(), Count: 2 * a.GetCount()}}}, nil
	}
	if req.GetForward() == nil && req.GetNumbers() == nil {
		return l.UnimplementedPluginServer.Read(ctx, req)
	}
	re := req.GetTo()[0]
	one := func(a *wire.Array) *wire.ReadReply { return &wire.ReadReply{Arrays: []*wire.Array{a}} }
	return []*wire.ReadReply{
		nil,
		{},
		one(&wire.Array{}),
		one(&wire.Array{Offset: re.GetOffset(), Count: re.GetCount() + 1}),
		one(&wire.Array{Offset: re.GetOffset() + 8, Count: re.GetCount()}),
		one(&wire.Array{Offset: 1 << 60, Count: re.GetCount()}),
		one(&wire.Array{Data: make([]byte, 8*re.GetCount())}),
		one(&wire.Array{Data: make([]byte, 1<<20), Offset: re.GetOffset(), Count: re.GetCount()}),
	}[req.GetHandle()], nil
}

// quick has time limits for plugins that hang.
var quick = Options{Start: 300 * time.Millisecond, Silence: 300 * time.Millisecond}

func TestBadStart(t *testing.T) {
	t.Parallel() // it waits a lot
	patient := Options{Start: time.Minute}
	for _, c := range []struct {
		plugin string
		o      Options
		want   []string
	}{
		{"exits", patient, []string{"plugin exits could not start: it ended before it was ready: exit status 3", "\tno licence\n\tfound"}},
		{"silent", quick, []string{"plugin silent could not start: it was not ready after 300ms; want", "--plugin-start"}},
		{"greets", patient, []string{`wrote "Hello! Plugin starting.", which is no greeting`, "want nothing on standard output"}},
		{"shouts", patient, []string{`wrote "xxxxxxxx`, "which is no greeting"}},
		{"nowhere", Options{Start: 3 * time.Second}, []string{"did not answer", "/nowhere/socket"}},
		{"deaf", quick, []string{"was not ready after 300ms"}},
		{"future", patient, []string{"speaks version 99 of the plugin protocol, this audiosep version 1", "build the plugin with the SDK of this audiosep"}},
		{"past", patient, []string{"speaks version 0"}},
		{"netrpc", patient, []string{"did not answer", "netrpc"}},
		{"empty", patient, []string{"describes itself wrongly: it has no stages"}},
		{"nojson", patient, []string{"describes itself wrongly", "unexpected end of JSON"}},
		{"badname", patient, []string{`its name is "../x"; want lower_snake_case`}},
		{"nodoc", patient, []string{`stage "x": it has no doc; want a sentence`}},
		{"noports", patient, []string{`stage "x": it has no ports; want at least one`}},
		{"badport", patient, []string{`a port's name is "A-B"; want lower_snake_case`}},
		{"twinports", patient, []string{`two ports are called "a"`}},
		{"manyout", patient, []string{`output "a" is many; want one`}},
		{"badparam", patient, []string{`parameter "p": the default "" is not JSON; want a value`}},
		{"twice", patient, []string{`describes itself wrongly: two stages are called "x": "X." and "Y."; want a name of its own for each`}},
		{"twins", patient, []string{`describes itself wrongly: two stages are called "one": "Reads frames backwards." and "Copies frames."; want a name`}},
	} {
		t.Run(c.plugin, func(t *testing.T) {
			t.Parallel()
			h := newTestHost(t, c.o, c.plugin)
			_, err := h.Describe(t.Context(), c.plugin)
			checkError(t, err, append(c.want, "plugin "+c.plugin+" ", prefix+c.plugin+")"))
			h.Close()
			nothingLeft(t, h)
		})
	}
}

// checkError checks that err is an *Error with all these texts.
func checkError(t *testing.T, err error, want []string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, a %T; want a *plugins.Error", err, err)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error is\n%v\nwant it to have %q", err, w)
		}
	}
}

// nothingLeft checks that a host's plugins have left neither process nor socket.
func nothingLeft(t testing.TB, h *Host) {
	t.Helper()
	for _, dir := range h.o.Folders {
		if left := processes(t, dir); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-*", socketPrefix, os.Getpid())))
	for wait := time.Millisecond; len(dirs) > 0; wait *= 2 { // those of plugins that tests in parallel start go by themselves
		if wait > 20*time.Second {
			t.Errorf("folders are left: %v", dirs)
			return
		}
		time.Sleep(wait)
		dirs = slices.DeleteFunc(dirs, func(dir string) bool { _, err := os.Stat(dir); return err != nil })
	}
}

// processes returns the processes whose command line mentions dir.
func processes(t testing.TB, dir string) (found []string) {
	t.Helper()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		return nil // not Linux: nothing to see
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), dir) && filepath.Base(filepath.Dir(file)) != fmt.Sprint(os.Getpid()) {
			found = append(found, filepath.Base(filepath.Dir(file))+" "+strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

func TestBadTransform(t *testing.T) {
	t.Parallel() // it waits a lot
	for _, c := range []struct {
		how  string
		want []string
	}{
		{"exit", []string{"ended while in forward: exit status 3", "\tgiving up"}},
		{"exit0", []string{"ended while in forward: exit status 0"}},
		{"crash", []string{"ended while in forward: exit status 2", "\tpanic: elsewhere"}},
		{"kill", []string{"ended while in forward: signal: killed"}},
		{"stop", []string{"gave no sign of life for 2s while in forward; want steps that it reports (env.step in Python", "--plugin-silence"}},
		{"hang", []string{"gave no sign of life for 2s while in forward"}},
		{"nan", []string{"answered forward wrongly: re has NaN or infinity"}},
		{"inf", []string{"answered forward wrongly: re has NaN or infinity"}},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			o := Options{Silence: time.Minute} // a busy machine is silent for a while too
			if strings.HasPrefix(c.want[0], "gave no sign") {
				o.Silence = 2 * time.Second
			}
			h := newTestHost(t, o, "misbehaving")
			tr := badForward(t, h, "misbehaving", c.how)
			err := tr(t.Context())
			checkError(t, err, append(c.want, "misbehaving/bad: plugin misbehaving ("))
			if again := tr(t.Context()); again == nil {
				t.Error("the next call succeeded")
			}
			h.Close()
			nothingLeft(t, h)
		})
	}
	h := newTestHost(t, Options{}, "misbehaving")
	if err := badForward(t, h, "misbehaving", "error")(t.Context()); err == nil || err.Error() != "the frames are ugly; want pretty ones" {
		t.Errorf("error is %v; want the stage's", err)
	}
	err := badForward(t, h, "misbehaving", "panic")(t.Context())
	if lines := strings.Split(fmt.Sprint(err), "\n"); len(lines) != 3 || lines[0] != "the stage panicked: at the disco" ||
		!strings.Contains(lines[1], "badTransform.Forward(") || !strings.Contains(lines[2], "bad_test.go:") {
		t.Errorf("error is %v; want what the panic was and where", err)
	}
}

// badForward returns a function that calls Forward of a stage that goes wrong.
func badForward(t *testing.T, h *Host, plugin, how string) func(context.Context) error {
	t.Helper()
	tr, err := build[audiosep.Transformer](t, h, plugin, "bad", `{"how": "`+how+`"}`).Transform(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) error {
		return tr.Forward(ctx, audiosep.MakeCoefs(tr, 3), make([]float64, 12))
	}
}

// TestEndedWithOrphan has a plugin be killed whose child, in a session of its own, keeps the connection open: it is
// told as if there was no child, not as silence.
func TestEndedWithOrphan(t *testing.T) {
	t.Parallel() // it waits a lot
	h := newTestHost(t, Options{Silence: 5 * time.Second}, "misbehaving")
	err := badForward(t, h, "misbehaving", "orphan")(t.Context())
	checkError(t, err, []string{"ended while in forward: signal: killed"})
	if errors.Is(err, context.Canceled) {
		t.Errorf("error %v is that of a context; want it to be that of the plugin alone", err)
	}
	h.Close()
	nothingLeft(t, h)
}

func TestCancel(t *testing.T) {
	t.Parallel() // it waits a lot
	for _, how := range []string{"wait", "hang", "stop"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			h := newTestHost(t, Options{}, "misbehaving")
			forward := badForward(t, h, "misbehaving", how)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := forward(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error is %v; want that of the context", err)
			}
			h.Close()
			nothingLeft(t, h)
		})
	}
}

func TestBadFactorizer(t *testing.T) {
	t.Parallel() // it waits a lot
	h := newTestHost(t, Options{Silence: 2 * time.Second}, "misbehaving")
	factorize := func(how string) (*audiosep.Factors, error) {
		s := build[audiosep.Factorizer](t, h, "misbehaving", "bad_factors", `{"how": "`+how+`"}`)
		return s.Factorize(t.Context(), audiosep.Env{}, mat.NewDense(3, 5, nil), nil)
	}
	for how, want := range map[string]string{
		"no w":     "it gave no factors; want W and H",
		"nil":      "it gave no factors; want W and H",
		"wrong w":  "W is 4×2; want 3 rows",
		"wrong h":  "H is 2×6; want 5 columns",
		"ranks":    "H is 3×5; want 2 rows",
		"negative": "W has -1 in row 0",
		"nan":      "H has NaN in row 0",
	} {
		if _, err := factorize(how); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v; want %q", how, err, want)
		}
	}
	for how, want := range map[string]string{
		"hang": "gave no sign of life for 2s while in run",
		"exit": "ended while in run: exit status 4",
	} {
		_, err := factorize(how)
		checkError(t, err, []string{want, "misbehaving/bad_factors: plugin misbehaving"})
	}
}

// Steps are signs of life, and many of them do no harm.
func TestManySteps(t *testing.T) {
	t.Parallel() // it waits a lot
	h := newTestHost(t, Options{Silence: 2 * time.Second}, "misbehaving")
	for _, how := range []string{"slow", "chatter"} {
		s := build[audiosep.Factorizer](t, h, "misbehaving", "bad_factors", `{"how": "`+how+`"}`)
		if _, err := s.Factorize(t.Context(), audiosep.Env{}, mat.NewDense(3, 5, nil), nil); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
}

func TestLiar(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a plugin for each wrong answer")
	}
	t.Parallel() // it waits a lot
	h := newTestHost(t, Options{}, "liar")
	for how, want := range map[string]string{
		"length": "the transform is for frames of 5 samples; want 4", "bins": "the transform has 0 bins",
		"many bins": "the transform has 1152921504606846976 bins", "nothing": "the transform has neither a handle nor phi",
		"phi": "phi is 4×5; want 4×4", "frequencies": "there are 3 frequencies; want 4", "foreign": "there is no value with the handle 1000",
	} {
		_, err := build[audiosep.Transformer](t, h, "liar", "bad", `{"how": "`+how+`"}`).Transform(t.Context(), 4)
		checkError(t, err, []string{"answered run wrongly: ", want})
	}
	checkError(t, badForward(t, h, "liar", "")(t.Context()), []string{"answered forward wrongly: there are 0 arrays; want 1"})
	for i := 1; i <= 6; i++ {
		forward := badForward(t, h, "liar", strings.Repeat("x", i))
		checkError(t, forward(t.Context()), []string{"answered forward wrongly: re is", "of shared memory; want 12 at"})
	}
	tr, err := build[audiosep.Transformer](t, h, "liar", "bad", "").Transform(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	checkError(t, tr.Inverse(t.Context(), make([]float64, 4), audiosep.MakeCoefs(tr, 1)), []string{"does not serve inverse"})

	for how, want := range map[string]string{
		"nothing": "run wrongly: there is no result", "empty part": "run wrongly: there is no result", "missing": "run wrongly: there is no factors",
		"unknown port": `there is no port "extra"`, "twice": `port "factors" is there twice`, "no values": `port "factors" has 0 values; want one`,
		"two values": `port "factors" has 2 values; want one`, "wrong cargo": `port "factors": the value is of another cargo`, "empty value": "of another cargo, or empty",
		"not yours": "there is no value with the handle 77", "two results": "more after the result", "more": "more after the result",
		"wrong w": "W is 4×1; want 3 rows", "wrong h": "H is 1×4; want 5 columns", "no h": "there are no factors; want W and H", "huge": "that is too much",
		"big": "answered read wrongly: there are 0 arrays; want 1", "short": "w is 3×1 and has 2 numbers", "odd": "w is 13 bytes",
		"nan": "w has NaN", "negative": "W has -1 in row 1", "objective": "the objective has NaN", "group": `source "a" has component 2; want 1 to 1`,
		"framing": "a window has 0 bytes; want 32",
	} {
		s := build[audiosep.Factorizer](t, h, "liar", "bad_factors", `{"how": "`+how+`"}`)
		_, err := s.Factorize(t.Context(), audiosep.Env{}, mat.NewDense(3, 5, nil), nil)
		checkError(t, err, []string{"liar/bad_factors: plugin liar", "wrongly: ", want})
	}
	for how, want := range map[string]string{
		"rest of one": "the last of 1 sources is to be what the others leave; want two or more", "rest of none": "the last of 0 sources is to be",
		"rest of nothing": "want coefs", "": "answered separate wrongly: re is",
	} {
		s := stageOf(t, h, "liar", "bad_stems", `{"how": "`+how+`"}`)
		out, err := s.run(t.Context(), audiosep.Env{}, wired(goldenScene(t), s.def.In))
		if err == nil {
			_, err = audiosep.Collect(t.Context(), out["sources"].(audiosep.Stems))
		}
		checkError(t, err, []string{"liar/bad_stems: plugin liar", "wrongly: ", want})
	}
	h.Close()
	nothingLeft(t, h)
}

// TestBadEnd has plugins that do not want to go.
func TestBadEnd(t *testing.T) {
	t.Parallel() // it waits a lot
	for _, plugin := range []string{"clings", "breeds", "noisy"} {
		t.Run(plugin, func(t *testing.T) {
			t.Parallel()
			h := newTestHost(t, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, plugin)
			tr, err := build[audiosep.Transformer](t, h, plugin, "reverse", "").Transform(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			x := audiosep.MakeCoefs(tr, 1)
			if err := tr.Forward(t.Context(), x, []float64{1, 2}); err != nil || x.Re[0] != 2 {
				t.Fatal(err, x)
			}
			h.Close()
			nothingLeft(t, h)
		})
	}
}
