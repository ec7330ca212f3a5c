package audio

import (
	"context"
	"fmt"

	goaudio "github.com/go-audio/audio"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// Buffer returns one realisation of s, 0 to R-1, as a buffer of go-audio: interleaved,
// full scale ±1.
func Buffer(s *audiosep.Signal, realisation int) (*goaudio.FloatBuffer, error) {
	h, err := s.Head(context.Background())
	if err != nil {
		return nil, err
	}
	if realisation < 0 || realisation >= h.Realisations {
		return nil, fmt.Errorf("realisation is %d; want 0 to %d", realisation, h.Realisations-1)
	}
	c := h.Channels
	layers := s.Data[realisation*c : (realisation+1)*c]
	b := &goaudio.FloatBuffer{
		Format: &goaudio.Format{NumChannels: c, SampleRate: s.Rate},
		Data:   make([]float64, 0, c*len(layers[0])),
	}
	for t := range layers[0] {
		for _, layer := range layers {
			b.Data = append(b.Data, layer[t])
		}
	}
	return b, nil
}

// FromBuffer returns a buffer of go-audio as a signal of one realisation. Integers are
// scaled by their SourceBitDepth, 8, 16, 24 or 32 bits, as go-audio/wav decodes them;
// floats are taken to have full scale ±1.
func FromBuffer(b goaudio.Buffer) (*audiosep.Signal, error) {
	format := b.PCMFormat()
	if format == nil || format.NumChannels < 1 {
		return nil, fmt.Errorf("the buffer has no format; want its channels and rate")
	}
	var x []float64
	if ints, ok := b.(*goaudio.IntBuffer); ok {
		e, ok := encodingOf(ints.SourceBitDepth/8, false)
		if !ok || ints.SourceBitDepth%8 != 0 {
			return nil, fmt.Errorf("the buffer's integers have %d bits; want SourceBitDepth to be 8, 16, 24 or 32", ints.SourceBitDepth)
		}
		x = make([]float64, len(ints.Data))
		toFloat(x, ints.Data, e)
	} else {
		x = b.AsFloatBuffer().Data
	}
	if len(x)%format.NumChannels != 0 {
		return nil, fmt.Errorf("the buffer has %s; want a multiple of its %s", counted.Of(len(x), "sample"), counted.Of(format.NumChannels, "channel"))
	}
	s := &audiosep.Signal{Rate: format.SampleRate, Channels: format.NumChannels, Data: make([][]float64, format.NumChannels)}
	for c := range s.Data {
		s.Data[c] = make([]float64, len(x)/format.NumChannels)
	}
	deinterleave(s.Data, 0, x)
	return s, nil
}
