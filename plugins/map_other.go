//go:build !unix

package plugins

import (
	"errors"
	"os"
)

func newShared(int) (*os.File, []byte, error) { return nil, nil, errors.ErrUnsupported }

func unmap([]byte) {}

func openShared() []byte { return nil }
