package listen

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/picture"
	"github.com/audiosep/audiosep/separators"
)

// tileSets are the pictures of the masks of sets of components.
type tileSets struct {
	r       *recording
	factors *audiosep.Factors
	mu      sync.Mutex
	sets    map[string]*tiles
}

func newTileSets(r *recording, f *audiosep.Factors) *tileSets {
	return &tileSets{r: r, factors: f, sets: map[string]*tiles{}}
}

// of returns those of components, from 1 on, as "3,4,7". It is an error if there are none of
// these numbers.
func (t *tileSets) of(list string) (*tiles, error) {
	var components []int
	for text := range strings.SplitSeq(list, ",") {
		k, err := strconv.Atoi(text)
		if err != nil || k < 1 || k > t.factors.Rank() {
			return nil, fmt.Errorf("there is no component %q; want 1 to %d", text, t.factors.Rank())
		}
		components = append(components, k-1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sets[list] == nil {
		if len(t.sets) > mostComponents {
			clear(t.sets)
		}
		t.sets[list] = newMaskTiles(t.r.power, t.r.tiles, t.factors, components)
	}
	return t.sets[list], nil
}

// shownComponent is a component as a page draws it.
type shownComponent struct {
	// Spectrum has picture.Rows numbers, 0 to 255, from the lowest frequency up, in steps of 0.25 dB
	// below its greatest; Activation at most mostShown, 0 to 255, the root of its power in
	// parts of the greatest of all components; both in base64.
	Spectrum   string  `json:"spectrum"`
	Activation string  `json:"activation"`
	Source     int     `json:"source"`     // that is suggested, from 0 on; -1: there are none
	Confidence float64 `json:"confidence"` // 0 to 1
	Heard      float64 `json:"heard"`      // part of the power of all
}

const mostShown = 2048 // points of an activation

// shown are the components of a solution, and what is suggested for those that the plan has in
// no source.
func (r *recording) shown(ctx context.Context, s *solution, p *Plan) ([]shownComponent, error) {
	rank := s.factors.Rank()
	out := make([]shownComponent, rank)
	h := s.factors.H
	most := mat.Max(h) // W's columns sum to 1
	for k := range rank {
		w := make([]float64, r.power.Bins())
		for i := range w {
			w[i] = s.factors.W.At(i, k)
		}
		out[k].Spectrum = base64.StdEncoding.EncodeToString(r.tiles.Spectrum(w))
		out[k].Activation = base64.StdEncoding.EncodeToString(picture.Activation(h.RawRowView(k), most, mostShown))
		out[k].Source = -1
	}
	return out, r.suggest(ctx, s, p, out)
}

// suggestWeight is what activations count in suggestions.
const suggestWeight = 0.3

// suggest sets what clustering says of the components.
func (r *recording) suggest(ctx context.Context, s *solution, p *Plan, out []shownComponent) error {
	known := make([]int, len(out))
	for k := range known {
		known[k] = -1
	}
	groups := p.Groups
	if s.plan.Method != "nmf" { // the factors know
		groups = nil
		for _, g := range s.factors.Sources {
			var group []int
			for _, k := range g.Components {
				group = append(group, k+1)
			}
			groups = append(groups, group)
		}
	}
	for j, g := range groups {
		for _, k := range g {
			if k <= len(known) {
				known[k-1] = j
			}
		}
	}
	sources := max(len(p.Sources), len(groups))
	v, err := r.power.V(ctx) // the spectra are read for it once more, the first time
	if err != nil {
		return err
	}
	heard := audiosep.NewPower(v, r.x.Framing(), r.power.Hz())
	suggestion, err := separators.Suggest(ctx, audiosep.Env{Seed: p.Seed}, heard, s.factors, known, max(1, sources), suggestWeight)
	if err != nil {
		return err
	}
	for k := range out {
		out[k].Heard = suggestion.Heard[k]
		if sources > 0 {
			out[k].Source, out[k].Confidence = suggestion.Of[k], suggestion.Confidence[k]
		}
	}
	return nil
}
