package multichannel

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// MixRoomParams are the parameters of mix_room.
type MixRoomParams struct {
	Room        []float64 `json:"room" min:"0.5" max:"100" unit:"m" doc:"Length, width and height of the room."`
	T60         float64   `json:"t60" min:"0" max:"1.5" unit:"s" doc:"How long sound takes to decay by 60 dB; 0: no reflections."`
	Microphones int       `json:"microphones" min:"1" max:"64" doc:"Microphones on a line, in the middle of the room."`
	Spacing     float64   `json:"spacing" min:"0.001" max:"10" unit:"m" doc:"From one microphone to the next."`
	Angles      []float64 `json:"angles" min:"0" max:"360" unit:"°" doc:"The direction of each source, from that of the first microphone on; evenly from 30 to 150 if left open."`
	Distance    float64   `json:"distance" min:"0.1" max:"50" unit:"m" doc:"From the middle of the microphones to each source."`
	Seed        uint64    `json:"seed" doc:"Moves the microphones and sources together by up to 0.2 m and turns them, so that no wall is at a round distance."`
}

// DefaultMixRoom returns the defaults of mix_room.
func DefaultMixRoom() MixRoomParams {
	return MixRoomParams{Room: []float64{6, 5, 2.8}, T60: 0.2, Microphones: 2, Spacing: 0.05, Angles: []float64{}, Distance: 1.3, Seed: 1}
}

var mixRoomStage = audiosep.Define("mix_room",
	`Mixes recordings as microphones in a room would hear them, by the image-source method; the image of each on every microphone is known.
The room is a shoebox whose walls all reflect alike. A source has the amplitude 1/d in d m. Channels of a recording are averaged first; the mixture is as long as the longest, and is made in memory (Allen and Berkley, Image method for efficiently simulating small-room acoustics, 1979).`,
	DefaultMixRoom(), NewMixRoom)

// MixRoom is the stage mix_room.
type MixRoom struct{ p MixRoomParams }

// Validate checks what the ranges do not say.
func (p MixRoomParams) Validate() error {
	var errs audiosep.ParamErrors
	wrong := func(name, what string, args ...any) {
		errs = append(errs, &audiosep.ParamError{Name: name, What: fmt.Sprintf(what, args...)})
	}
	if len(p.Room) != 3 {
		wrong("room", "has %s; want 3: length, width and height", counted.Of(len(p.Room), "number"))
		return errs
	}
	reach := max(p.Distance, float64(p.Microphones-1)*p.Spacing/2) + wander
	if least := min(p.Room[0], p.Room[1]) / 2; reach >= least {
		wrong("room", "is %g m by %g m, and the sources and microphones reach %g m from its middle; want less than half of its width", p.Room[0], p.Room[1], reach)
	}
	if errs != nil {
		return errs
	}
	return nil
}

// NewMixRoom returns a stage that mixes as p says. It is an error if p is out of the ranges in
// its tags, or if the sources are not in the room.
func NewMixRoom(p MixRoomParams) (*MixRoom, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &MixRoom{p}, nil
}

// MixRoomIn is what mix_room takes: the recording of each source, without a room.
type MixRoomIn struct {
	Dry []audiosep.Source `port:"dry,many"`
}

// MixRoomOut is what mix_room makes: what the microphones hear, and the image of each source,
// named after the stage that it comes from.
type MixRoomOut struct {
	Audio   audiosep.Source `port:"audio"`
	Sources audiosep.Stems  `port:"sources"`
}

// wander is how far the middle of the microphones is from that of the room at most, in each
// direction, m.
const wander = 0.2

// Positions returns where the microphones and the sources are, in m from a corner of the room.
func (p MixRoomParams) Positions(sources int) (microphones, places [][3]float64, err error) {
	angles := p.Angles
	if len(angles) == 0 {
		for n := range sources {
			angles = append(angles, 30+120*(float64(n)+0.5)/float64(sources))
		}
	}
	if len(angles) != sources {
		return nil, nil, fmt.Errorf("parameter angles has %s, and %s; want one for each", counted.Of(len(angles), "number"), counted.There(sources, "source"))
	}
	r := audiosep.Env{Seed: p.Seed}.Rand("room")
	var middle [3]float64
	for i, size := range p.Room {
		middle[i] = size/2 + wander*(2*r.Float64()-1)*min(1, size/3)
	}
	turn := 2 * math.Pi * r.Float64()
	at := func(far, angle float64) [3]float64 {
		return [3]float64{middle[0] + far*math.Cos(turn+angle), middle[1] + far*math.Sin(turn+angle), middle[2]}
	}
	for c := range p.Microphones {
		microphones = append(microphones, at((float64(p.Microphones-1)/2-float64(c))*p.Spacing, 0))
	}
	for _, a := range angles {
		places = append(places, at(p.Distance, a*math.Pi/180))
	}
	return microphones, places, nil
}

// Run mixes the recordings.
func (s *MixRoom) Run(ctx context.Context, env audiosep.Env, in MixRoomIn) (MixRoomOut, error) {
	dry, rate, err := readDry(ctx, in.Dry)
	if err != nil {
		return MixRoomOut{}, err
	}
	images, err := s.p.Images(ctx, dry, rate)
	if err != nil {
		return MixRoomOut{}, err
	}
	names := env.Wiring["dry"]
	if len(names) != len(images) {
		names = numbered(len(images))
	}
	mix := &audiosep.Signal{Rate: rate, Channels: s.p.Microphones, Data: make([][]float64, s.p.Microphones)}
	for c := range mix.Data {
		mix.Data[c] = make([]float64, len(images[0].Data[c]))
		for _, x := range images {
			for t, v := range x.Data[c] {
				mix.Data[c][t] += v
			}
		}
	}
	stems, err := audiosep.NewStems(names, images)
	return MixRoomOut{mix, stems}, err
}

// readDry reads recordings, averages their channels and pads them to the longest. It is an
// error if their rates differ, or if one has several realisations.
func readDry(ctx context.Context, sources []audiosep.Source) (dry [][]float64, rate int, err error) {
	longest := 0
	for n, src := range sources {
		x, err := audiosep.ReadAll(ctx, src)
		if err != nil {
			return nil, 0, err
		}
		if n > 0 && x.Rate != rate {
			return nil, 0, fmt.Errorf("recording %d has %d Hz; want %d Hz, as the first: resample changes it", n+1, x.Rate, rate)
		}
		if rate = x.Rate; len(x.Data) != max(1, x.Channels) {
			return nil, 0, fmt.Errorf("recording %d has %s; want one", n+1, counted.Of(len(x.Data)/max(1, x.Channels), "realisation"))
		}
		mono := make([]float64, len(x.Data[0]))
		for _, channel := range x.Data {
			for t, v := range channel {
				mono[t] += v / float64(len(x.Data))
			}
		}
		dry = append(dry, mono)
		longest = max(longest, len(mono))
	}
	for n, x := range dry {
		dry[n] = append(x, make([]float64, longest-len(x))...)
	}
	return dry, rate, nil
}

// Images returns what each microphone hears of each source alone, as long as the recordings
// are: dry[source][sample], of one length. The mixture is their sum.
func (p MixRoomParams) Images(ctx context.Context, dry [][]float64, rate int) ([]*audiosep.Signal, error) {
	if len(p.Room) != 3 {
		return nil, p.Validate()
	}
	microphones, places, err := p.Positions(len(dry))
	if err != nil {
		return nil, err
	}
	room := NewRoom([3]float64(p.Room), p.T60, rate)
	images := make([]*audiosep.Signal, len(dry))
	g, ctx := errgroup.WithContext(ctx)
	for n := range images {
		images[n] = &audiosep.Signal{Rate: rate, Channels: len(microphones), Data: make([][]float64, len(microphones))}
		for c := range microphones {
			g.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				images[n].Data[c] = convolve(dry[n], room.Response(places[n], microphones[c]))
				return nil
			})
		}
	}
	return images, g.Wait()
}

// convolve returns the first len(x) samples of x∗h, by overlap-add.
func convolve(x, h []float64) []float64 {
	size := 2
	for size < 2*len(h) {
		size *= 2
	}
	fft := fourier.NewFFT(size)
	block := make([]float64, size)
	copy(block, h)
	filter := fft.Coefficients(nil, block)
	spectrum := make([]complex128, len(filter))
	y := make([]float64, len(x))
	step := size - len(h) + 1
	for at := 0; at < len(x); at += step {
		clear(block)
		copy(block, x[at:min(at+step, len(x))])
		fft.Coefficients(spectrum, block)
		for i := range spectrum {
			spectrum[i] *= filter[i] / complex(float64(size), 0)
		}
		fft.Sequence(block, spectrum)
		for t, v := range block[:min(size, len(x)-at)] {
			y[at+t] += v
		}
	}
	return y
}
