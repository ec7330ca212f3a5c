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
	"strings"
	"syscall"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"google.golang.org/grpc"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// badPlugins are plugins that misbehave before they serve, or in what they serve.
var badPlugins = map[string]func(){
	"exits":   func() { fmt.Fprintln(os.Stderr, "no licence\nfound"); os.Exit(3) },
	"silent":  func() { select {} },
	"greets":  func() { fmt.Println("Hello! Plugin starting."); select {} },
	"shouts":  func() { os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<20)); select {} },
	"nowhere": func() { fmt.Println("1|1|unix|/nowhere/socket|grpc|"); select {} },
	"deaf":    func() { listen("1"); select {} },
	"future":  func() { listen("99"); select {} },
	"past":    func() { fmt.Println("1|0|unix|/nowhere/socket|grpc|"); os.Exit(0) },
	"netrpc":  func() { fmt.Println("1|1|unix|/nowhere/socket|netrpc|"); select {} },
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
	"liar":        func() { serve(func(g *grpc.Server) { lie(g, newServer(badStages)) }) },
	"empty":       describes(`[]`),
	"nojson":      describes(`{"Name":`),
	"newer":       describes(`[{"Name": "x", "Doc": "X.", "Kind": "transformer", "Params": null, "Colour": 1}]`),
	"badname":     describes(`[{"Name": "../x", "Doc": "X.", "Kind": "transformer", "Params": null}]`),
	"badkind":     describes(`[{"Name": "x", "Doc": "X.", "Kind": "toaster", "Params": null}]`),
	"badparam":    describes(`[{"Name": "x", "Doc": "X.", "Kind": "transformer", "Params": [{"Name": "p", "Type": "colour", "Doc": "P.", "Default": 1}]}]`),
	"twice":       describes(`[{"Name": "x", "Doc": "X.", "Kind": "framer", "Params": null}, {"Name": "x", "Doc": "X.", "Kind": "framer", "Params": null}]`),
	"misbehaving": func() { Serve(badStages...) },
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
		select {}
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stop":
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour)
	case "hang":
		select {}
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
		select {}
	case "slow": // longer than the limit, but with signs of life
		for i := range 20 {
			time.Sleep(50 * time.Millisecond)
			env.Report(audiosep.Step{Done: i, Of: 20})
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

// lie registers servers that break the protocol in the way that the stage's parameter says.
func lie(g *grpc.Server, s *server) {
	wire.RegisterPluginServer(g, s)
	wire.RegisterTransformerServer(g, liar{server: s})
	wire.RegisterTransformServer(g, lyingTransform{})
	wire.RegisterFactorizerServer(g, lyingFactorizer{server: s})
}

type liar struct {
	wire.UnimplementedTransformerServer
	*server
}

func (l liar) GetTransform(_ context.Context, req *wire.TransformRequest) (*wire.TransformInfo, error) {
	stage, err := stageOf[badTransform](l.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	info := &wire.TransformInfo{Length: req.GetLength(), Bins: req.GetLength(), Transform: uint64(len(stage.How))}
	switch stage.How {
	case "length":
		info.Length++
	case "bins":
		info.Bins = 0
	case "many bins":
		info.Bins = 1 << 60
	case "info":
		return &wire.TransformInfo{}, nil
	}
	return info, nil
}

type lyingTransform struct {
	wire.UnimplementedTransformServer
}

// Forward lies in a way that depends on the transform's number. Inverse is missing.
func (lyingTransform) Forward(_ context.Context, req *wire.ForwardRequest) (*wire.ForwardReply, error) {
	re := req.GetReTo()
	return []*wire.ForwardReply{
		nil,
		{},
		{Re: &wire.Array{Offset: re.GetOffset(), Count: re.GetCount() + 1}},
		{Re: &wire.Array{Offset: re.GetOffset() + 8, Count: re.GetCount()}},
		{Re: &wire.Array{Offset: 1 << 60, Count: re.GetCount()}},
		{Re: &wire.Array{Data: make([]byte, 8*re.GetCount())}},
		{Re: &wire.Array{Data: make([]byte, 1<<20), Offset: re.GetOffset(), Count: re.GetCount()}},
	}[req.GetTransform()], nil
}

type lyingFactorizer struct {
	wire.UnimplementedFactorizerServer
	*server
}

func (l lyingFactorizer) Factorize(st stream) error {
	j, err := receive(st)
	if err != nil {
		return err
	}
	stage, err := stageOf[badFactorizer](l.server, j.GetStage())
	if err != nil {
		return err
	}
	result := func(shapes ...*wire.Shape) error {
		return j.send(&wire.Output{Part: &wire.Output_Result{Result: &wire.Result{Arrays: shapes}}})
	}
	chunk := func(n int) error {
		return j.send(&wire.Output{Part: &wire.Output_Chunk{Chunk: make([]byte, n)}})
	}
	w, h := &wire.Shape{Name: "w", Rows: 3, Columns: 1}, &wire.Shape{Name: "h", Rows: 1, Columns: 5}
	switch stage.How {
	case "nothing":
	case "chunk first":
		chunk(8)
	case "empty part":
		j.send(&wire.Output{})
	case "unknown array":
		result(w, h, &wire.Shape{Name: "extra", Rows: 1, Columns: 1})
	case "twice":
		result(w, w)
	case "huge":
		result(&wire.Shape{Name: "w", Rows: 3, Columns: 1 << 62}, h)
	case "big":
		result(&wire.Shape{Name: "w", Rows: 3, Columns: 1 << 30}, h)
	case "short":
		result(w, h)
		chunk(24)
	case "odd chunk":
		result(w, h)
		chunk(13)
	case "empty chunk":
		result(w, h)
		chunk(0)
	case "long chunk":
		result(w, h)
		chunk(1 << 20)
	case "step within":
		result(w, h)
		j.env.Report(audiosep.Step{})
	case "more":
		result(w, h)
		chunk(24)
		chunk(40)
		chunk(8)
	case "two results":
		result(w, h)
		chunk(24)
		chunk(40)
		result()
	}
	return nil
}

// quick has time limits for plugins that hang.
var quick = Options{Start: 300 * time.Millisecond, Silence: 300 * time.Millisecond}

func TestBadStart(t *testing.T) {
	patient := Options{Start: 20 * time.Second}
	for _, c := range []struct {
		plugin string
		o      Options
		want   []string
	}{
		{"exits", patient, []string{"ended before it was ready: exit status 3", "\tno licence\n\tfound"}},
		{"silent", quick, []string{"was not ready in time"}},
		{"greets", patient, []string{`wrote "Hello! Plugin starting.", which is no greeting`, "want nothing on standard output"}},
		{"shouts", patient, []string{`wrote "xxxxxxxx`, "which is no greeting"}},
		{"nowhere", Options{Start: 3 * time.Second}, []string{"did not answer", "/nowhere/socket"}},
		{"deaf", quick, []string{"was not ready in time"}},
		{"future", patient, []string{"speaks version 99 of the plugin protocol, this audiosep version 1", "build the plugin with the SDK of this audiosep"}},
		{"past", patient, []string{"speaks version 0"}},
		{"netrpc", patient, []string{"did not answer", "netrpc"}},
		{"empty", patient, []string{"describes itself wrongly: it has no stages"}},
		{"nojson", patient, []string{"describes itself wrongly", "unexpected EOF"}},
		{"newer", patient, []string{"describes itself wrongly", "Colour"}},
		{"badname", patient, []string{`its name is "../x"; want lower_snake_case`}},
		{"badkind", patient, []string{`its kind is "toaster"; want one of [source framer`}},
		{"badparam", patient, []string{`parameter "p": the type is "colour"; want int`}},
		{"twice", patient, []string{`two stages are called "x"`}},
	} {
		t.Run(c.plugin, func(t *testing.T) {
			h := newTestHost(t, c.o, c.plugin)
			_, err := h.Describe(t.Context(), c.plugin)
			checkError(t, err, append(c.want, "plugin "+c.plugin+" ("))
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
	if dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-*", socketPrefix, os.Getpid()))); len(dirs) > 0 {
		t.Errorf("folders are left: %v", dirs)
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
	for _, c := range []struct {
		how  string
		want []string
	}{
		{"exit", []string{"ended while in forward: exit status 3", "\tgiving up"}},
		{"exit0", []string{"ended while in forward: exit status 0"}},
		{"crash", []string{"ended while in forward: exit status 2", "\tpanic: elsewhere"}},
		{"kill", []string{"ended while in forward: signal: killed"}},
		{"stop", []string{"gave no sign of life for 300ms while in forward"}},
		{"hang", []string{"gave no sign of life for 300ms while in forward"}},
		{"nan", []string{"answered forward wrongly: re has NaN or infinity"}},
		{"inf", []string{"answered forward wrongly: re has NaN or infinity"}},
	} {
		t.Run(c.how, func(t *testing.T) {
			o := Options{Silence: 300 * time.Millisecond}
			if strings.HasPrefix(c.want[0], "ended") {
				o.Silence = time.Minute
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
	for how, want := range map[string]string{
		"panic": "the stage panicked: at the disco", "error": "the frames are ugly; want pretty ones",
	} {
		h := newTestHost(t, Options{}, "misbehaving")
		if err := badForward(t, h, "misbehaving", how)(t.Context()); err == nil || err.Error() != want {
			t.Errorf("error is %v; want %q", err, want)
		}
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

func TestCancel(t *testing.T) {
	for _, how := range []string{"wait", "hang", "stop"} {
		t.Run(how, func(t *testing.T) {
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
	h := newTestHost(t, Options{Silence: 500 * time.Millisecond}, "misbehaving")
	factorize := func(how string) (*audiosep.Factors, error) {
		s := build[audiosep.Factorizer](t, h, "misbehaving", "bad_factors", `{"how": "`+how+`"}`)
		return s.Factorize(t.Context(), audiosep.Env{}, mat.NewDense(3, 5, nil), nil)
	}
	for how, want := range map[string]string{
		"no w":     "answered factorize wrongly: there is no w",
		"wrong w":  "answered factorize wrongly: w is 4×2; want 3×(at most 65536)",
		"wrong h":  "answered factorize wrongly: h is 2×6; want (at most 65536)×5",
		"ranks":    "H is 3×5; want 2 rows",
		"negative": "W has -1 in row 0",
		"nan":      "h has NaN",
		"hang":     "gave no sign of life for 500ms while in factorize",
		"exit":     "ended while in factorize: exit status 4",
	} {
		_, err := factorize(how)
		checkError(t, err, []string{want, "misbehaving/bad_factors: plugin misbehaving"})
	}
	if _, err := factorize("nil"); err == nil || err.Error() != "the stage gave no factors" {
		t.Errorf("error is %v; want that there are no factors", err)
	}
	for _, how := range []string{"slow", "chatter"} {
		if _, err := factorize(how); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
}

func TestLiar(t *testing.T) {
	h := newTestHost(t, Options{}, "liar")
	for how, want := range map[string]string{
		"length": "the transform is for frames of 5 samples; want 4", "bins": "the transform has 0 bins",
		"many bins": "the transform has 1152921504606846976 bins", "info": "for frames of 0 samples; want 4",
	} {
		_, err := build[audiosep.Transformer](t, h, "liar", "bad", `{"how": "`+how+`"}`).Transform(t.Context(), 4)
		checkError(t, err, []string{"answered transform wrongly: ", want})
	}
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
		"nothing": "there is no result", "chunk first": "a chunk came before the result", "empty part": "before the result",
		"unknown array": `an array "extra" that was not asked for`, "twice": `an array "w" that was not asked for`,
		"huge": "want 3×(at most 65536)", "big": "want 3×(at most 65536)", "short": "there is no result",
		"odd chunk": "a chunk of 13 bytes came where 3 numbers were wanted", "empty chunk": "a chunk of 0 bytes",
		"long chunk": "a chunk of 1048576 bytes", "step within": "arrays are not complete", "more": "more after the result", "two results": "more after the result",
	} {
		s := build[audiosep.Factorizer](t, h, "liar", "bad_factors", `{"how": "`+how+`"}`)
		_, err := s.Factorize(t.Context(), audiosep.Env{}, mat.NewDense(3, 5, nil), nil)
		checkError(t, err, []string{"answered factorize wrongly: ", want})
	}
	h.Close()
	nothingLeft(t, h)
}

// TestBadEnd has plugins that do not want to go.
func TestBadEnd(t *testing.T) {
	for _, plugin := range []string{"clings", "breeds", "noisy"} {
		t.Run(plugin, func(t *testing.T) {
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
