package factorizers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/labeltrack"
	"github.com/audiosep/audiosep/internal/whole"
)

// Region is a rectangle of time and frequency of which somebody says whose it is.
type Region struct {
	Source   string   `json:"source"`             // whose
	Belongs  *bool    `json:"belongs,omitempty"`  // nil, true: it belongs to Source, so to no other; false: not to Source
	From     float64  `json:"from"`               // s
	To       float64  `json:"to"`                 // s, after From
	Low      float64  `json:"low,omitempty"`      // Hz
	High     *float64 `json:"high,omitempty"`     // Hz, above Low; nil: as high as there is
	Strength *float64 `json:"strength,omitempty"` // 0 to 1, the part of alpha that counts; nil: 1
}

// mostPaint bounds files of regions, in bytes.
const mostPaint = 64 << 20

// ReadPaint reads regions from a JSON file, a list of objects such as
//
//	{"source": "speech", "from": 1.2, "to": 1.5, "low": 300, "high": 900, "belongs": true}
//
// of which source, from and to are needed, or from labels that Audacity exports, spectral or
// not: the label is the source's name, with "not " before it where the region does not belong
// to it. It is an error if a region is empty or of no source; the error has its place.
func ReadPaint(path string) ([]Region, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, mostPaint+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	switch {
	case len(text) > mostPaint:
		return nil, fmt.Errorf("%s has more than %d bytes; want a file of regions", path, mostPaint)
	case !utf8.Valid(text):
		return nil, fmt.Errorf("%s is no text in UTF-8; want JSON or Audacity's labels", path)
	}
	var regions []Region
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '[' {
		dec := json.NewDecoder(bytes.NewReader(trimmed))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&regions); err != nil {
			return nil, fmt.Errorf("%s: %w; want a list of regions: source, from, to, low, high, belongs, strength", path, err)
		}
		if _, err := dec.Token(); err != io.EOF {
			return nil, fmt.Errorf("%s: there is more behind the list of regions; want the list alone", path)
		}
	} else if regions, err = labels(string(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, r := range regions {
		if err := r.Validate(); err != nil {
			return nil, fmt.Errorf("%s: region %d: %w", path, i+1, err)
		}
	}
	return regions, nil
}

// Validate says why r is no region, or nil.
func (r Region) Validate() error {
	switch {
	case r.Source == "":
		return fmt.Errorf("it names no source; want whose it is, or is not")
	case !(r.From < r.To) || math.IsInf(r.From, 0) || math.IsInf(r.To, 0):
		return fmt.Errorf("it is from %v to %v s; want it to end after it begins", r.From, r.To)
	case !(r.Low >= 0) || math.IsInf(r.Low, 0) || r.High != nil && !(*r.High > r.Low):
		high := math.Inf(1)
		if r.High != nil {
			high = *r.High
		}
		return fmt.Errorf("it is from %v to %v Hz; want low ≥ 0 and high above it", r.Low, high)
	case r.Strength != nil && !(*r.Strength >= 0 && *r.Strength <= 1):
		return fmt.Errorf("its strength is %v; want 0 to 1", *r.Strength)
	}
	return nil
}

// labels reads regions from Audacity's label track.
func labels(text string) (regions []Region, err error) {
	track, err := labeltrack.Parse(text)
	for _, l := range track {
		r := Region{From: l.From, To: l.To, Source: l.Text}
		if l.Low > 0 {
			r.Low = l.Low
		}
		if !math.IsNaN(l.High) {
			r.High = &l.High
		}
		if name, not := strings.CutPrefix(r.Source, "not "); not {
			r.Source, r.Belongs = strings.TrimSpace(name), new(bool)
		}
		if err := r.Validate(); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.Line, err)
		}
		regions = append(regions, r)
	}
	return regions, err
}

// painter makes penalty images.
type painter struct {
	sources []string
	framing audiosep.Framing
	hz      []float64
	alpha   float64
}

// penalties returns Λ_j = exp(-α·paint against j) for each source, [column*F+bin] in (0, 1],
// nil where there is none against it. Regions that overlap count once, as the strongest. A
// bin of a column is in a region that has the column's middle and the bin's frequency.
func (p *painter) penalties(ctx context.Context, regions []Region) ([][]float64, error) {
	bins, cols := len(p.hz), p.framing.Columns()
	out := make([][]float64, len(p.sources))
	for i, r := range regions {
		if err := r.Validate(); err != nil {
			return nil, fmt.Errorf("region %d: %w", i+1, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		known := false
		for j, name := range p.sources {
			own := name == r.Source
			known = known || own
			if belongs := r.Belongs == nil || *r.Belongs; own == belongs {
				continue
			}
			if out[j] == nil {
				out[j] = make([]float64, bins*cols)
				for n := range out[j] {
					out[j][n] = 1
				}
			}
			p.paint(out[j], r)
		}
		if !known {
			return nil, fmt.Errorf("region %d is of source %q; want one of %q", i+1, r.Source, p.sources)
		}
	}
	return out, nil
}

func (p *painter) paint(image []float64, r Region) {
	strength, high := 1.0, math.Inf(1)
	if r.Strength != nil {
		strength = *r.Strength
	}
	if r.High != nil {
		high = *r.High
	}
	factor, bins := math.Exp(-p.alpha*strength), len(p.hz)
	cols := len(image) / bins
	first := sort.Search(cols, func(c int) bool { return p.framing.Middle(c) >= r.From })
	for c := first; c < cols && p.framing.Middle(c) < r.To; c++ {
		for f, hz := range p.hz {
			if hz >= r.Low && hz < high {
				image[c*bins+f] = min(image[c*bins+f], factor)
			}
		}
	}
}
