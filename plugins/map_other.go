//go:build !unix

package plugins

import (
	"errors"
	"os"
)

const arenaBytes = 64 << 20

func touch([]byte) {}

func newShared(int) (*os.File, []byte, error) { return nil, nil, errors.ErrUnsupported }

func unmap([]byte) {}

func openShared() []byte { return nil }
