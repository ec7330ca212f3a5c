package audiosep

import (
	"bytes"
	"context"
	"encoding/gob"
)

// Recall returns what learn makes, or what it made in an earlier run of the same stage: of the same parameters,
// seed, inputs, files and program, where somebody keeps that. It is for what a stage takes long to learn and
// its outputs do not tell, such as demixing matrices behind stems; factors, transforms and notes are kept without
// it. T is kept as encoding/gob has it, so that only exported fields are, to the last bit. A stage calls Recall
// once at most.
func Recall[T any](ctx context.Context, env Env, learn func() (T, error)) (T, error) {
	if env.Learnt == nil {
		return learn()
	}
	var made *T
	text, err := env.Learnt(ctx, func() ([]byte, error) {
		v, err := learn()
		if err != nil {
			return nil, err
		}
		made = &v
		var b bytes.Buffer
		err = gob.NewEncoder(&b).Encode(v)
		return b.Bytes(), err
	})
	var v T
	switch {
	case err != nil:
		return v, err
	case made != nil:
		return *made, nil
	case gob.NewDecoder(bytes.NewReader(text)).Decode(&v) != nil:
		return learn()
	}
	return v, nil
}
