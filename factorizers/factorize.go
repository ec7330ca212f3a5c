package factorizers

import (
	"context"

	"github.com/audiosep/audiosep"
)

// ISNMF factorises V by NMF with the Itakura-Saito divergence. Progress and the seed of
// random starts are for those who call [audiosep.Factorize] with [NewNMF].
func ISNMF(ctx context.Context, v audiosep.Power, p NMFParams) (*audiosep.Factors, error) {
	return factorizePower(ctx, v, 0, p)
}

// KLNMF factorises V by NMF with the Kullback-Leibler divergence; otherwise as [ISNMF].
func KLNMF(ctx context.Context, v audiosep.Power, p NMFParams) (*audiosep.Factors, error) {
	return factorizePower(ctx, v, 1, p)
}

// EuclideanNMF factorises V by NMF with the Euclidean distance; otherwise as [ISNMF].
func EuclideanNMF(ctx context.Context, v audiosep.Power, p NMFParams) (*audiosep.Factors, error) {
	return factorizePower(ctx, v, 2, p)
}

func factorizePower(ctx context.Context, v audiosep.Power, beta float64, p NMFParams) (*audiosep.Factors, error) {
	f, err := NewNMF(beta, p)
	if err != nil {
		return nil, err
	}
	return audiosep.Factorize(ctx, audiosep.Env{}, f, v, nil)
}
