package factorizers

import "github.com/audiosep/audiosep"

// BetaNMFParams are the parameters of beta_nmf: those of NMFParams and β.
type BetaNMFParams struct {
	Beta float64 `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean; smaller cares more for soft parts."`
	NMFParams
}

var betaNMFStage = audiosep.Define("beta_nmf",
	"NMF with any β-divergence, by multiplicative updates. "+
		"Half-way between the named ones lie useful compromises, such as beta 0.5. "+
		"(Févotte and Idier, Neural Computation 2011.)",
	DefaultBetaNMF(),
	func(p BetaNMFParams) (audiosep.Factorizer, error) { return NewNMF(p.Beta, p.NMFParams) })

// DefaultBetaNMF returns the defaults of beta_nmf.
func DefaultBetaNMF() BetaNMFParams { return BetaNMFParams{0.5, defaultNMF()} }
