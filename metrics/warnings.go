package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
)

// warnings says what makes numbers of the report doubtful or undefined.
func (e *evaluation) warnings(frames []frame) []string {
	var w []string
	if e.refs == 1 {
		w = append(w, "there is one source only: nothing can interfere, so SIR is infinite and says nothing")
	}
	w = append(w, e.aboutSilence(frames)...)
	w = append(w, e.aboutMixture(frames)...)
	var fits []*condition // each once
	for _, fr := range frames {
		if fr.fit != nil && !slices.Contains(fits[max(0, len(fits)-1):], fr.fit) {
			fits = append(fits, fr.fit)
		}
	}
	if len(fits) == 0 {
		return w
	}
	w = append(w, e.aboutIdentity(fits)...)
	if !e.gain {
		w = append(w, e.aboutLength()...)
	}
	w = append(w, e.aboutGram(fits)...)
	w = append(w, e.aboutCuts(frames)...)
	w = append(w, e.aboutPrecision(frames)...)
	w = append(w, e.aboutMatch(frames)...)
	w = append(w, e.aboutNames(frames)...)
	return w
}

// aboutMixture tells why ratios of artifacts have no improvement.
func (e *evaluation) aboutMixture(frames []frame) []string {
	if !e.mixed() || e.matched != nil {
		return nil
	}
	for _, fr := range frames {
		if fr.perm != nil && fr.parts[e.refs].artifacts == 0 {
			return []string{"the mixture is the sum of the references, so it has no artifacts: no ratio of artifacts is held against its"}
		}
	}
	return nil
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
		for _, k := range frames[0].fit.silent {
			w = append(w, fmt.Sprintf("estimate %s is silent: most of its ratios are undefined", e.names[e.refs+k]))
		}
	}
	return w
}

// aboutIdentity finds sources that are the same in every fit.
func (e *evaluation) aboutIdentity(fits []*condition) []string {
	var w []string
	for _, pair := range fits[0].same {
		if slices.ContainsFunc(fits, func(c *condition) bool { return !slices.Contains(c.same, pair) }) {
			continue
		}
		a, b := e.names[pair[0]], e.names[pair[1]]
		if pair[0] < e.refs {
			w = append(w, fmt.Sprintf("references %s and %s are the same sound: interference between them cannot be told", a, b))
		} else {
			w = append(w, fmt.Sprintf("estimates %s and %s are the same sound: was a file copied in place of another?", a, b))
		}
	}
	return w
}

// aboutRest finds sound that no frame holds, because none but the first fits, where
// that is not as everyone does it.
func (e *evaluation) aboutRest() []string {
	var w []string
	if !e.several && e.Window < e.samples {
		said := fmt.Sprintf("no second frame fits, so the first %.4g s of %.4g s are measured, as by museval", float64(e.Window)/float64(e.rate), float64(e.samples)/float64(e.rate))
		if !e.once {
			said += "; mir_eval would measure the whole, as without a window"
		}
		w = append(w, said)
	}
	if len(e.fitted) > 0 {
		w = append(w, fmt.Sprintf("lengths differ (%s): all are fitted to %s by %s", strings.Join(e.fitted, ", "), counted.Of(e.samples, "sample"), map[FitLength]string{FitPad: "zeros at the end", FitCut: "cutting the end"}[e.FitLength]))
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
		return []string{fmt.Sprintf("%d filter taps are fitted to %s a channel: that many can make nearly anything, so all but images' SDR and ISR flatter", taps, counted.Of(window, "sample"))}
	}
	return nil
}

func (e *evaluation) aboutGram(fits []*condition) []string {
	bad, example := 0, projector{}
	for _, c := range fits {
		if c.singular {
			if bad == 0 {
				example = c.gram
			}
			bad++
		}
	}
	if bad == 0 || e.Load > 0 {
		return nil
	}
	size := fmt.Sprintf("of %s", counted.Of(len(example.signals)*len(example.lags), "row"))
	if rank, n := example.rank(); rank > 0 {
		size = fmt.Sprintf("of rank %d of %d", rank, n)
	}
	said := fmt.Sprintf("the Gram matrix of the references is singular (%s) in %d of %d fits: ", size, bad, len(fits))
	if e.gain {
		return []string{said + "a reference is a sum of others, as a mixture among the stems is, and SIR cannot tell its sound from theirs"}
	}
	return []string{said + fmt.Sprintf("they are projected on what the references do span; where that is little, filters make it of nearly anything, so hold it against %s or %s, which have none", V2, SI)}
}

// aboutCuts finds frames that are worse for having been cut. Filters that are fitted
// once may have any gain in bands that the references leave empty; the whole signal
// shows nothing of it, but a frame sounds in all bands where it is cut, and the filters
// make that loud. A fair filter of L taps changes no more than about L samples at each
// end of a frame.
func (e *evaluation) aboutCuts(frames []frame) []string {
	if !e.once || !e.several {
		return nil
	}
	var worst, whole, cut float64
	for j := range e.refs {
		var artifacts, estimate float64
		k := 0
		for _, fr := range frames {
			if fr.perm != nil {
				artifacts += fr.parts[j].artifacts
				estimate += fr.parts[j].estimate
				k = fr.perm[j]
			}
		}
		if estimate == 0 {
			return nil
		}
		c := e.artifacts[k]
		if more := artifacts/estimate - c; more > worst {
			worst, whole, cut = more, c, artifacts/estimate
		}
	}
	if worst < 4*float64(e.Taps)/float64(e.Window) {
		return nil
	}
	return []string{fmt.Sprintf("artifacts are at %.0f dB of an estimate as a whole and at %+.0f dB of its frames: the references leave bands of frequency nearly empty, and the filters that are fitted to the whole resound where frames are cut; ISR, SIR and SAR then depend on how the stems were rounded, by tens of dB; longer frames or a load, such as 1e-8 (noise at -80 dB in every band), make them depend less", max(-300, decibel(whole, 1)), decibel(cut, 1))}
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

func (e *evaluation) aboutMatch(frames []frame) []string {
	var w []string
	byOrder := 0
	for _, fr := range frames {
		if fr.perm != nil && fr.match != e.Match {
			byOrder++
		}
	}
	if byOrder > 0 {
		w = append(w, fmt.Sprintf("nothing tells which estimate belongs to which reference in %d of %d frames: they are matched by order there", byOrder, len(frames)))
	}
	if changed := countChanges(frames); changed > 0 {
		w = append(w, fmt.Sprintf("the best match changes %d times between frames: estimates swap sources, or the frames are too short to tell; match \"given\" keeps the order", changed))
	}
	return w
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
