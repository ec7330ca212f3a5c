package plugins

import (
	"context"
	"fmt"
	"reflect"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/wrap"
	"github.com/audiosep/audiosep/plugins/wire"
)

// codec sends the values of a cargo and takes those that came. A new cargo has a message in
// wire/stage.proto, a codec here, and one in each SDK.
type codec struct {
	send func(s *sender, v any) (*wire.Value, error)
	take func(r *receiver, v *wire.Value) (any, error)
}

var codecs map[audiosep.Cargo]codec

func init() {
	codecs = map[audiosep.Cargo]codec{
		audiosep.CargoAudio:  codecOf((*sender).audio, (*receiver).audio, func(m *wire.Audio) *wire.Value { return &wire.Value{Cargo: &wire.Value_Audio{Audio: m}} }, (*wire.Value).GetAudio),
		audiosep.CargoFrames: codecOf((*sender).frames, (*receiver).frames, func(m *wire.Frames) *wire.Value { return &wire.Value{Cargo: &wire.Value_Frames{Frames: m}} }, (*wire.Value).GetFrames),
		audiosep.CargoCoefs:  codecOf((*sender).coefs, (*receiver).coefs, func(m *wire.Coefs) *wire.Value { return &wire.Value{Cargo: &wire.Value_Coefs{Coefs: m}} }, (*wire.Value).GetCoefs),
		audiosep.CargoPower:  codecOf((*sender).power, (*receiver).power, func(m *wire.Power) *wire.Value { return &wire.Value{Cargo: &wire.Value_Power{Power: m}} }, (*wire.Value).GetPower),
		audiosep.CargoTransform: codecOf((*sender).fitted, (*receiver).fitted, func(m *wire.FittedTransform) *wire.Value {
			return &wire.Value{Cargo: &wire.Value_Transform{Transform: m}}
		}, (*wire.Value).GetTransform),
		audiosep.CargoFactors: codecOf((*sender).factors, (*receiver).factors, func(m *wire.Factors) *wire.Value { return &wire.Value{Cargo: &wire.Value_Factors{Factors: m}} }, (*wire.Value).GetFactors),
		audiosep.CargoNotes:   codecOf((*sender).notes, (*receiver).notes, func(m *wire.Notes) *wire.Value { return &wire.Value{Cargo: &wire.Value_Notes{Notes: m}} }, (*wire.Value).GetNotes),
		audiosep.CargoSources: codecOf((*sender).stems, (*receiver).stems, func(m *wire.Stems) *wire.Value { return &wire.Value{Cargo: &wire.Value_Sources{Sources: m}} }, (*wire.Value).GetSources),
	}
}

func codecOf[T any, M any](send func(*sender, T) (*M, error), take func(*receiver, *M) (T, error), wrap func(*M) *wire.Value, unwrap func(*wire.Value) *M) codec {
	return codec{
		send: func(s *sender, v any) (*wire.Value, error) {
			t, ok := v.(T)
			if !ok {
				return nil, fmt.Errorf("the value is a %T; want a %v", v, reflect.TypeFor[T]())
			}
			m, err := send(s, t)
			return wrap(m), err
		},
		take: func(r *receiver, v *wire.Value) (any, error) {
			m := unwrap(v)
			if m == nil {
				return nil, bad("the value is of another cargo, or empty")
			}
			t, err := take(r, m)
			return t, err
		},
	}
}

// sender sends values in the course of one call.
type sender struct {
	*link
	ctx  context.Context
	sent []uint64 // handles of what this side owns
}

// own gives v a handle, and notes that it was given in this call.
func (s *sender) own(v any) uint64 {
	h := s.link.own(v)
	s.sent = append(s.sent, h)
	return h
}

// ports sends what is at some ports.
func (s *sender) ports(ports []audiosep.Port, values audiosep.Values) (out []*wire.Port, err error) {
	for _, p := range ports {
		v := values[p.Name]
		if v == nil {
			continue
		}
		all := []any{v}
		if p.Many {
			all = nil
			for many, i := reflect.ValueOf(v), 0; i < many.Len(); i++ {
				all = append(all, many.Index(i).Interface())
			}
		}
		w := &wire.Port{Name: p.Name}
		for _, v := range all {
			value, err := codecs[p.Cargo].send(s, v)
			if err != nil {
				return nil, fmt.Errorf("port %q: %w", p.Name, err)
			}
			w.Values = append(w.Values, value)
		}
		out = append(out, w)
	}
	return out, nil
}

// receiver takes values in the course of one call.
type receiver struct {
	*link
	ctx    context.Context
	report func(audiosep.Step) // told of how far V is; may be nil
	lazy   bool                // something was taken that the other side is asked for later
	used   []uint64            // handles that are not needed any more
}

// ports takes what is at some ports.
func (r *receiver) ports(ports []audiosep.Port, in []*wire.Port) (audiosep.Values, error) {
	values := audiosep.Values{}
	for _, w := range in {
		var port *audiosep.Port
		for i := range ports {
			if ports[i].Name == w.GetName() {
				port = &ports[i]
			}
		}
		switch {
		case port == nil:
			return nil, bad("there is no port %q", w.GetName())
		case values[port.Name] != nil:
			return nil, bad("port %q is there twice", port.Name)
		case len(w.GetValues()) == 0, len(w.GetValues()) > 1 && !port.Many:
			return nil, bad("port %q has %d values; want one", port.Name, len(w.GetValues()))
		}
		typ := audiosep.TypeOf(port.Cargo)
		many := reflect.MakeSlice(reflect.SliceOf(typ), 0, len(w.GetValues()))
		for _, value := range w.GetValues() {
			v, err := codecs[port.Cargo].take(r, value)
			if err != nil {
				return nil, atPort(port.Name, err)
			}
			many = reflect.Append(many, reflect.ValueOf(v))
		}
		if values[port.Name] = many.Interface(); !port.Many {
			values[port.Name] = many.Index(0).Interface()
		}
	}
	for _, p := range ports {
		if values[p.Name] == nil && !p.Optional {
			return nil, bad("there is no %s", p.Name)
		}
	}
	return values, nil
}

// atPort says at which port a value is wrong.
func atPort(name string, err error) error {
	if b, ok := err.(*badReply); ok {
		return bad("port %q: %s", name, b.what)
	}
	return err
}

func (s *sender) audio(src audiosep.Source) (*wire.Audio, error) {
	if own, ok := src.(*remoteSource); ok && own.end == s.end {
		return &wire.Audio{Handle: own.handle, Yours: true}, nil
	}
	h, err := src.Head(s.ctx)
	if err != nil {
		return nil, err
	}
	return &wire.Audio{Handle: s.own(src), Head: headTo(h)}, nil
}

func (r *receiver) audio(m *wire.Audio) (audiosep.Source, error) {
	if m.GetYours() {
		return ownedBy[audiosep.Source](r.link, m.GetHandle())
	}
	h, err := headFrom(m.GetHead())
	if err != nil {
		return nil, err
	}
	r.lazy = true
	return &remoteSource{r.link, m.GetHandle(), h}, nil
}

func (s *sender) frames(f *audiosep.Framed) (*wire.Frames, error) {
	if h, ok := s.handleOf(f); ok {
		return &wire.Frames{Handle: h, Yours: true}, nil
	}
	src, err := s.audio(f.Source)
	if err != nil {
		return nil, err
	}
	framing := framingTo(f.Framing)
	framing.Head = nil
	return &wire.Frames{Handle: s.own(f), Audio: src, Framing: framing}, nil
}

func (r *receiver) frames(m *wire.Frames) (*audiosep.Framed, error) {
	if m.GetYours() {
		return ownedBy[*audiosep.Framed](r.link, m.GetHandle())
	}
	src, err := r.audio(m.GetAudio())
	if err != nil {
		return nil, err
	}
	h, err := src.Head(r.ctx)
	if err != nil {
		return nil, err
	}
	if m.GetFraming() == nil {
		return nil, bad("frames have no framing")
	}
	m.Framing.Head = headTo(h)
	framing, err := framingFrom(m.Framing)
	if err != nil {
		return nil, err
	}
	f := &audiosep.Framed{Source: src, Framing: framing}
	r.cameFrom(f, m.GetHandle())
	return f, nil
}

// plainMatrix is the type of transforms that are no more than their matrix.
var plainMatrix = func() reflect.Type {
	t, err := audiosep.NewMatrixTransform(mat.NewDense(1, 1, []float64{1}))
	if err != nil {
		panic(err)
	}
	return reflect.TypeOf(t)
}()

func (s *sender) transform(t audiosep.Transform) (*wire.Transform, error) {
	switch own := t.(type) {
	case *remoteTransform:
		if own.end == s.end {
			return &wire.Transform{Handle: own.handle, Yours: true}, nil
		}
	case *remoteMatrix:
		if own.end == s.end {
			return &wire.Transform{Handle: own.handle, Yours: true}, nil
		}
	}
	w := &wire.Transform{Length: uint64(t.Len()), Bins: uint64(t.Bins()), Complex: t.Complex()}
	if tuned, ok := wrap.As[audiosep.Tuned](t); ok {
		w.Frequencies = encode(tuned.Frequencies())
	}
	m, ok := t.(audiosep.MatrixTransform)
	switch {
	case ok && s.parts && reflect.TypeOf(t) == plainMatrix:
		w.Phi = s.matrix(m.Phi())
		return w, nil
	case ok: // Φ may have to be computed
		w.Phi = &wire.Matrix{Rows: w.Bins, Columns: w.Length, Handle: s.own(phiOf{m})}
	}
	w.Handle = s.own(t)
	return w, nil
}

// phiOf is the matrix of a transform, which is computed if it is wanted.
type phiOf struct{ audiosep.MatrixTransform }

const mostBins = 1 << 24

func (r *receiver) transform(m *wire.Transform) (audiosep.Transform, error) {
	if m.GetYours() {
		return ownedBy[audiosep.Transform](r.link, m.GetHandle())
	}
	if m.GetHandle() == 0 {
		phi, err := r.matrix("phi", m.GetPhi())
		if err != nil {
			return nil, err
		}
		if phi == nil {
			return nil, bad("the transform has neither a handle nor phi")
		}
		t, err := audiosep.NewMatrixTransform(phi)
		if err != nil {
			return nil, bad("%v", err)
		}
		return t, nil
	}
	if t := r.known(m.GetHandle()); t != nil {
		return t, nil
	}
	switch {
	case m.GetLength() < 1 || m.GetLength() > most:
		return nil, bad("the transform is for frames of %d samples; want 1 to %d", m.GetLength(), most)
	case m.GetBins() < 1 || m.GetBins() > mostBins:
		return nil, bad("the transform has %d bins; want 1 to %d", m.GetBins(), mostBins)
	}
	frequencies, err := listFrom("the frequencies", m.GetFrequencies(), mostBins)
	if err != nil {
		return nil, err
	}
	if len(frequencies) != 0 && uint64(len(frequencies)) != m.GetBins() {
		return nil, bad("there are %d frequencies; want %d, one for each bin", len(frequencies), m.GetBins())
	}
	r.lazy = true
	t := &remoteTransform{r.link, m.GetHandle(), int(m.GetLength()), int(m.GetBins()), m.GetComplex(), frequencies}
	if m.GetPhi() == nil {
		return r.know(t.handle, t), nil
	}
	if phi := m.GetPhi(); t.complex || phi.GetHandle() == 0 || phi.GetRows() != m.GetBins() || phi.GetColumns() != m.GetLength() {
		return nil, bad("phi is %d×%d; want %d×%d, of a real transform", phi.GetRows(), phi.GetColumns(), t.bins, t.length)
	}
	return r.know(t.handle, &remoteMatrix{remoteTransform: t, of: m.GetPhi().GetHandle()}), nil
}

func (l *link) known(handle uint64) audiosep.Transform {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.transforms[handle]
}

func (l *link) know(handle uint64, t audiosep.Transform) audiosep.Transform {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transforms[handle] = t
	return t
}

func (s *sender) fitted(t *audiosep.FittedTransform) (*wire.FittedTransform, error) {
	if h, ok := s.handleOf(t); ok {
		return &wire.FittedTransform{Handle: h, Yours: true}, nil
	}
	if t.Transform == nil {
		return nil, fmt.Errorf("there is no transform")
	}
	inner, err := s.transform(t.Transform)
	if err != nil {
		return nil, err
	}
	w := &wire.FittedTransform{Handle: s.own(t), Transform: inner}
	if t.Framing != nil {
		w.Framing = framingTo(*t.Framing)
	}
	return w, nil
}

func (r *receiver) fitted(m *wire.FittedTransform) (*audiosep.FittedTransform, error) {
	if m.GetYours() {
		return ownedBy[*audiosep.FittedTransform](r.link, m.GetHandle())
	}
	if m.GetTransform() == nil {
		return nil, bad("there is no transform")
	}
	t, err := r.transform(m.GetTransform())
	if err != nil {
		return nil, err
	}
	f := &audiosep.FittedTransform{Transform: t}
	if f.Framing, err = framingMaybe(m.GetFraming()); err != nil {
		return nil, err
	}
	r.cameFrom(f, m.GetHandle())
	return f, nil
}

func framingMaybe(m *wire.Framing) (*audiosep.Framing, error) {
	if m == nil {
		return nil, nil
	}
	f, err := framingFrom(m)
	return &f, err
}

func (s *sender) coefs(x audiosep.Spectra) (*wire.Coefs, error) {
	if own, ok := x.(*remoteSpectra); ok && own.end == s.end {
		return &wire.Coefs{Handle: own.handle, Yours: true}, nil
	}
	t, err := s.transform(x.Transform())
	if err != nil {
		return nil, err
	}
	if own, ok := x.(*audiosep.FramedSpectra); ok && s.parts {
		f, err := s.frames(own.Framed)
		return &wire.Coefs{Frames: f, Transform: t}, err
	}
	return &wire.Coefs{Handle: s.own(x), Framing: framingTo(x.Framing()), Transform: t}, nil
}

func (r *receiver) coefs(m *wire.Coefs) (audiosep.Spectra, error) {
	if m.GetYours() {
		return ownedBy[audiosep.Spectra](r.link, m.GetHandle())
	}
	if m.GetTransform() == nil {
		return nil, bad("coefficients have no transform")
	}
	t, err := r.transform(m.GetTransform())
	if err != nil {
		return nil, err
	}
	if m.GetHandle() == 0 {
		f, err := r.frames(m.GetFrames())
		if err != nil {
			return nil, err
		}
		x, err := audiosep.NewSpectra(f, t)
		if err != nil {
			return nil, bad("%v", err)
		}
		return x, nil
	}
	framing, err := framingFrom(m.GetFraming())
	if err != nil {
		return nil, err
	}
	if framing.Length != t.Len() {
		return nil, bad("the transform is for frames of %d samples; want %d", t.Len(), framing.Length)
	}
	r.lazy = true
	return &remoteSpectra{r.link, m.GetHandle(), framing, t}, nil
}

func (s *sender) power(p audiosep.Power) (*wire.Power, error) {
	if own, ok := p.(*remotePower); ok && own.end == s.end {
		return &wire.Power{Handle: own.handle, Yours: true}, nil
	}
	if of, ok := p.(interface{ Spectra() audiosep.Spectra }); ok && s.parts {
		x, err := s.coefs(of.Spectra())
		return &wire.Power{Coefs: x}, err
	}
	return &wire.Power{Handle: s.own(p), Framing: framingTo(p.Framing()), Bins: uint64(p.Bins()), Hz: encode(p.Hz())}, nil
}

func (r *receiver) power(m *wire.Power) (audiosep.Power, error) {
	if m.GetYours() {
		return ownedBy[audiosep.Power](r.link, m.GetHandle())
	}
	if m.GetHandle() == 0 {
		x, err := r.coefs(m.GetCoefs())
		if err != nil {
			return nil, err
		}
		return audiosep.PowerOf(x, r.report), nil
	}
	framing, err := framingFrom(m.GetFraming())
	if err != nil {
		return nil, err
	}
	if m.GetBins() < 1 || m.GetBins() > mostBins {
		return nil, bad("the power has %d bins; want 1 to %d", m.GetBins(), mostBins)
	}
	hz, err := listFrom("the frequencies", m.GetHz(), mostBins)
	if err != nil {
		return nil, err
	}
	if len(hz) != 0 && uint64(len(hz)) != m.GetBins() {
		return nil, bad("there are %d frequencies; want %d, one for each bin", len(hz), m.GetBins())
	}
	r.lazy = true
	return &remotePower{link: r.link, handle: m.GetHandle(), framing: framing, bins: int(m.GetBins()), hz: hz}, nil
}

// inline is how many numbers of a matrix travel with it.
const inline = 1 << 10

func (s *sender) matrix(m mat.Matrix) *wire.Matrix {
	if m == nil {
		return nil
	}
	r, c := m.Dims()
	d, ok := m.(*mat.Dense)
	if !ok {
		d = mat.DenseCopyOf(m)
	}
	w := &wire.Matrix{Rows: uint64(r), Columns: uint64(c)}
	switch {
	case r*c <= inline:
		w.Data = encode(mat.DenseCopyOf(d).RawMatrix().Data)
		return w
	case ok && s.keeps:
		w.Handle, w.Keep = s.ownKept(d), true
	default:
		w.Handle = s.ownAlone(d)
	}
	s.sent = append(s.sent, w.Handle)
	return w
}

// matrix reads a matrix of the other side, nil for an empty one.
func (r *receiver) matrix(what string, m *wire.Matrix) (*mat.Dense, error) {
	if m == nil || m.GetRows() == 0 || m.GetColumns() == 0 {
		return nil, nil
	}
	if m.GetRows() > most || m.GetColumns() > mostNumbers/m.GetRows() {
		return nil, bad("%s is %d×%d; that is too much", what, m.GetRows(), m.GetColumns())
	}
	rows, cols := int(m.GetRows()), int(m.GetColumns())
	if m.GetHandle() != 0 {
		read := func() (*mat.Dense, error) {
			x, err := r.read(r.ctx, what, m.GetHandle(), rows*cols)
			if err != nil {
				return nil, err
			}
			return mat.NewDense(rows, cols, x), nil
		}
		if m.GetKeep() && r.parts { // a plugin keeps, a host needs no more than it is given
			return r.kept(m.GetHandle(), read)
		}
		r.used = append(r.used, m.GetHandle())
		return read()
	}
	x, err := listFrom(what, m.GetData(), len(m.GetData())/8)
	if err != nil {
		return nil, err
	}
	if len(x) != rows*cols {
		return nil, bad("%s is %d×%d and has %d numbers", what, rows, cols, len(x))
	}
	return mat.NewDense(rows, cols, x), nil
}

// read reads n numbers. They are made room for as they come: what was announced may be a lie.
func (l *link) read(ctx context.Context, what string, handle uint64, n int) (x []float64, err error) {
	part := l.callBytes() / 16
	for len(x) < n {
		first := len(x)
		count := min(part, n-first)
		if cap(x) < first+count {
			x = append(make([]float64, 0, min(n, max(2*cap(x), first+count))), x...)
		}
		x = x[:first+count]
		req := &wire.ReadRequest{Handle: handle, What: &wire.ReadRequest_Numbers{Numbers: &wire.Numbers{First: uint64(first)}}}
		if err := l.carry(ctx, "read", req, nil, []numbers{{what, [][]float64{x[first:]}}}); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (s *sender) factors(f *audiosep.Factors) (*wire.Factors, error) {
	if h, ok := s.handleOf(f); ok {
		return &wire.Factors{Handle: h, Yours: true}, nil
	}
	w := &wire.Factors{Handle: s.own(f), Objective: encode(f.Objective), Restarts: encode(f.Restarts), Stop: f.Stop, Sources: groupsTo(f.Sources)}
	if f.W != nil {
		w.W = s.matrix(f.W)
	}
	if f.H != nil {
		w.H = s.matrix(f.H)
	}
	if f.Framing != nil {
		w.Framing = framingTo(*f.Framing)
	}
	return w, nil
}

// mostList bounds lists whose length the other side chooses.
const mostList = 1 << 24

func (r *receiver) factors(m *wire.Factors) (*audiosep.Factors, error) {
	if m.GetYours() {
		return ownedBy[*audiosep.Factors](r.link, m.GetHandle())
	}
	f := &audiosep.Factors{Stop: m.GetStop()}
	var err error
	if f.W, err = r.matrix("w", m.GetW()); err != nil {
		return nil, err
	}
	if f.H, err = r.matrix("h", m.GetH()); err != nil {
		return nil, err
	}
	if f.Objective, err = listFrom("the objective", m.GetObjective(), mostList); err != nil {
		return nil, err
	}
	if f.Restarts, err = listFrom("the restarts", m.GetRestarts(), mostList); err != nil {
		return nil, err
	}
	if f.Framing, err = framingMaybe(m.GetFraming()); err != nil {
		return nil, err
	}
	if err := f.Validate(-1, -1); err != nil {
		return nil, bad("%v", err)
	}
	if f.Sources, err = groupsFrom(m.GetSources(), most); err != nil {
		return nil, err
	}
	if f.Sources != nil {
		if err := audiosep.CheckGroups(f.Sources, rank(f)); err != nil {
			return nil, bad("%v", err)
		}
	}
	r.cameFrom(f, m.GetHandle())
	return f, nil
}

// rank returns K of factors of which one may be missing.
func rank(f *audiosep.Factors) (k int) {
	if f.W != nil {
		return f.Rank()
	}
	if f.H != nil {
		k, _ = f.H.Dims()
	}
	return k
}

func (s *sender) notes(n audiosep.Notes) (*wire.Notes, error) {
	w := new(wire.Notes)
	for _, n := range n {
		w.Notes = append(w.Notes, &wire.Note{Onset: n.Onset, Offset: n.Offset, Pitch: n.Pitch, Source: n.Source, Velocity: n.Velocity})
	}
	return w, nil
}

func (r *receiver) notes(m *wire.Notes) (audiosep.Notes, error) {
	notes := audiosep.Notes{}
	for _, n := range m.GetNotes() {
		notes = append(notes, audiosep.Note{Onset: n.GetOnset(), Offset: n.GetOffset(), Pitch: n.GetPitch(), Source: n.GetSource(), Velocity: n.GetVelocity()})
	}
	if err := notes.Validate(); err != nil {
		return nil, bad("%v", err)
	}
	return notes, nil
}

func (s *sender) stems(v audiosep.Stems) (*wire.Stems, error) {
	if own, ok := v.(*remoteStems); ok && own.end == s.end {
		return &wire.Stems{Handle: own.handle, Yours: true}, nil
	}
	w := &wire.Stems{Head: headTo(v.Head()), Names: v.Names()}
	if m, ok := v.(*audiosep.MaskedStems); ok {
		w.Groups, v = groupsTo(m.Groups), m.Stems
	}
	w.Handle = s.own(v)
	if !s.parts {
		return w, nil
	}
	switch v := v.(type) {
	case *audiosep.SeparatedStems:
		x, err := s.coefs(v.X)
		w.Separated = &wire.Separated{Coefs: x, Halo: uint64(v.Halo), Rest: v.Rest && len(v.Sources) > 1}
		return w, err
	case *audiosep.SeparatedAudioStems:
		src, err := s.audio(v.Source)
		w.SeparatedAudio = &wire.SeparatedAudio{Audio: src, Chunk: uint64(v.Chunk), Reach: uint64(v.Reach)}
		return w, err
	}
	return w, nil
}

// mostBeside bounds how much a plugin may ask for beside what it is given.
const mostBeside = 1 << 24

func (r *receiver) stems(m *wire.Stems) (audiosep.Stems, error) {
	if m.GetYours() {
		return ownedBy[audiosep.Stems](r.link, m.GetHandle())
	}
	h, err := headFrom(m.GetHead())
	if err != nil {
		return nil, err
	}
	r.lazy = true
	remote := &remoteStems{r.link, m.GetHandle(), h, m.GetNames()}
	var stems audiosep.Stems = remote
	switch {
	case m.GetSeparated() != nil:
		if stems, err = r.separated(remote, m.GetSeparated()); err != nil {
			return nil, err
		}
	case m.GetSeparatedAudio() != nil:
		if stems, err = r.separatedAudio(remote, m.GetSeparatedAudio()); err != nil {
			return nil, err
		}
	}
	if len(m.GetGroups()) == 0 {
		return stems, nil
	}
	groups, err := groupsFrom(m.GetGroups(), most)
	if err != nil {
		return nil, err
	}
	if len(groups) != len(remote.names) {
		return nil, bad("there are %d groups for %d sources", len(groups), len(remote.names))
	}
	return &audiosep.MaskedStems{Stems: stems, Groups: groups}, nil
}

func (r *receiver) separated(s *remoteStems, m *wire.Separated) (audiosep.Stems, error) {
	if m.GetCoefs() == nil || m.GetHalo() > mostBeside {
		return nil, bad("stems are of %v with a halo of %d frames; want coefs, and at most %d", m.GetCoefs(), m.GetHalo(), mostBeside)
	}
	if m.GetRest() && len(s.names) < 2 {
		return nil, bad("the last of %d sources is to be what the others leave; want two or more", len(s.names))
	}
	x, err := r.coefs(m.GetCoefs())
	if err != nil {
		return nil, err
	}
	halo := int(m.GetHalo())
	return &audiosep.SeparatedStems{X: x, Sources: s.names, Halo: halo, Separate: s.separate(halo), By: s.link, Rest: m.GetRest()}, nil
}

func (r *receiver) separatedAudio(s *remoteStems, m *wire.SeparatedAudio) (audiosep.Stems, error) {
	if m.GetAudio() == nil || m.GetChunk() < 1 || m.GetChunk() > mostBeside || m.GetReach() > mostBeside {
		return nil, bad("stems are of audio in chunks of %d samples with %d beside; want 1 to %[3]d, and at most %[3]d", m.GetChunk(), m.GetReach(), mostBeside)
	}
	src, err := r.audio(m.GetAudio())
	if err != nil {
		return nil, err
	}
	h, err := src.Head(r.ctx)
	if err != nil {
		return nil, err
	}
	return audiosep.SeparatedAudio(src, h, s.names, int(m.GetChunk()), int(m.GetReach()), s.separateAudio), nil
}
