package metrics

import (
	"fmt"
	"math"
	"slices"
)

// warnings says what makes numbers of the report doubtful or undefined.
func (e *evaluation) warnings(frames []frame) []string {
	var w []string
	if e.refs == 1 {
		w = append(w, "there is one source only: nothing can interfere, so SIR is infinite and says nothing")
	}
	w = append(w, e.aboutSilence(frames)...)
	var fits []*fit // each once
	for _, fr := range frames {
		if fr.fit != nil && !slices.Contains(fits[max(0, len(fits)-1):], fr.fit) {
			fits = append(fits, fr.fit)
		}
	}
	if len(fits) == 0 {
		return w
	}
	w = append(w, e.aboutIdentity(fits[0])...)
	if !e.gain {
		w = append(w, e.aboutLength()...)
	}
	w = append(w, e.aboutGram(fits)...)
	w = append(w, e.aboutPrecision(frames)...)
	if changed := countChanges(frames); changed > 0 {
		w = append(w, fmt.Sprintf("the best match changes %d times between frames: estimates swap sources, or the frames are too short to tell; match \"given\" keeps the order", changed))
	}
	return w
}

func (e *evaluation) aboutSilence(frames []frame) []string {
	var w []string
	undefined := 0
	for _, fr := range frames {
		if fr.perm == nil {
			undefined++
		}
	}
	if undefined > 0 {
		w = append(w, fmt.Sprintf("%d of %d frames are undefined because a reference or an estimate is silent there; they do not count", undefined, len(frames)))
	}
	if len(frames) == 1 && frames[0].fit != nil {
		for k, x := range frames[0].fit.corr.energy[e.refs : 2*e.refs] {
			if x == 0 {
				w = append(w, fmt.Sprintf("estimate %s is silent: most of its ratios are undefined", e.names[e.refs+k]))
			}
		}
	}
	return w
}

// aboutIdentity finds references that are multiples of each other.
func (e *evaluation) aboutIdentity(f *fit) []string {
	var w []string
	c := f.corr
	for i := range e.refs {
		for j := range i {
			var product float64
			for ch := range c.per {
				product += c.lags[i*c.per+ch][j*c.per+ch][0]
			}
			if product*product >= (1-1e-12)*c.energy[i]*c.energy[j] && c.energy[i]*c.energy[j] > 0 {
				w = append(w, fmt.Sprintf("references %s and %s are the same sound: interference between them cannot be told", e.names[j], e.names[i]))
			}
		}
	}
	return w
}

// aboutLength finds filters with nearly as many taps as there are equations.
func (e *evaluation) aboutLength() []string {
	window := e.Window
	if e.once {
		window = e.samples
	}
	if taps := e.Taps * e.refs * e.channels; 2*taps > window+e.Taps-1 {
		return []string{fmt.Sprintf("%d filter taps are fitted to %d samples a channel: that many can make nearly anything, so all but images' SDR and ISR flatter", taps, window)}
	}
	return nil
}

func (e *evaluation) aboutGram(fits []*fit) []string {
	bad, example := 0, projector{}
	for _, f := range fits {
		for _, p := range append([]projector{f.whole}, f.own...) {
			if p.factor == nil && len(p.signals) > 0 {
				bad, example = bad+1, p
				break
			}
		}
	}
	if bad == 0 {
		return nil
	}
	size := fmt.Sprintf("of %d rows", len(example.signals)*len(example.lags))
	if rank, n := example.rank(); rank > 0 {
		size = fmt.Sprintf("of rank %d of %d", rank, n)
	}
	return []string{fmt.Sprintf("the Gram matrix of the references is singular (%s) in %d of %d fits: the ratios that need it would be rounding errors and are left out; use %s or %s, or a load", size, bad, len(fits), V2, SI)}
}

// aboutPrecision checks that ŝ - Pŝ is at a right angle to Pŝ: ‖ŝ‖² = ‖Pŝ‖² + ‖ŝ - Pŝ‖², as
// exactly as the smallest of these energies needs.
func (e *evaluation) aboutPrecision(frames []frame) []string {
	var worst float64
	for _, fr := range frames {
		if fr.perm == nil || e.once && fr.len() < e.samples || e.Load > 0 {
			continue
		}
		for _, p := range fr.parts[:e.refs] {
			if p.artifacts > 1e-20*p.estimate {
				worst = max(worst, math.Abs(p.estimate-p.projected-p.artifacts)/p.artifacts)
			}
		}
	}
	if worst < 1e-4 {
		return nil
	}
	return []string{fmt.Sprintf("the Gram matrix of the references is ill-conditioned: SAR and SIR are uncertain by %.2g dB or more", 10*math.Log10(1+worst))}
}

func countChanges(frames []frame) int {
	changes := 0
	var last []int
	for _, fr := range frames {
		if fr.perm != nil {
			if last != nil && !slices.Equal(last, fr.perm) {
				changes++
			}
			last = fr.perm
		}
	}
	return changes
}
