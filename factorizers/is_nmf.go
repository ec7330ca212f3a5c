package factorizers

import "github.com/audiosep/audiosep"

var isNMFStage = audiosep.Define("is_nmf",
	"NMF with the Itakura-Saito divergence, by multiplicative updates. "+
		"It weighs loud and soft alike: scaling a bin or a frame changes nothing. The model of choice for powers. "+
		"(Févotte, Bertin and Durrieu, Neural Computation 2009.)",
	DefaultISNMF(), func(p NMFParams) (audiosep.Factorizer, error) { return NewNMF(0, p) })

// DefaultISNMF returns the defaults of is_nmf, for NewNMF(0, …).
func DefaultISNMF() NMFParams { return defaultNMF() }
