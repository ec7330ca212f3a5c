//go:build unix

package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
)

// everything has a port for each cargo.
type everything struct {
	Audio     audiosep.Source           `port:"audio,optional"`
	Notes     audiosep.Notes            `port:"notes,optional"`
	Frames    *audiosep.Framed          `port:"frames,optional"`
	Transform *audiosep.FittedTransform `port:"transform,optional"`
	Coefs     audiosep.Spectra          `port:"coefs,optional"`
	Power     audiosep.Power            `port:"power,optional"`
	Factors   *audiosep.Factors         `port:"factors,optional"`
	Sources   audiosep.Stems            `port:"sources,optional"`
}

type pass struct{}

func (pass) Run(_ context.Context, _ audiosep.Env, in everything) (everything, error) { return in, nil }

type doubled struct{}

func (doubled) Run(ctx context.Context, _ audiosep.Env, in everything) (out everything, err error) {
	out = everything{
		Audio: doubleSource{in.Audio}, Transform: &audiosep.FittedTransform{Transform: doubleTransform{in.Transform.Transform}},
		Coefs: doubleSpectra{in.Coefs}, Sources: doubleStems{in.Sources},
		Frames: &audiosep.Framed{Source: doubleSource{in.Audio}, Framing: in.Frames.Framing},
	}
	for _, n := range in.Notes {
		n.Onset, n.Offset = 2*n.Onset, 2*n.Offset
		out.Notes = append(out.Notes, n)
	}
	v, err := in.Power.V(ctx)
	if err != nil {
		return out, err
	}
	var twice, w mat.Dense
	twice.Scale(2, v)
	out.Power = audiosep.NewPower(&twice, in.Power.Framing(), in.Power.Hz())
	w.Scale(2, in.Factors.W)
	out.Factors = &audiosep.Factors{W: &w, H: in.Factors.H, Sources: in.Factors.Sources}
	return out, nil
}

type doubleSource struct{ audiosep.Source }

func (s doubleSource) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	err := s.Source.ReadAt(ctx, dst, at)
	for _, d := range dst {
		floats.Scale(2, d)
	}
	return err
}

type doubleTransform struct{ audiosep.Transform }

func (t doubleTransform) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	err := t.Transform.Forward(ctx, dst, src)
	floats.Scale(2, dst.Re)
	floats.Scale(2, dst.Im)
	return err
}

func (t doubleTransform) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	half := audiosep.Coefs{Re: slices.Clone(src.Re), Im: slices.Clone(src.Im)}
	floats.Scale(0.5, half.Re)
	floats.Scale(0.5, half.Im)
	return t.Transform.Inverse(ctx, dst, half)
}

type doubleSpectra struct{ audiosep.Spectra }

func (x doubleSpectra) Read(ctx context.Context, dst *audiosep.Spectrogram, first, n int) error {
	err := x.Spectra.Read(ctx, dst, first, n)
	for _, layer := range dst.Layers {
		floats.Scale(2, layer.Re)
		floats.Scale(2, layer.Im)
	}
	return err
}

type doubleStems struct{ audiosep.Stems }

func (s doubleStems) Names() (twice []string) {
	for _, n := range s.Stems.Names() {
		twice = append(twice, n+n)
	}
	return twice
}

func (s doubleStems) Each(ctx context.Context, write func(int, [][]float64) error) error {
	return s.Stems.Each(ctx, func(source int, block [][]float64) error {
		own := make([][]float64, len(block))
		for l := range block {
			own[l] = slices.Clone(block[l])
			floats.Scale(2, own[l])
		}
		return write(source, own)
	})
}

type blur struct{}

type blurIn struct {
	Coefs audiosep.Spectra `port:"coefs"`
}

type stemsOut struct {
	Sources audiosep.Stems `port:"sources"`
}

func (blur) Run(_ context.Context, _ audiosep.Env, in blurIn) (stemsOut, error) {
	return stemsOut{audiosep.Separated(in.Coefs, []string{"blurred", "rest"}, 2, func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		bins := x.Transform.Bins()
		for l, layer := range x.Layers {
			for i := range n {
				from, to := max(0, skip+i-2), min(x.N, skip+i+3)
				for f := range bins {
					for _, plane := range [][3][]float64{{layer.Re, dst[0][l].Re, dst[1][l].Re}, {layer.Im, dst[0][l].Im, dst[1][l].Im}} {
						if plane[0] == nil {
							continue
						}
						total := plane[0][from*bins+f]
						for k := from + 1; k < to; k++ {
							total += plane[0][k*bins+f]
						}
						plane[1][i*bins+f] = total * (1 / float64(to-from))
						plane[2][i*bins+f] = plane[0][(skip+i)*bins+f] - plane[1][i*bins+f]
					}
				}
			}
		}
		return nil
	})}, nil
}

type chunks struct{}

type chunksIn struct {
	Audio audiosep.Source `port:"audio"`
}

func (chunks) Run(ctx context.Context, _ audiosep.Env, in chunksIn) (stemsOut, error) {
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return stemsOut{}, err
	}
	return stemsOut{audiosep.SeparatedAudio(in.Audio, h, []string{"blurred", "rest"}, 1000, 2, func(_ context.Context, dst [][][]float64, x [][]float64, _ int) error {
		for i := range dst[0][0] {
			var total float64
			for _, layer := range x {
				for k := range 5 {
					total += layer[i+k]
				}
			}
			for l := range x {
				dst[0][l][i] = total / float64(5*len(x))
				dst[1][l][i] = x[l][i+2] - dst[0][l][i]
			}
		}
		return nil
	})}, nil
}

type mean struct{}

type meanIn struct {
	Parts []audiosep.Source `port:"parts,many"`
	Score audiosep.Notes    `port:"score,optional"`
}

type meanOut struct {
	Audio audiosep.Source `port:"audio"`
}

func (mean) Run(_ context.Context, env audiosep.Env, in meanIn) (meanOut, error) {
	if in.Score != nil {
		return meanOut{}, fmt.Errorf("there are %d notes; want none", len(in.Score))
	}
	env.Logger().Info(fmt.Sprintf("wiring is %v", env.Wiring["parts"]))
	return meanOut{&meanSource{in.Parts[0], in.Parts, env}}, nil
}

type meanSource struct {
	audiosep.Source
	parts []audiosep.Source
	env   audiosep.Env
}

func (m *meanSource) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	m.env.Report(audiosep.Step{Done: max(0, at), Of: len(dst[0]), Objective: math.NaN()})
	if err := m.Source.ReadAt(ctx, dst, at); err != nil {
		return err
	}
	part := make([][]float64, len(dst))
	for l := range part {
		part[l] = make([]float64, len(dst[l]))
	}
	for _, p := range m.parts[1:] {
		if err := p.ReadAt(ctx, part, at); err != nil {
			return err
		}
		for l := range part {
			floats.Add(dst[l], part[l])
		}
	}
	for l := range dst {
		floats.Scale(1/float64(len(m.parts)), dst[l])
	}
	return nil
}

// scene returns a value for each port of everything. Unless the transform is the slow one,
// padded, they are longer than what one call carries.
func scene(t *testing.T, by string) audiosep.Values {
	t.Helper()
	n := 9000
	if testing.Short() {
		n = blocksOnly
	}
	return sceneOf(t, by, n)
}

// blocksOnly is how many frames of a scene make several blocks, each of which one call carries.
const blocksOnly = 1500

// sceneOf returns a scene of so many frames, unless the transform is the slow one.
func sceneOf(t *testing.T, by string, n int) audiosep.Values {
	t.Helper()
	const m = 64
	if by == "padded" {
		n = 200
	}
	f := besides([][]float64{random("left", m*n), random("right", m*n)}, 8000, m, 2)
	tr, err := local[audiosep.Transformer](t, by, "").Transform(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	x, err := audiosep.NewSpectra(f, tr)
	if err != nil {
		t.Fatal(err)
	}
	src := f.Source.(*audiosep.Signal)
	stems, err := audiosep.NewStems([]string{"a", "b"}, []*audiosep.Signal{src, src})
	if err != nil {
		t.Fatal(err)
	}
	return audiosep.Values{
		"audio": f.Source, "frames": f, "coefs": x, "power": audiosep.PowerOf(x, nil), "sources": stems,
		"transform": &audiosep.FittedTransform{Transform: tr, Framing: &f.Framing},
		"notes":     audiosep.Notes{{Onset: 0.5, Offset: 1, Pitch: 60.5, Source: "flute", Velocity: 0.25}, {Onset: 1, Offset: 3, Pitch: math.NaN(), Velocity: 1}},
		"factors": &audiosep.Factors{W: mat.NewDense(tr.Bins(), 3, random("w", 3*tr.Bins())), H: mat.NewDense(3, n/2, random("h", 3*n/2)), Objective: []float64{2, 1}, Stop: "enough",
			Sources: []audiosep.Group{{Name: "x", Components: []int{0, 2}}, {Name: "y", Components: []int{1}}}, Framing: &f.Framing},
	}
}

// numbersOf reads all of a value.
func numbersOf(t *testing.T, v any) (x []float64) {
	t.Helper()
	var err error
	switch v := v.(type) {
	case audiosep.Stems:
		for j, part := range collect(t, v) {
			x = append(x, float64(len(v.Names()[j])))
			x = append(x, slices.Concat(part.Data...)...)
		}
	case audiosep.Source:
		h, _ := v.Head(t.Context())
		dst := [][]float64{make([]float64, h.Samples+20), make([]float64, h.Samples+20)}
		err = v.ReadAt(t.Context(), dst, -10)
		x = slices.Concat(dst...)
	case *audiosep.Framed:
		y := new(audiosep.Frames)
		err = v.Read(t.Context(), y, 0, v.Framing.Frames())
		x = slices.Concat(y.Data...)
	case audiosep.Spectra:
		s := new(audiosep.Spectrogram)
		err = v.Read(t.Context(), s, 0, v.Framing().Frames())
		for _, l := range s.Layers {
			x = append(append(x, l.Re...), l.Im...)
		}
	case audiosep.Power:
		var all *mat.Dense
		if all, err = v.V(t.Context()); err == nil {
			part := mat.NewDense(v.Bins(), 7, nil)
			err = v.Columns(t.Context(), part, 11)
			x = slices.Concat(mat.DenseCopyOf(all).RawMatrix().Data, part.RawMatrix().Data, v.Hz())
		}
	case *audiosep.FittedTransform:
		c, y := audiosep.MakeCoefs(v.Transform, 10), make([]float64, 10*v.Transform.Len())
		if err = v.Transform.Forward(t.Context(), c, random("y", len(y))); err == nil {
			err = v.Transform.Inverse(t.Context(), y, c)
		}
		x = slices.Concat(c.Re, c.Im, y)
	case *audiosep.Factors:
		x = slices.Concat(v.W.RawMatrix().Data, v.H.RawMatrix().Data, v.Objective)
	case audiosep.Notes:
		for _, n := range v {
			if x = append(x, n.Onset, n.Offset, n.Velocity, float64(len(n.Source))); !math.IsNaN(n.Pitch) {
				x = append(x, n.Pitch)
			}
		}
	default:
		t.Fatalf("a %T", v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestPass gives a plugin a value of each cargo and gets them back: themselves, not something
// that reads them from there.
func TestPass(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		in := scene(t, "padded")
		s := stageOf(t, h, plugin, "pass", "")
		out, err := s.run(t.Context(), audiosep.Env{}, in)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range in {
			if n, ok := v.(audiosep.Notes); ok {
				if diff := cmp.Diff(fmt.Sprint(n), fmt.Sprint(out[name])); diff != "" {
					t.Error(diff)
				}
			} else if out[name] != v {
				t.Errorf("%s came back as %T; want the %T that was sent", name, out[name], v)
			}
		}
		if out, err = s.run(t.Context(), audiosep.Env{}, nil); err != nil || len(out) != 0 {
			t.Errorf("of nothing it made %v, %v; want nothing", out, err)
		}
	})
}

// TestWrap reads, from a plugin, values that the plugin makes by reading those that it has
// from here, from many goroutines at once.
func TestWrap(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, tol float64) {
		for _, by := range []string{"reverse", "padded"} { // real and complex
			in := scene(t, by)
			s := stageOf(t, h, plugin, "wrap", "")
			got, err := s.run(t.Context(), audiosep.Env{}, in)
			if err != nil {
				t.Fatal(err)
			}
			want, err := compiled(t, "wrap", "").run(t.Context(), audiosep.Env{}, in)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for _, name := range slices.Sorted(maps.Keys(want)) {
				b := numbersOf(t, want[name])
				for range 2 {
					wg.Go(func() { same(t, name, numbersOf(t, got[name]), b, tol) })
				}
			}
			wg.Wait()
			if diff := cmp.Diff(want["factors"].(*audiosep.Factors).Sources, got["factors"].(*audiosep.Factors).Sources); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want["sources"].(audiosep.Stems).Names(), got["sources"].(audiosep.Stems).Names()); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// TestSeparated takes stems that a plugin makes of frames with others beside them, and of
// samples likewise. They have the bits of those compiled in, in blocks of any size.
func TestSeparated(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		for by, sizes := range map[string][]int{"reverse": {0, 700}, "padded": {0, 50}} {
			in := sceneOf(t, by, blocksOnly)
			for stage, port := range map[string]string{"blur": "coefs", "chunks": "audio"} {
				s := stageOf(t, h, plugin, stage, "")
				got, err := s.run(t.Context(), audiosep.Env{}, audiosep.Values{port: in[port]})
				if err != nil {
					t.Fatal(err)
				}
				want, err := compiled(t, stage, "").run(t.Context(), audiosep.Env{}, audiosep.Values{port: in[port]})
				if err != nil {
					t.Fatal(err)
				}
				b := collect(t, want["sources"])
				for _, size := range sizes {
					a, err := audiosep.Collect(blocks.WithSize(t.Context(), size), got["sources"].(audiosep.Stems))
					if err != nil {
						t.Fatal(err)
					}
					for j := range b {
						sameChannels(t, stage, a[j].Data, b[j].Data, 0)
					}
				}
				stop := errors.New("enough")
				if err := got["sources"].(audiosep.Stems).Each(t.Context(), func(int, [][]float64) error { return stop }); err != stop {
					t.Errorf("the error is %v; want that of write", err)
				}
			}
		}
	})
}

// TestMany wires several outputs to one port. What the stage says when it is read arrives too.
func TestMany(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		in := scene(t, "reverse")
		s := stageOf(t, h, plugin, "mean", "")
		var w watcher
		env := w.env()
		env.Wiring = map[string][]string{"parts": {"one", "two"}}
		two := audiosep.Values{"parts": []audiosep.Source{in["audio"].(audiosep.Source), doubleSource{in["audio"].(audiosep.Source)}}}
		got, err := s.run(t.Context(), env, two)
		if err != nil {
			t.Fatal(err)
		}
		want, err := compiled(t, "mean", "").run(t.Context(), audiosep.Env{}, two)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "mean", numbersOf(t, got["audio"]), numbersOf(t, want["audio"]), 0)
		for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
			w.mu.Lock()
			n := len(w.steps)
			w.mu.Unlock()
			if n > 0 {
				break
			}
		}
		if log := strings.NewReplacer("'", "", ",", "").Replace(w.log.String()); len(w.steps) == 0 || !strings.Contains(log, "wiring is [one two]") {
			t.Errorf("steps are %v, the log is %q; want a step of reading, and the wiring", w.steps, log)
		}
		two["score"] = audiosep.Notes{{Onset: 1, Offset: 2}}
		if _, err := s.run(t.Context(), env, two); err == nil || err.Error() != "there are 1 notes; want none" {
			t.Errorf("error is %v; want the stage's", err)
		}
	})
}

// failing is a recording that cannot be read.
type failing struct {
	audiosep.Source
	err error
}

func (f failing) ReadAt(context.Context, [][]float64, int) error { return f.err }

// TestWhoseFault has what a plugin reads fail: the error is that of who is read, and not of
// the plugin.
func TestWhoseFault(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		s := stageOf(t, h, plugin, "mean", "")
		in := scene(t, "reverse")["audio"].(*audiosep.Signal)
		mine := errors.New("the disk is on fire")
		bad := &audiosep.Signal{Rate: in.Rate, Channels: 2, Data: [][]float64{in.Data[0], slices.Clone(in.Data[1])}}
		bad.Data[1][12345] = math.NaN()
		env := audiosep.Env{Wiring: map[string][]string{"parts": nil}}
		for src, check := range map[audiosep.Source]func(error) bool{
			failing{in, mine}: func(err error) bool { return err == mine },
			bad: func(err error) bool {
				var sample *audiosep.SampleError
				return errors.As(err, &sample) && sample.Sample == 12345 && sample.Channel == 1
			},
		} {
			out, err := s.run(t.Context(), env, audiosep.Values{"parts": []audiosep.Source{src}})
			if err != nil {
				t.Fatal(err)
			}
			dst := [][]float64{make([]float64, 20000), make([]float64, 20000)}
			if err := out["audio"].(audiosep.Source).ReadAt(t.Context(), dst, 0); !check(err) {
				t.Errorf("error is %v, a %T; want that of the recording", err, err)
			}
		}
		_, err := stageOf(t, h, plugin, "factor", "").run(t.Context(), env, audiosep.Values{"power": failingPower{scene(t, "reverse")["power"].(audiosep.Power), mine}})
		if err != mine {
			t.Errorf("error is %v, a %T; want that of the power", err, err)
		}
	})
}

type failingPower struct {
	audiosep.Power
	err error
}

func (f failingPower) V(context.Context) (*mat.Dense, error)          { return nil, f.err }
func (f failingPower) Columns(context.Context, *mat.Dense, int) error { return f.err }

// slow is a recording that takes its time.
type slow struct {
	audiosep.Source
	begun, go_ chan struct{}
	once       *sync.Once
	reads      *atomic.Int64
}

func newSlow(src audiosep.Source) slow {
	return slow{src, make(chan struct{}), make(chan struct{}), new(sync.Once), new(atomic.Int64)}
}

func (s slow) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	s.once.Do(func() { close(s.begun) })
	s.reads.Add(1)
	select {
	case <-s.go_:
		return s.Source.ReadAt(ctx, dst, at)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestSlowAnswer keeps a plugin waiting for longer than it may be silent: it is not its fault.
func TestSlowAnswer(t *testing.T) {
	t.Parallel()                    // it waits a lot
	const silence = 2 * time.Second // much longer than a busy machine keeps a plugin from its sign of life
	h := newTestHost(t, Options{Silence: silence}, "good")
	s := stageOf(t, h, "good", "learn", "")
	frames := scene(t, "reverse")["frames"].(*audiosep.Framed)
	src := newSlow(frames.Source)
	time.AfterFunc(silence*3/2, func() { close(src.go_) })
	if _, err := s.run(t.Context(), audiosep.Env{}, audiosep.Values{"frames": &audiosep.Framed{Source: src, Framing: frames.Framing}}); err != nil {
		t.Error(err)
	}
}

// TestEndedAsking has a plugin be killed, and a run be cancelled, while the plugin waits for an
// answer: the run ends at once, and so does what was to answer.
func TestEndedAsking(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"killed", "cancelled"} {
		for _, plugin := range []string{"good", "snakes"} {
			t.Run(how+"/"+plugin, func(t *testing.T) {
				if plugin == "snakes" {
					needPython(t)
				}
				h := newTestHost(t, Options{Folders: []string{"testdata"}}, "good")
				s := stageOf(t, h, plugin, "learn", "")
				frames := scene(t, "reverse")["frames"].(*audiosep.Framed)
				src := newSlow(frames.Source)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var wg sync.WaitGroup
				wg.Go(func() {
					<-src.begun
					if how == "cancelled" {
						cancel()
						return
					}
					h.mu.Lock()
					defer h.mu.Unlock()
					for p := range h.all {
						syscall.Kill(p.child.cmd.Process.Pid, syscall.SIGKILL)
					}
				})
				_, err := s.run(ctx, audiosep.Env{}, audiosep.Values{"frames": &audiosep.Framed{Source: src, Framing: frames.Framing}})
				if how == "cancelled" {
					if err != context.Canceled {
						t.Errorf("error is %v; want that of the context", err)
					}
				} else {
					checkError(t, err, []string{"ended while in run: signal: killed"})
				}
				wg.Wait()
				s.Close()
				h.Close()
				for _, dir := range h.o.Folders[1:] {
					if left := processes(t, dir); len(left) > 0 {
						t.Errorf("processes are left: %v", left)
					}
				}
			})
		}
	}
}

// TestForgotten sees that the host keeps nothing for a plugin whose outputs need nothing more,
// and everything for one whose outputs do.
func TestForgotten(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		in := scene(t, "reverse")
		kept := func(stage string, in audiosep.Values) int {
			s := stageOf(t, h, plugin, stage, "")
			if _, err := s.run(t.Context(), audiosep.Env{}, in); err != nil {
				t.Fatal(err)
			}
			l := s.stage.(*remote).p.link
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.owned)
		}
		if n := kept("factor", audiosep.Values{"power": in["power"], "init_factors": in["factors"]}); n != 0 {
			t.Errorf("%d values are kept for factors; want none", n)
		}
		if n := kept("learn", audiosep.Values{"frames": in["frames"]}); n != 0 {
			t.Errorf("%d values are kept for a matrix; want none", n)
		}
		if n := kept("blur", audiosep.Values{"coefs": in["coefs"]}); n == 0 {
			t.Error("nothing is kept for stems")
		}
	})
}

// TestMutual has host and plugin wait for each other to a depth of six, from many goroutines:
// what the plugin reads from here comes from itself.
func TestMutual(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		in := scene(t, "reverse")["audio"].(*audiosep.Signal)
		s := stageOf(t, h, plugin, "mean", "")
		env := audiosep.Env{Wiring: map[string][]string{"parts": nil}}
		var src audiosep.Source = in
		for range 6 {
			out, err := s.run(t.Context(), env, audiosep.Values{"parts": []audiosep.Source{doubleSource{src}}})
			if err != nil {
				t.Fatal(err)
			}
			src = out["audio"].(audiosep.Source)
		}
		var wg sync.WaitGroup
		for g := range 20 {
			wg.Go(func() {
				dst := [][]float64{make([]float64, 1000), make([]float64, 1000)}
				if err := src.ReadAt(t.Context(), dst, 1000*g); err != nil {
					t.Error(err)
				}
				for l := range dst {
					floats.Scale(1./64, dst[l])
					same(t, "samples", dst[l], in.Data[l][1000*g:1000*(g+1)], 0)
				}
			})
		}
		wg.Wait()
	})
}
