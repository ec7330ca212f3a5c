package factorizers

import "github.com/audiosep/audiosep"

var euclideanNMFStage = audiosep.Define("euclidean_nmf",
	"NMF with the Euclidean distance, by multiplicative updates. "+
		"The loudest parts decide; the fastest of the divergences. "+
		"(Lee and Seung, NIPS 2000.)",
	DefaultEuclideanNMF(), func(p NMFParams) (audiosep.Factorizer, error) { return NewNMF(2, p) })

// DefaultEuclideanNMF returns the defaults of euclidean_nmf, for NewNMF(2, …). They are those of the
// others but for the update: of this divergence, and in equal time, warm ended above mm from none of 1008
// starts, and separated better (`audiosep bench starts`, without and with --stems: docs/performance.md).
func DefaultEuclideanNMF() NMFParams {
	p := defaultNMF()
	p.Update = "warm"
	return p
}
