//go:build unix

package plugins

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"google.golang.org/grpc"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/wrap"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/plugins/wire"
)

func init() {
	badPlugins["forgetful"] = func() {
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, forgetful{newServer(testStages)}) })
	}
}

type portion struct {
	Sources int     `json:"sources" min:"1" max:"8" doc:"How many."`
	Rest    bool    `json:"rest" doc:"Say that the last is what the others leave."`
	More    float64 `json:"more" doc:"Of the mixture, in the last source beside what the others leave."`
}

func (p portion) Run(_ context.Context, _ audiosep.Env, in blurIn) (stemsOut, error) {
	names := make([]string, p.Sources)
	for j := range names {
		names[j] = fmt.Sprint("part", j)
	}
	return stemsOut{&audiosep.SeparatedStems{X: in.Coefs, Sources: names, Rest: p.Rest, Separate: func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		bins := x.Transform.Bins()
		for l, layer := range x.Layers {
			parts := make([]audiosep.Coefs, len(dst))
			for j := range dst {
				parts[j] = dst[j][l]
			}
			halve(parts, layer.Slice(skip, skip+n, bins), p.More)
		}
		return nil
	}}}, nil
}

// halve gives dst a half of x, a quarter and so on, and the last what is left and some more, if it is
// wanted. But for that more, all numbers are exact.
func halve(dst []audiosep.Coefs, x audiosep.Coefs, more float64) {
	last := len(dst) - 1
	if last < 0 {
		return
	}
	for p, mix := range [][]float64{x.Re, x.Im} {
		plane := func(j int) []float64 { return [][]float64{dst[j].Re, dst[j].Im}[p] }
		for j := range last {
			floats.ScaleTo(plane(j), math.Ldexp(1, -j-1), mix)
		}
		if plane(last) != nil {
			floats.ScaleTo(plane(last), math.Ldexp(1, -last)+more, mix)
		}
	}
}

type halves struct{ share }

func (halves) LeavesRest() {}

func (halves) Separate(_ context.Context, dst []audiosep.Coefs, x audiosep.Coefs, _ *audiosep.Factors, _ []audiosep.Group) error {
	halve(dst, x, 0)
	return nil
}

// carried counts the numbers that a plugin is asked to separate, and how often it is asked.
type carried struct {
	wire.PluginClient
	numbers, calls, without *atomic.Int64
}

// counting has a host count what it asks its plugins for; they must have been started.
func counting(h *Host) carried {
	all := carried{nil, new(atomic.Int64), new(atomic.Int64), new(atomic.Int64)}
	for p := range h.all {
		p.wire = carried{p.wire, all.numbers, all.calls, all.without}
	}
	return all
}

func (c carried) Read(ctx context.Context, req *wire.ReadRequest, o ...grpc.CallOption) (*wire.ReadReply, error) {
	reply, err := c.PluginClient.Read(ctx, req, o...)
	if req.GetSeparate() != nil {
		c.calls.Add(1)
		for _, a := range reply.GetArrays() {
			c.numbers.Add(max(int64(a.GetCount()), int64(len(a.GetData())/8)))
		}
		if req.GetSeparate().GetRest() {
			c.without.Add(1)
		}
	}
	return reply, err
}

// withRest returns the stems of a stage as they are, and as if nobody had said that the last is what
// the others leave.
func withRest(t *testing.T, s *ported, in audiosep.Values) (as, without audiosep.Stems) {
	t.Helper()
	out, err := s.run(t.Context(), audiosep.Env{}, in)
	if err != nil {
		t.Fatal(err)
	}
	made, ok := wrap.As[*audiosep.SeparatedStems](out["sources"])
	if !ok {
		t.Fatalf("the sources are a %T; want separated stems", out["sources"])
	}
	other := *made
	other.Rest = false
	return out["sources"].(audiosep.Stems), &other
}

// restScene returns what the stages of this file are given, of factors with so many components.
func restScene(t *testing.T, by string, rank int) audiosep.Values {
	t.Helper()
	in := sceneOf(t, by, blocksOnly)
	x := in["coefs"].(audiosep.Spectra)
	bins, cols := x.Transform().Bins(), x.Framing().Columns()
	return audiosep.Values{"coefs": x, "factors": &audiosep.Factors{W: mat.NewDense(bins, rank, random("w", bins*rank)), H: mat.NewDense(rank, cols, random("h", rank*cols))}}
}

// restStage returns a stage of this file in a plugin, and the same compiled in.
func restStage(t *testing.T, h *Host, plugin, stage string, sources int) (there, here *ported) {
	t.Helper()
	params := "{}"
	if stage == "portion" {
		params = fmt.Sprintf(`{"sources": %d}`, sources)
	}
	return stageOf(t, h, plugin, stage, params), compiled(t, stage, params)
}

// TestRest has the last source be what the others leave: the bits are those of a stage that is compiled
// in, in blocks of any size. Where nobody says so, the others have the same bits, and the last differs by
// the rounding of the transform there and back, as it is not made of the samples then.
func TestRest(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		oneProcess(t, h, plugin)
		for by, sizes := range map[string][]int{"reverse": {0, 700}, "padded": {0, 50}} {
			for sources := 1; sources <= 3; sources++ {
				if testing.Short() && sources != 2 {
					continue
				}
				in := restScene(t, by, sources)
				for _, stage := range []string{"portion", "split"} {
					there, here := restStage(t, h, plugin, stage, sources)
					take := wired(in, there.def.In)
					got, plain := withRest(t, there, take)
					want, _ := withRest(t, here, take)
					b, c := collect(t, want), collect(t, plain)
					for _, size := range sizes {
						a, err := audiosep.Collect(blocks.WithSize(t.Context(), size), got)
						if err != nil {
							t.Fatal(err)
						}
						for j := range b {
							sameChannels(t, stage, a[j].Data, b[j].Data, 0)
							tol := 0.0
							if j > 0 && j == sources-1 {
								tol = 1e-12
							}
							sameChannels(t, stage+" without", a[j].Data, c[j].Data, tol)
						}
					}
				}
			}
		}
	})
}

// wired returns the values at some ports.
func wired(in audiosep.Values, ports []audiosep.Port) audiosep.Values {
	out := audiosep.Values{}
	for _, p := range ports {
		out[p.Name] = in[p.Name]
	}
	return out
}

// TestRestIsNotSent counts what a plugin sends: the coefficients of the last source are not among it.
func TestRestIsNotSent(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		oneProcess(t, h, plugin)
		count := counting(h)
		for _, by := range []string{"reverse", "padded"} {
			for sources := 1; sources <= 3; sources++ {
				in := restScene(t, by, sources)
				x := in["coefs"].(audiosep.Spectra)
				each := int64(planes(x.Transform()) * x.Transform().Bins() * x.Framing().Layers() * x.Framing().Frames())
				for _, stage := range []string{"portion", "split"} {
					there, _ := restStage(t, h, plugin, stage, sources)
					as, without := withRest(t, there, wired(in, there.def.In))
					for i, stems := range []audiosep.Stems{as, without} {
						count.numbers.Store(0)
						collect(t, stems)
						want := int64(sources) * each
						if i == 0 && sources > 1 {
							want -= each
						}
						if got := count.numbers.Load(); got != want {
							t.Errorf("%s of %d sources, %s: %d numbers were sent; want %d, %d for each source", stage, sources, by, got, want, each)
						}
					}
				}
			}
		}
	})
}

// TestRestGoesOn gives a plugin stems of which the last is the rest, and stems of coefficients that are
// no recording's: it reads all of them.
func TestRestGoesOn(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, tol float64) {
		oneProcess(t, h, plugin)
		in := scene(t, "padded")
		stems, _ := withRest(t, compiled(t, "portion", `{"sources": 3}`), wired(in, []audiosep.Port{{Name: "coefs"}}))
		in["sources"] = stems
		got, err := stageOf(t, h, plugin, "wrap", "").run(t.Context(), audiosep.Env{}, in)
		if err != nil {
			t.Fatal(err)
		}
		want, err := compiled(t, "wrap", "").run(t.Context(), audiosep.Env{}, in)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "stems that a plugin reads", numbersOf(t, got["sources"]), numbersOf(t, want["sources"]), tol)

		take := audiosep.Values{"coefs": doubleSpectra{in["coefs"].(audiosep.Spectra)}}
		as, _ := withRest(t, stageOf(t, h, plugin, "portion", ""), take)
		here, _ := withRest(t, compiled(t, "portion", ""), take)
		same(t, "coefficients of no recording", numbersOf(t, as), numbersOf(t, here), 0)
	})
}

// forgetful is a plugin of before there was a rest: it does not say it, and fails where it is asked for it.
type forgetful struct{ *server }

func (f forgetful) Run(req *wire.RunRequest, stream grpc.ServerStreamingServer[wire.RunReply]) error {
	return f.server.Run(req, forgetfulStream{stream})
}

func (f forgetful) Read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	if req.GetSeparate().GetRest() {
		return nil, fmt.Errorf("it was asked for what it does not know")
	}
	return f.server.Read(ctx, req)
}

type forgetfulStream struct {
	grpc.ServerStreamingServer[wire.RunReply]
}

func (s forgetfulStream) Send(reply *wire.RunReply) error {
	forgetRest(reply)
	return s.ServerStreamingServer.Send(reply)
}

func forgetRest(reply *wire.RunReply) {
	for _, p := range reply.GetResult().GetOutputs() {
		for _, v := range p.GetValues() {
			if s := v.GetSources().GetSeparated(); s != nil {
				s.Rest = false
			}
		}
	}
}

// olderClient is a host of before there was a rest: it does not see it.
type olderClient struct{ wire.PluginClient }

type olderStream struct {
	grpc.ServerStreamingClient[wire.RunReply]
}

func (c olderClient) Run(ctx context.Context, req *wire.RunRequest, o ...grpc.CallOption) (grpc.ServerStreamingClient[wire.RunReply], error) {
	s, err := c.PluginClient.Run(ctx, req, o...)
	return olderStream{s}, err
}

func (s olderStream) Recv() (*wire.RunReply, error) {
	reply, err := s.ServerStreamingClient.Recv()
	forgetRest(reply)
	return reply, err
}

// TestRestOlder has plugins and hosts that know of no rest go on as before: all sources are made and sent.
func TestRestOlder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plugin string
		old    bool // the host is
	}{{"forgetful", false}, {"good", true}, {"snakes", true}} {
		t.Run(c.plugin, func(t *testing.T) {
			if c.plugin == "snakes" {
				needPython(t)
			}
			h := newTestHost(t, Options{Folders: []string{"testdata"}}, "good", "forgetful")
			oneProcess(t, h, c.plugin)
			if c.old {
				for p := range h.all {
					p.wire = olderClient{p.wire}
				}
			}
			count := counting(h)
			for sources := 1; sources <= 3; sources++ {
				in := restScene(t, "padded", sources)
				for _, stage := range []string{"portion", "split"} {
					there, here := restStage(t, h, c.plugin, stage, sources)
					take := wired(in, there.def.In)
					got, _ := withRest(t, there, take)
					_, want := withRest(t, here, take)
					same(t, stage, numbersOf(t, got), numbersOf(t, want), 0)
				}
			}
			if count.calls.Load() == 0 || count.without.Load() != 0 {
				t.Errorf("of %d times it was asked %d times without the last source; want never", count.calls.Load(), count.without.Load())
			}
		})
	}
}

// TestRestAskedWrongly asks plugins for all but the last of stems that have no rest, or one source.
func TestRestAskedWrongly(t *testing.T) {
	t.Parallel()
	for _, plugin := range []string{"good", "snakes"} {
		t.Run(plugin, func(t *testing.T) {
			if plugin == "snakes" {
				needPython(t)
			}
			h := newTestHost(t, Options{Folders: []string{"testdata"}}, "good")
			oneProcess(t, h, plugin)
			for _, params := range []string{`{"sources": 1}`, `{"rest": false}`} {
				s := stageOf(t, h, plugin, "portion", params)
				in := wired(scene(t, "reverse"), s.def.In)
				as, _ := withRest(t, s, in)
				stems := as.(*audiosep.SeparatedStems)
				stems.Rest = true
				if len(stems.Sources) == 1 { // the host itself would not ask
					stems.Sources = []string{"one", "two"}
				}
				if _, err := audiosep.Collect(t.Context(), stems); err == nil || !strings.Contains(err.Error(), "is to be left out; want that of stems") {
					t.Errorf("%s: the error is %v; want that it has no rest", params, err)
				}
			}
		})
	}
}

// TestRestContract has the contract tell of a stage whose last source is not what the others leave.
func TestRestContract(t *testing.T) {
	t.Parallel()
	h := newTestHost(t, Options{}, "good")
	oneProcess(t, h, "good")
	for params, want := range map[string]string{`{"sources": 3}`: "", `{"sources": 1}`: "", `{"sources": 3, "more": 1e-6}`: "rest: "} {
		s := stageOf(t, h, "good", "portion", params)
		var faults []string
		for _, r := range contract.Check(t.Context(), s.def, contract.Options{Params: []byte(params)}) {
			if !r.OK() {
				faults = append(faults, r.Check+": "+r.Fault)
			}
		}
		if len(faults) > 1 || !strings.HasPrefix(strings.Join(faults, ""), want) || (want == "") != (len(faults) == 0) {
			t.Errorf("%s: faults are %q; want %q", params, faults, want)
		}
	}
}

// FuzzSeparate asks for frames of stems in ways that make sense or do not. An answer has as many numbers
// as there are sources that are wanted, and the others are the same whether the last is wanted or not.
func FuzzSeparate(f *testing.F) {
	f.Add(uint8(2), true, true, uint64(0), uint64(3), uint64(1), uint64(2), uint64(2))
	f.Add(uint8(2), true, false, uint64(0), uint64(3), uint64(1), uint64(2), uint64(4))
	f.Add(uint8(1), true, true, uint64(0), uint64(3), uint64(1), uint64(2), uint64(2))
	f.Add(uint8(0), true, true, uint64(0), uint64(3), uint64(1), uint64(2), uint64(0))
	f.Add(uint8(3), false, true, uint64(0), uint64(3), uint64(1), uint64(2), uint64(4))
	f.Add(uint8(3), true, true, uint64(1), uint64(1<<63), uint64(1<<63), uint64(1<<63), uint64(1<<62))
	f.Fuzz(func(t *testing.T, sources uint8, said, asked bool, first, frames, skip, count, numbers uint64) {
		const m, all = 4, 6
		tr, err := local[audiosep.Transformer](t, "copy", "").Transform(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		x, err := audiosep.NewSpectra(besides([][]float64{random("y", m*all)}, 8000, m, 1), tr)
		if err != nil {
			t.Fatal(err)
		}
		out, err := portion{Sources: int(sources % 9), Rest: said}.Run(t.Context(), audiosep.Env{}, blurIn{x})
		if err != nil {
			t.Fatal(err)
		}
		l := newLink(nil)
		stems := out.Sources.(*audiosep.SeparatedStems)
		given := random("x", m*int(frames%(all+2)))
		ask := func(rest bool, numbers uint64) (*wire.ReadReply, error) {
			return l.answer(t.Context(), &wire.ReadRequest{Handle: l.own(stems), From: []*wire.Array{{Data: encode(given), Count: uint64(len(given))}}, To: []*wire.Array{{Count: numbers}},
				What: &wire.ReadRequest_Separate{Separate: &wire.Separate{First: first, Frames: frames, Skip: skip, Count: count, Rest: rest}}})
		}
		reply, err := ask(asked, numbers)
		if err != nil {
			return
		}
		made := len(stems.Sources)
		if asked {
			made--
		}
		if got := decode(reply.Arrays[0].Data); asked && (!said || made < 1) || uint64(len(got)) != uint64(made)*count*m {
			t.Fatalf("of %d sources, said %v, %d numbers came; want %d of each of %d", len(stems.Sources), said, len(got), count*m, made)
		} else if asked {
			whole, err := ask(false, numbers+count*m)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the others", got, decode(whole.Arrays[0].Data)[:len(got)], 0)
		}
	})
}
