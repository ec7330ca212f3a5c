package separators

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/kernel"
)

// REPETSimParams are the parameters of repet_sim.
type REPETSimParams struct {
	Similar int      `json:"similar" min:"1" max:"100000" unit:"frames" doc:"How many frames most like a frame its background is the median of."`
	Apart   float64  `json:"apart" min:"0" max:"1e6" unit:"s" doc:"How far from a frame those must be at least."`
	Within  *float64 `json:"within" min:"0.01" max:"1e6" unit:"s" doc:"How far from a frame they may be at most; anywhere if left open, for which the time taken grows with the square of the recording's length."`
	Least   float64  `json:"least" min:"0" max:"1" doc:"Frames less alike than this, by the cosine of the angle between their spectra, are left out."`
	BackgroundParams
}

// DefaultREPETSim returns 100 frames at least a second apart, and masks W/V.
func DefaultREPETSim() REPETSimParams {
	return REPETSimParams{Similar: 100, Apart: 1, BackgroundParams: defaultBackground()}
}

var repetSimStage = audiosep.Define("repet_sim",
	`Tells an accompaniment whose frames come again, at any time, from what does not, such as a voice: the background of a frame is the median of the frames most like it (Rafii and Pardo, Music/voice separation using the similarity matrix, ISMIR 2012).
How alike two frames are is the cosine of the angle between their magnitudes, averaged over layers; each channel has its own background. Magnitudes are held in memory: 40 MB a minute of stereo at 44.1 kHz with a hop of 512.`,
	DefaultREPETSim(), NewREPETSim, audiosep.Sums)

// REPETSim is the stage repet_sim.
type REPETSim struct {
	BackgroundParams
	p REPETSimParams
}

// Validate checks what the ranges do not say.
func (p REPETSimParams) Validate() error {
	if p.Within != nil && *p.Within <= p.Apart {
		return &audiosep.ParamError{Name: "within", What: "is no more than apart; want it greater, else no frame is similar"}
	}
	return nil
}

// NewREPETSim returns a stage that separates as p says.
func NewREPETSim(p REPETSimParams) (*REPETSim, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &REPETSim{p.BackgroundParams, p}, nil
}

// Run finds the similar frames; the stems are separated as they are taken.
func (s *REPETSim) Run(ctx context.Context, env audiosep.Env, in BackgroundIn) (BackgroundOut, error) {
	x := in.Coefs
	v, err := readSpectrum(ctx, x)
	if err != nil {
		return BackgroundOut{}, err
	}
	q := &likeness{spectrum: v, count: s.p.Similar, least: s.p.Least, apart: 1, within: v.frames}
	if s.p.Apart > 0 {
		q.apart = inFrames(x, s.p.Apart)
	}
	if s.p.Within != nil {
		q.within = min(inFrames(x, *s.p.Within), v.frames)
	}
	similar, err := q.find(ctx, env)
	if err != nil {
		return BackgroundOut{}, err
	}
	return BackgroundOut{s.separated(x, func(w, mix []float64, layer, first, n int) {
		for i := range n {
			v.similar(w[i*v.bins:(i+1)*v.bins], mix[i*v.bins:(i+1)*v.bins], layer, similar[first+i])
		}
	})}, nil
}

var columnsPool = sync.Pool{New: func() any { return new(kernel.Medians) }}

// similar sets w to the median of some frames, or to v, the frame itself, where that is less or there
// are none.
func (s *spectrum) similar(w, v []float64, layer int, frames []int32) {
	if len(frames) == 0 {
		copy(w, v)
		return
	}
	m := columnsPool.Get().(*kernel.Medians)
	defer columnsPool.Put(m)
	m.Of(w, v, s.layers[layer], s.bins, frames)
}

// likeness finds the frames most like each.
type likeness struct {
	*spectrum
	count         int
	least         float64
	apart, within int // frames
	unit          []float32
}

// likeFrames is how many frames are compared with the others at once.
const likeFrames = 128

// find returns, for each frame, up to count frames most like it, in order of time.
func (q *likeness) find(ctx context.Context, env audiosep.Env) ([][]int32, error) {
	q.normalise()
	similar := make([][]int32, q.frames)
	err := blocks.Run(ctx, q.frames, likeFrames, runtime.GOMAXPROCS(0), func() *likeRun { return new(likeRun) },
		func(ctx context.Context, r *likeRun, first, n int) error { return q.compare(ctx, r, similar, first, n) },
		func(_ context.Context, _ *likeRun, first, n int) error {
			env.Report(audiosep.Step{Done: first + n, Of: q.frames, Objective: math.NaN()})
			return nil
		})
	return similar, err
}

// normalise sets unit to the mean of the layers, each frame divided by its norm.
func (q *likeness) normalise() {
	q.unit = make([]float32, q.frames*q.bins)
	mean := make([]float64, q.bins)
	for t := range q.frames {
		clear(mean)
		for l := range q.layers {
			for f, v := range q.frame(l, t, 1) {
				mean[f] += float64(v)
			}
		}
		var sum float64
		for _, v := range mean {
			sum += v * v
		}
		if sum > 0 {
			scale := 1 / math.Sqrt(sum)
			for f, v := range mean {
				q.unit[t*q.bins+f] = float32(v * scale)
			}
		}
	}
}

// likeRun is what one goroutine needs to compare frames.
type likeRun struct {
	a, b, c []float64
	alike   []float64
	at      []int32
	order   []float64
}

// compare finds the frames most like frames first to first+n-1, others being taken likeFrames
// at a time.
func (q *likeness) compare(ctx context.Context, r *likeRun, similar [][]int32, first, n int) error {
	from, to := max(0, first-q.within), min(q.frames, first+n+q.within)
	r.a = widen(r.a, q.unit[first*q.bins:(first+n)*q.bins])
	r.c = slices.Grow(r.c[:0], n*(to-from))[:n*(to-from)]
	for at := from; at < to; at += likeFrames {
		if err := ctx.Err(); err != nil {
			return err
		}
		m := min(likeFrames, to-at)
		r.b = widen(r.b, q.unit[at*q.bins:(at+m)*q.bins])
		kernel.Gemm(blas.NoTrans, blas.Trans, 1, blas64.General{Rows: n, Cols: q.bins, Stride: q.bins, Data: r.a},
			blas64.General{Rows: m, Cols: q.bins, Stride: q.bins, Data: r.b}, 0,
			blas64.General{Rows: n, Cols: m, Stride: to - from, Data: r.c[at-from:]})
	}
	for i := range n {
		r.alike, r.at = r.alike[:0], r.at[:0]
		for j, v := range r.c[i*(to-from) : (i+1)*(to-from)] {
			if d := max(first+i-from-j, from+j-first-i); d >= q.apart && d <= q.within && v >= q.least {
				r.alike, r.at = append(r.alike, v), append(r.at, int32(from+j))
			}
		}
		similar[first+i] = r.most(q.count)
	}
	return nil
}

// most returns which count of the frames in r are most alike, the first of equals.
func (r *likeRun) most(count int) []int32 {
	if len(r.at) <= count {
		return slices.Clone(r.at)
	}
	r.order = append(r.order[:0], r.alike...)
	bound := nthFloat(r.order, len(r.order)-count)
	equal := count // how many of those that are as alike as the last have room
	for _, v := range r.alike {
		if v > bound {
			equal--
		}
	}
	best := make([]int32, 0, count)
	for i, v := range r.alike {
		if v > bound || v == bound && equal > 0 {
			if best = append(best, r.at[i]); v == bound {
				equal--
			}
		}
	}
	return best
}

// widen returns x in double precision, in a's storage where that is enough.
func widen(a []float64, x []float32) []float64 {
	a = slices.Grow(a[:0], len(x))[:len(x)]
	for i, v := range x {
		a[i] = float64(v)
	}
	return a
}
