package whole

import (
	"fmt"
	"os"
)

// Temporary makes a file in the folder for temporary files, as os.CreateTemp does. Its errors say
// which folder that is, and where it is set.
func Temporary(pattern string) (*os.File, error) {
	f, err := os.CreateTemp("", pattern)
	return f, temporaryError(err)
}

// TemporaryFolder makes a folder in that for temporary files, as os.MkdirTemp does.
func TemporaryFolder(pattern string) (string, error) {
	dir, err := os.MkdirTemp("", pattern)
	return dir, temporaryError(err)
}

func temporaryError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("nothing can be made in %s, the folder for temporary files: %w; want another by TMPDIR", os.TempDir(), err)
}
