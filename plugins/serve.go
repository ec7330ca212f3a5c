package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// Serve is the whole main function of a plugin with these stages: it serves them to the
// program that started it, and does not return. Stages may be of every kind but
// model readers and writers.
func Serve(stages ...audiosep.Definition) {
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		explainPlugin(os.Stderr, stages)
		os.Exit(2)
	}
	serve(newServer(stages).register)
	os.Exit(0)
}

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
	stages []audiosep.Definition
	stderr *os.File
	memory []byte // shared with the host; nil if there is none
	// touched is where pages of memory begin that this process has not used.
	touched atomic.Uint64

	once       sync.Once
	mu         sync.RWMutex
	built      []any                // handle-1 -> stage
	transforms []audiosep.Transform // handle-1 -> transform
}

func newServer(stages []audiosep.Definition) *server {
	defer os.Unsetenv(sharedEnv)
	return &server{stages: stages, stderr: os.Stderr, memory: openShared()}
}

func (s *server) register(g *grpc.Server) {
	wire.RegisterPluginServer(g, s)
	wire.RegisterSourceServer(g, sourceServer{server: s})
	wire.RegisterSinkServer(g, sinkServer{server: s})
	wire.RegisterFramerServer(g, framerServer{server: s})
	wire.RegisterTransformerServer(g, transformerServer{server: s})
	wire.RegisterTransformServer(g, transformServer{server: s})
	wire.RegisterTransformLearnerServer(g, learnerServer{server: s})
	wire.RegisterJointLearnerServer(g, jointServer{server: s})
	wire.RegisterFactorizerServer(g, factorizerServer{server: s})
	wire.RegisterActivatorServer(g, activatorServer{server: s})
	wire.RegisterSeparatorServer(g, separatorServer{server: s})
}

// guarded turns a panic of a stage into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", r, debug.Stack())
			err = status.Errorf(codes.Unknown, "the stage panicked: %v", r)
		}
	}()
	return do()
}

func guardUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (reply any, err error) {
	err = guarded(func() error {
		reply, err = handle(ctx, req)
		return err
	})
	return reply, err
}

func guardStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	return guarded(func() error { return handle(srv, stream) })
}

func (s *server) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeReply, error) {
	// go-plugin has put pipes in the place of these, which lose what is written just
	// before a crash. The host reads the true standard error.
	s.once.Do(func() { os.Stdout, os.Stderr = s.stderr, s.stderr })
	told := make([]definition, len(s.stages))
	for i, d := range s.stages {
		var err error
		if told[i], err = wireDefinition(d); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	return &wire.DescribeReply{Definitions: string(text), Version: version, Sdk: runtime.Version(), SharedMemory: s.memory != nil}, nil
}

func (s *server) Build(_ context.Context, req *wire.BuildRequest) (*wire.BuildReply, error) {
	for _, d := range s.stages {
		if d.Name != req.GetStage() {
			continue
		}
		built, err := d.Build(json.RawMessage(req.GetParams()))
		if faults, ok := audiosep.AsParamErrors(err); ok {
			reply := new(wire.BuildReply)
			for _, f := range faults {
				reply.Faults = append(reply.Faults, &wire.ParamFault{Name: f.Name, What: f.What, Hint: f.Hint})
			}
			return reply, nil
		}
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.built = append(s.built, built)
		return &wire.BuildReply{Stage: uint64(len(s.built))}, nil
	}
	return nil, fmt.Errorf("there is no stage %q", req.GetStage())
}

// stageOf returns the stage of a handle, which must be of kind S.
func stageOf[S any](s *server, handle uint64) (stage S, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if handle < 1 || handle > uint64(len(s.built)) {
		return stage, fmt.Errorf("there is no stage with the handle %d", handle)
	}
	stage, ok := s.built[handle-1].(S)
	if !ok {
		return stage, fmt.Errorf("stage %d is a %T; want another kind", handle, s.built[handle-1])
	}
	return stage, nil
}

// info gives t a handle.
func (s *server) info(t audiosep.Transform) *wire.TransformInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transforms = append(s.transforms, t)
	return &wire.TransformInfo{Transform: uint64(len(s.transforms)), Length: uint64(t.Len()), Bins: uint64(t.Bins()), Complex: t.Complex()}
}

func (s *server) transform(handle uint64) (audiosep.Transform, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if handle < 1 || handle > uint64(len(s.transforms)) {
		return nil, fmt.Errorf("there is no transform with the handle %d", handle)
	}
	return s.transforms[handle-1], nil
}

// in returns the numbers of an array, of which there must be n. They may be shared
// with the host: they are not to be written to.
func (s *server) in(what string, a *wire.Array, n uint64) ([]float64, error) {
	if a.GetOffset() != 0 {
		return s.shared(what, a, n)
	}
	if uint64(len(a.GetData())) != 8*n {
		return nil, fmt.Errorf("%s is %d bytes; want %d, 8 for each of %d numbers", what, len(a.GetData()), 8*n, n)
	}
	return decode(a.GetData()), nil
}

// room returns where n numbers of an answer are to be written.
func (s *server) room(what string, a *wire.Array, n uint64) ([]float64, error) {
	if a.GetOffset() != 0 {
		return s.shared(what, a, n)
	}
	if a.GetCount() != n {
		return nil, fmt.Errorf("%s is to have %d numbers; want %d", what, a.GetCount(), n)
	}
	return make([]float64, n), nil
}

func (s *server) shared(what string, a *wire.Array, n uint64) ([]float64, error) {
	size := uint64(len(s.memory))
	if a.GetCount() != n || a.GetOffset()%8 != 0 || a.GetOffset() > size || n > (size-a.GetOffset())/8 {
		return nil, fmt.Errorf("%s is %d numbers at %d of %d bytes of shared memory; want %d", what, a.GetCount(), a.GetOffset(), size, n)
	}
	end := a.GetOffset() + 8*n
	if from := s.touched.Load(); end > from && s.touched.CompareAndSwap(from, end) {
		touch(s.memory[from:end])
	}
	return decode(s.memory[a.GetOffset():end]), nil
}

// reply returns the array of an answer that was written to x, from room.
func reply(to *wire.Array, x []float64) *wire.Array {
	if to == nil {
		return nil
	}
	if to.GetOffset() != 0 {
		return to
	}
	return &wire.Array{Data: encode(x), Count: to.GetCount()}
}

// logHandler sends records as text.
type logHandler struct {
	send  func(*wire.Output) error
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
	return h.send(&wire.Output{Part: &wire.Output_Log{Log: &wire.Log{Level: int32(r.Level), Text: text}}})
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.send, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h logHandler) WithGroup(string) slog.Handler { return h }

// job is a streaming call: what was asked, and how to answer.
type job struct {
	*wire.Job
	arrays map[string]array
	env    audiosep.Env
	send   func(*wire.Output) error
}

// newJob returns a job whose Env sends what it is told to the host.
func newJob(e *wire.Env, send func(*wire.Output) error) *job {
	var mu sync.Mutex // a stream is for one sender at a time, an Env is for many
	j := &job{send: func(out *wire.Output) error {
		mu.Lock()
		defer mu.Unlock()
		return send(out)
	}}
	j.env = audiosep.Env{Seed: e.GetSeed(), Progress: func(st audiosep.Step) {
		j.send(&wire.Output{Part: &wire.Output_Step{Step: &wire.Step{Done: uint64(st.Done), Of: uint64(st.Of), Objective: st.Objective}}})
	}}
	if e.GetLog() {
		j.env.Log = slog.New(logHandler{send: j.send})
	}
	return j
}

type stream = grpc.BidiStreamingServer[wire.Input, wire.Output]

// receive receives a job and its arrays.
func receive(st stream) (*job, error) {
	first, err := st.Recv()
	if err != nil {
		return nil, err
	}
	if first.GetJob() == nil {
		return nil, errors.New("a chunk came before the job")
	}
	j := newJob(first.GetJob().GetEnv(), st.Send)
	j.Job = first.GetJob()
	j.arrays, err = recvArrays(j.GetArrays(), func() ([]byte, error) {
		in, err := st.Recv()
		return in.GetChunk(), err
	})
	if err != nil {
		return nil, err
	}
	return j, nil
}

// answer sends a result and its arrays.
func (j *job) answer(res *wire.Result, arrays []array) error {
	res.Arrays = shapes(arrays)
	if err := j.send(&wire.Output{Part: &wire.Output_Result{Result: res}}); err != nil {
		return err
	}
	return sendArrays(arrays, func(chunk []byte) error {
		return j.send(&wire.Output{Part: &wire.Output_Chunk{Chunk: chunk}})
	})
}

func (j *job) factors() *audiosep.Factors { return factorsFrom(j.arrays, "") }

// initTransform returns the transform that a learner starts from, nil if there is none.
func (j *job) initTransform() (audiosep.Transform, error) {
	a, ok := j.arrays["phi"]
	if !ok {
		return nil, nil
	}
	return audiosep.NewMatrixTransform(a.dense())
}
