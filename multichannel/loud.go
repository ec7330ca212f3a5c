package multichannel

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
)

// mostLouder is how many times the power of a recording a source's images may have, 10 dB, before something is wrong:
// sources that sum to the recording can be that loud only where they cancel each other.
const mostLouder = 10

// loudness is how loud sources have come out so far, beside the recording.
type loudness struct {
	log     *slog.Logger
	names   []string
	mu      sync.Mutex
	left    int // frames that have yet to be separated for the first time
	mixture float64
	powers  []float64
}

// watch warns, once all frames of X have been separated, of sources that are far louder than the recording: bounded
// cannot know of what comes from a direction in which nothing sounded that was learnt from.
func watch(s *audiosep.SeparatedStems, log *slog.Logger) {
	f, separate := s.X.Framing(), s.Separate
	w := &loudness{log: log, names: s.Sources, left: f.Frames() * f.Realisations, powers: make([]float64, len(s.Sources))}
	s.Separate = func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		if err := separate(ctx, dst, x, skip, n); err != nil || !w.watches() {
			return err
		}
		w.add(&w.mixture, x.Layers)
		for j, images := range dst {
			w.add(&w.powers[j], images)
		}
		w.separated(n * f.Realisations)
		return nil
	}
}

func (w *loudness) watches() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left > 0
}

// add adds the powers of coefficients, if there are any, to a sum.
func (w *loudness) add(sum *float64, layers []audiosep.Coefs) {
	var power float64
	for _, x := range layers {
		power += floats.Dot(x.Re, x.Re) + floats.Dot(x.Im, x.Im)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	*sum += power
}

// separated counts frames, and warns after the last.
func (w *loudness) separated(frames int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left -= frames; w.left != 0 {
		return
	}
	var loud []string
	for j, power := range w.powers {
		if power > mostLouder*w.mixture && w.mixture > 0 {
			loud = append(loud, fmt.Sprintf("%s (%+.0f dB)", w.names[j], 10*math.Log10(power/w.mixture)))
		}
	}
	if len(loud) > 0 {
		w.log.Warn("sources are far louder than the recording, and cancel each other: what is learnt from does not tell them apart; want a part in which all of them sound, for long",
			"sources", strings.Join(loud, ", "))
	}
}
