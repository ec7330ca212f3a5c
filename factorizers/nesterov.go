package factorizers

import "math"

// nesterov is a term of Nesterov's sequence, t ← (1 + √(1+4t²))/2 from t = 1.
type nesterov float64

func (t nesterov) next() nesterov { return (1 + nesterov(math.Sqrt(float64(1+4*t*t)))) / 2 }

// reach returns (t-1)/t_next, how far to extrapolate as part of the last step: 0 at first,
// growing towards 1.
func (t nesterov) reach() float64 { return float64((t - 1) / t.next()) }
