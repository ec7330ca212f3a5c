package plugins

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"gonum.org/v1/gonum/mat"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/plugins/wire"
)

// mostNumbers bounds what one request may ask for, so that products of sizes do not overflow.
const mostNumbers = 1 << 40

// answer reads a value that this side owns, for the other.
func (l *link) answer(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	if l.arena != nil {
		if !l.arena.hold() {
			return nil, errClosed
		}
		defer l.arena.letGo()
	}
	q := &query{link: l, ReadRequest: req}
	err := q.read(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return &q.reply, nil
}

// query is a request that is being answered.
type query struct {
	*link
	*wire.ReadRequest
	reply wire.ReadReply
}

func (q *query) read(ctx context.Context) error {
	switch what := q.GetWhat().(type) {
	case *wire.ReadRequest_Samples:
		return q.samples(ctx, what.Samples)
	case *wire.ReadRequest_Spectrum:
		return q.spectrum(ctx, what.Spectrum)
	case *wire.ReadRequest_Columns:
		return q.columns(ctx, what.Columns)
	case *wire.ReadRequest_Forward:
		return q.forward(placed(ctx, q.GetPlace(), what.Forward.GetCount()), what.Forward.GetCount())
	case *wire.ReadRequest_Inverse:
		return q.inverse(placed(ctx, q.GetPlace(), what.Inverse.GetCount()), what.Inverse.GetCount())
	case *wire.ReadRequest_Numbers:
		return q.numbers(what.Numbers.GetFirst())
	case *wire.ReadRequest_Iterate:
		return q.iterate(ctx)
	case *wire.ReadRequest_Next:
		return q.next(ctx)
	case *wire.ReadRequest_Separate:
		return q.separate(ctx, what.Separate)
	case *wire.ReadRequest_SeparateAudio:
		return q.separateAudio(ctx, what.SeparateAudio)
	}
	return status.Error(codes.Unimplemented, "the request is not known; want another, or a newer version of whoever is asked")
}

// array returns the numbers of an array, of which there must be product(sizes), in the
// message or in the other side's half of the shared memory.
func (q *query) array(what string, arrays []*wire.Array, i int, sizes ...int) (x []float64, a *wire.Array, err error) {
	n := 1
	for _, s := range sizes {
		if s < 0 || s > 0 && n > mostNumbers/s {
			return nil, nil, bad("%s is to be %v numbers; want at most %d", what, sizes, mostNumbers)
		}
		n *= s
	}
	if i >= len(arrays) {
		return nil, nil, bad("there are %d arrays; want %s too", len(arrays), what)
	}
	a = arrays[i]
	if a.GetOffset() != 0 {
		x, err = q.shared(what, a, uint64(n))
	}
	return x, a, err
}

// from returns the numbers of array i of those given. They are not to be written to.
func (q *query) from(what string, i int, sizes ...int) ([]float64, error) {
	x, a, err := q.array(what, q.GetFrom(), i, sizes...)
	if err != nil || x != nil || a.GetOffset() != 0 {
		return x, err
	}
	n := 1
	for _, s := range sizes {
		n *= s
	}
	if len(a.GetData()) != 8*n {
		return nil, bad("%s is %d bytes; want %d, 8 for each of %d numbers", what, len(a.GetData()), 8*n, n)
	}
	return decode(a.GetData()), nil
}

// to returns where array i of the answer is to be written.
func (q *query) to(what string, i int, sizes ...int) ([]float64, error) {
	x, a, err := q.array(what, q.GetTo(), i, sizes...)
	if err != nil || x != nil || a.GetOffset() != 0 {
		return x, err
	}
	n := 1
	for _, s := range sizes {
		n *= s
	}
	if a.GetCount() != uint64(n) {
		return nil, bad("%s is to have %d numbers; want %d", what, a.GetCount(), n)
	}
	return make([]float64, n), nil
}

func (l *link) shared(what string, a *wire.Array, n uint64) ([]float64, error) {
	from, to := uint64(l.theirs.from), uint64(l.theirs.to)
	if a.GetCount() != n || a.GetOffset()%8 != 0 || a.GetOffset() < from || a.GetOffset() > to || n > (to-a.GetOffset())/8 {
		return nil, bad("%s is %d numbers at %d of shared memory, of which %d to %d are free to use; want %d", what, a.GetCount(), a.GetOffset(), from, to, n)
	}
	end := a.GetOffset() + 8*n
	if at := l.touched.Load(); end > at && l.touched.CompareAndSwap(at, end) {
		touch(l.memory[at:end])
	}
	return decode(l.memory[a.GetOffset():end]), nil
}

// give answers with what was written to x, from to.
func (q *query) give(what string, x ...[]float64) error {
	for i, x := range x {
		if q.finite && !finite(x) {
			return fmt.Errorf("%s has NaN or infinity", what)
		}
		a := q.GetTo()[i]
		if a.GetOffset() == 0 {
			a = &wire.Array{Data: encode(x), Count: a.GetCount()}
		}
		q.reply.Arrays = append(q.reply.Arrays, a)
	}
	return nil
}

func (q *query) samples(ctx context.Context, what *wire.Samples) error {
	src, err := ownedBy[audiosep.Source](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	h, err := src.Head(ctx)
	if err != nil {
		return err
	}
	n := int(what.GetCount())
	y, err := q.to("the samples", 0, h.Layers(), n)
	if err != nil {
		return err
	}
	dst := split(y, n)
	if n == 0 {
		dst = make([][]float64, h.Layers())
	}
	if err := src.ReadAt(ctx, dst, int(what.GetAt())); err != nil {
		return err
	}
	if q.finite {
		if err := badSample(src, h, dst, int(what.GetAt())); err != nil {
			return err
		}
	}
	return q.give("the sound", y)
}

// badSample says which sample of a recording is not finite. The recording is to blame.
func badSample(src audiosep.Source, h audiosep.Head, x [][]float64, at int) error {
	for l, x := range x {
		if finite(x) {
			continue
		}
		i := slices.IndexFunc(x, func(v float64) bool { return v-v != 0 })
		var err error = &audiosep.SampleError{Layer: l, Channel: l % max(1, h.Channels), Sample: at + i, Value: x[i]}
		if b, ok := src.(interface{ Blame(error) error }); ok {
			err = b.Blame(err)
		}
		return err
	}
	return nil
}

func (q *query) spectrum(ctx context.Context, what *wire.Spectrum) error {
	x, err := ownedBy[audiosep.Spectra](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	f, t := x.Framing(), x.Transform()
	if err := within(what.GetFirst(), what.GetCount(), f.Frames(), "frames"); err != nil {
		return err
	}
	first, n := int(what.GetFirst()), int(what.GetCount())
	s, _ := q.scratch.Get().(*audiosep.Spectrogram)
	if s == nil {
		s = new(audiosep.Spectrogram)
	}
	defer q.scratch.Put(s)
	if err := x.Read(ctx, s, first, n); err != nil {
		return err
	}
	out := make([][]float64, planes(t))
	for p := range out {
		if out[p], err = q.to("the coefficients", p, f.Layers(), n, t.Bins()); err != nil {
			return err
		}
	}
	for l, c := range s.Layers {
		for p, y := range [][]float64{c.Re, c.Im}[:len(out)] {
			copy(out[p][l*n*t.Bins():], y)
		}
	}
	return q.give("the spectrum", out...)
}

func within(first, n uint64, total int, what string) error {
	if first > uint64(total) || n > uint64(total)-first {
		return bad("%d %s from %d on are asked for; there are %d", n, what, first, total)
	}
	return nil
}

func (q *query) columns(ctx context.Context, what *wire.Columns) error {
	p, err := ownedBy[audiosep.Power](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	if err := within(what.GetFirst(), what.GetCount(), p.Framing().Columns(), "columns"); err != nil {
		return err
	}
	first, n := int(what.GetFirst()), int(what.GetCount())
	y, err := q.to("V", 0, p.Bins(), n)
	if err != nil {
		return err
	}
	if len(y) == 0 {
		return q.give("V", y)
	}
	dst := mat.NewDense(p.Bins(), n, y)
	if what.GetAll() {
		v, err := p.V(ctx)
		if err != nil {
			return err
		}
		dst.Copy(v.Slice(0, p.Bins(), first, first+n))
	} else if err := p.Columns(ctx, dst, first); err != nil {
		return err
	}
	return q.give("V", y)
}

func (q *query) forward(ctx context.Context, n uint64) error {
	t, err := ownedBy[audiosep.Transform](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	y, err := q.from("the frames", 0, int(n), t.Len())
	if err != nil {
		return err
	}
	x, out, err := q.coefsTo(t, 1, int(n))
	if err != nil {
		return err
	}
	if err := t.Forward(ctx, x, y); err != nil {
		return err
	}
	return q.give("the spectrum", out...)
}

// coefsTo returns room for n frames of coefficients in each of some rows.
func (q *query) coefsTo(t audiosep.Transform, rows, n int) (x audiosep.Coefs, out [][]float64, err error) {
	if x.Re, err = q.to("re", 0, rows, n, t.Bins()); err != nil || !t.Complex() {
		return x, [][]float64{x.Re}, err
	}
	x.Im, err = q.to("im", 1, rows, n, t.Bins())
	return x, [][]float64{x.Re, x.Im}, err
}

// coefsFrom returns n frames of coefficients in each of some rows.
func (q *query) coefsFrom(t audiosep.Transform, rows, n int) (x audiosep.Coefs, err error) {
	if x.Re, err = q.from("re", 0, rows, n, t.Bins()); err != nil || !t.Complex() {
		return x, err
	}
	x.Im, err = q.from("im", 1, rows, n, t.Bins())
	return x, err
}

func (q *query) inverse(ctx context.Context, n uint64) error {
	t, err := ownedBy[audiosep.Transform](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	x, err := q.coefsFrom(t, 1, int(n))
	if err != nil {
		return err
	}
	y, err := q.to("the frames", 0, int(n), t.Len())
	if err != nil {
		return err
	}
	if err := t.Inverse(ctx, y, x); err != nil {
		return err
	}
	return q.give("the frames", y)
}

func (q *query) numbers(first uint64) error {
	m, err := q.matrix(q.GetHandle())
	if err != nil {
		return err
	}
	rows, cols := m.Dims()
	var count uint64
	if len(q.GetTo()) > 0 {
		count = q.GetTo()[0].GetCount()
	}
	if err := within(first, count, rows*cols, "numbers"); err != nil {
		return err
	}
	y, err := q.to("the matrix", 0, int(count))
	if err != nil {
		return err
	}
	raw := m.RawMatrix()
	for at, dst := int(first), y; len(dst) > 0; {
		i, j := at/cols, at%cols
		n := copy(dst, raw.Data[i*raw.Stride+j:i*raw.Stride+cols])
		at, dst = at+n, dst[n:]
	}
	return q.give("the matrix", y)
}

// matrix returns the matrix of a handle, or of the transform whose Φ the handle is of.
func (l *link) matrix(handle uint64) (*mat.Dense, error) {
	t, err := ownedBy[phiOf](l, handle)
	if err != nil {
		return ownedBy[*mat.Dense](l, handle)
	}
	l.mu.Lock()
	o := l.owned[handle]
	l.mu.Unlock()
	if o == nil {
		return nil, bad("there is no value with the handle %d", handle)
	}
	return o.phi.get(func() (*mat.Dense, error) { return mat.DenseCopyOf(t.Phi()), nil })
}

// iteration goes through stems for the other side, some blocks ahead of it.
type iteration struct {
	layers int
	stop   context.CancelFunc
	blocks chan aheadBlock
	err    error // why it ended, once blocks is closed

	mu      sync.Mutex
	pending *aheadBlock // what there was no room for
}

type aheadBlock struct {
	source, samples int
	data            []float64
}

func (q *query) iterate(ctx context.Context) error {
	stems, err := ownedBy[audiosep.Stems](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(q.lasting(ctx))
	it := &iteration{layers: stems.Head().Layers(), stop: stop, blocks: make(chan aheadBlock, len(stems.Names()))}
	q.reply.Handle = q.ownAlone(it)
	go it.run(ctx, stems)
	return nil
}

func (it *iteration) run(ctx context.Context, stems audiosep.Stems) {
	defer close(it.blocks)
	defer blocks.Recovered(&it.err)
	it.err = stems.Each(ctx, func(source int, block [][]float64) error {
		select {
		case it.blocks <- aheadBlock{source, len(block[0]), slices.Concat(block...)}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func (q *query) next(ctx context.Context) error {
	it, err := ownedBy[*iteration](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	if it.pending == nil {
		select {
		case b, ok := <-it.blocks:
			if !ok {
				return it.err
			}
			it.pending = &b
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b := it.pending
	q.reply.Block = &wire.Block{Source: uint64(b.source), Samples: uint64(b.samples)}
	if len(q.GetTo()) == 0 || q.GetTo()[0].GetCount() < uint64(len(b.data)) {
		return nil
	}
	q.To[0].Count = uint64(len(b.data)) // room may be left
	y, err := q.to("the block", 0, len(b.data))
	if err != nil {
		return err
	}
	copy(y, b.data)
	it.pending = nil
	return q.give("the block", y)
}

func (q *query) separate(ctx context.Context, what *wire.Separate) error {
	s, err := ownedBy[*audiosep.SeparatedStems](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	f, t := s.X.Framing(), s.X.Transform()
	if err := within(what.GetFirst(), what.GetFrames(), f.Frames(), "frames"); err != nil {
		return err
	}
	given, skip, n := int(what.GetFrames()), int(what.GetSkip()), int(what.GetCount())
	if err := within(what.GetSkip(), what.GetCount(), given, "frames"); err != nil {
		return err
	}
	layers, sources, bins := f.Layers(), len(s.Sources), t.Bins()
	dst := make([][]audiosep.Coefs, sources)
	if what.GetRest() {
		if !s.Rest || sources < 2 {
			return bad("the last of %d sources is to be left out; want that of stems that say rest, and two or more", sources)
		}
		sources--
		dst[sources] = make([]audiosep.Coefs, layers) // nil: nobody wants it
	}
	mix, err := q.coefsFrom(t, layers, given)
	if err != nil {
		return err
	}
	y, out, err := q.coefsTo(t, layers*sources, n)
	if err != nil {
		return err
	}
	x := &audiosep.Spectrogram{Framing: f, Transform: t, First: int(what.GetFirst()), N: given}
	for l := range layers {
		x.Layers = append(x.Layers, mix.Slice(l*given, (l+1)*given, bins))
		for j := range sources {
			at := (l*sources + j) * n
			dst[j] = append(dst[j], y.Slice(at, at+n, bins))
		}
	}
	if err := s.SeparateRun(ctx, dst, x, skip, n); err != nil {
		return err
	}
	return q.give("a source", out...)
}

func (q *query) separateAudio(ctx context.Context, what *wire.SeparateAudio) error {
	s, err := ownedBy[*audiosep.SeparatedAudioStems](q.link, q.GetHandle())
	if err != nil {
		return err
	}
	layers, n := s.Of.Layers(), int(what.GetCount())
	x, err := q.from("the samples", 0, layers, n+2*s.Reach)
	if err != nil {
		return err
	}
	y, err := q.to("the sources", 0, len(s.Sources), layers, n)
	if err != nil {
		return err
	}
	dst, rows := make([][][]float64, len(s.Sources)), split(y, n)
	for j := range dst {
		dst[j] = rows[j*layers : (j+1)*layers]
	}
	if err := s.Separate(ctx, dst, split(x, n+2*s.Reach), int(what.GetAt())); err != nil {
		return err
	}
	return q.give("a source", y)
}
