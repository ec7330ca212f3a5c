package nets

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"

	"github.com/audiosep/audiosep/internal/counted"
)

// denoisingMark is where a recording is on its way through the networks.
type denoisingMark struct {
	Chunk, Base int
	Clean       [][]float64
	Networks    []byte // what they remember, one after the other, little-endian
}

// mark returns what goOn needs to go on behind the chunk that was taken last.
func (p *denoising) mark() ([]byte, error) {
	var nets, all bytes.Buffer
	for _, s := range p.streams {
		for _, x := range s.remembered() {
			if n, ok := x.(*int); ok {
				x = int64(*n)
			}
			if err := binary.Write(&nets, binary.LittleEndian, x); err != nil {
				return nil, err
			}
		}
	}
	err := gob.NewEncoder(&all).Encode(denoisingMark{p.chunk, p.base, p.clean, nets.Bytes()})
	return all.Bytes(), err
}

// goOn goes on where mark was called.
func (p *denoising) goOn(mark []byte) error {
	var m denoisingMark
	if err := gob.NewDecoder(bytes.NewReader(mark)).Decode(&m); err != nil {
		return err
	}
	if len(m.Clean) != len(p.clean) {
		return fmt.Errorf("the network has kept %s; want %d", counted.Of(len(m.Clean), "channel"), len(p.clean))
	}
	p.chunk, p.base, p.clean = m.Chunk, m.Base, m.Clean
	nets := bytes.NewReader(m.Networks)
	for _, s := range p.streams {
		for _, x := range s.remembered() {
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
	}
	return nil
}
