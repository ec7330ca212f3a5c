package multichannel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/spool"
)

// MWFEMParams are the parameters of mwf_em.
type MWFEMParams struct {
	Iterations int     `json:"iterations" min:"1" max:"1000" doc:"How many times the covariances are found anew from the filtered sources; more than a few make sources alike."`
	Ridge      float64 `json:"ridge" min:"1e-30" max:"1" unit:"power" doc:"Power added to every channel of the model, as part of the mixture's mean power in a coefficient; the sources share it evenly."`
}

// DefaultMWFEM returns the defaults of mwf_em.
func DefaultMWFEM() MWFEMParams { return MWFEMParams{Iterations: 2, Ridge: 1e-8} }

var mwfEMStage = audiosep.Define("mwf_em",
	`Separates a recording of several channels anew, by a multichannel Wiener filter whose powers and spatial covariances are those of sources that were estimated before, by whatever stage.
Source j has the covariance v_jft R_jf, v the mean power of its channels and R_jf = Σ_t y yᴴ / Σ_t v; the filter is v_j R_j (Σ_j v_j R_j + ridge)⁻¹. In each iteration v and R are those of what was filtered. So what an estimate leaves of a source that stands aside is taken out; where all sources stand in one place, as in mono, nothing is gained. The sources sum to the mixture. The estimates are kept in a temporary file while the pipeline runs, and are read once for each iteration and the result.
(Duong, Vincent and Gribonval, Under-determined reverberant audio source separation using a full-rank spatial covariance model, 2010; Nugraha, Liutkus and Vincent, Multichannel audio source separation with deep neural networks, 2016.)`,
	DefaultMWFEM(), NewMWFEM, audiosep.Sums)

// MWFEM is the stage mwf_em. It must be closed, which ends the stems that it has made.
type MWFEM struct {
	p    MWFEMParams
	mu   sync.Mutex
	kept []*spool.Spool
}

// NewMWFEM returns a stage that separates as p says. It is an error if p is out of the ranges
// in its tags, as in a spec.
func NewMWFEM(p MWFEMParams) (*MWFEM, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &MWFEM{p: p}, nil
}

// MWFEMIn is what mwf_em takes: the mixture and estimates of its sources.
type MWFEMIn struct {
	Coefs     audiosep.Spectra `port:"coefs"`
	Estimates audiosep.Stems   `port:"sources"`
}

// Forecast says that the sources are called as the estimates are.
func (s *MWFEM) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"sources": in["sources"]}, nil
}

// Run learns the covariances; the sources are separated as they are taken. It is an error if
// the estimates are not of this recording.
func (s *MWFEM) Run(ctx context.Context, env audiosep.Env, in MWFEMIn) (Out, error) {
	f, h := in.Coefs.Framing(), in.Estimates.Head()
	if f.Rate != h.Rate || f.Samples != h.Samples || f.Channels != h.Channels || f.Realisations != h.Realisations {
		return Out{}, fmt.Errorf("the sources have %s at %d Hz in %s, and the coefficients are of %d at %d Hz in %d; want those of one recording",
			counted.Of(h.Samples, "sample"), h.Rate, counted.Of(h.Layers(), "layer"), f.Samples, f.Rate, f.Layers())
	}
	estimates, err := s.keep(ctx, in.Estimates)
	if err != nil {
		return Out{}, err
	}
	m := &spatialModel{bins: in.Coefs.Transform().Bins(), channels: f.Channels, sources: len(in.Estimates.Names())}
	for _, src := range estimates {
		y, err := audiosep.NewSpectra(&audiosep.Framed{Source: src, Framing: f}, in.Coefs.Transform())
		if err != nil {
			return Out{}, err
		}
		m.estimates = append(m.estimates, y)
	}
	for i := range s.p.Iterations {
		if err := m.update(ctx, in.Coefs, s.p.Ridge); err != nil {
			return Out{}, err
		}
		env.Report(audiosep.Step{Done: i + 1, Of: s.p.Iterations, Objective: math.NaN()})
	}
	return Out{audiosep.Separated(in.Coefs, in.Estimates.Names(), 0, m.separate)}, nil
}

// keep returns the estimates as recordings that can be read anywhere.
func (s *MWFEM) keep(ctx context.Context, stems audiosep.Stems) ([]audiosep.Source, error) {
	h := stems.Head()
	layers := h.Layers()
	kept, err := spool.New(len(stems.Names())*layers, h.Samples)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.kept = append(s.kept, kept)
	s.mu.Unlock()
	err = stems.Each(ctx, func(source int, block [][]float64) error {
		for l, x := range block {
			if err := kept.Append(source*layers+l, x); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = kept.Full()
	}
	if err != nil {
		return nil, err
	}
	var all []audiosep.Source
	for j := range stems.Names() {
		all = append(all, &spooled{kept, j * layers, h})
	}
	return all, nil
}

// Close ends the stems.
func (s *MWFEM) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, k := range s.kept {
		errs = append(errs, k.Close())
	}
	s.kept = nil
	return errors.Join(errs...)
}

// spooled is a recording in some rows of a spool.
type spooled struct {
	kept  *spool.Spool
	first int
	head  audiosep.Head
}

func (s *spooled) Head(context.Context) (audiosep.Head, error) { return s.head, nil }

func (s *spooled) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for l, d := range dst {
		if err := s.kept.ReadAt(d, s.first+l, at); err != nil {
			return err
		}
	}
	return nil
}

// spatialModel has the spatial covariances of the sources, those of each iteration: what a
// frame's powers become follows from them and the frame's estimates.
type spatialModel struct {
	bins, channels, sources int
	estimates               []audiosep.Spectra
	ridge                   float64
	r                       [][]complex128 // [iteration][f][j][C][C]
}

// atOnce is how many frames are summed before sums are added, so that the bits do not depend
// on the blocks.
const atOnce = 64

// update finds the covariances of the sources as they are filtered so far.
func (m *spatialModel) update(ctx context.Context, x audiosep.Spectra, ridge float64) error {
	total := newMoments(m)
	frames := x.Framing().Frames()
	var power float64
	err := blocks.Run(ctx, frames, atOnce, 4, func() *moments { return newMoments(m) },
		func(ctx context.Context, s *moments, first, n int) error {
			clear(s.sum)
			clear(s.power)
			s.mixture = 0
			return m.each(ctx, s.frame, x, first, n, nil, func(b *mwfBench, _, _, f int) {
				s.add(b, f)
			})
		},
		func(_ context.Context, s *moments, _, n int) error {
			for i, v := range s.sum {
				total.sum[i] += v
			}
			for i, v := range s.power {
				total.power[i] += v
			}
			power += s.mixture
			return nil
		})
	if err != nil {
		return err
	}
	if m.ridge == 0 {
		m.ridge = ridge * power / float64(max(1, frames*x.Framing().Realisations*m.bins*m.channels))
	}
	m.r = append(m.r, total.covariances())
	return nil
}

// moments are sums over frames of what covariances are made of.
type moments struct {
	*spatialModel
	frame   *mwfBench
	sum     []complex128 // Σ y yᴴ: [f][j][C][C]
	power   []float64    // Σ v: [f][j]
	mixture float64      // Σ |x|²
}

func newMoments(m *spatialModel) *moments {
	c := m.channels
	return &moments{spatialModel: m, frame: newMWFBench(m), sum: make([]complex128, m.bins*m.sources*c*c), power: make([]float64, m.bins*m.sources)}
}

// add adds those of one coefficient.
func (s *moments) add(b *mwfBench, f int) {
	c := s.channels
	for j := range s.sources {
		y, at := b.y[j*c:(j+1)*c], f*s.sources+j
		sum := s.sum[at*c*c : (at+1)*c*c]
		for p, v := range y {
			for q, w := range y {
				sum[p*c+q] += v * cmplx.Conj(w)
			}
		}
		s.power[at] += meanPower(y)
	}
	for _, z := range b.x {
		s.mixture += real(z)*real(z) + imag(z)*imag(z)
	}
}

// covariances returns R = Σ y yᴴ / Σ v, 0 for a silent source.
func (s *moments) covariances() []complex128 {
	n := s.channels * s.channels
	for at, v := range s.power {
		if v == 0 {
			v = 1
		}
		for i := range n {
			s.sum[at*n+i] /= complex(v, 0)
		}
	}
	return s.sum
}

func meanPower(y []complex128) (sum float64) {
	for _, z := range y {
		sum += real(z)*real(z) + imag(z)*imag(z)
	}
	return sum / float64(len(y))
}

// mwfBench is scratch memory for one coefficient, and for the estimates of a run of frames.
type mwfBench struct {
	x, y    []complex128 // C; [j][C]
	v       []float64    // [j]
	mix, g  []complex128 // C×C, C
	pivot   []int
	spectra []*audiosep.Spectrogram // of the mixture, then of the estimates
}

func newMWFBench(m *spatialModel) *mwfBench {
	c := m.channels
	b := &mwfBench{x: make([]complex128, c), y: make([]complex128, m.sources*c), v: make([]float64, m.sources), mix: make([]complex128, c*c), g: make([]complex128, c), pivot: make([]int, c)}
	for range m.sources + 1 {
		b.spectra = append(b.spectra, new(audiosep.Spectrogram))
	}
	return b
}

// each calls do for every coefficient of n frames, with the mixture's and the sources', as they
// are filtered so far, in b. mix is the mixture's spectrogram if it has been read already.
func (m *spatialModel) each(ctx context.Context, b *mwfBench, x audiosep.Spectra, first, n int, mix *audiosep.Spectrogram, do func(b *mwfBench, layer, i, f int)) error {
	if mix == nil {
		mix = b.spectra[m.sources]
		if err := x.Read(ctx, mix, first, n); err != nil {
			return err
		}
	}
	for j, y := range m.estimates {
		if err := y.Read(ctx, b.spectra[j], first, n); err != nil {
			return err
		}
	}
	c := m.channels
	for l := 0; l < len(mix.Layers); l += c {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range n * m.bins {
			load(b.x, mix.Layers[l:l+c], i)
			for j := range m.sources {
				load(b.y[j*c:(j+1)*c], b.spectra[j].Layers[l:l+c], i)
			}
			m.filter(b, i%m.bins)
			do(b, l, i, i%m.bins)
		}
	}
	return nil
}

// load sets z to coefficient i of the channels.
func load(z []complex128, x []audiosep.Coefs, i int) {
	for c := range z {
		var im float64
		if x[c].Im != nil {
			im = x[c].Im[i]
		}
		z[c] = complex(x[c].Re[i], im)
	}
}

// filter replaces b.y by what the filter of each iteration makes of it.
func (m *spatialModel) filter(b *mwfBench, f int) {
	c := m.channels
	n := c * c
	for _, all := range m.r {
		r := all[f*m.sources*n : (f+1)*m.sources*n]
		clear(b.mix)
		for j := range b.v {
			b.v[j] = meanPower(b.y[j*c : (j+1)*c])
			for i, z := range r[j*n : (j+1)*n] {
				b.mix[i] += complex(b.v[j], 0) * z
			}
		}
		for i := range c {
			b.mix[i*c+i] += complex(m.ridge, 0)
		}
		if m.ridge == 0 || math.IsInf(factorise(b.mix, b.pivot, c), -1) { // silence
			for i := range b.y {
				b.y[i] = b.x[i%c] / complex(float64(m.sources), 0)
			}
			continue
		}
		solveFor(b.g, b.mix, b.pivot, b.x, c)
		share := complex(m.ridge/float64(m.sources), 0)
		for j := range b.v {
			for p := range c {
				var sum complex128
				for q, z := range r[j*n+p*c : j*n+(p+1)*c] {
					sum += z * b.g[q]
				}
				b.y[j*c+p] = complex(b.v[j], 0)*sum + share*b.g[p]
			}
		}
	}
}

// separate writes all sources in some frames.
func (m *spatialModel) separate(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, n int) error {
	c := m.channels
	return m.each(ctx, newMWFBench(m), nil, x.First, n, x, func(b *mwfBench, layer, i, _ int) {
		for j := range m.sources {
			for p, z := range b.y[j*c : (j+1)*c] {
				to := dst[j][layer+p]
				if to.Re[i] = real(z); to.Im != nil {
					to.Im[i] = imag(z)
				}
			}
		}
	})
}
