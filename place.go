package audiosep

import "context"

// Place says where in a recording the frames are that a transform's Forward or Inverse is given. They
// are of runs of N frames from frame First on, one for each layer or, where they are of separated
// sources, for each source of each layer: layer after layer, in each source after source. Of all
// these the call has Count, from the At-th on.
type Place struct {
	First, N  int // frames of the recording
	Layers    int // realisations × channels; layer r·C+c is channel c of realisation r
	Sources   int // 1 where the frames are of the recording itself
	At, Count int
}

// Of returns which frame of the recording, and which layer and source, the i-th frame is of that the
// call is given.
func (p Place) Of(i int) (frame, layer, source int) {
	i += p.At
	return p.First + i%p.N, i / p.N / p.Sources, i / p.N % p.Sources
}

type placeKey struct{}

// WithPlace returns a context for a call of Forward or Inverse that says where its frames are.
func WithPlace(ctx context.Context, p Place) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// PlaceOf returns where the n frames are that Forward or Inverse is given, if that is known: those who
// call them need not say it. No result may depend on it; it is for messages, and for what a
// transform keeps of frames that it has seen.
func PlaceOf(ctx context.Context, n int) (p Place, ok bool) {
	p, ok = ctx.Value(placeKey{}).(Place)
	return p, ok && p.Count == n && n > 0
}
