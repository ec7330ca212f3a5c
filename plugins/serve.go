package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// Version is what a plugin says its version is, such as 1.2.0; set it before Serve, or when
// linking. If it is empty the version is that of the module, which the go command takes from the
// tag of a commit.
var Version string

// Serve is the whole main function of a plugin with these stages: it serves them to the
// program that started it, and does not return.
func Serve(stages ...audiosep.Definition) { serveStages(stages, false) }

func serveStages(stages []audiosep.Definition, together bool) {
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		explainPlugin(os.Stderr, stages)
		os.Exit(2)
	}
	s := newServer(stages)
	s.together = together
	serve(s.register)
	os.Exit(0)
}

// ServeTogether is Serve for stages that may share one process: all those that a pipeline
// uses, and each as often as it uses it, so that what they have in common is loaded once.
func ServeTogether(stages ...audiosep.Definition) { serveStages(stages, true) }

// serve serves what register registers until the host wants it no more.
func serve(register func(*grpc.Server)) {
	go watchHost(os.Stdin)
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{protocol: {"stages": connection{register: register}}},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr}),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o,
				grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32),
				grpc.InitialWindowSize(windowBytes), grpc.InitialConnWindowSize(windowBytes),
				grpc.UnaryInterceptor(guardUnary), grpc.StreamInterceptor(guardStream))...)
		},
	})
}

// explainPlugin tells whoever started a plugin by hand what it is.
func explainPlugin(w io.Writer, stages []audiosep.Definition) {
	file := filepath.Base(os.Args[0])
	name := strings.TrimSuffix(strings.TrimPrefix(file, prefix), exe)
	fmt.Fprintf(w, "%s is a plugin of audiosep. It offers\n", file)
	for _, d := range stages {
		fmt.Fprintf(w, "\t%s/%s\t%s\n", name, d.Name, d.Doc)
	}
	for i, d := range stages {
		if slices.ContainsFunc(stages[:i], func(other audiosep.Definition) bool { return other.Name == d.Name }) {
			fmt.Fprintf(w, "Two stages are called %q, so it cannot be used; want a name of its own for each.\n", d.Name)
		}
	}
	fmt.Fprintf(w, "Name its folder with audiosep --plugins, or put it into one of\n\t%s\n", strings.Join(Folders(), "\n\t"))
}

// watchHost ends the process when the host is gone: nobody writes to standard input, so
// reading it ends when the last holder of its other side has.
func watchHost(stdin io.Reader) {
	io.Copy(io.Discard, stdin)
	os.Exit(1)
}

// server is the plugin's side of the wire.
type server struct {
	wire.UnimplementedPluginServer
	stages   []audiosep.Definition
	together bool // they may share this process
	stderr   *os.File
	link     *link
	asker    *asker

	once  sync.Once
	mu    sync.RWMutex
	built []*built // by handle - 1; nil when closed
}

// built is a stage with its description.
type built struct {
	def   audiosep.Definition
	stage any
}

func newServer(stages []audiosep.Definition) *server {
	defer os.Unsetenv(sharedEnv)
	memory := openShared()
	s := &server{stages: stages, stderr: os.Stderr, link: newLink(pluginArena(memory)), asker: newAsker()}
	s.link.parts = true
	s.link.call, s.link.close = s.asker.call, s.asker.close
	s.link.lasting = context.WithoutCancel
	if memory != nil {
		s.link.half(hostHalf(memory))
	}
	return s
}

func (s *server) register(g *grpc.Server) { wire.RegisterPluginServer(g, s) }

// place returns the calls that led to a panic, innermost first, at most six of them, each with
// its line.
func place(stack string) string {
	at := strings.LastIndex(stack, "\npanic(") // the first panic, where one led to another
	if at < 0 {
		return ""
	}
	lines := strings.Split(stack[at+1:], "\n") // a call is two lines
	if len(lines) < 4 {
		return ""
	}
	lines = lines[2:]
	for i, l := range lines {
		ours := strings.Contains(l, "audiosep/plugins.(*query)") || strings.Contains(l, "audiosep/plugins.(*server)") || strings.Contains(l, "audiosep/audiosep.(*SeparatedStems)")
		if i == 12 || ours || strings.HasPrefix(l, "google.golang.org/grpc") {
			lines = lines[:i]
			break
		}
		if at := strings.LastIndex(l, "("); i%2 == 0 && at >= 0 { // its arguments are addresses
			lines[i] = l[:at] + "(…)"
		}
	}
	return "\n\t" + strings.Join(lines, "\n\t")
}

// guarded turns a panic of a stage into an error with the place of it.
func guarded(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			stack := debug.Stack()
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", r, stack)
			err = status.Errorf(codes.Unknown, "the stage panicked: %v%s", r, place(string(stack)))
		}
	}()
	return do()
}

func guardUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (reply any, err error) {
	err = guarded(func() error {
		reply, err = handle(ctx, req)
		return err
	})
	if asked := whichAsked(err); asked != nil {
		grpc.SetTrailer(ctx, asked)
	}
	return reply, err
}

func guardStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	err := guarded(func() error { return handle(srv, stream) })
	if asked := whichAsked(err); asked != nil {
		stream.SetTrailer(asked)
	}
	return err
}

func (s *server) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeReply, error) {
	// go-plugin has put pipes in the place of these, which lose what is written just
	// before a crash. The host reads the true standard error.
	s.once.Do(func() { os.Stdout, os.Stderr = s.stderr, s.stderr })
	text, err := json.Marshal(s.stages)
	if err != nil {
		return nil, err
	}
	version := Version
	if info, ok := debug.ReadBuildInfo(); version == "" && ok && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	return &wire.DescribeReply{Definitions: string(text), Version: version, Sdk: runtime.Version(), SharedMemory: s.link.memory != nil, Asks: true, OneProcess: s.together}, nil
}

func (s *server) Build(_ context.Context, req *wire.BuildRequest) (*wire.BuildReply, error) {
	b, err := s.build(req.GetStage(), req.GetParams())
	if faults, ok := paramFaults(err); ok {
		return &wire.BuildReply{Faults: faults}, nil
	}
	if err != nil {
		return nil, err
	}
	reply := new(wire.BuildReply)
	_, reply.Prepares = b.stage.(audiosep.Preparer)
	_, reply.Commits = b.stage.(audiosep.Committer)
	_, reply.Withdraws = b.stage.(audiosep.Withdrawer)
	_, reply.Forecasts = b.stage.(audiosep.Forecaster)
	_, reply.Closes = b.stage.(io.Closer)
	if !req.GetCheck() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.built = append(s.built, b)
		reply.Stage = uint64(len(s.built))
	}
	return reply, nil
}

func (s *server) build(name, params string) (*built, error) {
	for _, d := range s.stages {
		if d.Name == name {
			stage, err := d.Build(json.RawMessage(params))
			return &built{d, stage}, err
		}
	}
	return nil, fmt.Errorf("there is no stage %q", name)
}

// stage returns the stage of a handle.
func (s *server) stage(handle uint64) (*built, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if handle < 1 || handle > uint64(len(s.built)) || s.built[handle-1] == nil {
		return nil, fmt.Errorf("there is no stage with the handle %d", handle)
	}
	return s.built[handle-1], nil
}

// stageThat returns the stage of a handle, which must be an S.
func stageThat[S any](s *server, handle uint64) (stage S, err error) {
	b, err := s.stage(handle)
	if err != nil {
		return stage, err
	}
	stage, ok := b.stage.(S)
	if !ok {
		return stage, status.Errorf(codes.Unimplemented, "stage %d is a %T; want a %v", handle, b.stage, reflect.TypeFor[S]())
	}
	return stage, nil
}

func (s *server) Forecast(_ context.Context, req *wire.ForecastRequest) (*wire.ForecastReply, error) {
	b, err := s.build(req.GetStage(), req.GetParams())
	if err != nil {
		return nil, err
	}
	f, ok := b.stage.(audiosep.Forecaster)
	if !ok {
		return &wire.ForecastReply{}, nil
	}
	in, err := forecastsFrom(req.GetInputs())
	if err != nil {
		return nil, err
	}
	out, err := f.Forecast(in)
	if faults, ok := paramFaults(err); ok {
		return &wire.ForecastReply{Faults: faults}, nil
	}
	return &wire.ForecastReply{Outputs: forecastsTo(out)}, err
}

func (s *server) Prepare(ctx context.Context, req *wire.PrepareRequest) (*wire.Empty, error) {
	p, err := stageThat[audiosep.Preparer](s, req.GetStage())
	if err != nil {
		return nil, err
	}
	h, err := headFrom(req.GetHead())
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, p.Prepare(inCall(ctx, req.GetCall()), audiosep.Plan{Head: h, Sources: req.GetSources(), Inputs: req.GetInputs()})
}

func (s *server) Commit(ctx context.Context, req *wire.StageRequest) (*wire.Empty, error) {
	c, err := stageThat[audiosep.Committer](s, req.GetStage())
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, c.Commit(inCall(ctx, req.GetCall()))
}

func (s *server) Withdraw(ctx context.Context, req *wire.StageRequest) (*wire.Empty, error) {
	w, err := stageThat[audiosep.Withdrawer](s, req.GetStage())
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, w.Withdraw(inCall(ctx, req.GetCall()))
}

func (s *server) Close(_ context.Context, req *wire.CloseRequest) (*wire.Empty, error) {
	s.link.forget(req.GetValues()...)
	s.link.unkeep(req.GetKept()...)
	if req.GetStage() == 0 {
		return &wire.Empty{}, nil
	}
	b, err := s.stage(req.GetStage())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.built[req.GetStage()-1] = nil
	s.mu.Unlock()
	if c, ok := b.stage.(io.Closer); ok {
		return &wire.Empty{}, c.Close()
	}
	return &wire.Empty{}, nil
}

func (s *server) Read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	return s.link.answer(inCall(ctx, req.GetCall()), req)
}

func (s *server) Ask(stream grpc.BidiStreamingServer[wire.Answer, wire.Question]) error {
	return s.asker.serve(stream)
}

func (s *server) Run(req *wire.RunRequest, stream grpc.ServerStreamingServer[wire.RunReply]) error {
	b, err := s.stage(req.GetStage())
	if err != nil {
		return err
	}
	ctx := inCall(stream.Context(), req.GetCall())
	take := &receiver{link: s.link, ctx: ctx}
	in, err := take.ports(b.def.In, req.GetInputs())
	if err != nil {
		return err
	}
	said := &saying{stream: stream, asker: s.asker, call: req.GetCall().GetId()}
	defer said.over()
	out, err := b.def.Run(ctx, said.env(req.GetEnv()), b.stage, in)
	if err != nil {
		return err
	}
	ports, err := (&sender{link: s.link, ctx: ctx}).ports(b.def.Out, out)
	if err != nil {
		return err
	}
	return said.send(&wire.RunReply{Part: &wire.RunReply_Result{Result: &wire.Result{Outputs: ports}}})
}

// saying passes on what a stage says while it runs, and afterwards what its outputs do.
type saying struct {
	asker *asker
	call  uint64

	mu     sync.Mutex                                // a stream is for one sender at a time, an Env is for many
	stream grpc.ServerStreamingServer[wire.RunReply] // nil when the run is over
}

func (s *saying) send(reply *wire.RunReply) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		s.asker.say(s.call, reply)
		return nil
	}
	return s.stream.Send(reply)
}

func (s *saying) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = nil
}

func (s *saying) env(e *wire.Env) audiosep.Env {
	env := audiosep.Env{Seed: e.GetSeed(), Progress: func(st audiosep.Step) {
		s.send(&wire.RunReply{Part: &wire.RunReply_Step{Step: &wire.Step{Done: uint64(st.Done), Of: uint64(st.Of), Objective: st.Objective}}})
	}}
	if e.GetLog() {
		env.Log = slog.New(logHandler{send: s.send})
	}
	for _, w := range e.GetWiring() {
		if env.Wiring == nil {
			env.Wiring = map[string][]string{}
		}
		env.Wiring[w.GetPort()] = w.GetStages()
	}
	return env
}

// logHandler sends records as text.
type logHandler struct {
	send  func(*wire.RunReply) error
	attrs []slog.Attr
}

func (h logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	add := func(a slog.Attr) bool { text += " " + a.String(); return true }
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	return h.send(&wire.RunReply{Part: &wire.RunReply_Log{Log: &wire.Log{Level: int32(r.Level), Text: text}}})
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.send, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h logHandler) WithGroup(string) slog.Handler { return h }
