package factorizers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/blocks"
)

// keeping is a checkpoint that is always due.
type keeping struct {
	dir   string
	state []byte
}

func (k *keeping) Dir() string             { return k.dir }
func (k *keeping) Load() ([]byte, error)   { return slices.Clone(k.state), nil }
func (k *keeping) Due() bool               { return true }
func (k *keeping) Save(state []byte) error { k.state = slices.Clone(state); return nil }
func (k *keeping) Cannot(string)           {}

// stopping returns an Env whose run is stopped after so many steps; from is set to where it begins.
func stopping(t *testing.T, k audiosep.Checkpoint, steps int, from *int) (context.Context, audiosep.Env) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	*from = -1
	return ctx, audiosep.Env{Seed: 5, Checkpoint: k, Progress: func(s audiosep.Step) {
		if *from < 0 {
			*from = s.Done
		}
		if steps--; steps == 0 {
			cancel()
		}
	}}
}

// What was learnt in batches is kept batch by batch: however often it is stopped, W is that of a
// learner that nobody stopped.
func TestOnlineGoesOn(t *testing.T) {
	v := powerOf(changing(2, 20, 400, 1))
	for _, beta := range []float64{0, 1, 2} {
		p := factorizers.DefaultOnlineNMF()
		p.Rank, p.Beta, p.Warm, p.Batch, p.Steps, p.Epochs = 4, beta, 10, 40, 6, 2
		want := online(t, 5, p, nil, v)
		s, err := factorizers.NewOnlineNMF(p)
		if err != nil {
			t.Fatal(err)
		}
		k := &keeping{dir: t.TempDir()}
		var from int
		for _, steps := range []int{3, 4, 2} {
			ctx, env := stopping(t, k, steps, &from)
			if _, err := s.Run(ctx, env, factorizers.OnlineNMFIn{Power: []audiosep.Power{v}}); !errors.Is(err, context.Canceled) {
				t.Fatalf("it was not stopped: %v", err)
			}
		}
		ctx, env := stopping(t, k, 1000, &from)
		out, err := s.Run(ctx, env, factorizers.OnlineNMFIn{Power: []audiosep.Power{v}})
		if err != nil {
			t.Fatal(err)
		}
		if from < 6 || !mat.Equal(out.Factors.W, want.W) {
			t.Errorf("beta %g: it went on after %d batches; want at least 6, and the same W", beta, from)
		}
		k.state = k.state[:len(k.state)/2]
		if _, err := s.Run(t.Context(), env, factorizers.OnlineNMFIn{Power: []audiosep.Power{v}}); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("half of what was kept: %v", err)
		}
	}
}

// Activations are kept as they are found.
func TestActivationsGoOn(t *testing.T) {
	v := changing(3, 20, 300, 1)
	p := factorizers.DefaultActivations()
	p.Iterations = 10
	a, err := factorizers.NewActivations(p)
	if err != nil {
		t.Fatal(err)
	}
	dictionary := &audiosep.Factors{W: changing(4, 20, 5, 1)}
	want, err := audiosep.Activate(t.Context(), audiosep.Env{}, a, powerOf(v), dictionary)
	if err != nil {
		t.Fatal(err)
	}
	k := &keeping{dir: t.TempDir()}
	var from int
	for range 3 {
		ctx, env := stopping(t, k, 4, &from)
		if _, err := audiosep.Activate(blocks.WithSize(ctx, 16), env, a, powerOf(v), dictionary); !errors.Is(err, context.Canceled) {
			t.Fatalf("it was not stopped: %v", err)
		}
	}
	// What was written after the last save is of no use.
	f, err := os.OpenFile(filepath.Join(k.dir, "h"), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = fmt.Fprint(f, "torn")
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, env := stopping(t, k, 1000, &from)
	got, err := audiosep.Activate(blocks.WithSize(ctx, 16), env, a, powerOf(v), dictionary)
	if err != nil {
		t.Fatal(err)
	}
	if from < 3*2*16 || from >= 300 || !mat.Equal(got.H, want.H) {
		t.Errorf("it went on after %d columns; want more than 96 of 300, and the same H", from)
	}
	if err := os.Truncate(filepath.Join(k.dir, "h"), 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := audiosep.Activate(t.Context(), env, a, powerOf(v), dictionary); err == nil || !strings.Contains(err.Error(), "remove") {
		t.Errorf("activations that were lost: %v", err)
	}
}
