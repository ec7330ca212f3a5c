package factorizers

import (
	"errors"
	"fmt"

	"github.com/audiosep/audiosep"
)

// BetaNMFParams are the parameters of beta_nmf: those of NMFParams and β.
type BetaNMFParams struct {
	Beta float64 `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean; smaller cares more for soft parts."`
	NMFParams
}

// Validate says which parameters do not go together.
func (p BetaNMFParams) Validate() error {
	err := p.NMFParams.Validate()
	if !p.single() || p.Beta == 0 || p.Beta == 1 || p.Beta == 2 {
		return err
	}
	var errs audiosep.ParamErrors
	errors.As(err, &errs)
	return append(errs, &audiosep.ParamError{Name: "precision", What: fmt.Sprintf("is float32, but beta is %g; want float64, or beta 0, 1 or 2", p.Beta)})
}

var betaNMFStage = audiosep.Define("beta_nmf",
	"NMF with any β-divergence, by multiplicative updates. "+
		"Half-way between the named ones lie useful compromises, such as beta 0.5. "+
		"(Févotte and Idier, Neural Computation 2011.)",
	DefaultBetaNMF(),
	func(p BetaNMFParams) (audiosep.Factorizer, error) { return NewNMF(p.Beta, p.NMFParams) })

// DefaultBetaNMF returns the defaults of beta_nmf.
func DefaultBetaNMF() BetaNMFParams { return BetaNMFParams{0.5, defaultNMF()} }
