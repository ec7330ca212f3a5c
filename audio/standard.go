package audio

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/audiosep/audiosep/internal/spool"
)

// openStandard reads all of standard input, which must be a recording, into memory or a
// temporary file, then opens that.
func openStandard(ctx context.Context, log *slog.Logger) (*soundFile, error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, errors.New("standard input is a terminal; want a recording through a pipe, or the name of a file")
	}
	tape, sum := &spool.Tape{Most: mostDecoded}, sha256.New()
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.MultiWriter(tape, sum), os.Stdin)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, errors.Join(fmt.Errorf("standard input: %w", err), tape.Close())
		}
	case <-ctx.Done(): // a pipe into which nobody writes could keep us waiting for ever
		return nil, ctx.Err()
	}
	in := &input{ReaderAt: tape, path: "standard input", size: tape.Size()}
	s, err := in.open(ctx, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("standard input: %w", err), tape.Close())
	}
	s.file, s.bytes = tape, tape.Size()
	sum.Sum(s.sum[:0])
	return s, nil
}
