package factorizers

import "github.com/audiosep/audiosep"

var klNMFStage = audiosep.Define("kl_nmf",
	"NMF with the Kullback-Leibler divergence, by multiplicative updates. "+
		"Loud parts weigh more, in proportion; often used on magnitudes (power 1). "+
		"(Lee and Seung, NIPS 2000.)",
	DefaultKLNMF(), func(p NMFParams) (audiosep.Factorizer, error) { return NewNMF(1, p) })

// DefaultKLNMF returns the defaults of kl_nmf, for NewNMF(1, …).
func DefaultKLNMF() NMFParams { return defaultNMF() }
