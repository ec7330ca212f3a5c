package main

import (
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/machine"
	"github.com/audiosep/audiosep/pipeline"
)

// programBytes is about what is in memory of the program's own file, which the runtime does not count.
const programBytes = 26 << 20

// before says what a run will take, and refuses it where it does not fit into memory.
func (r *runner) before(log *slog.Logger, p *pipeline.Pipeline, f pipeline.Forecast) error {
	may, known := r.memory, r.memory > 0
	if !known {
		may, known = machine.Memory()
	}
	if known { // garbage is collected before it is the reason to go beyond
		debug.SetMemoryLimit(max(may-programBytes, programBytes))
	}
	what := "about to work"
	if f.Head.Rate > 0 {
		h := f.Head
		length := time.Duration(float64(h.Samples) / float64(h.Rate) * float64(time.Second))
		what = fmt.Sprintf("%s, %d Hz, %s", aboutTime(length, 3), h.Rate, channels(h.Channels, h.Realisations))
		if f.Frames > 0 {
			what += fmt.Sprintf(", %s of %s", counted.Of(f.Frames, "frame"), counted.Of(f.Length, "sample"))
		}
	}
	takes := f.Bytes
	if known {
		takes = min(takes, max(f.Least, may))
	}
	seconds := f.Seconds * 1e9 / machine.Speed()
	args := []any{"memory", memory(takes), "time", "about " + aboutTime(time.Duration(seconds*float64(time.Second)), 1)}
	if len(f.Unknown) > 0 {
		args = append(args, "without", strings.Join(f.Unknown, ", "))
	}
	log.Info(what, args...)
	if known && f.Least > may {
		least := "about " + sizeWords(f.Least)
		if sizeWords(f.Least) == sizeWords(may) {
			least = "a little more than " + sizeWords(may)
		}
		return fmt.Errorf("stage %q would bring the run to %s of memory, and %s may be used; want %s; --memory says how much may be used", f.At, least, sizeWords(may), smaller(f, p, may))
	}
	return nil
}

// smaller says what would make a run smaller: what is known to help in this one, and how much memory parameters would
// leave it with.
func smaller(f pipeline.Forecast, p *pipeline.Pipeline, may int64) string {
	if may <= pipeline.ProcessBytes {
		return "at least " + sizeWords(pipeline.ProcessBytes) + ", which any run takes"
	}
	var all []string
	savings := f.Savings()
	for _, s := range savings {
		if s.What == "" {
			all = append(all, fmt.Sprintf("--set %s.%s=%s (about %s)", s.Stage, s.Param, s.Value, sizeWords(s.Least)))
		}
	}
	for _, s := range savings {
		if s.What != "" {
			all = append(all, s.What)
		}
	}
	if p.Has("rank") {
		all = append(all, "fewer components or restarts")
	}
	if p.Makes(audiosep.CargoFactors) {
		all = append(all, "a model of a part (save_model), which activations applies to all of it block by block")
	}
	if len(all) == 0 {
		return "more memory"
	}
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + ", or " + all[last]
	}
	return all[0]
}

func channels(n, realisations int) string {
	s := counted.Of(n, "channel")
	if realisations > 1 {
		s += " of " + counted.Of(realisations, "recording")
	}
	return s
}

// memory is a number of bytes that a log tells people in words and programs as a number.
type memory int64

func (m memory) String() string { return sizeWords(int64(m)) }

// sizeWords says a number of bytes with two digits.
func sizeWords(bytes int64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if x := float64(bytes) / unit.size; x >= 1 {
			return fmt.Sprintf("%s %s", strconv.FormatFloat(rounded(x, 2), 'f', -1, 64), unit.name)
		}
	}
	return fmt.Sprintf("%d B", bytes)
}

// aboutTime says a time with so many digits.
func aboutTime(d time.Duration, digits int) string {
	s := d.Seconds()
	switch {
	case s < 1:
		return "1 s"
	case s < 60:
		return fmt.Sprintf("%g s", rounded(s, digits))
	case digits > 2:
		return d.Round(time.Second).String()
	case s < 3600:
		return fmt.Sprintf("%g min", rounded(s/60, digits))
	}
	return fmt.Sprintf("%g h", rounded(s/3600, digits))
}

// rounded rounds x > 0 to so many digits, but to whole numbers at least.
func rounded(x float64, digits int) float64 {
	power := int(math.Floor(math.Log10(x))) - (digits - 1)
	if power <= 0 && x >= 10 {
		return math.Round(x)
	}
	unit := math.Pow10(max(power, -power))
	if power < 0 { // divided by a whole number it has no more digits: 41·0.1 is 4.1000000000000005
		return math.Round(x*unit) / unit
	}
	return math.Round(x/unit) * unit
}

// byteSize is a flag: a number of bytes, such as 4GB, 500MB or 2GiB.
type byteSize int64

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return sizeWords(int64(*b))
}

func (b *byteSize) Type() string { return "SIZE" }

func (b *byteSize) Set(text string) error {
	units := []struct {
		name string
		size float64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"t", 1e12}, {"b", 1}, {"", 1}}
	low := strings.ToLower(strings.TrimSpace(text))
	for _, u := range units {
		digits, ok := strings.CutSuffix(low, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(x*u.size >= 1 && x*u.size < 1<<62) {
			break
		}
		*b = byteSize(x * u.size)
		return nil
	}
	return fmt.Errorf("%q is no amount of memory; want one such as 4GB, 500MB or 2GiB", text)
}
