package nets

import (
	_ "embed"
	"fmt"
	"math"
	"sync"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/nn"
)

//go:embed gtcrn/weights.npz
var gtcrnWeights []byte

// The sizes of GTCRN (Rong et al., GTCRN: a speech enhancement model requiring ultralow
// computational resources, ICASSP 2024).
const (
	gtcrnRate   = 16000 // Hz
	gtcrnLength = 512   // samples of a frame
	gtcrnHop    = 256
	gtcrnBins   = gtcrnLength/2 + 1
	lowBins     = 65 // bins that are bands by themselves
	erbBands    = 64 // of the bins above
	bands       = lowBins + erbBands
	halfBands   = (bands + 1) / 2
	narrowBands = (halfBands + 1) / 2
	// gtcrnFrames is how many frames the network is given at a time, side by side in vectors.
	// The last ones of a recording are filled up with silence, so that all are computed alike.
	gtcrnFrames = 16
)

// gtcrn is the network's weights.
type gtcrn struct {
	erb    []erbWeight
	encode [2]nn.Conv
	slopes [3]float64 // of PReLU behind encode and the first of decode
	blocks [6]temporal
	dual   [2]dualPath
	decode [2][2]nn.Conv // for even and odd rows
}

// erbWeight is what bin lowBins+bin has to do with band lowBins+band.
type erbWeight struct {
	band, bin int
	weight    float64
}

// temporal is a block of grouped temporal convolution with temporal recurrent attention.
type temporal struct {
	point1, point2 nn.Conv
	slope1, slope2 float64
	depth          nn.Depthwise
	gru            nn.GRU
	fc             nn.Conv
}

// dualPath is a grouped dual-path recurrent network: along the bands, then along time.
type dualPath struct {
	intra   [2][2]nn.GRU // [group][ahead, back]
	inter   [2]nn.GRU
	intraFC nn.Conv
	interFC nn.Conv
	intraLN nn.LayerNorm
	interLN nn.LayerNorm
}

var loadGTCRN = sync.OnceValues(func() (*gtcrn, error) {
	w, err := nn.ReadWeights(gtcrnWeights)
	if err != nil {
		return nil, fmt.Errorf("the weights of GTCRN: %w", err)
	}
	g := &gtcrn{}
	for i, weight := range w.Take("erb", erbBands, gtcrnBins-lowBins) {
		if weight != 0 {
			g.erb = append(g.erb, erbWeight{i / (gtcrnBins - lowBins), i % (gtcrnBins - lowBins), weight})
		}
	}
	slope := func(name string) float64 { return w.Take(name+".a", 1)[0] }
	g.encode = [2]nn.Conv{w.Conv("encoder0", 16, 9, 5), w.Conv("encoder1", 16, 8, 5)}
	for i := range g.encode {
		g.encode[i].First, g.encode[i].Step, g.encode[i].Groups = -2, 2, i+1
		g.slopes[i] = slope(fmt.Sprint("encoder", i))
	}
	for i, dilation := range []int{1, 2, 5, 5, 2, 1} {
		name := fmt.Sprint("encoder", i+2)
		if i >= 3 {
			name = fmt.Sprint("decoder", i-3)
		}
		g.blocks[i] = newTemporal(w, name, dilation)
	}
	for i := range g.dual {
		g.dual[i] = newDualPath(w, fmt.Sprint("dual", i+1))
	}
	for i, shape := range [2][3]int{{16, 8, 2}, {2, 16, 1}} { // out, in and groups
		name := fmt.Sprint("decoder", i+3)
		even, odd := w.Conv(name+".even", shape[0], shape[1], 3), w.Conv(name+".odd", shape[0], shape[1], 2)
		even.First, even.ToStep, even.Groups = -1, 2, shape[2]
		odd.To, odd.ToStep, odd.Groups = 1, 2, shape[2]
		g.decode[i] = [2]nn.Conv{even, odd}
	}
	g.slopes[2] = slope("decoder3.even")
	if err := w.Err(); err != nil {
		return nil, fmt.Errorf("the weights of GTCRN: %w", err)
	}
	return g, nil
})

func newTemporal(w *nn.Weights, name string, dilation int) temporal {
	b := temporal{
		point1: w.Conv(name+".point1", 16, 8, 3), point2: w.Conv(name+".point2", 8, 16, 1),
		slope1: w.Take(name+".point1.a", 1)[0], slope2: w.Take(name+".depth.a", 1)[0],
		depth: nn.Depthwise{W: w.Take(name+".depth.w", 16, 3, 3), B: w.Take(name+".depth.b", 16), Dilation: dilation},
		gru:   w.GRU(name+".gru", 8, 16), fc: w.Conv(name+".fc", 8, 16, 1),
	}
	b.point1.First = -1
	return b
}

func newDualPath(w *nn.Weights, name string) dualPath {
	d := dualPath{
		intraFC: w.Conv(name+".intra.fc", 16, 16, 1), interFC: w.Conv(name+".inter.fc", 16, 16, 1),
		intraLN: nn.LayerNorm{W: w.Take(name+".intra.ln.w", 16, narrowBands), B: w.Take(name+".intra.ln.b", 16, narrowBands), Eps: 1e-8},
		interLN: nn.LayerNorm{W: w.Take(name+".inter.ln.w", 16, narrowBands), B: w.Take(name+".inter.ln.b", 16, narrowBands), Eps: 1e-8},
	}
	for g := range 2 {
		d.intra[g] = [2]nn.GRU{w.GRU(fmt.Sprint(name, ".intra", g+1, ".ahead"), 8, 4), w.GRU(fmt.Sprint(name, ".intra", g+1, ".back"), 8, 4)}
		d.inter[g] = w.GRU(fmt.Sprint(name, ".inter", g+1), 8, 8)
	}
	return d
}

// interLanes is narrowBands rounded up to whole vectors: the bands side by side, along time.
const interLanes = (narrowBands + 7) / 8 * 8

// gtcrnState is one recording on its way through the network: what it remembers, and memory for
// gtcrnFrames frames. Planes are [channel][band][frame].
type gtcrnState struct {
	*gtcrn
	sums kernel.Overlapping

	in               *nn.Planes // magnitude, real and imaginary part in bands
	context          *nn.Planes // each beside its neighbours: a band below, itself, a band above
	half, narrow     *nn.Planes // after the first and the second convolution
	outs             [3]*nn.Planes
	x, y             *nn.Planes // narrow
	wide             *nn.Planes // 16 channels of halfBands
	mask             *nn.Planes // real and imaginary part, of bands
	past             [6]*nn.Planes
	hidden           *nn.Planes // 16 channels of narrowBands
	eight            *nn.Planes
	energy, gates    *nn.Planes // of the attention: [8 and 48][1][frame]
	gate             *nn.Planes // of one frame
	attention        *nn.Planes
	states           [6][]float64 // of the attentions
	intraGates       *nn.Planes
	interIn, interY  *nn.Planes // [16][frame][band]
	interGates       *nn.Planes
	interStates      [2][2][]float64 // [network][group]
	small            []float64
	scratch, lanes16 []float64
	maskRe, maskIm   []float64 // [bin][frame]
}

func newGTCRNState() (*gtcrnState, error) {
	g, err := loadGTCRN()
	if err != nil {
		return nil, err
	}
	planes := func(c, r, margin int) *nn.Planes { return nn.NewPlanes(c, r, gtcrnFrames, margin, 0) }
	s := &gtcrnState{
		gtcrn: g,
		in:    planes(3, bands, 1), context: planes(9, bands, 2),
		half: planes(16, halfBands, 2), narrow: planes(16, narrowBands, 1),
		x: planes(16, narrowBands, 1), y: planes(16, narrowBands, 1), wide: planes(16, halfBands, 1), mask: planes(2, bands, 0),
		hidden: planes(16, narrowBands, 0), eight: planes(8, narrowBands, 0),
		energy: planes(8, 1, 0), gates: planes(48, 1, 0), gate: nn.NewPlanes(48, 1, 1, 0, 0), attention: planes(16, 1, 0),
		intraGates: planes(12, narrowBands, 0),
		interIn:    nn.NewPlanes(16, gtcrnFrames, interLanes, 0, 0), interY: nn.NewPlanes(16, gtcrnFrames, interLanes, 0, 0),
		interGates: nn.NewPlanes(24, gtcrnFrames, interLanes, 0, 0),
		small:      make([]float64, 4*gtcrnFrames), scratch: make([]float64, g.dual[0].inter[0].Scratch(interLanes)), lanes16: make([]float64, 2*gtcrnFrames),
		maskRe: make([]float64, gtcrnBins*gtcrnFrames), maskIm: make([]float64, gtcrnBins*gtcrnFrames),
	}
	for i := range s.outs {
		s.outs[i] = planes(16, narrowBands, 1)
	}
	for i := range s.past {
		s.past[i] = nn.NewPlanes(16, narrowBands, gtcrnFrames, 1, 2*g.blocks[i].depth.Dilation)
		s.states[i] = make([]float64, 16)
	}
	for i := range s.interStates {
		s.interStates[i] = [2][]float64{make([]float64, 8*interLanes), make([]float64, 8*interLanes)}
	}
	return s, nil
}

// remembered returns all on which the next frames depend beside themselves.
func (s *gtcrnState) remembered() (all []any) {
	for i, past := range s.past {
		all = append(all, past.All(), s.states[i])
	}
	for _, two := range s.interStates {
		all = append(all, two[0], two[1])
	}
	return all
}

// run has the complex mask of the next gtcrnFrames frames in maskRe and maskIm, [bin][frame].
// re and im are their coefficients, [bin][frame].
func (s *gtcrnState) run(re, im []float64) {
	s.features(re, im)
	s.encode[0].Apply(&s.sums, s.half, s.context, 0)
	relu(s.half, s.slopes[0])
	s.encode[1].Apply(&s.sums, s.narrow, s.half, 0)
	relu(s.narrow, s.slopes[1])
	x := s.narrow
	for i, out := range s.outs {
		s.temporal(i, out, x)
		x = out
	}
	copyPlanes(s.x, x)
	for i := range s.dual {
		s.intra(&s.dual[i])
		s.inter(i)
	}
	for i := range 3 {
		addPlanes(s.x, s.outs[2-i])
		s.temporal(3+i, s.y, s.x)
		s.x, s.y = s.y, s.x
	}
	addPlanes(s.x, s.narrow)
	for i := range 2 {
		s.decode[0][i].Apply(&s.sums, s.wide, s.x, 0)
	}
	relu(s.wide, s.slopes[2])
	addPlanes(s.wide, s.half)
	for i := range 2 {
		s.decode[1][i].Apply(&s.sums, s.mask, s.wide, 0)
	}
	s.unband()
}

// features fills context with magnitude, real and imaginary part in bands.
func (s *gtcrnState) features(re, im []float64) {
	const n = gtcrnFrames
	magnitude := func(re, im float64) float64 { return math.Sqrt(re*re + im*im + 1e-12) }
	for b := range lowBins {
		m, r, i := s.in.Row(0, b), s.in.Row(1, b), s.in.Row(2, b)
		copy(r, re[b*n:])
		copy(i, im[b*n:])
		for t := range n {
			m[t] = magnitude(r[t], i[t])
		}
	}
	for c := range 3 {
		for b := lowBins; b < bands; b++ {
			clear(s.in.Row(c, b))
		}
	}
	for _, e := range s.erb {
		m, r, i := s.in.Row(0, lowBins+e.band), s.in.Row(1, lowBins+e.band), s.in.Row(2, lowBins+e.band)
		at := (lowBins + e.bin) * n
		for t := range n {
			x, y := re[at+t], im[at+t]
			m[t] += e.weight * magnitude(x, y)
			r[t] += e.weight * x
			i[t] += e.weight * y
		}
	}
	for c := range 9 {
		for b := range bands {
			copy(s.context.Row(c, b), s.in.Row(c/3, b+c%3-1))
		}
	}
}

// unband spreads the mask of bands to bins.
func (s *gtcrnState) unband() {
	const n = gtcrnFrames
	for c, dst := range [][]float64{s.maskRe, s.maskIm} {
		nn.Tanh(s.mask.Rows(c))
		copy(dst, s.mask.Rows(c)[:lowBins*n])
		high := dst[lowBins*n:]
		clear(high)
		for _, e := range s.erb {
			row := s.mask.Row(c, lowBins+e.band)
			for t := range n {
				high[e.bin*n+t] += e.weight * row[t]
			}
		}
	}
}

// temporal computes block i: half of the channels go through it, and the result is shuffled with
// the others.
func (s *gtcrnState) temporal(i int, dst, x *nn.Planes) {
	b, past := &s.blocks[i], s.past[i]
	b.point1.Apply(&s.sums, past, x, 0)
	relu(past, b.slope1)
	b.depth.Apply(s.hidden, past)
	b.depth.Remember(past)
	relu(s.hidden, b.slope2)
	b.point2.Apply(&s.sums, s.eight, s.hidden, 0)
	s.attend(b, s.states[i])
	for c := range 8 {
		copy(dst.Rows(2*c), s.eight.Rows(c))
		copy(dst.Rows(2*c+1), x.Rows(8+c))
	}
}

// attend weights the channels of eight in each frame by what a recurrent unit makes of their
// energies.
func (s *gtcrnState) attend(b *temporal, state []float64) {
	for c := range 8 {
		energy := s.energy.Row(c, 0)
		clear(energy)
		for r := range narrowBands {
			for t, x := range s.eight.Row(c, r) {
				energy[t] += x * x / narrowBands
			}
		}
	}
	b.gru.X.Apply(&s.sums, s.gates, s.energy, 0)
	for t := range gtcrnFrames {
		for g := range 48 {
			s.gate.Row(g, 0)[0] = s.gates.Row(g, 0)[t]
		}
		b.gru.Step(&s.sums, s.scratch, state, s.gate, 0)
		for u, h := range state {
			s.attention.Row(u, 0)[t] = h
		}
	}
	b.fc.Apply(&s.sums, s.energy, s.attention, 0)
	for c := range 8 {
		weights := s.energy.Row(c, 0)
		nn.Sigmoid(weights)
		for r := range narrowBands {
			for t, x := range s.eight.Row(c, r) {
				s.eight.Row(c, r)[t] = x * weights[t]
			}
		}
	}
}

// intra adds to x what recurrent units make of it along the bands, both ways.
func (s *gtcrnState) intra(d *dualPath) {
	for g := range 2 {
		for way := range 2 {
			gru, h := &d.intra[g][way], s.small
			gru.X.Apply(&s.sums, s.intraGates, s.x, 8*g)
			clear(h)
			for i := range narrowBands {
				r := i
				if way == 1 {
					r = narrowBands - 1 - i
				}
				gru.Step(&s.sums, s.scratch, h, s.intraGates, r)
				for u := range 4 {
					copy(s.hidden.Row(8*g+4*way+u, r), h[u*gtcrnFrames:(u+1)*gtcrnFrames])
				}
			}
		}
	}
	s.normalise(&d.intraFC, &d.intraLN)
}

// normalise adds to x the normalised layer of hidden.
func (s *gtcrnState) normalise(fc *nn.Conv, ln *nn.LayerNorm) {
	fc.Apply(&s.sums, s.y, s.hidden, 0)
	ln.Apply(s.y, s.lanes16[:gtcrnFrames], s.lanes16[gtcrnFrames:])
	addPlanes(s.x, s.y)
}

// inter adds to x what recurrent units make of each band along time.
func (s *gtcrnState) inter(i int) {
	d := &s.dual[i]
	for c := range 16 {
		for r := range narrowBands {
			for t, x := range s.x.Row(c, r) {
				s.interIn.Row(c, t)[r] = x
			}
		}
	}
	for g := range 2 {
		gru, h := &d.inter[g], s.interStates[i][g]
		gru.X.Apply(&s.sums, s.interGates, s.interIn, 8*g)
		for t := range gtcrnFrames {
			gru.Step(&s.sums, s.scratch, h, s.interGates, t)
			for u := range 8 {
				copy(s.interY.Row(8*g+u, t), h[u*interLanes:(u+1)*interLanes])
			}
		}
	}
	for c := range 16 {
		for t := range gtcrnFrames {
			for r, x := range s.interY.Row(c, t)[:narrowBands] {
				s.hidden.Row(c, r)[t] = x
			}
		}
	}
	s.normalise(&d.interFC, &d.interLN)
}

func relu(p *nn.Planes, slope float64) {
	for c := range p.C {
		for r := range p.R {
			nn.ReLU(p.Row(c, r), slope)
		}
	}
}

func copyPlanes(dst, src *nn.Planes) {
	for c := range dst.C {
		copy(dst.Rows(c), src.Rows(c))
	}
}

func addPlanes(dst, src *nn.Planes) {
	for c := range dst.C {
		s := src.Rows(c)
		for i, x := range dst.Rows(c) {
			dst.Rows(c)[i] = x + s[i]
		}
	}
}
