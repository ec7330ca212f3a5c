package multichannel

import (
	"fmt"
	"math"
	"math/cmplx"
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/threads"
)

// ridge is added to the diagonal of each weighted covariance, as part of its mean: where
// microphones heard the same, as in a bin of silence, nothing is divided by zero.
const ridge = 1e-14

// mostChunks is the number of runs of bins that sums over bins are made in, each by one
// thread and then added in order, so that the bits do not depend on the number of threads.
const mostChunks = 32

// demixer is the demixing matrices of a mixture and how they are updated. All updates minimise
//
//	Σ_f [ Σ_n w_n U_fn w_nᴴ − 2 log |det W_f| ],   U_fn = 1/T Σ_t φ_nt x_ft x_ftᴴ,
//
// w_n being row n of W_f, in some of the rows. With fewer sources than channels the rows of the
// sources come first, and the others, [J -I], are orthogonal to them under the covariance C_f of
// the mixture: the background, which is Gaussian and stationary (Scheibler and Ono, Independent
// vector analysis with more microphones than sources, 2019). Then log |det W_f| is replaced by
// ½ log det W_f C_f W_fᴴ of the sources' rows, which the background leaves of it.
type demixer struct {
	*mixture
	sources int          // N ≤ C
	w       []complex128 // [f][C][C]
	mean    []complex128 // C_f: [f][C][C]; nil with as many sources as channels
	logDet  []float64    // [f]: log |det W_f|
	chunks  int
	team    *threads.Team
	all     []int        // the sources
	each    []*workbench // one for each thread
}

// workbench is the scratch memory of one thread.
type workbench struct {
	rows      kernel.Rows
	u, real   []float64
	x, y      []float64 // of demix, 2C×T: a bin that is kept in float32, and its sources
	cov, a, b []complex128
	cov2, b2  []complex128 // of background
	pivot     []int
}

// newDemixer returns a demixer of as many sources as channels that changes nothing.
func newDemixer(m *mixture) *demixer { return newOverdemixer(m, m.channels) }

// newOverdemixer returns a demixer of no more sources than channels.
func newOverdemixer(m *mixture, sources int) *demixer {
	c := m.channels
	d := &demixer{mixture: m, sources: sources, w: make([]complex128, m.bins*c*c), logDet: make([]float64, m.bins), chunks: min(m.bins, mostChunks), team: threads.NewTeam()}
	for n := range sources {
		d.all = append(d.all, n)
	}
	for f := range m.bins {
		identity(d.matrix(f), c)
	}
	for range runtime.GOMAXPROCS(0) {
		d.each = append(d.each, &workbench{
			u: make([]float64, c*c*c), real: make([]float64, 4*c*c),
			cov: make([]complex128, c*c*c), a: make([]complex128, c*c), b: make([]complex128, 4*c), pivot: make([]int, c),
			cov2: make([]complex128, c*c), b2: make([]complex128, 2*c),
		})
	}
	if sources < c {
		d.mean = make([]complex128, len(d.w))
		ones := d.ones()
		for f := range m.bins {
			d.covariances(d.each[0], f, ones)
			copy(d.mean[f*c*c:(f+1)*c*c], d.each[0].cov)
			d.background(d.each[0], f)
		}
	}
	return d
}

// background makes the rows after the sources' orthogonal to them.
func (d *demixer) background(b *workbench, f int) {
	c, n := d.channels, d.sources
	w, g := d.matrix(f), b.cov2[:n*c]
	mean := d.mean[f*c*c : (f+1)*c*c]
	for k := range n { // row k of g is conj(C w_kᴴ)
		for i := range c {
			var sum complex128
			for j, z := range w[k*c : (k+1)*c] {
				sum += z * mean[j*c+i]
			}
			g[k*c+i] = sum
		}
	}
	// J Gᴴ = Eᴴ with g = [G E], so G Jᴴ = E.
	for k := range n {
		copy(b.a[k*n:(k+1)*n], g[k*c:k*c+n])
	}
	if math.IsInf(factorise(b.a[:n*n], b.pivot[:n], n), -1) {
		return
	}
	x, e := b.b2[:n], b.b2[c:c+n]
	for i := n; i < c; i++ {
		for k := range n {
			e[k] = g[k*c+i]
		}
		solveFor(x, b.a, b.pivot, e, n)
		conjugate(x)
		if row := w[i*c : (i+1)*c]; finite(x) {
			clear(row)
			copy(row, x)
			row[i] = -1
		}
	}
}

// matrix returns W_f.
func (d *demixer) matrix(f int) []complex128 {
	n := d.channels * d.channels
	return d.w[f*n : (f+1)*n]
}

// inChunks calls task for each run of bins, on all threads.
func (d *demixer) inChunks(task func(worker, chunk int)) { d.team.Do(d.chunks, len(d.each), task) }

// chunk returns the bins of a run, from one to before the other.
func (d *demixer) chunk(i int) (from, to int) {
	return i * d.bins / d.chunks, (i + 1) * d.bins / d.chunks
}

// covariances sets b.cov to U_f for each of the weights, [row][T].
func (d *demixer) covariances(b *workbench, f int, weights blas64.General) {
	c, rows := d.channels, weights.Rows
	b.rows.Gram(b.u, d.bin(f), weights, d.after(f).Half(0))
	floats.Scale(1/float64(d.frames), b.u[:c*c*rows])
	for n := range rows {
		sums, cov := b.u[n:], b.cov[n*c*c:(n+1)*c*c] // sum i is sums[i*rows]
		var trace float64
		for i := range c {
			trace += sums[i*rows]
		}
		next := c
		for i := range c {
			cov[i*c+i] = complex(sums[i*rows]+ridge*trace/float64(c), 0)
			for j := i + 1; j < c; j++ {
				z := complex(sums[next*rows], sums[(next+1)*rows])
				cov[i*c+j], cov[j*c+i] = z, cmplx.Conj(z)
				next += 2
			}
		}
	}
}

// realRows returns rows of W_f as a real matrix that takes the real parts of all channels, then
// the imaginary ones, to those of the rows.
func (d *demixer) realRows(b *workbench, f int, rows []int) blas64.General {
	c, r := d.channels, len(rows)
	w := d.matrix(f)
	for i, n := range rows {
		for j, z := range w[n*c : (n+1)*c] {
			b.real[i*2*c+j], b.real[i*2*c+c+j] = real(z), -imag(z)
			b.real[(r+i)*2*c+j], b.real[(r+i)*2*c+c+j] = imag(z), real(z)
		}
	}
	return matrix(b.real, 2*r, 2*c)
}

// canDemix gives the scratch memory that demix needs.
func (d *demixer) canDemix() {
	for _, b := range d.each {
		b.y = make([]float64, 2*d.channels*d.stride)
		if d.low != nil {
			b.x = make([]float64, 2*d.channels*d.stride)
		}
	}
}

// demix sets b.y to some rows of W_f x_f: their real parts, then the imaginary ones, and
// returns both.
func (d *demixer) demix(b *workbench, f int, rows []int) (re, im []float64) {
	y := matrix(b.y, 2*len(rows), d.stride)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, d.realRows(b, f, rows), d.bin(f).Double(b.x), 0, y)
	return y.Data[:len(y.Data)/2], y.Data[len(y.Data)/2:]
}

// after returns the bin after f, one without rows after the last.
func (m *mixture) after(f int) kernel.Long {
	if f+1 == m.bins {
		return kernel.Long{}
	}
	return m.bin(f + 1)
}

// ones returns weights of 1.
func (d *demixer) ones() blas64.General {
	w := matrix(make([]float64, d.stride), 1, d.stride)
	for t := range w.Data {
		w.Data[t] = 1
	}
	return w
}

// measure sets logDet of a bin.
func (d *demixer) measure(b *workbench, f int) {
	if d.mean == nil {
		copy(b.a, d.matrix(f))
		d.logDet[f] = factorise(b.a, b.pivot, d.channels)
		return
	}
	c, n := d.channels, d.sources
	w, mean := d.matrix(f), d.mean[f*c*c:(f+1)*c*c]
	for i := range n {
		for j := range n {
			b.a[i*n+j] = form(w[i*c:(i+1)*c], mean, w[j*c:(j+1)*c], c)
		}
	}
	d.logDet[f] = factorise(b.a[:n*n], b.pivot[:n], n) / 2
}

// logDets returns Σ_f log |det W_f|.
func (d *demixer) logDets() float64 { return sumOf(d.logDet) }

// An update changes rows of W_f such that its objective falls; b.cov has U of each of these
// rows, in order. A row whose U says nothing, as in silence, stays as it is.
type update func(d *demixer, b *workbench, f int, rows []int)

// updates by name. With ip2 the rows are a pair.
var updates = map[string]update{"ip1": (*demixer).projectRows, "iss1": (*demixer).steerRows, "ip2": (*demixer).projectPair}

// projectRows is iterative projection: row after row w ← (W U)⁻¹ e_n, then w/√(wᴴ U w)
// (Ono, Stable and fast update rules for independent vector analysis based on auxiliary
// function technique, 2011).
func (d *demixer) projectRows(b *workbench, f int, rows []int) {
	c, w := d.channels, d.matrix(f)
	for i, n := range rows {
		u := b.cov[i*c*c : (i+1)*c*c]
		multiply(b.a, w, u, c)
		factorise(b.a, b.pivot, c)
		x := b.b[:c]
		solve(x, b.a, b.pivot, n, c)
		conjugate(x)
		d.replace(b, f, n, x, math.Sqrt(real(form(x, u, x, c))))
	}
}

// replace sets row n of W_f to x over norm, if that makes sense.
func (d *demixer) replace(b *workbench, f, n int, x []complex128, norm float64) {
	if !(norm > 0) || !finite(x) {
		return
	}
	for j, z := range x {
		x[j] = z / complex(norm, 0)
	}
	if finite(x) {
		copy(d.matrix(f)[n*d.channels:], x)
		if d.mean != nil {
			d.background(b, f)
		}
	}
}

func conjugate(x []complex128) {
	for i, z := range x {
		x[i] = cmplx.Conj(z)
	}
}

// steerRows is iterative source steering: for each row k, W ← W − v w_k with the v that
// lowers the objective most; nothing is inverted (Scheibler and Ono, Fast and stable blind
// source separation with rank-1 updates, 2020).
func (d *demixer) steerRows(b *workbench, f int, rows []int) {
	c, w := d.channels, d.matrix(f)
	v, steered, u := b.b[:c], b.b[c:2*c], b.b[2*c:3*c]
	for _, k := range rows {
		copy(steered, w[k*c:(k+1)*c])
		for n := range c {
			conjugated(u, b.cov[n*c*c:(n+1)*c*c], steered) // U_n w_kᴴ
			power := real(product(steered, u))
			switch {
			case !(power > 0):
				v[n] = 0
			case n == k:
				v[n] = complex(1-1/math.Sqrt(power), 0)
			default:
				z := product(w[n*c:(n+1)*c], u)
				v[n] = complex(real(z)/power, imag(z)/power)
			}
		}
		if !finite(v) {
			continue
		}
		for n := range c {
			for j, z := range steered {
				w[n*c+j] -= v[n] * z
			}
		}
	}
}

// projectPair is iterative projection of two rows at once, m and n: with
// G_i = (W U_i Wᴴ)⁻¹ restricted to m and n, the generalised eigenvectors of G_m and G_n, the
// one of the greater eigenvalue for row m (Ono, Fast algorithm for independent component,
// vector and low-rank matrix analysis with three or more sources, 2018).
func (d *demixer) projectPair(b *workbench, f int, rows []int) { d.projectTwo(b, f, rows, 0, 1) }

// projectPairs is projectPair for the pairs (1, 2), (2, 3), …, (C, 1).
func (d *demixer) projectPairs(b *workbench, f int, rows []int) {
	for i := range rows {
		d.projectTwo(b, f, rows, i, (i+1)%len(rows))
	}
}

// projectTwo updates rows[first] and rows[second].
func (d *demixer) projectTwo(b *workbench, f int, rows []int, first, second int) {
	c, w := d.channels, d.matrix(f)
	var g [2][4]complex128
	pair := [2]int{first, second}
	for i, k := range pair {
		u := b.cov[k*c*c : (k+1)*c*c]
		multiply(b.a, w, u, c)
		factorise(b.a, b.pivot, c)
		p, q := b.b[2*i*c:(2*i+1)*c], b.b[(2*i+1)*c:(2*i+2)*c]
		solve(p, b.a, b.pivot, rows[first], c)
		solve(q, b.a, b.pivot, rows[second], c)
		g[i] = [4]complex128{quadratic(p, u, p, c), quadratic(p, u, q, c), quadratic(q, u, p, c), quadratic(q, u, q, c)}
	}
	h, ok := eigenvectors(g[0], g[1])
	if !ok {
		return
	}
	for i, k := range pair {
		p, q := b.b[2*i*c:(2*i+1)*c], b.b[(2*i+1)*c:(2*i+2)*c]
		for j := range p {
			p[j] = cmplx.Conj(p[j]*h[i][0] + q[j]*h[i][1])
		}
		d.replace(b, f, rows[k], p, math.Sqrt(real(form(p, b.cov[k*c*c:(k+1)*c*c], p, c))))
	}
}

// quadratic returns pᴴ·u·q.
func quadratic(p, u, q []complex128, n int) complex128 {
	var sum complex128
	for i := range n {
		var row complex128
		for j := range n {
			row += u[i*n+j] * q[j]
		}
		sum += cmplx.Conj(p[i]) * row
	}
	return sum
}

// eigenvectors returns the solutions h of g·h = λ·k·h for Hermitian 2×2 matrices, k positive
// definite: first that of the greater λ. It is not ok if k is not positive definite.
func eigenvectors(g, k [4]complex128) (h [2][2]complex128, ok bool) {
	// k = l·lᴴ with l = [p 0; q r].
	p := math.Sqrt(real(k[0]))
	q := k[2] / complex(p, 0)
	r := math.Sqrt(real(k[3]) - real(q)*real(q) - imag(q)*imag(q))
	if !(p > 0) || !(r > 0) {
		return h, false
	}
	// c = l⁻¹·g·l⁻ᴴ, by two solutions with l.
	c00 := real(g[0]) / (p * p)
	t1 := (g[1] - g[0]/complex(p, 0)*cmplx.Conj(q)) / complex(r, 0) // row 0 of g·l⁻ᴴ, times p
	c01 := t1 / complex(p, 0)
	t3 := (g[3] - g[2]/complex(p, 0)*cmplx.Conj(q)) / complex(r, 0)
	c11 := real(t3-q*c01) / r
	half := (c00 - c11) / 2
	s := math.Hypot(half, cmplx.Abs(c01))
	v := [2]complex128{1, 0}
	switch {
	case s == 0:
	case half >= 0:
		v = [2]complex128{complex(half+s, 0), cmplx.Conj(c01)}
	default:
		v = [2]complex128{c01, complex(s-half, 0)}
	}
	for i, v := range [2][2]complex128{v, {-cmplx.Conj(v[1]), cmplx.Conj(v[0])}} {
		h[i][1] = v[1] / complex(r, 0)
		h[i][0] = (v[0] - cmplx.Conj(q)*h[i][1]) / complex(p, 0)
	}
	return h, true
}

// check says whether all matrices are finite and invertible.
func (d *demixer) check() error {
	for f := range d.bins {
		if !finite(d.matrix(f)) || math.IsInf(d.logDet[f], 0) || math.IsNaN(d.logDet[f]) {
			return fmt.Errorf("the demixing matrix of bin %d came out singular; want channels that differ, and sound in many more frames than there are channels", f)
		}
	}
	return nil
}
