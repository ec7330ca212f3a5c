package factorizers

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// onlineState is what is known of the batches so far.
type onlineState struct {
	Batches int // that were learnt from
	Bins    int
	W, A, B []float64
}

// begin returns what W starts from, or what an earlier run had come to after so many batches.
func (s *OnlineNMF) begin(ctx context.Context, env audiosep.Env, r *reader, init *audiosep.Factors) (o *online, done int, err error) {
	if env.Checkpoint != nil {
		text, err := env.Checkpoint.Load()
		if err != nil {
			return nil, 0, err
		}
		if text != nil {
			var state onlineState
			if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&state); err != nil || state.Bins != r.powers[0].Bins() {
				return nil, 0, fmt.Errorf("what an earlier run has kept in %s cannot be read; remove it to begin anew", env.Checkpoint.Dir())
			}
			o := s.empty()
			o.w = mat.NewDense(state.Bins, len(state.W)/state.Bins, state.W)
			o.ready()
			copy(o.a.Data, state.A)
			copy(o.b.Data, state.B)
			env.Report(audiosep.Step{Done: state.Batches, Of: s.p.Epochs * r.batches, Objective: math.NaN()})
			return o, state.Batches, nil
		}
	}
	o, err = s.start(ctx, env, r, init)
	return o, 0, err
}

// keep keeps what is known after so many batches, if it is time.
func (o *online) keep(point audiosep.Checkpoint, batches int) error {
	if point == nil || !point.Due() {
		return nil
	}
	bins, _ := o.w.Dims()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(onlineState{batches, bins, o.w.RawMatrix().Data, o.a.Data, o.b.Data}); err != nil {
		return err
	}
	return point.Save(b.Bytes())
}
