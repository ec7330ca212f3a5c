package whole

import (
	"errors"
	"os"
)

// ErrOwned says that another process has a file of [Own].
var ErrOwned = errors.New("another process has it")

// Own opens a file, which it makes if it is not there, and locks it until it is closed or the program ends,
// however that ends; [ErrOwned]: somebody else has. On systems where that cannot be known everybody gets it.
func Own(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if !Lock(f) && locks {
		f.Close()
		return nil, ErrOwned
	}
	return f, nil
}
