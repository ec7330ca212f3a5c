// Package audiosep is the vocabulary of an audio source-separation framework:
// the data that passes between the stages of a pipeline, the interface of each
// kind of stage, and [Define], which turns a constructor into a stage that a
// pipeline, a plugin and a help page can all use.
//
// Symbols, as in the papers:
//
//	M samples per frame   F coefficients (bins) per frame; F = M for a square Φ
//	N frames              K components of a factorisation
//	C channels            R realisations: recordings of the same random scene
//	L layers = R·C        J sources
//	S frames that share one activation
//
//	Y (M×N) frames of one layer, X = ΦY (F×N),
//	V (F×N/S) = mean of |X|² over the layers and the S frames that share a column,
//	V ≈ WH, W (F×K), H (K×N/S).
//
// Samples and coefficients are dimensionless, full scale ±1; V is a power.
// Times are in samples unless a name says otherwise, rates in Hz. Frames are
// written M×N as in the papers and stored frame by frame: the samples of a frame
// are contiguous, so any run of frames is a slice. V, W and H are gonum matrices.
//
// The package imports no other package of the module but internal helpers.
package audiosep

import (
	"fmt"
	"slices"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/huge"
	"github.com/audiosep/audiosep/internal/lend"
)

// Head says what a recording is. Samples counts the samples of one layer.
type Head struct {
	Rate         int // Hz
	Samples      int // per layer
	Channels     int // C
	Realisations int // R: recordings of the same scene, alike in everything but their content

	// Names has a short name for each realisation, such as a file's base name;
	// outputs are named after them. It may be nil.
	Names []string `json:",omitempty"`
	// Encoding is how the samples were stored: "int16", "int24", "float32", ….
	// Empty when they never were, as in a synthesis or a lossy format.
	Encoding string `json:",omitempty"`
	// Speakers says which loudspeakers the channels are for, as dwChannelMask of
	// WAVE_FORMAT_EXTENSIBLE does: one bit for each channel. 0 where that is not known, or
	// there are one or two.
	Speakers uint32 `json:",omitempty"`
	// Tags has what each realisation says about itself, such as its title. It may be nil.
	Tags []Tags `json:",omitempty"`
}

// Tags is what a recording says about itself. A name may stand several times.
type Tags []Tag

// Tag is one of them. Names are those of Vorbis comments, in capitals: TITLE, ARTIST, ALBUM, …
type Tag struct{ Name, Value string }

// Layers returns L = R·C. Layer r·C+c is channel c of realisation r.
func (h Head) Layers() int { return h.Realisations * h.Channels }

// Frames is a run of consecutive windowed frames of every layer.
type Frames struct {
	Framing
	First, N int         // index of the run's first frame; frames in the run
	Data     [][]float64 // [layer][n*M+m]

	samples [][]float64 // what Cut read, kept for the next run
}

// Matrix returns Y, M×N, of one layer. It shares storage with the frames.
func (f *Frames) Matrix(layer int) mat.Matrix {
	return mat.NewDense(f.N, f.Length, f.Data[layer]).T()
}

// Coefs is a run of frames of coefficients. Im is nil when the transform is real.
type Coefs struct{ Re, Im []float64 } // [n*F+f]

// MakeCoefs returns zeroed coefficients for n frames of t.
func MakeCoefs(t Transform, n int) Coefs {
	c := Coefs{Re: huge.Floats(n * t.Bins())}
	if t.Complex() {
		c.Im = huge.Floats(n * t.Bins())
	}
	return c
}

// Slice returns frames i to j of c, sharing storage; bins is F.
func (c Coefs) Slice(i, j, bins int) Coefs {
	s := Coefs{Re: c.Re[i*bins : j*bins]}
	if c.Im != nil {
		s.Im = c.Im[i*bins : j*bins]
	}
	return s
}

// Spectrogram is a run of frames of coefficients of every layer. It carries the
// Transform that made it: it cannot be undone by another.
type Spectrogram struct {
	Framing   Framing
	Transform Transform
	First, N  int
	Layers    []Coefs

	all    Coefs     // of all layers, one after the other
	y      []float64 // the frames of all layers, likewise
	frames Frames
	loan   *lend.Loan
}

// Power sets v, F×N/S, to the run's power: |X|² averaged over the layers and over
// the S frames that share a column. First and N must be multiples of S.
func (s *Spectrogram) Power(v *mat.Dense) error {
	share, bins := s.Framing.Share, s.Transform.Bins()
	if s.N%share != 0 || s.First%share != 0 {
		return &ShapeError{"the run of frames", fmt.Sprintf("%d from %d on", s.N, s.First), fmt.Sprintf("whole groups of %d", share)}
	}
	if r, c := v.Dims(); r != bins || c != s.N/share {
		return &ShapeError{"v", fmt.Sprintf("%d×%d", r, c), fmt.Sprintf("%d×%d", bins, s.N/share)}
	}
	raw := v.RawMatrix()
	kept := sums.Get().(*[]float64)
	defer sums.Put(kept)
	*kept = slices.Grow((*kept)[:0], bins)[:bins]
	sum := *kept
	scale := 1 / float64(share*len(s.Layers))
	for j := range s.N / share {
		clear(sum)
		for _, x := range s.Layers {
			x = x.Slice(j*share, (j+1)*share, bins)
			addSquares(sum, x.Re)
			addSquares(sum, x.Im)
		}
		for f, p := range sum {
			raw.Data[f*raw.Stride+j] = p * scale
		}
	}
	return nil
}

// sums are spectra that [Spectrogram.Power] is done with.
var sums = sync.Pool{New: func() any { return new([]float64) }}

// addSquares adds the squares of x, whole frames of len(sum), to sum.
func addSquares(sum, x []float64) {
	for ; len(x) > 0; x = x[len(sum):] {
		for f, c := range x[:len(sum)] {
			sum[f] += c * c
		}
	}
}

// ShapeError says that something has another shape than its user needs.
type ShapeError struct{ What, Is, Want string }

func (e *ShapeError) Error() string { return fmt.Sprintf("%s is %s; want %s", e.What, e.Is, e.Want) }
