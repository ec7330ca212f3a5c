package audio

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// fitsAIFF looks at the samples; createAIFF counts what stands before them too.
func fitsAIFF(l layout) error {
	if size := int64(l.samples) * int64(l.block()); size > math.MaxUint32 {
		return fmt.Errorf("the samples have %s, and AIFF holds 4 GB; want WAV or FLAC", counted.Of(size, "byte"))
	}
	return nil
}

// createAIFF begins an AIFF file, or AIFF-C for floats.
func createAIFF(f io.WriteSeeker, l layout, tags audiosep.Tags) (encoder, error) {
	be := binary.BigEndian
	l.coding = bigEndian
	if l.enc.bytes == 1 {
		l.coding = signed8
	}
	form, kind := "AIFF", ""
	if l.enc.float {
		form = "AIFC"
		kind = fmt.Sprintf("fl%d", 8*l.enc.bytes)
	}
	size := int64(l.samples) * int64(l.block())
	comm := be.AppendUint16(nil, uint16(l.channels))
	comm = be.AppendUint32(comm, uint32(l.samples))
	comm = be.AppendUint16(comm, uint16(8*l.enc.bytes))
	comm = append(comm, toExtended(l.rate)...)
	if kind != "" {
		comm = append(append(comm, kind...), 0, 0) // no name for people
	}
	body := []byte(form)
	if kind != "" {
		body = append(body, "FVER\x00\x00\x00\x04\xa2\x80\x51\x40"...) // the one version of AIFF-C
	}
	body = appendChunk(body, "COMM", comm)
	for _, t := range tags {
		if name, ok := aiffTags[t.Name]; ok {
			body = appendChunk(body, name, []byte(t.Value))
		}
	}
	total := int64(len(body)) + 16 + size + size&1
	if total > math.MaxUint32 || int64(l.samples) > math.MaxUint32 {
		return nil, fmt.Errorf("there would be %s, and AIFF holds 4 GB; want WAV or FLAC", counted.Of(total, "byte"))
	}
	head := be.AppendUint32([]byte("FORM"), uint32(total))
	head = append(append(head, body...), "SSND"...)
	head = be.AppendUint32(head, uint32(8+size))
	head = append(head, make([]byte, 8)...) // no offset, no blocks
	return newRaw(f, l, head, make([]byte, size&1))
}

// appendChunk appends a chunk of IFF and a byte of padding where its length is odd.
func appendChunk(b []byte, name string, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, name...), uint32(len(body)))
	b = append(b, body...)
	return append(b, make([]byte, len(body)&1)...)
}

// toExtended returns an 80-bit float of IEEE 754.
func toExtended(rate int) []byte {
	n := bits.Len(uint(rate))
	b := binary.BigEndian.AppendUint16(nil, uint16(16383+n-1))
	return binary.BigEndian.AppendUint64(b, uint64(rate)<<(64-n))
}
