package audiosep

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/gonum/mat"
)

// columnKeeper keeps the columns of H as they are found, one after the other. A nil one keeps none.
type columnKeeper struct {
	point Checkpoint
	f     *os.File
	w     *bufio.Writer
	done  int // columns
}

// keepColumns reads the columns that an earlier run has kept into h, K×N, and says how many they
// are.
func keepColumns(point Checkpoint, h *mat.Dense) (k *columnKeeper, done int, err error) {
	if point == nil {
		return nil, 0, nil
	}
	rank, cols := h.Dims()
	state, err := point.Load()
	if err != nil {
		return nil, 0, err
	}
	if len(state) == 8 {
		done = int(binary.LittleEndian.Uint64(state))
	}
	if done < 0 || done > cols {
		return nil, 0, fmt.Errorf("%s has %d activations; want at most %d: remove it to begin anew", point.Dir(), done, cols)
	}
	f, err := os.OpenFile(filepath.Join(point.Dir(), "h"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, 0, err
	}
	r, column := bufio.NewReaderSize(f, 1<<16), make([]byte, 8*rank)
	for n := range done {
		if _, err := io.ReadFull(r, column); err != nil {
			f.Close()
			return nil, 0, fmt.Errorf("%s has %d activations; want the %d that an earlier run kept: remove %s to begin anew", f.Name(), n, done, point.Dir())
		}
		for i := range rank {
			h.Set(i, n, math.Float64frombits(binary.LittleEndian.Uint64(column[8*i:])))
		}
	}
	if _, err = f.Seek(int64(done)*int64(8*rank), io.SeekStart); err != nil {
		f.Close()
		return nil, 0, err
	}
	return &columnKeeper{point, f, bufio.NewWriterSize(f, 1<<16), done}, done, nil
}

// add keeps the next n columns of h, and now and then makes that last.
func (k *columnKeeper) add(h *mat.Dense, first, n int) error {
	if k == nil {
		return nil
	}
	rank, cols := h.Dims()
	column := make([]byte, 0, 8*rank)
	for c := first; c < first+n; c++ {
		column = column[:0]
		for i := range rank {
			column = binary.LittleEndian.AppendUint64(column, math.Float64bits(h.At(i, c)))
		}
		if _, err := k.w.Write(column); err != nil {
			return err
		}
	}
	if k.done += n; k.done < cols && !k.point.Due() {
		return nil
	}
	if err := k.w.Flush(); err != nil {
		return err
	}
	if err := k.f.Sync(); err != nil {
		return err
	}
	return k.point.Save(binary.LittleEndian.AppendUint64(nil, uint64(k.done)))
}

func (k *columnKeeper) close() {
	if k != nil {
		k.f.Close()
	}
}
