package factorizers

import "github.com/audiosep/audiosep"

var klNMFStage = audiosep.Define("kl_nmf",
	"NMF with the Kullback-Leibler divergence, by multiplicative updates. "+
		"Loud parts weigh more, in proportion; often used on magnitudes (power 1). "+
		"(Lee and Seung, NIPS 2000.)",
	DefaultKLNMF(), func(p NMFParams) (audiosep.Factorizer, error) { return NewNMF(1, p) })

// DefaultKLNMF returns the defaults of kl_nmf, for NewNMF(1, …). They are those of is_nmf but for the
// update: in equal time warm ended above mm from none of 1008 starts (`audiosep bench starts`, on
// magnitudes and with tol 0; where tol ends the iterations within the first 100 warm is mm).
func DefaultKLNMF() NMFParams {
	p := defaultNMF()
	p.Update = "warm"
	return p
}
