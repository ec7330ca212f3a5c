package analysis

import (
	"cmp"
	"slices"

	"github.com/audiosep/audiosep"
)

// Influence returns the numbers of the rows of a model's transform by decreasing power in WH,
// summed over the columns (section III-D of Zhang, Soubies and Févotte, 2020), or in their
// own order if the model has no factors.
func Influence(m audiosep.Model) []int {
	order := make([]int, m.Transform.Bins())
	power := make([]float64, len(order))
	for i := range order {
		order[i] = i
		if m.Factors == nil || m.Factors.W == nil || m.Factors.H == nil {
			continue
		}
		for k := range m.Factors.Rank() {
			for _, h := range m.Factors.H.RawRowView(k) {
				power[i] += m.Factors.W.At(i, k) * h
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(power[b], power[a]) })
	return order
}
