package plugins

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

func headTo(h audiosep.Head) *wire.Head {
	return &wire.Head{Rate: uint64(h.Rate), Samples: uint64(h.Samples), Channels: uint64(h.Channels),
		Realisations: uint64(h.Realisations), Names: h.Names, Encoding: h.Encoding}
}

// most is the greatest number taken for a size: more would overflow a product of two.
const most = 1 << 31

func headFrom(h *wire.Head) (audiosep.Head, error) {
	for _, c := range []struct {
		what string
		is   uint64
		max  uint64
	}{
		{"rate", h.GetRate(), most}, {"samples", h.GetSamples(), 1 << 48},
		{"channels", h.GetChannels(), 1 << 16}, {"realisations", h.GetRealisations(), 1 << 16},
	} {
		if c.is > c.max {
			return audiosep.Head{}, fmt.Errorf("%s is %d; want at most %d", c.what, c.is, c.max)
		}
	}
	return audiosep.Head{Rate: int(h.GetRate()), Samples: int(h.GetSamples()), Channels: int(h.GetChannels()),
		Realisations: int(h.GetRealisations()), Names: h.GetNames(), Encoding: h.GetEncoding()}, nil
}

func framingTo(f audiosep.Framing) *wire.Framing {
	return &wire.Framing{Head: headTo(f.Head), Length: uint64(f.Length), Hop: uint64(f.Hop), Pad: uint64(f.Pad),
		Share: uint64(f.Share), Analysis: encode(f.Analysis), Synthesis: encode(f.Synthesis)}
}

func framingFrom(f *wire.Framing) (audiosep.Framing, error) {
	head, err := headFrom(f.GetHead())
	if err != nil {
		return audiosep.Framing{}, err
	}
	if max(f.GetLength(), f.GetHop(), f.GetPad(), f.GetShare()) > most {
		return audiosep.Framing{}, fmt.Errorf("the framing has sizes beyond %d", most)
	}
	out := audiosep.Framing{Head: head, Length: int(f.GetLength()), Hop: int(f.GetHop()), Pad: int(f.GetPad()), Share: int(f.GetShare())}
	for window, b := range map[*[]float64][]byte{&out.Analysis: f.GetAnalysis(), &out.Synthesis: f.GetSynthesis()} {
		if len(b) != 8*out.Length {
			return out, fmt.Errorf("a window has %d bytes; want %d, 8 for each of %d samples", len(b), 8*out.Length, out.Length)
		}
		*window = decode(b)
	}
	return out, nil
}

func groupsTo(groups []audiosep.Group) []*wire.Group {
	out := make([]*wire.Group, len(groups))
	for i, g := range groups {
		out[i] = &wire.Group{Name: g.Name}
		for _, c := range g.Components {
			out[i].Components = append(out[i].Components, uint64(c))
		}
	}
	return out
}

// groupsFrom is groupsTo undone; components must be less than rank.
func groupsFrom(groups []*wire.Group, rank int) ([]audiosep.Group, error) {
	out := make([]audiosep.Group, len(groups))
	for i, g := range groups {
		out[i].Name = g.GetName()
		for _, c := range g.GetComponents() {
			if c >= uint64(rank) {
				return nil, fmt.Errorf("group %q has component %d; want at most %d", g.GetName(), c, rank-1)
			}
			out[i].Components = append(out[i].Components, int(c))
		}
	}
	return out, nil
}

// array is one of the arrays that follow a Job or a Result.
type array struct {
	name       string
	rows, cols int
	data       []float64 // row by row
}

func (a array) shape() *wire.Shape {
	return &wire.Shape{Name: a.name, Rows: uint64(a.rows), Columns: uint64(a.cols)}
}

func shapes(arrays []array) []*wire.Shape {
	out := make([]*wire.Shape, len(arrays))
	for i, a := range arrays {
		out[i] = a.shape()
	}
	return out
}

// vector is an array of one row; matrix one of a matrix, dense one with its storage.
func vector(name string, x []float64) array { return array{name, 1, len(x), x} }

func matrix(name string, m mat.Matrix) array {
	r, c := m.Dims()
	if d, ok := m.(*mat.Dense); ok && d.RawMatrix().Stride == c {
		return array{name, r, c, d.RawMatrix().Data[:r*c]}
	}
	return array{name, r, c, mat.DenseCopyOf(m).RawMatrix().Data}
}

func (a array) dense() *mat.Dense {
	if a.rows == 0 || a.cols == 0 {
		return nil
	}
	return mat.NewDense(a.rows, a.cols, a.data)
}

func factorArrays(f *audiosep.Factors) (all []array) {
	if f == nil {
		return nil
	}
	if f.W != nil {
		all = append(all, matrix("w", f.W))
	}
	if f.H != nil {
		all = append(all, matrix("h", f.H))
	}
	if f.Objective != nil {
		all = append(all, vector("objective", f.Objective))
	}
	if f.Restarts != nil {
		all = append(all, vector("restarts", f.Restarts))
	}
	return all
}

// factorsFrom returns the factors among arrays, nil if there are none.
func factorsFrom(arrays map[string]array, stop string) *audiosep.Factors {
	f := &audiosep.Factors{W: arrays["w"].dense(), H: arrays["h"].dense(),
		Objective: arrays["objective"].data, Restarts: arrays["restarts"].data, Stop: stop}
	if f.W == nil && f.H == nil {
		return nil
	}
	return f
}

// framesTo returns the arrays of y, framesFrom y of the arrays.
func framesTo(y *audiosep.Frames) array {
	a := array{"frames", len(y.Data), y.N * y.Length, nil}
	for _, layer := range y.Data {
		a.data = append(a.data, layer[:y.N*y.Length]...)
	}
	return a
}

func framesFrom(job *wire.Job, a array) (*audiosep.Frames, error) {
	f, err := framingFrom(job.GetFraming())
	if err != nil {
		return nil, err
	}
	y := &audiosep.Frames{Framing: f, First: int(job.GetFirst()), N: int(job.GetFrames())}
	if a.rows != f.Layers() || a.cols != y.N*f.Length {
		return nil, fmt.Errorf("frames are %d×%d numbers; want %d×%d", a.rows, a.cols, f.Layers(), y.N*f.Length)
	}
	for l := range a.rows {
		y.Data = append(y.Data, a.data[l*a.cols:(l+1)*a.cols])
	}
	return y, nil
}

// sendArrays sends the numbers of all arrays in chunks.
func sendArrays(arrays []array, send func(chunk []byte) error) error {
	const most = chunkBytes / 8
	for _, a := range arrays {
		for data := a.data; len(data) > 0; {
			n := min(len(data), most)
			if err := send(encode(data[:n])); err != nil {
				return err
			}
			data = data[n:]
		}
	}
	return nil
}

// recvArrays receives arrays of the shapes given, which have been checked.
func recvArrays(shapes []*wire.Shape, recv func() (chunk []byte, err error)) (map[string]array, error) {
	all := map[string]array{}
	for _, s := range shapes {
		a := array{s.GetName(), int(s.GetRows()), int(s.GetColumns()), nil}
		if s.GetRows() > most || s.GetColumns() > most {
			return nil, bad("array %s is %d×%d; that is too much", a.name, s.GetRows(), s.GetColumns())
		}
		count := a.rows * a.cols
		for len(a.data) < count {
			chunk, err := recv()
			if err != nil {
				return nil, err
			}
			n := len(chunk) / 8
			if len(chunk)%8 != 0 || n == 0 || n > count-len(a.data) {
				return nil, bad("array %s: a chunk of %d bytes came where %d numbers were wanted", a.name, len(chunk), count-len(a.data))
			}
			a.data = append(a.data, decode(chunk)...) // grown as they come: what was announced may be a lie
		}
		all[a.name] = a
	}
	return all, nil
}
