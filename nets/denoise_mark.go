package nets

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"slices"

	"github.com/audiosep/audiosep/internal/counted"
)

// keepEvery is after how many chunks what a network remembers is kept. That is long beside a chunk, so not
// each has it; where a run goes on, those since are run again.
const keepEvery = 32

// laneMark is where a lane is on its way.
type laneMark struct {
	Chunk, At int // the next chunk, and the first sample that it completes
	Base      int
	Clean     [][]float64
	Network   []byte // what it remembers, one after the other, little-endian
}

// keep returns where a lane is.
func (l *lane) keep(chunk, at int) (*laneMark, error) {
	m := &laneMark{Chunk: chunk, At: at, Base: l.base}
	for _, x := range l.clean {
		m.Clean = append(m.Clean, slices.Clone(x))
	}
	if l.kept != nil {
		m.Network = make([]byte, 0, len(l.kept.Network))
	}
	var err error
	for _, x := range l.net.remembered() {
		if n, ok := x.(*int); ok {
			x = int64(*n)
		}
		if m.Network, err = binary.Append(m.Network, binary.LittleEndian, x); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// mark returns what goOn needs to come to the samples behind the step: where the lanes were when they were
// kept last. It is nil where that is the beginning.
func (s *step) mark() ([]byte, error) {
	if s.kept[0] == nil {
		return nil, nil
	}
	var all bytes.Buffer
	err := gob.NewEncoder(&all).Encode(s.kept)
	return all.Bytes(), err
}

// goOn goes on from where the lanes were when the step was marked.
func (p *denoising) goOn(mark []byte) error {
	var kept []*laneMark
	if err := gob.NewDecoder(bytes.NewReader(mark)).Decode(&kept); err != nil {
		return err
	}
	if len(kept) != len(p.lanes) {
		return fmt.Errorf("the marks are of %s; want %d", counted.Of(len(kept), "network"), len(p.lanes))
	}
	p.chunk, p.at = kept[0].Chunk, kept[0].At
	for i, l := range p.lanes {
		if err := l.goOn(kept[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) goOn(m *laneMark) error {
	if len(m.Clean) != len(l.clean) {
		return fmt.Errorf("the network has kept %s; want %d", counted.Of(len(m.Clean), "channel"), len(l.clean))
	}
	l.kept, l.base = m, m.Base
	for c, x := range m.Clean {
		l.clean[c] = slices.Clone(x)
	}
	nets := bytes.NewReader(m.Network)
	for _, x := range l.net.remembered() {
		n, whole := x.(*int)
		long := int64(0)
		if whole {
			x = &long
		}
		if err := binary.Read(nets, binary.LittleEndian, x); err != nil {
			return fmt.Errorf("what was kept of the network: %w", err)
		}
		if whole {
			*n = int(long)
		}
	}
	return nil
}
