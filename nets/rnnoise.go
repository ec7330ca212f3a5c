package nets

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/nn"
)

//go:embed rnnoise/weights.npz
var rnnoiseWeights []byte

// The sizes of RNNoise (Valin, A hybrid DSP/deep learning approach to real-time full-band speech
// enhancement, MMSP 2018).
const (
	rnnoiseRate     = 48000 // Hz
	rnnoiseLength   = 960   // samples of a frame
	rnnoiseHop      = 480
	rnnoiseBins     = rnnoiseLength/2 + 1
	rnnoiseBands    = 22
	rnnoiseFeatures = 42
	// rnnoiseFrames is how many frames the network is given at a time, side by side in vectors.
	rnnoiseFrames = 16
)

// The units of its layers, and where the channels of their inputs begin that stand side by side:
// what the first layer makes of the features, speech, features, noise.
const (
	inputUnits, vadUnits, noiseUnits, gainUnits = 24, 24, 48, 96

	vadAt      = inputUnits
	featuresAt = vadAt + vadUnits
	noiseAt    = featuresAt + rnnoiseFeatures
)

// rnnoise is the network's weights: what is speech, what is noise, and the gains of bands.
type rnnoise struct {
	input, gains        nn.Conv
	vad, noise, denoise nn.GRUBefore
}

var loadRNNoise = sync.OnceValues(func() (*rnnoise, error) {
	w, err := nn.ReadWeights(rnnoiseWeights)
	if err != nil {
		return nil, fmt.Errorf("the weights of RNNoise: %w", err)
	}
	w.Scale(1.0 / 256)
	n := &rnnoise{
		input: nn.Conv{Out: inputUnits, In: rnnoiseFeatures, Rows: 1, Cols: 1, W: w.Take("input.w", inputUnits, rnnoiseFeatures), B: w.Take("input.b", inputUnits)},
		gains: nn.Conv{Out: rnnoiseBands, In: gainUnits, Rows: 1, Cols: 1, W: w.Take("gains.w", rnnoiseBands, gainUnits), B: w.Take("gains.b", rnnoiseBands)},
		vad:   w.GRUBefore("vad", inputUnits, vadUnits), noise: w.GRUBefore("noise", noiseAt, noiseUnits),
		denoise: w.GRUBefore("denoise", vadUnits+rnnoiseFeatures+noiseUnits, gainUnits),
	}
	if err := w.Err(); err != nil {
		return nil, fmt.Errorf("the weights of RNNoise: %w", err)
	}
	return n, nil
})

// rnnoiseState is one recording on its way through the network: what it remembers, and memory for
// rnnoiseFrames frames. Planes are [channel][1][frame].
type rnnoiseState struct {
	*rnnoise
	sums                 kernel.Overlapping
	first, in            *nn.Planes // what the first layer makes of the features; all inputs
	gates, hidden        *nn.Planes
	band                 *nn.Planes // gains of bands, 0 to 1
	vadH, noiseH, gainsH []float64  // the units' states
	gate, scratch        []float64  // of one frame
}

func newRNNoiseState() (*rnnoiseState, error) {
	n, err := loadRNNoise()
	if err != nil {
		return nil, err
	}
	planes := func(c int) *nn.Planes { return nn.NewPlanes(c, 1, rnnoiseFrames, 0, 0) }
	return &rnnoiseState{
		rnnoise: n, first: planes(inputUnits), in: planes(noiseAt + noiseUnits),
		gates: planes(3 * gainUnits), hidden: planes(gainUnits), band: planes(rnnoiseBands),
		vadH: make([]float64, vadUnits), noiseH: make([]float64, noiseUnits), gainsH: make([]float64, gainUnits),
		gate: make([]float64, 3*gainUnits), scratch: make([]float64, n.denoise.Scratch()),
	}, nil
}

// features returns where feature i of the frames belongs.
func (s *rnnoiseState) features(i int) []float64 { return s.in.Row(featuresAt+i, 0) }

// run has the gains of the frames in band. Silent frames leave the network as it is, and have no
// gains.
func (s *rnnoiseState) run(silent *[rnnoiseFrames]bool) {
	s.input.Apply(&s.sums, s.first, s.in, featuresAt)
	for c := range inputUnits {
		nn.Tanh(s.first.Row(c, 0))
		copy(s.in.Row(c, 0), s.first.Row(c, 0))
	}
	s.recur(&s.vad, s.vadH, 0, s.in, vadAt, silent)
	s.recur(&s.noise, s.noiseH, 0, s.in, noiseAt, silent)
	s.recur(&s.denoise, s.gainsH, vadAt, s.hidden, 0, silent)
	s.gains.Apply(&s.sums, s.band, s.hidden, 0)
	for b := range rnnoiseBands {
		nn.Sigmoid(s.band.Row(b, 0))
	}
}

// recur takes recurrent units through the frames, from the inputs that begin at from, and writes
// their states to dst, from its channel to on.
func (s *rnnoiseState) recur(g *nn.GRUBefore, h []float64, from int, dst *nn.Planes, to int, silent *[rnnoiseFrames]bool) {
	g.X.Apply(&s.sums, s.gates, s.in, from)
	gate := s.gate[:3*len(h)]
	for t, silent := range silent {
		if silent {
			continue
		}
		for i := range gate {
			gate[i] = s.gates.Row(i, 0)[t]
		}
		g.Step(&s.sums, s.scratch, h, gate)
		for u, x := range h {
			dst.Row(to+u, 0)[t] = x
		}
	}
}
