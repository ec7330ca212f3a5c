package factorizers

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// Of any number of starts the least is kept, the first of equals, and the first error is told.
func TestLeastOfStarts(t *testing.T) {
	for _, procs := range []int{1, 4} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		values := []float64{3, 1, 2, 1, 5}
		best, kept, ends, err := leastOfStarts(len(values), func(i, _ int) (int, error) { return i, nil }, func(i int) float64 { return values[i] })
		if best != 1 || kept != 1 || err != nil || len(ends) != 5 || ends[4] != 5 {
			t.Errorf("start %d, result %d, ends %v, %v; want 1, 1, %v", kept, best, ends, err, values)
		}
		first := errors.New("start 2")
		_, _, _, err = leastOfStarts(5, func(i, _ int) (int, error) {
			switch i {
			case 2:
				return 0, first
			case 4:
				return 0, errors.New("start 4")
			}
			return i, nil
		}, func(int) float64 { return 0 })
		if err != first {
			t.Errorf("the error is %v; want that of start 2", err)
		}
	}
}

// A hundred thousand starts hold no more memory than a few at a time.
func TestManyStartsTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	const n = 1 << 14
	_, _, _, err := leastOfStarts(n, func(i, _ int) ([]byte, error) {
		if i%1024 == 1023 {
			var m runtime.MemStats
			runtime.GC()
			if runtime.ReadMemStats(&m); m.HeapAlloc > 256<<20 {
				return nil, errors.New("more than 256 MiB are held")
			}
		}
		return make([]byte, 1<<16), nil
	}, func([]byte) float64 { return 0 })
	if err != nil {
		t.Error(err)
	}
}

func TestOutOfAllProportion(t *testing.T) {
	for params, want := range map[string]string{
		`{"rank": 100000000}`:            "parameter rank is 100000000; want ",
		`{"rank": 9223372036854775807}`:  "parameter rank is 9223372036854775807; want ",
		`{"restarts": 1000000000}`:       "parameter restarts is 1000000000; want 1 to 100000",
		`{"iterations": 10000000000000}`: "parameter iterations is 10000000000000; want 1 to 1000000000",
	} {
		for _, def := range []audiosep.Definition{isNMFStage, betaNMFStage, tlNMFStage} {
			if _, err := def.Build(json.RawMessage(params)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %s", def.Name, err, want)
			}
		}
	}
	v := randomV(rand.New(rand.NewPCG(1, 1)), 20, 30)
	f, err := NewNMF(0, params(100000, 1))
	if err != nil {
		t.Fatal(err)
	}
	want := "rank is 100000, with which W and H have 5e+06 numbers, 0.04 GB, where V has 600; want a rank of at most 83886"
	if _, err := f.Factorize(t.Context(), audiosep.Env{}, v, nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}

// Of a run that ends before its iterations are done the log has why; of one that does not, nothing.
func TestEarlyEndIsLogged(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(7, 7)), 20, 30)
	for tol, want := range map[float64]string{0.5: "ended early iterations=1 of=40 as=\"an iteration lowered the objective by no more than 0.5 of itself\"", 0: ""} {
		var log bytes.Buffer
		p := params(3, 40)
		p.Tol = tol
		nmf, err := NewNMF(1, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nmf.Factorize(t.Context(), audiosep.Env{Seed: 1, Log: slog.New(slog.NewTextHandler(&log, nil))}, v, nil); err != nil {
			t.Fatal(err)
		}
		if got := log.String(); strings.Contains(got, "ended early") != (want != "") || !strings.Contains(strings.ReplaceAll(got, "msg=\"ended early\"", "ended early"), want) {
			t.Errorf("tol %v: the log is %q; want %q in it", tol, got, want)
		}
	}
}

// A start of singular vectors takes memory in proportion to the frames: their square here would be 7 GB.
func TestSingularStartOfManyFrames(t *testing.T) {
	const bins, cols = 3, 30000
	p := params(2, 1)
	p.Start = "nndsvda"
	v := randomV(rand.New(rand.NewPCG(7, 8)), bins, cols)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	factorize(t, 1, p, v, nil)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 100<<20 {
		t.Errorf("%d MiB were asked for; want less than 100", took>>20)
	}
}
