// Package spool keeps long signals in a file without a name, so that they can be read
// again, anywhere, in bounded memory.
package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"

	"github.com/audiosep/audiosep/internal/whole"
)

// Spool is rows of samples, as float64, each of the same length.
type Spool struct {
	file    *os.File
	path    string // to be removed in the end; empty where the name is gone already
	rows    int
	samples int
	at      []int // written of each row
}

// New returns a Spool of so many rows in the system's folder for temporary files.
func New(rows, samples int) (*Spool, error) {
	f, err := whole.Temporary("audiosep-*.spool")
	if err != nil {
		return nil, err
	}
	s := &Spool{file: f, path: f.Name(), rows: rows, samples: samples, at: make([]int, rows)}
	if runtime.GOOS != "windows" && os.Remove(s.path) == nil {
		s.path = ""
	}
	return s, nil
}

// Append writes the next samples of a row.
func (s *Spool) Append(row int, x []float64) error {
	if row < 0 || row >= s.rows {
		return fmt.Errorf("there is no row %d; want 0 to %d", row, s.rows-1)
	}
	if len(x) > s.samples-s.at[row] {
		return fmt.Errorf("row %d is given %d samples beyond %d of %d", row, len(x), s.at[row], s.samples)
	}
	buf := make([]byte, 0, 8*len(x))
	for _, v := range x {
		buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
	}
	_, err := s.file.WriteAt(buf, s.offset(row, s.at[row]))
	if err != nil {
		return fmt.Errorf("samples cannot be kept in %s, the folder for temporary files (TMPDIR): %w", os.TempDir(), err)
	}
	s.at[row] += len(x)
	return nil
}

// Full says why not all samples of all rows are there, or nil.
func (s *Spool) Full() error {
	for row, n := range s.at {
		if n != s.samples {
			return fmt.Errorf("row %d has %d samples; want %d", row, n, s.samples)
		}
	}
	return nil
}

func (s *Spool) offset(row, at int) int64 { return 8 * (int64(row)*int64(s.samples) + int64(at)) }

// ReadAt fills dst with samples of a row from at on; zeros outside. It may be called from
// several goroutines at once, after the last Append.
func (s *Spool) ReadAt(dst []float64, row, at int) error {
	from, to := min(max(at, 0), s.samples), min(max(at+len(dst), 0), s.samples)
	clear(dst)
	if from >= to {
		return nil
	}
	buf := make([]byte, 8*(to-from))
	if _, err := s.file.ReadAt(buf, s.offset(row, from)); err != nil {
		return err
	}
	for i := range to - from {
		dst[from-at+i] = math.Float64frombits(binary.LittleEndian.Uint64(buf[8*i:]))
	}
	return nil
}

// Close ends the Spool; nothing of it is left.
func (s *Spool) Close() error {
	err := s.file.Close()
	if s.path != "" {
		err = errors.Join(err, os.Remove(s.path))
		s.path = ""
	}
	return err
}
