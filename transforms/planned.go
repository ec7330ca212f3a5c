package transforms

import "context"

// quickPlan is the frame length up to which a plan takes some tens of milliseconds.
const quickPlan = 1 << 15

// planned returns what plan makes, for frames of m samples. A plan for a million samples takes
// seconds; if ctx is done before, planned returns its error at once and plan goes on unheard.
func planned[T any](ctx context.Context, m int, plan func() T) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if m <= quickPlan {
		return plan(), nil
	}
	made := make(chan T, 1)
	go func() { made <- plan() }()
	select {
	case t := <-made:
		return t, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
