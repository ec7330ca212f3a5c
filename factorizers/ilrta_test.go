package factorizers

import (
	"bytes"
	"log/slog"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/scene"
	"github.com/audiosep/audiosep/transforms"
)

// randomTensor returns coefficients of any scale, some of them 0.
func randomTensor(seed uint64, bins, cols, per int, complex bool) *tensor {
	r := rand.New(rand.NewPCG(seed, 3))
	x := &tensor{bins: bins, cols: cols, per: per, shared: 1, layers: per}
	x.re = make([]float64, bins*cols*per)
	if complex {
		x.im = make([]float64, len(x.re))
	}
	scale := math.Exp(4 * r.NormFloat64())
	for _, part := range [][]float64{x.re, x.im} {
		for i := range part {
			if part[i] = scale * r.NormFloat64() * math.Exp(2*r.NormFloat64()); r.Float64() < 0.1 {
				part[i] = 0
			}
			x.power += part[i] * part[i] / float64(len(x.re))
		}
	}
	return x
}

func ilrtaOf(t *testing.T, p ILRTAParams, x *tensor, seed uint64) *ilrtaSolver {
	t.Helper()
	s, err := NewILRTA(p)
	if err != nil {
		t.Fatal(err)
	}
	w, h := s.start(audiosep.Env{Seed: seed}, x, nil, 0)
	return newILRTASolver(x, p, w, h, 2)
}

// direct computes C from its formula, with no sum that the solver keeps.
func (l *ilrtaSolver) direct(x *tensor, p ILRTAParams) float64 {
	z := x.like(len(x.re))
	total := x.cols * x.per
	z.copy(x.planes)
	if l.learnP {
		z.times(l.p.matrix, x.planes, x.bins, total, false)
	}
	if l.learnR {
		before := z.like(len(z.re))
		before.copy(z)
		for m := range x.bins {
			z.row(m, total).times(l.r.matrix, before.row(m, total), x.cols, x.per, false)
		}
	}
	norms := func(a *mixing, learnt bool) (norms []float64, cost float64) {
		norms = make([]float64, a.rows)
		for i := range norms {
			if norms[i] = 1; learnt {
				_, _, norms[i] = a.matrix.row(i, a.rows).products(a.matrix.row(i, a.rows))
			}
			cost += p.Blend * float64(a.cols) * (norms[i] - 1)
		}
		if learnt {
			cost -= 2 * (1 + p.Blend) * float64(a.cols) * logDet(a.matrix, a.rows)
		}
		return norms, cost
	}
	pi, c := norms(l.p, l.learnP)
	rho, d := norms(l.r, l.learnR)
	sum := c + d
	for m := range x.bins {
		for n := range x.cols {
			lambda := l.eps
			for k := range l.rank {
				lambda += l.w[m*l.rank+k] * l.h[k*x.cols+n]
			}
			v := l.eps * pi[m] * rho[n]
			for j := range x.per {
				i := (m*x.cols+n)*x.per + j
				v += z.re[i] * z.re[i] / float64(x.per)
				if z.im != nil {
					v += z.im[i] * z.im[i] / float64(x.per)
				}
			}
			sum += v/lambda + math.Log(lambda)
		}
	}
	return l.weight * sum
}

// logDet returns log |det|: half of that of [re -im; im re] where the matrix is complex.
func logDet(a planes, n int) float64 {
	var lu mat.LU
	if a.im == nil {
		lu.Factorize(mat.NewDense(n, n, a.re))
		d, _ := lu.LogDet()
		return d
	}
	whole := mat.NewDense(2*n, 2*n, nil)
	for i := range n {
		for j := range n {
			whole.Set(i, j, a.re[i*n+j])
			whole.Set(n+i, n+j, a.re[i*n+j])
			whole.Set(n+i, j, a.im[i*n+j])
			whole.Set(i, n+j, -a.im[i*n+j])
		}
	}
	lu.Factorize(whole)
	d, _ := lu.LogDet()
	return d / 2
}

// In 1000 random problems, of frames more and fewer than bins, the objective never rises, and
// it is what its formula says.
func TestILRTAIsMonotone(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	const iterations = 6
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 9))
		x := randomTensor(seed, 2+r.IntN(6), 2+r.IntN(12), 1+r.IntN(2), seed%2 == 1)
		p := DefaultILRTA()
		p.Rank, p.Learn, p.Reach, p.Restarts = 1+r.IntN(4), []string{"p", "r", "both"}[r.IntN(3)], r.IntN(3), 1
		p.Blend, p.Eps = []float64{0, 0.1, 1, 100}[r.IntN(4)], math.Pow(10, -6+5*r.Float64())
		l := ilrtaOf(t, p, x, seed)
		last := l.direct(x, p)
		for i := range iterations {
			l.iterate(t.Context(), func() {})
			now := l.direct(x, p)
			if !(now <= last+1e-9*(math.Abs(last)+float64(len(x.re)))) {
				t.Fatalf("problem %d, %+v: the objective rose from %.15g to %.15g in iteration %d", seed, p, last, now, i+1)
			}
			if kept := l.value(); !(math.Abs(kept-now) <= 1e-8*(math.Abs(now)+float64(len(x.re)))) {
				t.Fatalf("problem %d, %+v: the objective is %.15g; want %.15g", seed, p, kept, now)
			}
			last = now
		}
	}
}

// What steering computes is the gradient: by finite differences of the formula, to 1e-5.
func TestILRTAGradient(t *testing.T) {
	for _, complex := range []bool{false, true} {
		x := randomTensor(4, 5, 12, 2, complex)
		p := DefaultILRTA()
		p.Rank, p.Learn, p.Eps = 3, "p", 1e-2
		l := ilrtaOf(t, p, x, 1)
		for range 3 {
			l.iterate(t.Context(), func() {})
		}
		l.p.load(l.z, l.u, l.r.norm, l.eps)
		for i := range x.bins {
			for k := range x.bins {
				re, im, den := l.p.quadratic(i, k)
				want := number(-2*l.weight*re, -2*l.weight*im)
				if i == k { // v_k changes the determinant
					want += number(2*l.weight*(1+p.Blend)*float64(x.cols), 0)
				}
				step := 1e-5
				along := func(by float64, imaginary bool) float64 {
					q := l.p.matrix.like(len(l.p.matrix.re))
					q.copy(l.p.matrix)
					a, b := by, 0.0
					if imaginary {
						a, b = 0, by
					}
					row := q.row(i, x.bins)
					row.subtract(l.p.matrix.row(k, x.bins), a, b)
					kept := l.p.matrix
					l.p.matrix = q
					defer func() { l.p.matrix = kept }()
					return l.direct(x, p)
				}
				got := number((along(step, false)-along(-step, false))/(2*step), 0)
				if complex {
					got += number(0, (along(step, true)-along(-step, true))/(2*step))
				}
				if cmplx.Abs(got-want) > 1e-5*(cmplx.Abs(want)+den) {
					t.Errorf("complex %t: the derivative of row %d by row %d is %v; want %v", complex, i, k, got, want)
				}
			}
		}
	}
}

func number(re, im float64) complex128 { return complex(re, im) }

// identityOf returns frames as they are.
func identityOf(t *testing.T, song *audiosep.Signal, frame transforms.FrameParams) (audiosep.Spectra, error) {
	t.Helper()
	same := func(int) (forward, inverse func(dst, src []float64), err error) {
		same := func(dst, src []float64) { copy(dst, src) }
		return same, same, nil
	}
	return transforms.Spectra(t.Context(), song, frame, audiosep.PerFrame(same))
}

func learnTLNMF(t *testing.T, p TLNMFParams, y *audiosep.Frames, init audiosep.Model) audiosep.Model {
	t.Helper()
	s, err := NewTLNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.LearnJointly(t.Context(), audiosep.Env{Seed: 1}, y, init)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// notesOf returns a recording of notes that come and go.
func notesOf(channels, samples int) *audiosep.Signal {
	r := rand.New(rand.NewPCG(5, 5))
	s := &audiosep.Signal{Rate: 4000, Channels: channels, Data: make([][]float64, channels)}
	for c := range s.Data {
		s.Data[c] = make([]float64, samples)
		for i := range samples {
			at := float64(i) / 4000
			first, second := math.Sin(2*math.Pi*300*at), math.Sin(2*math.Pi*440*at+float64(c))
			s.Data[c][i] = 0.2*first*float64(i/1500%2) + 0.1*second*float64(i/1000%2) + 1e-3*r.NormFloat64()
		}
	}
	return s
}

// With P = R = I and the coefficients of an STFT it is IS-NMF: W and H after each of 30
// iterations, to 1e-10.
func TestILRTAIsISNMF(t *testing.T) {
	coefs, err := transforms.STFT(t.Context(), notesOf(2, 6000), transforms.Frame(64, 0.5, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := readTensor(t.Context(), coefs)
	if err != nil {
		t.Fatal(err)
	}
	p := DefaultILRTA()
	p.Rank, p.Learn, p.Tol = 3, "none", 0
	for _, iterations := range []int{1, 5, 30} {
		p.Iterations = iterations
		s, err := NewILRTA(p)
		if err != nil {
			t.Fatal(err)
		}
		w, h := s.start(audiosep.Env{Seed: 1}, x, nil, 0)
		nmf := DefaultISNMF()
		nmf.Rank, nmf.Iterations, nmf.Tol, nmf.Update, nmf.Eps = p.Rank, iterations, 0, "mm", p.Eps*x.power
		f, err := NewNMF(0, nmf)
		if err != nil {
			t.Fatal(err)
		}
		want, err := audiosep.Factorize(t.Context(), audiosep.Env{}, f, audiosep.PowerOf(coefs, nil), &audiosep.Factors{W: w, H: h})
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(t.Context(), audiosep.Env{Seed: 1}, ILRTAIn{coefs, &audiosep.Factors{W: w, H: h}})
		if err != nil {
			t.Fatal(err)
		}
		sameFactors(t, out.Factors, want)
	}
}

// sameFactors holds two factorisations against each other, to 1e-10 of their norms.
func sameFactors(t *testing.T, got, want *audiosep.Factors) {
	t.Helper()
	for name, m := range map[string][2]*mat.Dense{"W": {got.W, want.W}, "H": {got.H, want.H}} {
		var off mat.Dense
		off.Sub(m[0], m[1])
		if e := mat.Norm(&off, 2) / mat.Norm(m[1], 2); !(e <= 1e-10) {
			t.Errorf("%s differs by %.3g of its norm; want 1e-10", name, e)
		}
	}
}

// With frames, an orthogonal P and R = I it is TL-NMF: at what tl_nmf has learnt the objective
// is the same and so are further updates of W and H, to 1e-10; and no rotation of P lowers it.
func TestILRTAIsTLNMF(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	song := notesOf(1, 12000)
	frames := transforms.Frame(20, 0.5, "sine")
	coefs, err := identityOf(t, song, frames)
	if err != nil {
		t.Fatal(err)
	}
	y := new(audiosep.Frames)
	framed := coefs.(*audiosep.FramedSpectra).Framed
	if err := framed.Read(t.Context(), y, 0, framed.Framing.Frames()); err != nil {
		t.Fatal(err)
	}
	learnt := DefaultTLNMF()
	learnt.Rank, learnt.Iterations, learnt.Tol, learnt.Eps = 2, 3000, 1e-14, 1e-4
	model := learnTLNMF(t, learnt, y, audiosep.Model{})
	mixed, err := audiosep.NewSpectra(framed, model.Transform)
	if err != nil {
		t.Fatal(err)
	}
	x, err := readTensor(t.Context(), mixed)
	if err != nil {
		t.Fatal(err)
	}
	p := DefaultILRTA()
	p.Rank, p.Learn, p.Blend = 2, "p", 0
	sc, err := scene.New(y.Data, y.Length, y.Share, y.Analysis)
	if err != nil {
		t.Fatal(err)
	}
	p.Eps = learnt.Eps * sc.Scale / x.power
	copyOf := func() (w, h *mat.Dense) { return mat.DenseCopyOf(model.Factors.W), mat.DenseCopyOf(model.Factors.H) }
	w, h := copyOf()
	l := newILRTASolver(x, p, w, h, 1)
	want := model.Factors.Objective[len(model.Factors.Objective)-1]
	if got := l.before; !(math.Abs(got-want) <= 1e-10*math.Abs(want)) {
		t.Errorf("the objective of what tl_nmf learnt is %.15g; want %.15g", got, want)
	}
	l.p.load(l.z, l.u, l.r.norm, l.eps)
	var turn, whole float64
	for i := range x.bins {
		for k := range i {
			a, _, _ := l.p.quadratic(i, k)
			b, _, _ := l.p.quadratic(k, i)
			turn += (a - b) * (a - b)
			whole += a*a + b*b
		}
	}
	if !(math.Sqrt(turn) <= 1e-4*math.Sqrt(whole)) {
		t.Errorf("the gradient along rotations is %.3g, of %.3g in all; want none: tl_nmf has converged", math.Sqrt(turn), math.Sqrt(whole))
	}
	held := learnt
	held.Fix, held.Update, held.MMSteps, held.Iterations, held.Tol = "phi", "mm", 1, 5, 0
	w, h = drawnFactors(x, 2)
	ours := newILRTASolver(x, p, mat.DenseCopyOf(w), mat.DenseCopyOf(h), 1)
	ours.learnP = false
	for range held.Iterations {
		ours.iterate(t.Context(), func() {})
	}
	theirs := learnTLNMF(t, held, y, audiosep.Model{Transform: model.Transform, Factors: &audiosep.Factors{W: w, H: h}})
	sameFactors(t, &audiosep.Factors{W: mat.NewDense(x.bins, 2, ours.w), H: mat.NewDense(2, x.cols, ours.h)}, theirs.Factors)
}

func drawnFactors(x *tensor, rank int) (w, h *mat.Dense) {
	s := &ILRTA{ILRTAParams{Rank: rank}}
	return s.start(audiosep.Env{Seed: 3}, x, nil, 0)
}

// The sources sum to the mixture, whatever is learnt, on all channels; components go where the
// wired factors say.
func TestILRTASums(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	song := notesOf(2, 1600)
	for _, learn := range []string{"none", "p", "r", "both"} {
		for _, complex := range []bool{false, true} {
			coefs, err := identityOf(t, song, transforms.Frame(16, 0.5, "sine"))
			if complex {
				coefs, err = transforms.STFT(t.Context(), song, transforms.Frame(16, 0.5, "sine"))
			}
			if err != nil {
				t.Fatal(err)
			}
			x, err := readTensor(t.Context(), coefs)
			if err != nil {
				t.Fatal(err)
			}
			p := DefaultILRTA()
			p.Rank, p.Learn, p.Iterations = 3, learn, 5
			s, err := NewILRTA(p)
			if err != nil {
				t.Fatal(err)
			}
			w, h := s.start(audiosep.Env{Seed: 2}, x, nil, 0)
			groups := []audiosep.Group{{Name: "low", Components: []int{0, 2}}, {Name: "high", Components: []int{1}}}
			out, err := s.Run(t.Context(), audiosep.Env{}, ILRTAIn{coefs, &audiosep.Factors{W: w, H: h, Sources: groups}})
			if err != nil {
				t.Fatal(err)
			}
			if names := out.Sources.Names(); !slices.Equal(names, []string{"low", "high"}) {
				t.Errorf("the sources are called %v; want low and high", names)
			}
			stems, err := audiosep.Collect(t.Context(), out.Sources)
			if err != nil {
				t.Fatal(err)
			}
			for c, mix := range song.Data {
				for i, v := range mix {
					if sum := stems[0].Data[c][i] + stems[1].Data[c][i]; math.Abs(sum-v) > 1e-11 {
						t.Fatalf("learn %s, complex %t: the stems sum to %v at sample %d of channel %d; want %v", learn, complex, sum, i, c, v)
					}
				}
			}
		}
	}
}

// A great blend keeps P orthogonal, a small one does not.
func TestILRTABlend(t *testing.T) {
	x := randomTensor(8, 6, 80, 1, false)
	off := func(blend float64) float64 {
		p := DefaultILRTA()
		p.Rank, p.Blend = 2, blend
		l := ilrtaOf(t, p, x, 1)
		for range 20 {
			l.iterate(t.Context(), func() {})
		}
		return audiosep.OrthogonalityError(mat.NewDense(6, 6, l.p.matrix.re))
	}
	if free, held := off(0), off(1e6); !(held < 1e-4 && free > 0.1) {
		t.Errorf("ΦΦᵀ is %.3g from I with blend 0, %.3g with 1e6; want more than 0.1, and less than 1e-4", free, held)
	}
}

// The least frames that are enough are ten times as many as coefficients: below that it warns.
func TestILRTAWarns(t *testing.T) {
	for samples, want := range map[int]bool{16 * 8 * 9: true, 16 * 8 * 11: false} {
		coefs, err := identityOf(t, notesOf(1, samples), transforms.Frame(16, 0.5, "sine"))
		if err != nil {
			t.Fatal(err)
		}
		p := DefaultILRTA()
		p.Iterations, p.Rank = 1, 2
		s, err := NewILRTA(p)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		if _, err := s.Run(t.Context(), audiosep.Env{Log: slog.New(slog.NewTextHandler(&log, nil))}, ILRTAIn{Coefs: coefs}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "too little is there"); got != want {
			t.Errorf("%d frames of 16: it warns: %t; want %t", coefs.Framing().Frames(), got, want)
		}
	}
}

// The same bits on any number of threads.
func TestILRTASameBits(t *testing.T) {
	coefs, err := transforms.STFT(t.Context(), notesOf(1, 3000), transforms.Frame(64, 0.5, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	run := func(threads int) []*audiosep.Signal {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		p := DefaultILRTA()
		p.Rank, p.Iterations, p.Restarts, p.Learn = 2, 2, 2, "both"
		s, err := NewILRTA(p)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(t.Context(), audiosep.Env{Seed: 3}, ILRTAIn{Coefs: coefs})
		if err != nil {
			t.Fatal(err)
		}
		stems, err := audiosep.Collect(t.Context(), out.Sources)
		if err != nil {
			t.Fatal(err)
		}
		return stems
	}
	want := run(1)
	for _, threads := range []int{2, 3} {
		for j, s := range run(threads) {
			if !slices.Equal(s.Data[0], want[j].Data[0]) {
				t.Errorf("on %d threads stem %d differs", threads, j+1)
			}
		}
	}
}
