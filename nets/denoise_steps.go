package nets

import (
	"context"
	"fmt"
	"iter"
	"math"
	"sort"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/resample"
)

// denoising is a recording on its way through the networks, chunk after chunk. Several chunks are on their
// way at a time: while one is written another is in the networks, each of which goes on as soon as it can, and a
// third is read.
type denoising struct {
	*denoised
	read     resample.Reader // at the network's rate, as what follows
	samples  int
	back     *resample.Filter // nil: the rates are the same
	lanes    []*lane
	chunk    int        // to begin with,
	at       int        // and the first sample of the recording that it completes
	idle     chan *step // may be filled
	underway chan *step // in order
}

// inFlight is how many chunks are on their way at a time.
const inFlight = 3

// step is a chunk on its way.
type step struct {
	chunk  int
	at     int           // of the recording, where the samples begin that the chunk completes
	in     [][]float64   // the chunk, at the network's rate
	speech [][]float64   // of the samples that it completes: none, perhaps
	rest   [][]float64   // the mixture, until speech has been taken from it
	kept   []*laneMark   // of each lane, not after the chunk
	left   chan struct{} // has something from each lane that is through with the chunk
}

// from returns speech and rest from a sample on.
func (s *step) from(first int) [2][][]float64 {
	skip := min(max(0, first-s.at), len(s.speech[0]))
	if skip > 0 {
		for l := range s.speech {
			s.speech[l], s.rest[l] = s.speech[l][skip:], s.rest[l][skip:]
		}
		s.at += skip
	}
	return [2][][]float64{s.speech, s.rest}
}

// lane is the way of the channels that share a network through it.
type lane struct {
	*denoising
	net   network
	first int // of its channels
	base  int // the sample, at the network's rate, where clean begins
	clean [][]float64
	kept  *laneMark
	next  chan *step
}

func newDenoising(d *denoised, mark []byte) (*denoising, error) {
	p := &denoising{denoised: d, idle: make(chan *step, inFlight), underway: make(chan *step, inFlight)}
	p.read, p.samples = atRate(d.src.ReadAt, d.head, d.model.rate)
	if d.head.Rate != d.model.rate {
		p.back = resample.New(d.model.rate, d.head.Rate)
	}
	width, layers := 1, d.head.Layers()
	if d.shared {
		width = max(1, d.head.Channels)
	}
	for first := 0; first < layers; first += width {
		net, err := d.model.new(width)
		if err != nil {
			return nil, err
		}
		p.lanes = append(p.lanes, &lane{denoising: p, net: net, first: first, clean: make([][]float64, width), next: make(chan *step, inFlight)})
	}
	for range inFlight {
		p.idle <- &step{kept: make([]*laneMark, len(p.lanes)), left: make(chan struct{}, len(p.lanes))}
	}
	if mark != nil {
		return p, p.goOn(mark)
	}
	return p, nil
}

// start has the recording read and the networks run, until ctx is done.
func (p *denoising) start(ctx context.Context, g *errgroup.Group) {
	g.Go(func() (err error) {
		defer blocks.Recovered(&err)
		defer func() {
			close(p.underway)
			for _, l := range p.lanes {
				close(l.next)
			}
		}()
		return p.fill(ctx)
	})
	for i, l := range p.lanes {
		g.Go(func() (err error) {
			defer blocks.Recovered(&err)
			for s := range l.next {
				if err := l.take(ctx, s); err != nil {
					return err
				}
				s.kept[i] = l.kept
				s.left <- struct{}{}
			}
			return nil
		})
	}
}

// fill reads the recording into one step after the other.
func (p *denoising) fill(ctx context.Context) error {
	for chunk, at := p.chunk, p.at; at < p.head.Samples; chunk++ {
		var s *step
		select {
		case s = <-p.idle:
		case <-ctx.Done():
			return ctx.Err()
		}
		size := p.model.chunk
		s.chunk, s.at = chunk, at
		at = p.end(at, min((chunk+1)*size-p.model.hop, p.samples)) // complete one hop after the newest
		s.in = grown(s.in, p.head.Layers(), size)
		s.speech, s.rest = grown(s.speech, p.head.Layers(), at-s.at), grown(s.rest, p.head.Layers(), at-s.at)
		if err := p.read(ctx, s.in, chunk*size); err != nil {
			return err
		}
		if at > s.at {
			if err := p.src.ReadAt(ctx, s.rest, s.at); err != nil {
				return err
			}
		}
		p.underway <- s // there is room for all steps
		for _, l := range p.lanes {
			l.next <- s
		}
	}
	return nil
}

// written returns the steps in order, each when all lanes are through with it. It may be filled again
// when the next is asked for. They end early when ctx is done.
func (p *denoising) written(ctx context.Context) iter.Seq[*step] {
	return func(yield func(*step) bool) {
		for s := range p.underway {
			for range p.lanes {
				select {
				case <-s.left:
				case <-ctx.Done():
					return
				}
			}
			if ctx.Err() != nil || !yield(s) {
				return
			}
			p.idle <- s
		}
	}
}

// end returns how far the speech goes from sample at on that those at the network's rate up to ready allow.
func (p *denoising) end(at, ready int) int {
	if p.back == nil {
		return max(at, ready)
	}
	if ready == p.samples {
		return p.head.Samples
	}
	return at + sort.Search(p.head.Samples-at, func(i int) bool {
		_, last := p.back.Reach(at + i)
		return last >= ready
	})
}

// take runs the network on a step, and parts the samples that it completes into speech and rest.
func (l *lane) take(ctx context.Context, s *step) error {
	to := l.first + len(l.clean)
	l.net.run(l.clean, s.in[l.first:to])
	if s.chunk == 0 { // the very first hop lies before the recording
		l.base = -l.model.hop
		l.forget(0)
	}
	speech, rest := s.speech[l.first:to], s.rest[l.first:to]
	end := s.at + len(speech[0])
	if err := l.restore(ctx, speech, s.at, end); err != nil {
		return err
	}
	for c, x := range rest {
		for i := range x {
			x[i] -= speech[c][i]
			if math.IsNaN(x[i]) || math.IsInf(x[i], 0) {
				return fmt.Errorf("sample %d came out as a number that is not finite; want samples about ±1", s.at+i+1)
			}
		}
	}
	if (s.chunk+1)%keepEvery == 0 {
		var err error
		l.kept, err = l.keep(s.chunk+1, end)
		return err
	}
	return nil
}

// restore sets speech to samples at to end-1 at the recording's rate, and forgets what is not needed any more.
func (l *lane) restore(ctx context.Context, speech [][]float64, at, end int) error {
	if end == at {
		return nil
	}
	if l.back == nil {
		for c, x := range l.clean {
			copy(speech[c], x[at-l.base:])
		}
		l.forget(end)
		return nil
	}
	err := l.back.Read(ctx, speech, at, l.head.Samples, func(_ context.Context, dst [][]float64, from int) error {
		for c, d := range dst {
			clear(d)
			skip := max(0, -from)
			x := l.clean[c][:min(len(l.clean[c]), l.samples-l.base)]
			copy(d[skip:], x[min(len(x), from+skip-l.base):])
		}
		return nil
	})
	from, _ := l.back.Reach(end)
	l.forget(max(0, from))
	return err
}

// forget drops what lies before sample from.
func (l *lane) forget(from int) {
	if from <= l.base {
		return
	}
	for c, x := range l.clean {
		l.clean[c] = append(x[:0], x[min(len(x), from-l.base):]...)
	}
	l.base = from
}
