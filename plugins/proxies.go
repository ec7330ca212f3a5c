package plugins

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// The values of the other side, as this side has them: what is known of them, and a handle
// by which they are read.
type (
	remoteSource struct {
		*link
		handle uint64
		head   audiosep.Head
	}
	remoteSpectra struct {
		*link
		handle    uint64
		framing   audiosep.Framing
		transform audiosep.Transform
	}
	remotePower struct {
		*link
		handle  uint64
		framing audiosep.Framing
		bins    int
		hz      []float64
		whole   once[*mat.Dense]
	}
	remoteTransform struct {
		*link
		handle       uint64
		length, bins int
		complex      bool
		frequencies  []float64
	}
	remoteMatrix struct {
		*remoteTransform
		of  uint64 // handle of Φ
		phi once[*mat.Dense]
	}
	remoteStems struct {
		*link
		handle uint64
		head   audiosep.Head
		names  []string
	}
)

func (s *remoteSource) Head(ctx context.Context) (audiosep.Head, error) { return s.head, ctx.Err() }

func (s *remoteSource) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if len(dst) == 0 {
		return ctx.Err()
	}
	return s.inParts(ctx, len(dst[0]), len(dst), 0, func(ctx context.Context, first, n int) error {
		req := &wire.ReadRequest{Handle: s.handle, What: &wire.ReadRequest_Samples{Samples: &wire.Samples{At: int64(at + first), Count: uint64(n)}}}
		return s.carry(ctx, "read", req, nil, []numbers{{"the samples", columns(dst, first, n)}})
	})
}

// columns returns n numbers of each row, from the first on.
func columns(x [][]float64, first, n int) [][]float64 {
	part := make([][]float64, len(x))
	for i := range x {
		part[i] = x[i][first : first+n]
	}
	return part
}

func (x *remoteSpectra) Framing() audiosep.Framing     { return x.framing }
func (x *remoteSpectra) Transform() audiosep.Transform { return x.transform }

func (x *remoteSpectra) Read(ctx context.Context, dst *audiosep.Spectrogram, first, n int) error {
	t := x.transform
	dst.Reset(x.framing, t, first, n)
	return x.inParts(ctx, n, planes(t)*t.Bins()*len(dst.Layers), 0, func(ctx context.Context, at, n int) error {
		part := make([]audiosep.Coefs, len(dst.Layers))
		for l, layer := range dst.Layers {
			part[l] = layer.Slice(at, at+n, t.Bins())
		}
		req := &wire.ReadRequest{Handle: x.handle, What: &wire.ReadRequest_Spectrum{Spectrum: &wire.Spectrum{First: uint64(first + at), Count: uint64(n)}}}
		return x.carry(ctx, "read", req, nil, coefs(part...))
	})
}

// planes is how many numbers a coefficient of t has.
func planes(t audiosep.Transform) int {
	if t.Complex() {
		return 2
	}
	return 1
}

func (p *remotePower) Framing() audiosep.Framing { return p.framing }
func (p *remotePower) Bins() int                 { return p.bins }
func (p *remotePower) Hz() []float64             { return p.hz }

func (p *remotePower) V(ctx context.Context) (*mat.Dense, error) {
	return p.whole.get(func() (*mat.Dense, error) {
		if p.framing.Columns() == 0 {
			return nil, fmt.Errorf("the recording has no frames; want at least one")
		}
		v := mat.NewDense(p.bins, p.framing.Columns(), nil)
		return v, p.read(ctx, v, 0, true)
	})
}

func (p *remotePower) Columns(ctx context.Context, dst *mat.Dense, first int) error {
	return p.read(ctx, dst, first, false)
}

func (p *remotePower) read(ctx context.Context, dst *mat.Dense, first int, all bool) error {
	_, n := dst.Dims()
	return p.inParts(ctx, n, p.bins, 0, func(ctx context.Context, at, n int) error {
		req := &wire.ReadRequest{Handle: p.handle, What: &wire.ReadRequest_Columns{Columns: &wire.Columns{First: uint64(first + at), Count: uint64(n), All: all}}}
		return p.carry(ctx, "columns", req, nil, []numbers{{"V", columns(rows(dst), at, n)}})
	})
}

// rows returns the rows of m, sharing storage.
func rows(m *mat.Dense) [][]float64 {
	raw := m.RawMatrix()
	all := make([][]float64, raw.Rows)
	for i := range all {
		all[i] = raw.Data[i*raw.Stride : i*raw.Stride+raw.Cols]
	}
	return all
}

func (t *remoteTransform) Len() int               { return t.length }
func (t *remoteTransform) Bins() int              { return t.bins }
func (t *remoteTransform) Complex() bool          { return t.complex }
func (t *remoteTransform) Frequencies() []float64 { return t.frequencies }

// Phi reads Φ when it is first called. Where that fails Φ is NaN, which nobody takes for a
// matrix; the next call that can tell why does.
func (t *remoteMatrix) Phi() mat.Matrix {
	phi, err := t.phi.get(func() (*mat.Dense, error) {
		x, err := t.read(context.Background(), "phi", t.of, t.bins*t.length)
		if err != nil {
			return nil, err
		}
		return mat.NewDense(t.bins, t.length, x), nil
	})
	if err != nil {
		phi = mat.NewDense(t.bins, t.length, nil)
		phi.Apply(func(int, int, float64) float64 { return math.NaN() }, phi)
	}
	return phi
}

// frames returns how many frames y and x are.
func (t *remoteTransform) frames(y []float64, x audiosep.Coefs) (int, error) {
	n := len(y) / t.length
	im := 0
	if t.complex {
		im = n * t.bins
	}
	if len(y) != n*t.length || len(x.Re) != n*t.bins || len(x.Im) != im {
		return 0, &audiosep.ShapeError{What: "a run of frames", Is: fmt.Sprintf("%d samples, %d and %d coefficients", len(y), len(x.Re), len(x.Im)),
			Want: fmt.Sprintf("whole frames of %d samples, with %d coefficients each", t.length, t.bins)}
	}
	return n, nil
}

func (t *remoteTransform) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	n, err := t.frames(src, dst)
	if err != nil {
		return err
	}
	return t.inParts(ctx, n, t.length+planes(t)*t.bins, 0, func(ctx context.Context, first, part int) error {
		return t.forward(ctx, placeTo(ctx, n, first), part, dst.Slice(first, first+part, t.bins), src[first*t.length:(first+part)*t.length])
	})
}

func (t *remoteTransform) forward(ctx context.Context, place *wire.Place, n int, dst audiosep.Coefs, src []float64) error {
	req := &wire.ReadRequest{Handle: t.handle, Place: place, What: &wire.ReadRequest_Forward{Forward: &wire.Forward{Count: uint64(n)}}}
	return t.carry(ctx, "forward", req, []numbers{{"the frames", [][]float64{src}}}, coefs(dst))
}

// placeTo returns where n frames are of which those from the at-th on are sent, nil if it is not known.
func placeTo(ctx context.Context, n, at int) *wire.Place {
	p, ok := audiosep.PlaceOf(ctx, n)
	if !ok {
		return nil
	}
	return &wire.Place{First: uint64(p.First), Count: uint64(p.N), Layers: uint64(p.Layers), Sources: uint64(p.Sources), At: uint64(p.At + at)}
}

// placed returns a context that says where n frames are, if m says it and can be right.
func placed(ctx context.Context, m *wire.Place, n uint64) context.Context {
	for _, x := range []uint64{m.GetFirst(), m.GetCount(), m.GetLayers(), m.GetSources(), m.GetAt(), n} {
		if x > most {
			return ctx
		}
	}
	if runs := m.GetLayers() * m.GetSources(); runs == 0 || m.GetCount() == 0 || (m.GetAt()+n-1)/m.GetCount() >= runs {
		return ctx
	}
	return audiosep.WithPlace(ctx, audiosep.Place{First: int(m.GetFirst()), N: int(m.GetCount()), Layers: int(m.GetLayers()), Sources: int(m.GetSources()), At: int(m.GetAt()), Count: int(n)})
}

func (t *remoteTransform) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	n, err := t.frames(dst, src)
	if err != nil {
		return err
	}
	return t.inParts(ctx, n, t.length+planes(t)*t.bins, 0, func(ctx context.Context, first, part int) error {
		req := &wire.ReadRequest{Handle: t.handle, Place: placeTo(ctx, n, first), What: &wire.ReadRequest_Inverse{Inverse: &wire.Inverse{Count: uint64(part)}}}
		to := []numbers{{"the frames", [][]float64{dst[first*t.length : (first+part)*t.length]}}}
		return t.carry(ctx, "inverse", req, coefs(src.Slice(first, first+part, t.bins)), to)
	})
}

func (s *remoteStems) Head() audiosep.Head { return s.head }
func (s *remoteStems) Names() []string     { return s.names }

// Each takes block after block. Each block is a call, so that what is done with it is not
// taken for silence; to the other side all are one.
func (s *remoteStems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	ctx, end := s.scope(ctx)
	defer end()
	var handle uint64
	err := s.call(ctx, "iterate", func(ctx context.Context, read reader) error {
		reply, err := read(ctx, &wire.ReadRequest{Handle: s.handle, What: &wire.ReadRequest_Iterate{Iterate: &wire.Iterate{}}})
		handle = reply.GetHandle()
		return err
	})
	if err != nil {
		return err
	}
	defer s.link.close(handle)
	taken := &taking{remoteStems: s, handle: handle, done: make([]int, len(s.names))}
	defer func() { taken.giveBack() }()
	taken.reserve(s.head.Layers() << 12)
	for {
		source, block, err := taken.next(ctx)
		if err != nil || block == nil {
			return err
		}
		if err := write(source, block); err != nil {
			return err
		}
	}
}

// taking is going through stems of the other side.
type taking struct {
	*remoteStems
	handle   uint64
	room     []float64 // for a block
	giveBack func()
	done     []int // samples taken of each source
}

func (t *taking) reserve(n int) {
	if t.giveBack != nil {
		t.giveBack()
	}
	t.room, t.giveBack = t.Lend(n)
}

// next returns the next block, nil at the end.
func (t *taking) next(ctx context.Context) (source int, block [][]float64, err error) {
	var more int
	err = t.call(ctx, "next", func(ctx context.Context, read reader) (err error) {
		c := &parcel{arena: t.arena}
		defer func() { c.giveBack(err) }()
		room := c.room("the block", t.room)
		reply, err := read(ctx, &wire.ReadRequest{Handle: t.handle, To: []*wire.Array{room.array}, What: &wire.ReadRequest_Next{Next: &wire.Next{}}})
		if err != nil {
			return err
		}
		if reply.GetBlock() == nil {
			return t.ended()
		}
		source, block, more, err = t.taken(reply, &room)
		return err
	})
	if err == nil && more > 0 {
		t.reserve(more)
		return t.next(ctx)
	}
	return source, block, err
}

// taken checks a block, or says how much room it needs.
func (t *taking) taken(reply *wire.ReadReply, r *room) (source int, block [][]float64, more int, err error) {
	layers := t.head.Layers()
	j, n := reply.GetBlock().GetSource(), reply.GetBlock().GetSamples()
	switch {
	case j >= uint64(len(t.names)):
		return 0, nil, 0, bad("a block is of source %d; want 0 to %d", j, len(t.names)-1)
	case n == 0 || n > uint64(t.head.Samples-t.done[j]):
		return 0, nil, 0, bad("a block of source %d has %d samples after %d; want 1 to %d", j, n, t.done[j], t.head.Samples-t.done[j])
	}
	count := layers * int(n)
	if len(reply.GetArrays()) == 0 {
		if count <= len(t.room) {
			return 0, nil, 0, bad("a block of %d numbers is missing although there is room for %d", count, len(t.room))
		}
		return 0, nil, count, nil
	}
	if count > len(t.room) {
		return 0, nil, 0, bad("a block has %d numbers; want at most %d", count, len(t.room))
	}
	r.array.Count, r.parts = uint64(count), [][]float64{t.room[:count]}
	if err := r.fill(reply.Arrays[0]); err != nil {
		return 0, nil, 0, err
	}
	t.done[j] += int(n)
	return int(j), split(t.room[:count], int(n)), 0, nil
}

// ended says which source has ended too soon.
func (t *taking) ended() error {
	for j, n := range t.done {
		if n != t.head.Samples {
			return bad("source %q ended after %d samples; want %d", t.names[j], n, t.head.Samples)
		}
	}
	return nil
}

// split cuts x into rows of n numbers.
func split(x []float64, n int) [][]float64 {
	if n == 0 {
		return nil
	}
	rows := make([][]float64, len(x)/n)
	for i := range rows {
		rows[i] = x[i*n : (i+1)*n]
	}
	return rows
}

// separate is what SeparatedStems need of stems whose parts the other side makes. Coefficients of the
// last source that are nil are not asked for, and do not travel.
func (s *remoteStems) separate(halo int) func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
	return func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		bins, layers := x.Transform.Bins(), len(x.Layers)
		frame := planes(x.Transform) * bins * layers
		rest := leavesLast(dst)
		if rest {
			dst = dst[:len(dst)-1]
		}
		return s.inParts(ctx, n, frame*(1+len(dst)), 2*halo*frame, func(ctx context.Context, first, n int) error {
			at := skip + first
			from, to := max(0, at-halo), min(x.N, at+n+halo)
			mix := make([]audiosep.Coefs, 0, layers)
			parts := make([]audiosep.Coefs, 0, layers*len(dst))
			for l, layer := range x.Layers {
				mix = append(mix, layer.Slice(from, to, bins))
				for j := range dst {
					parts = append(parts, dst[j][l].Slice(first, first+n, bins))
				}
			}
			req := &wire.ReadRequest{Handle: s.handle, What: &wire.ReadRequest_Separate{Separate: &wire.Separate{
				First: uint64(x.First + from), Frames: uint64(to - from), Skip: uint64(at - from), Count: uint64(n), Rest: rest}}}
			return s.carry(ctx, "separate", req, coefs(mix...), coefs(parts...))
		})
	}
}

// leavesLast tells whether the last of several sources, [source][layer], is what the others leave.
func leavesLast(dst [][]audiosep.Coefs) bool {
	return len(dst) > 1 && !slices.ContainsFunc(dst[len(dst)-1], func(c audiosep.Coefs) bool { return c.Re != nil })
}

// separateAudio is what SeparatedAudioStems need of such.
func (s *remoteStems) separateAudio(ctx context.Context, dst [][][]float64, x [][]float64, at int) error {
	var parts [][]float64
	for _, layers := range dst {
		parts = append(parts, layers...)
	}
	req := &wire.ReadRequest{Handle: s.handle, What: &wire.ReadRequest_SeparateAudio{SeparateAudio: &wire.SeparateAudio{At: int64(at), Count: uint64(len(parts[0]))}}}
	return s.carry(ctx, "separate", req, []numbers{{"the samples", x}}, []numbers{{"the sources", parts}})
}
