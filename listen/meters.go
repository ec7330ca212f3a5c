package listen

import (
	"context"
	"math"
	"net/http"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
)

// meter is how near a stem is to its reference.
type meter struct {
	Source    string  `json:"source"`
	Reference string  `json:"reference"`
	SISDR     float64 `json:"si_sdr"`  // dB
	Mixture   float64 `json:"mixture"` // that of the mixture as an estimate, dB
}

// meters measures the stems of the plan by the references, where there are some.
func (s *Server) meters(w http.ResponseWriter, r *http.Request, x *session) error {
	out := []meter{}
	if s.references == nil {
		return reply(w, out)
	}
	p, sol, err := x.current()
	if err != nil {
		return err
	}
	stems, err := s.r.stems(r.Context(), &p, sol)
	if err != nil {
		return err
	}
	if out, err = s.measure(r.Context(), stems); err != nil {
		return err
	}
	return reply(w, out)
}

// measure holds each stem against the reference of its name, else against that which it is
// most like.
func (s *Server) measure(ctx context.Context, stems audiosep.Stems) ([]meter, error) {
	names := stems.Names()
	m := newProducts(len(names)+1, s.references)
	at := make([]int, len(names))
	err := stems.Each(ctx, func(source int, block [][]float64) error {
		n := len(block[0])
		defer func() { at[source] += n }()
		if source == 0 { // the mixture goes along as the last estimate
			mix, err := read(ctx, s.r.source, len(block), at[0], n)
			if err != nil {
				return err
			}
			if err := m.add(ctx, len(names), at[0], mix); err != nil {
				return err
			}
		}
		return m.add(ctx, source, at[source], block)
	})
	if err != nil {
		return nil, err
	}
	var out []meter
	for j, name := range names {
		best := 0
		for i, ref := range s.references.names {
			if strings.EqualFold(ref, name) {
				best = i
				break
			}
			if m.siSDR(j, i) > m.siSDR(j, best) {
				best = i
			}
		}
		out = append(out, meter{name, s.references.names[best], m.siSDR(j, best), m.siSDR(len(names), best)})
	}
	return out, nil
}

// products are the inner products of estimates with references, over all layers.
type products struct {
	references *folder
	cross      [][]float64 // [estimate][reference]
	estimate   []float64
	reference  []float64
}

func newProducts(estimates int, references *folder) *products {
	m := &products{references: references, estimate: make([]float64, estimates), reference: make([]float64, len(references.files))}
	for range estimates {
		m.cross = append(m.cross, make([]float64, len(references.files)))
	}
	return m
}

// add takes the next samples of an estimate; references are counted with the first.
func (m *products) add(ctx context.Context, j, at int, block [][]float64) error {
	for i, file := range m.references.files {
		ref, err := read(ctx, file, len(block), at, len(block[0]))
		if err != nil {
			return err
		}
		for l, x := range block {
			m.cross[j][i] += floats.Dot(x, ref[l])
			if j == 0 {
				m.reference[i] += floats.Dot(ref[l], ref[l])
			}
		}
	}
	for _, x := range block {
		m.estimate[j] += floats.Dot(x, x)
	}
	return nil
}

// siSDR is the energy of the projection on a reference over that of the rest, in dB.
func (m *products) siSDR(j, i int) float64 {
	if m.reference[i] == 0 || m.estimate[j] == 0 {
		return decibels(0)
	}
	target := m.cross[j][i] * m.cross[j][i] / m.reference[i]
	return decibels(target / max(0, m.estimate[j]-target))
}

// decibels returns 10·log10 of a ratio, within ±300 dB.
func decibels(ratio float64) float64 { return max(-300, min(300, 10*math.Log10(ratio))) }
