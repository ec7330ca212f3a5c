package factorizers

import "github.com/audiosep/audiosep"

var euclideanNMFStage = audiosep.Define("euclidean_nmf",
	"NMF with the Euclidean distance, by multiplicative updates. "+
		"The loudest parts decide; the fastest of the divergences. "+
		"(Lee and Seung, NIPS 2000.)",
	DefaultEuclideanNMF(), func(p NMFParams) (audiosep.Factorizer, error) { return NewNMF(2, p) })

// DefaultEuclideanNMF returns the defaults of euclidean_nmf, for NewNMF(2, …).
func DefaultEuclideanNMF() NMFParams { return defaultNMF() }
