package multichannel

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/machine"
)

// LocaliseParams say how microphones stand and what is looked for.
type LocaliseParams struct {
	Spacing float64 // m, from one microphone of a line to the next
	Sources int     // the most directions that are told
	Lowest  float64 // Hz: bins below say nothing of small arrays
}

// DefaultLocalise returns the defaults of Localise: two sources, from 200 Hz on. The spacing is
// not known.
func DefaultLocalise() LocaliseParams { return LocaliseParams{Sources: 2, Lowest: 200} }

// Direction is where a source seems to be.
type Direction struct {
	Angle float64 `json:"angle"` // °, 0 to 180, 0 on the side of the first microphone
	Share float64 `json:"share"` // of the frames' weight, within 10° of it
}

// Directions says where the sources of a recording are.
type Directions struct {
	Found []Direction `json:"found"` // the strongest first
	// Map is the weight of each whole degree, 0 to 180, of sum 1.
	Map []float64 `json:"map"`
}

// How far apart two directions are at least, and how far frames of one source spread, in °.
const apart, spread = 10, 4

// Localise finds where the sources of a recording are, before any separation, by steered
// response power with phase transform: in each frame the direction to which the phases between
// all pairs of microphones fit best has the weight of how well they fit beyond chance; where
// frames agree is a source (DiBiase, A high-accuracy, low-latency technique for talker
// localization in reverberant environments, 2000). A source behind the line has the angle of its
// mirror image. It is an error if there is one channel, or if the bins have no frequencies.
func Localise(ctx context.Context, x audiosep.Spectra, p LocaliseParams) (*Directions, error) {
	hz := audiosep.PowerOf(x, nil).Hz()
	switch {
	case hz == nil || !x.Transform().Complex():
		return nil, fmt.Errorf("the coefficients have no frequencies or no phases; want those of stft")
	case x.Framing().Channels < 2:
		return nil, fmt.Errorf("the recording has one channel; want at least two microphones")
	case !(p.Spacing > 0):
		return nil, fmt.Errorf("the spacing is %g m; want the distance from one microphone to the next", p.Spacing)
	case p.Sources < 1:
		return nil, fmt.Errorf("%s looked for; want at least 1", counted.Are(p.Sources, "source"))
	}
	const size, workers = 64, 4
	f := x.Framing()
	s := &steering{channels: f.Channels}
	for i, v := range hz {
		if v >= p.Lowest {
			s.bins = append(s.bins, i)
		}
	}
	benches := min(workers, (f.Frames()+size-1)/size)
	if err := s.fits(len(s.bins), size*benches*f.Realisations); err != nil {
		return nil, err
	}
	s.steer(hz, p)
	weights := make([]float64, degrees)
	err := blocks.Run(ctx, f.Frames(), size, workers, func() *steered { return s.bench(size * f.Realisations) },
		func(ctx context.Context, b *steered, first, n int) error {
			if err := x.Read(ctx, &b.x, first, n); err != nil {
				return err
			}
			s.frames(b, n)
			return nil
		},
		func(_ context.Context, b *steered, _, _ int) error {
			floats.Add(weights, b.weights)
			return nil
		})
	if err != nil {
		return nil, err
	}
	return directions(weights, p.Sources), nil
}

const degrees = 181

// steering is the phases of all directions.
type steering struct {
	bins            []int // that are looked at
	channels, pairs int
	cos, sin        []float64 // [pair·bin][degree]
}

// fits is an error where the phases of so many bins of all pairs of microphones, and of so many frames
// at a time, are more than the memory that there is: a small file may have a thousand channels.
func (s *steering) fits(bins, frames int) error {
	pairs := s.channels * (s.channels - 1) / 2
	need := int64(pairs) * int64(bins) * 8 * int64(2*degrees+2*frames)
	if may, known := machine.Memory(); known && need > may {
		return fmt.Errorf("the phases of all %d pairs of %s would take %.3g GB of memory, and %.3g GB may be used; want fewer microphones, or shorter frames", pairs, counted.Of(s.channels, "channel"), float64(need)/1e9, float64(may)/1e9)
	}
	return nil
}

// steer finds the phases.
func (s *steering) steer(hz []float64, p LocaliseParams) {
	s.pairs = s.channels * (s.channels - 1) / 2
	size := s.pairs * len(s.bins) * degrees
	s.cos, s.sin = make([]float64, 0, size), make([]float64, 0, size)
	for i := range s.channels {
		for j := i + 1; j < s.channels; j++ {
			for _, f := range s.bins {
				most := 2 * math.Pi * hz[f] * float64(j-i) * p.Spacing / speedOfSound
				for d := range degrees {
					sin, cos := math.Sincos(most * math.Cos(float64(d)*math.Pi/180))
					s.cos, s.sin = append(s.cos, cos), append(s.sin, sin)
				}
			}
		}
	}
}

// steered is the scratch memory of some frames.
type steered struct {
	x       audiosep.Spectrogram
	re, im  []float64 // phases between microphones: [frame][pair·bin]
	fit     []float64 // [frame][degree]
	weights []float64 // [degree]
}

func (s *steering) bench(frames int) *steered {
	size := frames * s.pairs * len(s.bins)
	return &steered{re: make([]float64, size), im: make([]float64, size), fit: make([]float64, frames*degrees), weights: make([]float64, degrees)}
}

// frames adds the weights of n frames of all realisations.
func (s *steering) frames(b *steered, n int) {
	clear(b.weights)
	all, bins := s.pairs*len(s.bins), b.x.Transform.Bins()
	for l := 0; l < len(b.x.Layers); l += s.channels {
		at := 0
		for t := range n {
			for i := range s.channels {
				for j := i + 1; j < s.channels; j++ {
					for _, f := range s.bins {
						p, q := b.x.Layers[l+i], b.x.Layers[l+j]
						k := t*bins + f
						re, im := p.Re[k]*q.Re[k]+p.Im[k]*q.Im[k], p.Im[k]*q.Re[k]-p.Re[k]*q.Im[k]
						norm := math.Sqrt(re*re+im*im) + 1e-300
						b.re[at], b.im[at] = re/norm, im/norm
						at++
					}
				}
			}
		}
		fit := matrix(b.fit, n, degrees)
		kernel.Gemm(blas.NoTrans, blas.NoTrans, 1/float64(max(1, all)), matrix(b.re, n, all), matrix(s.cos, all, degrees), 0, fit)
		kernel.Gemm(blas.NoTrans, blas.NoTrans, 1/float64(max(1, all)), matrix(b.im, n, all), matrix(s.sin, all, degrees), 1, fit)
		s.vote(b.weights, fit)
	}
}

// vote adds for each frame the fit of its best direction, beyond what chance has.
func (s *steering) vote(weights []float64, fit blas64.General) {
	chance := 3 / math.Sqrt(2*float64(max(1, s.pairs*len(s.bins)))) // three deviations of a mean of cosines
	for t := range fit.Rows {
		row := fit.Data[t*degrees : (t+1)*degrees]
		best := floats.MaxIdx(row)
		if row[best] > chance {
			weights[best] += (row[best] - chance) * (row[best] - chance)
		}
	}
}

// directions returns the most weighty peaks of the weights, smoothed.
func directions(weights []float64, sources int) *Directions {
	d := &Directions{Found: []Direction{}, Map: weights}
	total := sumOf(weights)
	if total == 0 { // silence
		return d
	}
	floats.Scale(1/total, weights)
	for _, i := range peaks(weights, spread, apart, sources) {
		share := sumOf(weights[max(0, i-apart):min(degrees, i+apart+1)])
		d.Found = append(d.Found, Direction{float64(i), share})
	}
	return d
}

// peaks returns the cells of a histogram in which it has its greatest peaks, at most n, the
// greatest first, at least apart cells from each other, after it has been smoothed by a normal
// distribution of so many cells.
func peaks(weights []float64, spread float64, apart, n int) (cells []int) {
	smooth, order := make([]float64, len(weights)), make([]int, len(weights))
	for i := range smooth {
		order[i] = i
		for j, w := range weights {
			smooth[i] += w * math.Exp(-math.Pow(float64(i-j)/spread, 2)/2)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(smooth[j], smooth[i]) })
	for _, i := range order {
		peak := smooth[i] > 0 && (i == 0 || smooth[i] >= smooth[i-1]) && (i+1 == len(smooth) || smooth[i] >= smooth[i+1])
		near := slices.ContainsFunc(cells, func(c int) bool { return max(c-i, i-c) < apart })
		if peak && !near && len(cells) < n {
			cells = append(cells, i)
		}
	}
	return cells
}
