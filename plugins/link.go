package plugins

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"weak"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// link is what connects a stage with the other side: an end of the connection, and the way to
// what the other side has. Both sides have the same.
type link struct {
	*end
	// call makes one call, what, of the other side: do sends the requests.
	call func(ctx context.Context, what string, do func(ctx context.Context, read reader) error) error
	// scope makes all calls in its context one to the other side, until the function
	// returned is called.
	scope func(ctx context.Context) (context.Context, func())
}

// end is what this side has of a connection: the values that it owns and the other reads, and
// those of the other that it knows. Stages in one process have it in common.
type end struct {
	// parts says that values made of others are sent as those, for the other side to put
	// together. So does a plugin: sums of frames are the host's work.
	parts bool
	// finite says that nothing else may be sent. So does a host.
	finite bool
	arena  *arena                 // this side's half of the shared memory; nil: numbers travel in messages
	memory []byte                 // both halves
	theirs struct{ from, to int } // the other's half
	// touched is where pages of the other's half begin that this process has not used.
	touched atomic.Uint64

	// keeps says that the other side may keep matrices for as long as they are there. So may a plugin
	// whose stages share its process.
	keeps bool
	// drop tells the other side that a matrix that it may have kept will not come again.
	drop func(handle uint64)

	// close tells the other side that values of its are not needed any more.
	close func(handles ...uint64)
	// lasting returns a context for what outlives the request that began it.
	lasting func(ctx context.Context) context.Context

	scratch sync.Pool // of *audiosep.Spectrogram

	mu         sync.Mutex
	last       uint64
	owned      map[uint64]*owned
	handles    map[any]uint64                     // of owned values that can be compared
	came       map[any]uint64                     // plain values of the host -> their handles
	matrices   map[weak.Pointer[mat.Dense]]uint64 // that the other side may keep -> their handles
	copies     map[uint64]*once[*mat.Dense]       // of the other side's matrices, that are kept here
	transforms map[uint64]audiosep.Transform      // of the other side, by their handles
}

// reader sends one request to the other side.
type reader func(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error)

func newLink(a *arena) *link {
	l := &link{end: &end{owned: map[uint64]*owned{}, handles: map[any]uint64{}, came: map[any]uint64{}, matrices: map[weak.Pointer[mat.Dense]]uint64{}, copies: map[uint64]*once[*mat.Dense]{}, transforms: map[uint64]audiosep.Transform{}}}
	l.scope = func(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
	l.lasting = func(ctx context.Context) context.Context { return ctx }
	if a != nil {
		l.arena, l.memory = a, a.memory
	}
	return l
}

// by returns a link that has the same end and another way.
func (l *link) by(call func(ctx context.Context, what string, do func(ctx context.Context, read reader) error) error, scope func(ctx context.Context) (context.Context, func())) *link {
	return &link{l.end, call, scope}
}

// half says where the other side's half of the memory is.
func (l *link) half(from, to int) {
	l.theirs.from, l.theirs.to = from, to
	l.touched.Store(uint64(from))
}

// owned is a value that was sent.
type owned struct {
	value any
	uses  int              // how often
	phi   once[*mat.Dense] // of a phiOf
}

// own gives v a handle: that which it has, if it has one.
func (l *link) own(v any) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	comparable := reflect.ValueOf(v).Comparable()
	if h := uint64(0); comparable {
		if h = l.handles[v]; h != 0 {
			l.owned[h].uses++
			return h
		}
	}
	l.last++
	l.owned[l.last] = &owned{value: v, uses: 1}
	if comparable {
		l.handles[v] = l.last
	}
	return l.last
}

// ownKept gives a matrix the handle that it had before, in whatever call, if it had one.
func (l *link) ownKept(m *mat.Dense) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := weak.Make(m)
	h, known := l.matrices[key]
	if !known {
		l.last++
		h = l.last
		l.matrices[key] = h
		runtime.AddCleanup(m, func(end *end) {
			end.mu.Lock()
			delete(end.matrices, key)
			end.mu.Unlock()
			end.drop(h)
		}, l.end)
	}
	if o := l.owned[h]; o != nil {
		o.uses++
	} else {
		l.owned[h] = &owned{value: m, uses: 1}
	}
	return h
}

// kept returns a matrix of the other side that is read once, and kept until unkeep.
func (l *link) kept(handle uint64, read func() (*mat.Dense, error)) (*mat.Dense, error) {
	l.mu.Lock()
	o := l.copies[handle]
	if o == nil {
		o = new(once[*mat.Dense])
		l.copies[handle] = o
	}
	l.mu.Unlock()
	return o.get(read)
}

// unkeep forgets matrices that will not come again.
func (l *link) unkeep(handles ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range handles {
		delete(l.copies, h)
	}
}

// ownAlone gives v a handle of its own, for a value that its reader closes.
func (l *link) ownAlone(v any) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.owned[l.last] = &owned{value: v, uses: 1}
	return l.last
}

// forget forgets values that the other side does not need any more.
func (l *link) forget(handles ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range handles {
		o := l.owned[h]
		if o == nil {
			continue
		}
		if o.uses--; o.uses > 0 {
			continue
		}
		if it, ok := o.value.(*iteration); ok {
			it.stop()
		}
		delete(l.owned, h)
		if reflect.ValueOf(o.value).Comparable() {
			delete(l.handles, o.value)
		}
	}
}

// ownedBy returns the value of a handle, which must be a T.
func ownedBy[T any](l *link, handle uint64) (t T, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.owned[handle]
	if o == nil {
		return t, bad("there is no value with the handle %d", handle)
	}
	t, ok := o.value.(T)
	if !ok {
		return t, bad("the value with the handle %d is %s; want %s", handle, inWords(reflect.TypeOf(o.value)), inWords(reflect.TypeFor[T]()))
	}
	return t, nil
}

// inWords says what values of a type are in the words of the protocol, which the other side knows.
func inWords(t reflect.Type) string {
	for _, is := range []struct {
		of    reflect.Type
		words string
	}{
		{reflect.TypeFor[*audiosep.SeparatedStems](), "sources separated from coefs"},
		{reflect.TypeFor[*audiosep.SeparatedAudioStems](), "sources separated from audio"},
		{reflect.TypeFor[*iteration](), "an iteration of sources"},
		{reflect.TypeFor[phiOf](), "a matrix"}, {reflect.TypeFor[*mat.Dense](), "a matrix"},
		{reflect.TypeFor[*audiosep.Factors](), "factors"}, {reflect.TypeFor[*audiosep.FittedTransform](), "a transform"}, {reflect.TypeFor[audiosep.Transform](), "a transform"},
		{reflect.TypeFor[*audiosep.Framed](), "frames"}, {reflect.TypeFor[audiosep.Spectra](), "coefs"}, {reflect.TypeFor[audiosep.Power](), "power"},
		{reflect.TypeFor[audiosep.Stems](), "sources"}, {reflect.TypeFor[audiosep.Source](), "audio"},
	} {
		if t.AssignableTo(is.of) {
			return is.words
		}
	}
	return t.String()
}

// cameFrom notes the handle that a value has on the other side, so that it can go back as
// that. To a plugin nothing goes back: a stage is not given what it made.
func (l *link) cameFrom(v any, handle uint64) {
	if !l.parts {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came[v] = handle
}

func (l *link) handleOf(v any) (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.came[v]
	return h, ok
}

// Lend returns n numbers in shared memory, where the other side reads and writes them.
func (l *link) Lend(n int) (x []float64, giveBack func()) {
	if region := l.arena.take(n); region != nil {
		return l.arena.numbers(region, n), func() { l.arena.giveBack(region) }
	}
	return make([]float64, n), func() {}
}

// callBytes returns about how much one call carries, both ways together. In shared memory
// that is as much as most blocks of a pipeline: an empty call takes a fifth of the time of
// such a one (BenchmarkCall).
func (l *link) callBytes() int {
	if l.arena == nil {
		return 2 << 20
	}
	return 8 << 20
}

// inParts calls do for frames 0 to n-1 in runs that fit into one call each, several at
// a time so that both processes work at once. A frame has so many numbers, a call fixed ones
// besides.
func (l *link) inParts(ctx context.Context, n, frame, fixed int, do func(ctx context.Context, first, n int) error) error {
	if n == 0 {
		return ctx.Err()
	}
	size := max(1, min(n, (l.callBytes()/8-fixed)/max(1, frame)))
	if size >= n {
		return do(ctx, 0, n)
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0) + 1)
	for first := 0; first < n && inner.Err() == nil; first += size {
		g.Go(func() error { return do(inner, first, min(size, n-first)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// badReply is a message that breaks the protocol.
type badReply struct{ what string }

func (b *badReply) Error() string { return b.what }

func bad(format string, args ...any) error { return &badReply{fmt.Sprintf(format, args...)} }

// parcel carries the numbers of one call: where they stand if that is in memory that was
// lent, else in regions of shared memory, or in messages if there are none.
type parcel struct {
	arena *arena // nil: in messages
	taken []*region
	lent  []*region
}

// numbers are some of a call, in parts that travel one after the other.
type numbers struct {
	what  string
	parts [][]float64
}

// carry makes a request, what, with the numbers of from, and fills those of to with the answer.
func (l *link) carry(ctx context.Context, what string, req *wire.ReadRequest, from, to []numbers) error {
	return l.call(ctx, what, func(ctx context.Context, read reader) (err error) {
		c := &parcel{arena: l.arena}
		defer func() { c.giveBack(err) }()
		for _, n := range from {
			req.From = append(req.From, c.put(n.parts...))
		}
		rooms := make([]room, len(to))
		for i, n := range to {
			rooms[i] = c.room(n.what, n.parts...)
			req.To = append(req.To, rooms[i].array)
		}
		reply, err := read(ctx, req)
		if err != nil {
			return err
		}
		if len(reply.GetArrays()) != len(rooms) {
			return bad("there are %d arrays; want %d", len(reply.GetArrays()), len(rooms))
		}
		for i := range rooms {
			if err := rooms[i].fill(reply.Arrays[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// coefs are the numbers of coefficients, as they travel.
func coefs(x ...audiosep.Coefs) []numbers {
	re, im := numbers{what: "re"}, numbers{what: "im"}
	for _, c := range x {
		re.parts = append(re.parts, c.Re)
		if c.Im != nil {
			im.parts = append(im.parts, c.Im)
		}
	}
	if im.parts == nil {
		return []numbers{re}
	}
	return []numbers{re, im}
}

// giveBack frees what the parcel took; err is how the call ended.
func (c *parcel) giveBack(err error) {
	if err != nil { // the other side may still write there
		for _, r := range slices.Concat(c.taken, c.lent) {
			c.arena.lose(r)
		}
	}
	for _, r := range c.taken {
		c.arena.giveBack(r)
	}
}

// place returns an array for the numbers of parts, one after the other, and where in shared
// memory it is: nil if it is not, whole itself if the parts are that.
func (c *parcel) place(parts [][]float64) (a *wire.Array, shared, whole []float64) {
	a = new(wire.Array)
	for _, x := range parts {
		a.Count += uint64(len(x))
	}
	whole = joined(parts)
	if r, at := c.arena.find(whole); r != nil {
		c.lent = append(c.lent, r)
		a.Offset = uint64(at)
		return a, whole, whole
	}
	if r := c.arena.take(int(a.Count)); r != nil {
		c.taken = append(c.taken, r)
		a.Offset = uint64(r.at)
		return a, c.arena.numbers(r, int(a.Count)), whole
	}
	return a, nil, whole
}

// joined returns the numbers of parts as one slice, if they are cut from one and stand there
// one after the other, else nil.
func joined(parts [][]float64) []float64 {
	n := 0
	for _, x := range parts {
		n += len(x)
	}
	if n == 0 || cap(parts[0]) < n {
		return nil
	}
	whole := parts[0][:n]
	at := 0
	for _, x := range parts {
		if !sameMemory(x, whole[at:]) {
			return nil
		}
		at += len(x)
	}
	return whole
}

// put returns an array with the numbers of parts, one after the other.
func (c *parcel) put(parts ...[]float64) *wire.Array {
	a, shared, whole := c.place(parts)
	if shared == nil {
		if whole != nil {
			a.Data = encode(whole)
			return a
		}
		shared = make([]float64, a.Count)
		a.Data = encode(shared)
	}
	if sameMemory(shared, whole) {
		return a
	}
	for _, x := range parts {
		shared = shared[copy(shared, x):]
	}
	return a
}

func sameMemory(x, y []float64) bool { return len(x) > 0 && len(y) > 0 && &x[0] == &y[0] }

// room is where the numbers of an answer are to be written.
type room struct {
	what  string
	array *wire.Array
	// shared is where in shared memory they will stand, nil if they come in the reply.
	shared []float64
	parts  [][]float64 // what they are for
}

// room returns room for an answer, what, that is to fill parts, one after the other.
func (c *parcel) room(what string, parts ...[]float64) room {
	a, shared, _ := c.place(parts)
	return room{what, a, shared, parts}
}

// fill takes the numbers of an answer to where they belong, if they are not there already.
// They must be finite.
func (r *room) fill(got *wire.Array) error {
	src := r.shared
	if src == nil {
		if b := got.GetData(); uint64(len(b)) != 8*r.array.Count || got.GetOffset() != 0 {
			return bad("%s is %d bytes; want %d, 8 for each of %d numbers", r.what, len(b), 8*r.array.Count, r.array.Count)
		}
		src = decode(got.Data)
	} else if got.GetOffset() != r.array.Offset || got.GetCount() != r.array.Count || len(got.GetData()) != 0 {
		return bad("%s is %d numbers at %d of shared memory; want %d at %d", r.what, got.GetCount(), got.GetOffset(), r.array.Count, r.array.Offset)
	}
	for _, dst := range r.parts {
		if sameMemory(dst, src) && !finite(dst) || !sameMemory(dst, src) && !copyFinite(dst, src) {
			return bad("%s has NaN or infinity", r.what)
		}
		src = src[len(dst):]
	}
	return nil
}
