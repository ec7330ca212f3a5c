package factorizers

import "github.com/audiosep/audiosep"

var klNMFStage = audiosep.Define("kl_nmf",
	"NMF with the Kullback-Leibler divergence, by multiplicative updates. "+
		"Loud parts weigh more, in proportion; often used on magnitudes (power 1). "+
		"(Lee and Seung, NIPS 2000.)",
	nmfDefaults, func(p NMFParams) (audiosep.Factorizer, error) { return NewNMF(1, p) })
