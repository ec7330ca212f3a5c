package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// smallest is a plan that a test has time for.
func smallest() plan {
	quickTL := tl.with(tl.Name, "tl_nmf.iterations=6")
	quickDCT := dct.with(dct.Name, "is_nmf.iterations=20")
	return plan{
		Seed: 3, Starts: 2,
		Table:   trials(2, 2, quickDCT, quickTL),
		Beyond:  trials(1, 2, quickTL.with("TL-NMF, S = 2", "frame.grids=2"), quickTL.with("TL-NMF, S = 2, eps = 5e-8", "frame.grids=2", "tl_nmf.eps=5e-8")),
		Frames:  trials(1, 1, quickDCT, quickTL),
		Singles: trials(2, 1, quickTL.with("TL-NMF, the best of 3 random starts", "tl_nmf.restarts=3")),
	}
}

func silent(int, int, string) {}

// TestReport writes a report: the Markdown, the page and the pictures are there and have
// their numbers, and on one processor the Markdown has the same bytes as on all.
func TestReport(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	r, err := smallest().run(t.Context(), silent)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	md := read(t, dir, "report.md")
	for _, name := range []string{"report.md", "index.html"} {
		for _, wrong := range []string{"NaN", "Inf", "%!", "<no value>"} {
			if bytes.Contains(read(t, dir, name), []byte(wrong)) {
				t.Errorf("%s has %q", name, wrong)
			}
		}
	}
	for _, picture := range regexp.MustCompile(`\(([a-z0-9]+\.png)\)`).FindAllSubmatch(md, -1) {
		if b := read(t, dir, string(picture[1])); !bytes.HasPrefix(b, []byte("\x89PNG")) {
			t.Errorf("%s is no PNG", picture[1])
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".paper-*")); left != nil {
		t.Errorf("%v is left", left)
	}

	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	if r, err = smallest().run(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	alone, err := r.markdown()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(md, alone) {
		t.Errorf("the report differs between one processor and %d", before)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := func(n, of int, name string) { cancel() }
	if _, err := smallest().run(ctx, done); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v; want that it was cancelled", err)
	}
}

// TestEquation9 is what theorem 1 promises. The least C was measured with the published
// code.
func TestEquation9(t *testing.T) {
	e, err := newEquation9(t.Context(), 1, 20)
	if err != nil {
		t.Fatal(err)
	}
	if off := e.Off(); off > 1e-9 {
		t.Errorf("C is off by %g; want at most 1e-9", off)
	}
	for s, leak := range e.Leak {
		if leak > 1e-9 {
			t.Errorf("start %d: %g leaks between the row-spaces; want at most 1e-9", s, leak)
		}
	}
	if e.JD > 1e-9 || e.Angle > 1e-7 {
		t.Errorf("joint diagonalisation leaks %g, the angle is %g; want at most 1e-9 and 1e-7", e.JD, e.Angle)
	}
	if got := e.SpaceNames(); got != "{1, 2} and {3, 4}" {
		t.Errorf("the row-spaces are %s", got)
	}
	// A transform that mixes the row-spaces is seen.
	c := math.Sqrt(0.5)
	mixed := mat.NewDense(4, 4, []float64{c, 0, c, 0, 0, 1, 0, 0, c, 0, -c, 0, 0, 0, 0, 1})
	if _, leak := e.blocks(mixed); math.Abs(leak-c) > 1e-15 {
		t.Errorf("a transform that mixes the row-spaces leaks %g; want %g", leak, c)
	}
}

// TestOneLineSwapsTheTransform checks that swapping the transform is one line, as the README says.
func TestOneLineSwapsTheTransform(t *testing.T) {
	text, err := specs.ReadFile("dct-nmf.json")
	if err != nil {
		t.Fatal(err)
	}
	other, err := specs.ReadFile("jd-nmf.json")
	if err != nil {
		t.Fatal(err)
	}
	var differ []string
	a, b := strings.Split(string(text), "\n"), strings.Split(string(other), "\n")
	for i := range a {
		if a[i] != b[i] && !strings.Contains(a[i], `"name"`) {
			differ = append(differ, a[i])
		}
	}
	if len(a) != len(b) || len(differ) != 1 || !strings.Contains(differ[0], `"dct"`) {
		t.Errorf("the pipelines differ in %q; want the line of dct alone", differ)
	}
}

// TestOracle: masks that know the sources do better than those that do not.
func TestOracle(t *testing.T) {
	s, err := newScene(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tl.with("S = 2", "frame.grids=2").run(t.Context(), 1, s.Mix)
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.evaluate(t.Context(), out.Sources)
	if err != nil {
		t.Fatal(err)
	}
	ceiling, err := out.oracle(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for j, r := range found.Mean() {
		if top := ceiling.Mean()[j]; r[0] < good || r[0] > top[0] {
			t.Errorf("source %d: SDR %.2f dB of at most %.2f; want more than %.1f and less than the most", j+1, r[0], top[0], good)
		}
	}
	for r := range s.Mix.Data {
		for i, y := range s.Mix.Data[r] {
			if sum := out.Sources[0].Data[r][i] + out.Sources[1].Data[r][i]; math.Abs(sum-y) > 1e-12 {
				t.Fatalf("sample %d of the sources sums to %g; want %g", i, sum, y)
			}
		}
	}
}

func TestAgreeing(t *testing.T) {
	if n := agreeing([]float64{-100, -99.9999, -90, -100.001}); n != 3 {
		t.Errorf("%d starts agree; want 3", n)
	}
}
