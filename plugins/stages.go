package plugins

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// newStage returns a remote stage of that kind, or nil if plugins have none of it.
func newStage(kind Kind, r *remote) any {
	switch kind {
	case kindSource:
		return source{r}
	case kindFramer:
		return framer{r}
	case kindTransformer:
		return transformer{r}
	case kindTransformLearner:
		return transformLearner{r}
	case kindFactorizer:
		return factorizer{r}
	case kindActivator:
		return activator{r}
	case kindJointLearner:
		return jointLearner{r}
	case kindSeparator:
		return separator{r}
	case kindSink:
		return &sink{remote: r}
	default:
		return nil
	}
}

func remoteKinds() (all []Kind) {
	for _, k := range kinds {
		all = append(all, k.kind)
	}
	return all
}

// inParts calls do for frames 0 to n-1 in runs that fit into one call each, several at
// a time so that both processes work at once. A frame has so many numbers, a call fixed ones
// besides.
func (r *remote) inParts(ctx context.Context, n, frame, fixed int, do func(ctx context.Context, first, n int) error) error {
	if n == 0 {
		return ctx.Err()
	}
	size := max(1, min(n, (r.callBytes()/8-fixed)/max(1, frame)))
	if size >= n {
		return do(ctx, 0, n)
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0) + 1)
	for first := 0; first < n && inner.Err() == nil; first += size {
		g.Go(func() error { return do(inner, first, min(size, n-first)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// callBytes returns about how much one call carries, both ways together. In shared memory that
// is as much as most blocks of a pipeline: an empty call takes a fifth of the time of such a
// one (BenchmarkCall).
func (r *remote) callBytes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil && r.p.shared == nil {
		return 2 << 20
	}
	return 8 << 20
}

type framer struct{ *remote }

func (s framer) Framing(ctx context.Context, h audiosep.Head) (f audiosep.Framing, err error) {
	err = s.call(ctx, "framing", func(ctx context.Context, p *process, handle uint64, _ func()) error {
		reply, err := wire.NewFramerClient(p.conn).GetFraming(ctx, &wire.FramingRequest{Stage: handle, Head: headTo(h)})
		if err != nil {
			return err
		}
		reply.Head = headTo(h)
		if f, err = framingFrom(reply); err != nil {
			return bad("%v", err)
		}
		return nil
	})
	return f, err
}

type transformer struct{ *remote }

func (s transformer) Transform(ctx context.Context, m int) (t audiosep.Transform, err error) {
	err = s.call(ctx, "transform", func(ctx context.Context, p *process, handle uint64, _ func()) error {
		info, err := wire.NewTransformerClient(p.conn).GetTransform(ctx, &wire.TransformRequest{Stage: handle, Length: uint64(m)})
		if err != nil {
			return err
		}
		t, err = newTransform(s.remote, info, m)
		return err
	})
	return t, err
}

// transform is one that a plugin made.
type transform struct {
	*remote
	handle       uint64
	length, bins int
	complex      bool
}

func newTransform(r *remote, info *wire.TransformInfo, m int) (*transform, error) {
	const mostBins = 1 << 24
	switch {
	case info.GetLength() != uint64(m):
		return nil, bad("the transform is for frames of %d samples; want %d", info.GetLength(), m)
	case info.GetBins() < 1 || info.GetBins() > mostBins:
		return nil, bad("the transform has %d bins; want 1 to %d", info.GetBins(), mostBins)
	}
	return &transform{r, info.GetTransform(), m, int(info.GetBins()), info.GetComplex()}, nil
}

func (t *transform) Len() int      { return t.length }
func (t *transform) Bins() int     { return t.bins }
func (t *transform) Complex() bool { return t.complex }

// planes is how many numbers a coefficient has.
func (t *transform) planes() int {
	if t.complex {
		return 2
	}
	return 1
}

// frames returns how many frames y and x are.
func (t *transform) frames(y []float64, x audiosep.Coefs) (int, error) {
	n := len(y) / t.length
	im := 0
	if t.complex {
		im = n * t.bins
	}
	if len(y) != n*t.length || len(x.Re) != n*t.bins || len(x.Im) != im {
		return 0, &audiosep.ShapeError{What: "a run of frames", Is: fmt.Sprintf("%d samples, %d and %d coefficients", len(y), len(x.Re), len(x.Im)),
			Want: fmt.Sprintf("whole frames of %d samples, with %d coefficients each", t.length, t.bins)}
	}
	return n, nil
}

func (t *transform) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	n, err := t.frames(src, dst)
	if err != nil {
		return err
	}
	return t.inParts(ctx, n, t.length+t.planes()*t.bins, 0, func(ctx context.Context, first, n int) error {
		return t.forward(ctx, n, dst.Slice(first, first+n, t.bins), src[first*t.length:(first+n)*t.length])
	})
}

func (t *transform) forward(ctx context.Context, n int, dst audiosep.Coefs, src []float64) error {
	return t.carry(ctx, "forward", func(ctx context.Context, p *process, _ uint64, c *parcel) error {
		x := c.coefs(dst)
		req := &wire.ForwardRequest{Transform: t.handle, Frames: uint64(n), Frame: c.put(src), ReTo: x.re.array, ImTo: x.im.array}
		reply, err := wire.NewTransformClient(p.conn).Forward(ctx, req)
		if err != nil {
			return err
		}
		return x.fill(reply)
	})
}

func (t *transform) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	n, err := t.frames(dst, src)
	if err != nil {
		return err
	}
	return t.inParts(ctx, n, t.length+t.planes()*t.bins, 0, func(ctx context.Context, first, n int) error {
		return t.inverse(ctx, n, dst[first*t.length:(first+n)*t.length], src.Slice(first, first+n, t.bins))
	})
}

func (t *transform) inverse(ctx context.Context, n int, dst []float64, src audiosep.Coefs) error {
	return t.carry(ctx, "inverse", func(ctx context.Context, p *process, _ uint64, c *parcel) error {
		y := c.room("the frames", dst)
		req := &wire.InverseRequest{Transform: t.handle, Frames: uint64(n), Re: c.put(src.Re), FrameTo: y.array}
		if t.complex {
			req.Im = c.put(src.Im)
		}
		reply, err := wire.NewTransformClient(p.conn).Inverse(ctx, req)
		if err != nil {
			return err
		}
		return y.fill(reply.GetFrame())
	})
}

// phi returns the matrix of a transform, as learners take it: nil for nil.
func phi(ctx context.Context, t audiosep.Transform) (mat.Matrix, error) {
	if t == nil {
		return nil, nil
	}
	if m, ok := t.(audiosep.MatrixTransform); ok {
		return m.Phi(), nil
	}
	if t.Complex() {
		return nil, fmt.Errorf("the initial transform is complex; a plugin can start from a real one only")
	}
	m := t.Len()
	unit := make([]float64, m*m)
	for i := range m {
		unit[i*m+i] = 1
	}
	x := audiosep.MakeCoefs(t, m)
	if err := t.Forward(ctx, x, unit); err != nil {
		return nil, err
	}
	return mat.NewDense(m, t.Bins(), x.Re).T(), nil
}

// learn sends frames and what there is to begin with to a learner.
func (r *remote) learn(ctx context.Context, env audiosep.Env, joint bool, y *audiosep.Frames, init audiosep.Model) (m audiosep.Model, err error) {
	arrays := []array{framesTo(y)}
	start, err := phi(ctx, init.Transform)
	if err != nil {
		return m, err
	}
	if start != nil {
		arrays = append(arrays, matrix("phi", start))
	}
	arrays = append(arrays, factorArrays(init.Factors)...)
	err = r.call(ctx, "learn", func(ctx context.Context, p *process, handle uint64, alive func()) error {
		stream, err := wire.NewTransformLearnerClient(p.conn).LearnTransform(ctx)
		if joint {
			stream, err = wire.NewJointLearnerClient(p.conn).LearnJointly(ctx)
		}
		if err != nil {
			return err
		}
		job := &wire.Job{Stage: handle, Framing: framingTo(y.Framing), First: uint64(y.First), Frames: uint64(y.N)}
		result, got, err := talk(ctx, stream, env, alive, job, arrays, func(res *wire.Result) error { return expectModel(res, joint, y) })
		if err != nil {
			return err
		}
		m.Factors = factorsFrom(got, result.GetStop())
		if a, ok := got["phi"]; ok {
			if m.Transform, err = audiosep.NewMatrixTransform(a.dense()); err != nil {
				return bad("%v", err)
			}
		} else if m.Transform, err = newTransform(r, result.GetTransform(), y.Length); err != nil {
			return err
		}
		if m.Factors != nil {
			if err := m.Factors.Validate(m.Transform.Bins(), y.N/y.Share); err != nil {
				return bad("%v", err)
			}
		}
		return nil
	})
	return m, err
}

func expectModel(res *wire.Result, joint bool, y *audiosep.Frames) error {
	want := map[string][2]int{"phi": {-1, y.Length}}
	var required []string
	if joint {
		want["w"], want["h"] = [2]int{-1, -1}, [2]int{-1, y.N / y.Share}
		want["objective"], want["restarts"] = [2]int{1, -1}, [2]int{1, -1}
		required = []string{"w", "h"}
	}
	if res.GetTransform() == nil {
		required = append(required, "phi")
	}
	return expectArrays(res.GetArrays(), want, required...)
}

type transformLearner struct{ *remote }

func (s transformLearner) LearnTransform(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Transform) (audiosep.Transform, error) {
	m, err := s.learn(ctx, env, false, y, audiosep.Model{Transform: init})
	return m.Transform, err
}

type jointLearner struct{ *remote }

func (s jointLearner) LearnJointly(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Model) (audiosep.Model, error) {
	m, err := s.learn(ctx, env, true, y, init)
	if err == nil {
		m.Framing = &y.Framing
	}
	return m, err
}

type factorizer struct{ *remote }

func (s factorizer) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, init *audiosep.Factors) (f *audiosep.Factors, err error) {
	bins, cols := v.Dims()
	err = s.call(ctx, "factorize", func(ctx context.Context, p *process, handle uint64, alive func()) error {
		stream, err := wire.NewFactorizerClient(p.conn).Factorize(ctx)
		if err != nil {
			return err
		}
		arrays := append([]array{matrix("v", v)}, factorArrays(init)...)
		result, got, err := talk(ctx, stream, env, alive, &wire.Job{Stage: handle}, arrays, func(res *wire.Result) error {
			return expectArrays(res.GetArrays(), map[string][2]int{
				"w": {bins, -1}, "h": {-1, cols}, "objective": {1, -1}, "restarts": {1, -1}}, "w", "h")
		})
		if err != nil {
			return err
		}
		if f = factorsFrom(got, result.GetStop()); f == nil || f.W == nil || f.H == nil {
			return bad("W or H is empty")
		}
		if err := f.Validate(bins, cols); err != nil {
			return bad("%v", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

type activator struct{ *remote }

func (s activator) Activate(ctx context.Context, dst, v, w *mat.Dense) error {
	bins, cols := v.Dims()
	wr, rank := w.Dims()
	if r, c := dst.Dims(); r != rank || c != cols || wr != bins {
		return &audiosep.ShapeError{What: "H", Is: fmt.Sprintf("%d×%d for V %d×%d and W %d×%d", r, c, bins, cols, wr, rank), Want: fmt.Sprintf("%d×%d", rank, cols)}
	}
	return s.inParts(ctx, cols, bins+rank, bins*rank, func(ctx context.Context, first, n int) error {
		part := func(m *mat.Dense, rows int) *mat.Dense { return m.Slice(0, rows, first, first+n).(*mat.Dense) }
		return s.activate(ctx, part(dst, rank), part(v, bins), w)
	})
}

func (s activator) activate(ctx context.Context, dst, v, w *mat.Dense) error {
	bins, cols := v.Dims()
	_, rank := w.Dims()
	return s.carry(ctx, "activate", func(ctx context.Context, p *process, handle uint64, c *parcel) error {
		h := c.room("H", rows(dst)...)
		req := &wire.ActivateRequest{Stage: handle, Bins: uint64(bins), Rank: uint64(rank), Columns: uint64(cols),
			V: c.put(rows(v)...), W: c.put(rows(w)...), HTo: h.array}
		reply, err := wire.NewActivatorClient(p.conn).Activate(ctx, req)
		if err != nil {
			return err
		}
		return h.fill(reply.GetH())
	})
}

// rows returns the rows of m, sharing storage.
func rows(m *mat.Dense) [][]float64 {
	raw := m.RawMatrix()
	all := make([][]float64, raw.Rows)
	for i := range all {
		all[i] = raw.Data[i*raw.Stride : i*raw.Stride+raw.Cols]
	}
	return all
}

type separator struct{ *remote }

func (s separator) Group(ctx context.Context, env audiosep.Env, f *audiosep.Factors) (groups []audiosep.Group, err error) {
	err = s.call(ctx, "group", func(ctx context.Context, p *process, handle uint64, alive func()) error {
		stream, err := wire.NewSeparatorClient(p.conn).GetGroups(ctx)
		if err != nil {
			return err
		}
		result, _, err := talk(ctx, stream, env, alive, &wire.Job{Stage: handle}, factorArrays(f), func(res *wire.Result) error {
			return expectArrays(res.GetArrays(), nil)
		})
		if err != nil {
			return err
		}
		if groups, err = groupsFrom(result.GetGroups(), f.Rank()); err != nil {
			return bad("%v", err)
		}
		return nil
	})
	return groups, err
}

func (s separator) Separate(ctx context.Context, dst []audiosep.Coefs, x audiosep.Coefs, f *audiosep.Factors, groups []audiosep.Group) error {
	bins, rank := f.W.Dims()
	_, n := f.H.Dims()
	planes := 1
	if x.Im != nil {
		planes = 2
	}
	if len(x.Re) != n*bins || len(dst) != len(groups) {
		return &audiosep.ShapeError{What: "the mixture", Is: fmt.Sprintf("%d coefficients for %d sources of %d", len(x.Re), len(dst), len(groups)),
			Want: fmt.Sprintf("%d, one for each bin and column of H", n*bins)}
	}
	return s.inParts(ctx, n, planes*bins*(1+len(dst))+rank, bins*rank, func(ctx context.Context, first, n int) error {
		part := make([]audiosep.Coefs, len(dst))
		for j := range part {
			part[j] = dst[j].Slice(first, first+n, bins)
		}
		h := f.H.Slice(0, rank, first, first+n).(*mat.Dense)
		return s.separate(ctx, part, x.Slice(first, first+n, bins), f.W, h, groups)
	})
}

func (s separator) separate(ctx context.Context, dst []audiosep.Coefs, x audiosep.Coefs, w, h *mat.Dense, groups []audiosep.Group) error {
	bins, rank := w.Dims()
	_, n := h.Dims()
	return s.carry(ctx, "separate", func(ctx context.Context, p *process, handle uint64, c *parcel) error {
		out := c.coefs(dst...)
		req := &wire.SeparateRequest{Stage: handle, Bins: uint64(bins), Rank: uint64(rank), Frames: uint64(n), Groups: groupsTo(groups),
			Re: c.put(x.Re), W: c.put(rows(w)...), H: c.put(rows(h)...), ReTo: out.re.array, ImTo: out.im.array}
		if x.Im != nil {
			req.Im = c.put(x.Im)
		}
		reply, err := wire.NewSeparatorClient(p.conn).Separate(ctx, req)
		if err != nil {
			return err
		}
		return out.fill(reply)
	})
}

type source struct{ *remote }

func (s source) Head(ctx context.Context) (h audiosep.Head, err error) {
	err = s.call(ctx, "head", func(ctx context.Context, p *process, handle uint64, _ func()) error {
		reply, err := wire.NewSourceClient(p.conn).GetHead(ctx, &wire.StageRequest{Stage: handle})
		if err != nil {
			return err
		}
		if h, err = headFrom(reply); err != nil {
			return bad("%v", err)
		}
		return nil
	})
	return h, err
}

func (s source) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if len(dst) == 0 {
		return nil
	}
	return s.inParts(ctx, len(dst[0]), len(dst), 0, func(ctx context.Context, first, n int) error {
		return s.carry(ctx, "read", func(ctx context.Context, p *process, handle uint64, c *parcel) error {
			y := c.room("the samples", columns(dst, first, n)...)
			reply, err := wire.NewSourceClient(p.conn).ReadAt(ctx, &wire.ReadAtRequest{Stage: handle, At: int64(at + first), Samples: uint64(n), To: y.array})
			if err != nil {
				return err
			}
			return y.fill(reply.GetSamples())
		})
	})
}

// columns returns n numbers of each row, from the first on.
func columns(x [][]float64, first, n int) [][]float64 {
	part := make([][]float64, len(x))
	for i := range x {
		part[i] = x[i][first : first+n]
	}
	return part
}

type sink struct {
	*remote
	open bool // created
}

// Prepare passes the question on.
func (s *sink) Prepare(ctx context.Context, plan audiosep.Plan) error {
	return s.call(ctx, "prepare", func(ctx context.Context, p *process, handle uint64, _ func()) error {
		_, err := wire.NewSinkClient(p.conn).Prepare(ctx, &wire.PrepareRequest{Stage: handle, Head: headTo(plan.Head)})
		return err
	})
}

func (s *sink) Create(ctx context.Context, env audiosep.Env, h audiosep.Head, sources []string) error {
	return s.call(ctx, "create", func(ctx context.Context, p *process, handle uint64, alive func()) error {
		stream, err := wire.NewSinkClient(p.conn).Create(ctx, &wire.CreateRequest{Stage: handle, Env: envTo(env), Head: headTo(h), Sources: sources})
		if err != nil {
			return err
		}
		s.open = true
		_, _, err = hear(ctx, stream, env, alive, func(res *wire.Result) error { return expectArrays(res.GetArrays(), nil) })
		return err
	})
}

func (s *sink) Write(ctx context.Context, source int, block [][]float64) error {
	if len(block) == 0 {
		return nil
	}
	samples := len(block[0])
	size := s.callBytes() / 8 / len(block)
	for first := 0; first < samples; first += size { // in order, so one after the other
		part := columns(block, first, min(size, samples-first))
		err := s.carry(ctx, "write", func(ctx context.Context, p *process, handle uint64, c *parcel) error {
			_, err := wire.NewSinkClient(p.conn).Write(ctx, &wire.WriteRequest{Stage: handle, Source: uint64(source), Samples: uint64(len(part[0])), Block: c.put(part...)})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sink) Commit(ctx context.Context) error {
	return s.call(ctx, "commit", func(ctx context.Context, p *process, handle uint64, _ func()) error {
		_, err := wire.NewSinkClient(p.conn).Commit(ctx, &wire.StageRequest{Stage: handle})
		return err
	})
}

// Close has the plugin discard what was not committed, then ends it.
func (s *sink) Close() error {
	var err error
	if s.open && !s.dead() {
		s.open = false
		ctx, cancel := context.WithTimeout(context.Background(), 2*grace)
		defer cancel()
		err = s.call(ctx, "close", func(ctx context.Context, p *process, handle uint64, _ func()) error {
			_, err := wire.NewSinkClient(p.conn).Close(ctx, &wire.StageRequest{Stage: handle})
			return err
		})
	}
	s.remote.Close()
	return err
}
