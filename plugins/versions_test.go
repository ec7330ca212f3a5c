//go:build unix

package plugins

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

func init() {
	badPlugins["tomorrow"] = func() {
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, tomorrow{newServer(testStages)}) })
	}
	badPlugins["yesterday"] = func() {
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, yesterday{server: newServer(testStages)}) })
	}
}

// withNews adds a field that nobody knows.
func withNews[M proto.Message](m M) M {
	field := protowire.AppendTag(nil, 1000, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendString(field, "tomorrow's news"))
	return m
}

// tomorrow is a plugin made for a newer audiosep: what it says has more in it, and it has
// stages that are for that alone.
type tomorrow struct{ *server }

func (s tomorrow) Describe(ctx context.Context, req *wire.DescribeRequest) (*wire.DescribeReply, error) {
	reply, err := s.server.Describe(ctx, req)
	if err != nil {
		return nil, err
	}
	var stages []map[string]any
	if err := json.Unmarshal([]byte(reply.Definitions), &stages); err != nil {
		return nil, err
	}
	for _, st := range stages {
		st["Colour"] = map[string]any{"r": 1}
		st["Promises"] = append([]any{"tasty"}, list(st["Promises"])...)
		for _, part := range slices.Concat(list(st["In"]), list(st["Out"]), list(st["Params"])) {
			part.(map[string]any)["Flavour"] = "sweet"
		}
	}
	port := []any{map[string]any{"Name": "audio", "Cargo": "audio"}}
	param := map[string]any{"Name": "p", "Doc": "P.", "Type": "string", "Default": nil}
	with := func(key string, value any) []any {
		own := map[string]any{key: value}
		for k, v := range param {
			if own[k] == nil {
				own[k] = v
			}
		}
		return []any{own}
	}
	stages = append(stages,
		map[string]any{"Name": "smells", "Doc": "S.", "In": port, "Out": []any{map[string]any{"Name": "smell", "Cargo": "smells"}}},
		map[string]any{"Name": "coloured", "Doc": "C.", "In": port, "Params": with("Type", "[]colour")},
		map[string]any{"Name": "folders", "Doc": "F.", "In": port, "Params": with("File", "folder")},
		map[string]any{"Name": "shaped", "Doc": "S.", "In": map[string]any{"audio": "audio"}},
	)
	text, err := json.Marshal(stages)
	reply.Definitions = string(text)
	return withNews(reply), err
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func (s tomorrow) Build(ctx context.Context, req *wire.BuildRequest) (*wire.BuildReply, error) {
	reply, err := s.server.Build(ctx, req)
	return withNews(reply), err
}

func (s tomorrow) Read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	reply, err := s.server.Read(ctx, req)
	return withNews(reply), err
}

func (s tomorrow) Run(req *wire.RunRequest, stream grpc.ServerStreamingServer[wire.RunReply]) error {
	for _, q := range []*wire.Question{withNews(&wire.Question{Id: 1 << 40}), {Id: 1 << 41, What: &wire.Question_Read{Read: &wire.ReadRequest{Handle: 1}}}} {
		answer := make(chan *wire.Answer, 1)
		s.asker.mu.Lock()
		s.asker.waiting[q.Id] = answer
		s.asker.mu.Unlock()
		s.asker.send(stream.Context(), q)
		if a := <-answer; !strings.Contains(a.GetError(), "is not known") {
			return &badReply{"the host has answered a question that nobody knows"}
		}
	}
	stream.Send(withNews(&wire.RunReply{}))
	return s.server.Run(req, newsStream{stream})
}

type newsStream struct {
	grpc.ServerStreamingServer[wire.RunReply]
}

func (s newsStream) Send(reply *wire.RunReply) error {
	for _, p := range reply.GetResult().GetOutputs() {
		for _, v := range p.GetValues() {
			withNews(v)
		}
		withNews(p)
	}
	return s.ServerStreamingServer.Send(withNews(reply))
}

// TestNewerPlugin uses a plugin that was made for a newer audiosep.
func TestNewerPlugin(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newTestHost(t, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}, "tomorrow")
	defs, err := h.Describe(t.Context(), "tomorrow")
	if err != nil {
		t.Fatal(err)
	}
	if len(defs) != len(testStages) {
		t.Errorf("there are %d stages; want %d", len(defs), len(testStages))
	}
	for i, d := range defs {
		if d.Name != "tomorrow/"+testStages[i].Name || !slices.Equal(d.Promises, testStages[i].Promises) {
			t.Errorf("stage %s promises %v; want %s, %v", d.Name, d.Promises, testStages[i].Name, testStages[i].Promises)
		}
	}
	for stage, reason := range map[string]string{
		"smells": `of the cargo \"smells\"`, "coloured": `the type is \"[]colour\"`, "folders": `File is \"folder\"`, "shaped": "of a form that is not known",
	} {
		found := false
		for line := range strings.Lines(log.String()) {
			found = found || strings.Contains(line, "level=WARN") && strings.Contains(line, "stage=tomorrow/"+stage) && strings.Contains(line, reason) && strings.Contains(line, "newer audiosep")
		}
		if !found {
			t.Errorf("the log is\n%s\nwant a warning of %s with %q", log.String(), stage, reason)
		}
		if why := h.LeftOut()["tomorrow/"+stage]; !strings.Contains(why, strings.ReplaceAll(reason, `\"`, `"`)) {
			t.Errorf("%s is left out as %q; want %q", stage, why, reason)
		}
	}
	in := scene(t, "reverse")
	for stage, port := range map[string]string{"wrap": "", "blur": "coefs", "factor": "power"} {
		take := in
		if port != "" {
			take = audiosep.Values{port: in[port]}
		}
		got, err := stageOf(t, h, "tomorrow", stage, "").run(t.Context(), audiosep.Env{}, take)
		if err != nil {
			t.Fatal(err)
		}
		want, err := compiled(t, stage, "").run(t.Context(), audiosep.Env{}, take)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range want {
			same(t, stage+"."+name, numbersOf(t, got[name]), numbersOf(t, v), 0)
		}
	}
}

// yesterday is a plugin that knows the least: no questions, no shared memory, none of the
// calls that came later.
type yesterday struct {
	wire.UnimplementedPluginServer
	server *server
}

func (y yesterday) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeReply, error) {
	return &wire.DescribeReply{Definitions: `[{"Name": "ramp", "Doc": "R.", "Out": [{"Name": "audio", "Cargo": "audio"}]}]`}, nil
}

func (y yesterday) Build(ctx context.Context, req *wire.BuildRequest) (*wire.BuildReply, error) {
	reply, err := y.server.Build(ctx, &wire.BuildRequest{Stage: req.GetStage(), Params: req.GetParams()})
	return &wire.BuildReply{Stage: reply.GetStage(), Faults: reply.GetFaults()}, err
}

func (y yesterday) Run(req *wire.RunRequest, stream grpc.ServerStreamingServer[wire.RunReply]) error {
	return y.server.Run(&wire.RunRequest{Stage: req.GetStage()}, stream)
}

func (y yesterday) Read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	return y.server.Read(ctx, req)
}

// newerClient is a host of which more comes than its plugins know.
type newerClient struct{ wire.PluginClient }

func (c newerClient) Build(ctx context.Context, req *wire.BuildRequest, o ...grpc.CallOption) (*wire.BuildReply, error) {
	return c.PluginClient.Build(ctx, withNews(req), o...)
}

func (c newerClient) Run(ctx context.Context, req *wire.RunRequest, o ...grpc.CallOption) (grpc.ServerStreamingClient[wire.RunReply], error) {
	withNews(req.Env)
	for _, p := range req.GetInputs() {
		withNews(p)
	}
	return c.PluginClient.Run(ctx, withNews(req), o...)
}

func (c newerClient) Read(ctx context.Context, req *wire.ReadRequest, o ...grpc.CallOption) (*wire.ReadReply, error) {
	withNews(req.Call)
	return c.PluginClient.Read(ctx, withNews(req), o...)
}

// TestNewerHost has plugins hear more than they know: one that knows the least, and those made
// with the SDKs.
func TestNewerHost(t *testing.T) {
	t.Parallel()
	for _, plugin := range []string{"yesterday", "good", "snakes"} {
		t.Run(plugin, func(t *testing.T) {
			if plugin == "snakes" {
				needPython(t)
			}
			h := newTestHost(t, Options{Folders: []string{"testdata"}}, "good", "yesterday")
			if _, err := h.Describe(t.Context(), plugin); err != nil {
				t.Fatal(err)
			}
			for p := range h.all {
				p.wire = newerClient{p.wire}
			}
			got, err := stageOf(t, h, plugin, "ramp", "").run(t.Context(), audiosep.Env{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := compiled(t, "ramp", "").run(t.Context(), audiosep.Env{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "samples", numbersOf(t, got["audio"]), numbersOf(t, want["audio"]), 1e-14)
		})
	}
}

// TestOlderHost asks plugins with the fewest fields that make sense: no call, no env, no
// shared memory.
func TestOlderHost(t *testing.T) {
	for _, plugin := range []string{"good", "snakes"} {
		t.Run(plugin, func(t *testing.T) {
			if plugin == "snakes" {
				needPython(t)
			}
			h := newTestHost(t, Options{Folders: []string{"testdata"}}, "good")
			if _, err := h.Describe(t.Context(), plugin); err != nil {
				t.Fatal(err)
			}
			for p := range h.all {
				built, err := p.wire.Build(t.Context(), &wire.BuildRequest{Stage: "ramp", Params: `{"samples": 9, "channels": 1}`})
				if err != nil {
					t.Fatal(err)
				}
				stream, err := p.wire.Run(t.Context(), &wire.RunRequest{Stage: built.GetStage()})
				if err != nil {
					t.Fatal(err)
				}
				reply, err := stream.Recv()
				if err != nil {
					t.Fatal(err)
				}
				audio := reply.GetResult().GetOutputs()[0].GetValues()[0].GetAudio()
				read, err := p.wire.Read(t.Context(), &wire.ReadRequest{Handle: audio.GetHandle(), To: []*wire.Array{{Count: 3}},
					What: &wire.ReadRequest_Samples{Samples: &wire.Samples{At: 3, Count: 3}}})
				if err != nil {
					t.Fatal(err)
				}
				same(t, "samples", decode(read.GetArrays()[0].GetData()), []float64{3. / 9, 4. / 9, 5. / 9}, 1e-15)
				if _, err := p.wire.Read(t.Context(), &wire.ReadRequest{Handle: audio.GetHandle()}); err == nil || !strings.Contains(err.Error(), "not known") {
					t.Errorf("error is %v; want that the request is not known", err)
				}
			}
		})
	}
}
