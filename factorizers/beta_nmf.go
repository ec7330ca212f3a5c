package factorizers

import "github.com/audiosep/audiosep"

// BetaNMFParams are the parameters of beta_nmf: those of NMFParams and β.
type BetaNMFParams struct {
	Beta       float64 `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean; smaller cares more for soft parts."`
	Rank       int     `json:"rank" min:"1" unit:"components" doc:"Number of components K."`
	Iterations int     `json:"iterations" min:"1" doc:"Most iterations; each updates H, then W."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when an iteration lowers the objective by no more than this part of itself."`
	Eps        float64 `json:"eps" min:"0" doc:"Floor added to V and to WH, in the units of V. The default is about the power of 16-bit rounding under an orthonormal transform."`
	Update     string  `json:"update" oneof:"mm|heuristic" doc:"mm never raises the objective; heuristic has the exponent 1 whatever the divergence, which is faster and undone if it raises it."`
	L1         float64 `json:"l1" min:"0" doc:"Weight of the sum of H in the objective: larger is sparser."`
	Smooth     float64 `json:"smooth" min:"0" doc:"Weight in the objective of the Itakura-Saito divergence between an activation and the one before it: larger is smoother in time."`
	Start      string  `json:"start" oneof:"random|nndsvd" doc:"W and H to start from where none are wired; nndsvd has them from the singular vectors of V."`
	Restarts   int     `json:"restarts" min:"1" doc:"Random starts that are tried; the one with the least objective is kept."`
	Use        string  `json:"use" oneof:"both|w|h" doc:"Which of the wired factors to start from."`
	Fix        string  `json:"fix" oneof:"none|w|h" doc:"Which of the wired factors is left as it is, but for the scale of each component."`
	Power      int     `json:"power" min:"1" max:"2" doc:"2 factorises V, a power; 1 its root, a magnitude, and then H is a magnitude too."`
}

var betaNMFStage = audiosep.Define("beta_nmf",
	"NMF with any β-divergence, by multiplicative updates. "+
		"Half-way between the named ones lie useful compromises, such as beta 0.5. "+
		"(Févotte and Idier, Neural Computation 2011.)",
	BetaNMFParams{
		Beta: 0.5, Rank: nmfDefaults.Rank, Iterations: nmfDefaults.Iterations, Tol: nmfDefaults.Tol, Eps: nmfDefaults.Eps,
		Update: nmfDefaults.Update, Start: nmfDefaults.Start, Restarts: nmfDefaults.Restarts,
		Use: nmfDefaults.Use, Fix: nmfDefaults.Fix, Power: nmfDefaults.Power,
	},
	func(p BetaNMFParams) (audiosep.Factorizer, error) { return NewNMF(p.Beta, p.common()) })

// Validate checks what one parameter means for another.
func (p BetaNMFParams) Validate() error { return p.common().Validate() }

func (p BetaNMFParams) common() NMFParams {
	return NMFParams{
		p.Rank, p.Iterations, p.Tol, p.Eps, p.Update, p.L1, p.Smooth,
		p.Start, p.Restarts, p.Use, p.Fix, p.Power,
	}
}
