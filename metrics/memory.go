package metrics

import (
	"fmt"
	"runtime"

	"github.com/audiosep/audiosep/internal/counted"
)

// mostMemory is more than any comparison of stems that people make needs.
const mostMemory = 4 << 30

// planMemory returns how many frames may be fitted at a time, at most one a core, so
// that they fit the memory. Not even one may: the need grows with the square of
// sources, channels and taps.
func (e *evaluation) planMemory() (frames int, err error) {
	most := float64(min(mostMemory, addressSpace()/4))
	cores := runtime.GOMAXPROCS(0)
	blocks, fit := e.need(cores)
	if blocks+fit > most {
		way := fmt.Sprintf("take fewer taps or channels, or %s, which has no filters", V2)
		if e.gain {
			way = "take fewer channels"
		}
		return 0, fmt.Errorf("%s of %s%s would take %.1f GiB of memory; want at most %.1f: %s",
			counted.Of(e.refs, "source"), counted.Of(e.channels, "channel"), e.filterWords(), (blocks+fit)/(1<<30), most/(1<<30), way)
	}
	if fit == 0 {
		return cores, nil
	}
	return min(cores, int((most-blocks)/fit)), nil
}

func (e *evaluation) filterWords() string {
	if e.gain {
		return ""
	}
	return fmt.Sprintf(" with %d filter taps", e.Taps)
}

// need returns about how many bytes blocks of sound take, and the fit of one frame.
func (e *evaluation) need(cores int) (blocks, fit float64) {
	signals, layers := float64(e.refs*e.channels), float64(len(e.sources)*e.channels)
	blocks = 8 * float64(cores) * layers * float64(blockFor(int(layers)))
	if e.gain {
		return blocks, 0
	}
	n, taps := float64(transformFor(e.Taps).n), float64(e.Taps)
	blocks += float64(cores) * layers * 5 * 16 * n
	factor := signals * taps * signals * taps / 2 * 8
	correlations := layers * signals * (16*n + 8*taps)
	filters := 2 * signals * signals * (16*n + 8*taps)
	return blocks, factor + correlations + filters
}
