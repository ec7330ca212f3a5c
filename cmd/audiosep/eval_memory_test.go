//go:build linux && !race

package main

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wideWAV returns a file of 16-bit samples of many channels, with sizes that say what
// they are given to say.
func wideWAV(channels, frames int, riffSize, dataSize uint32) []byte {
	le := binary.LittleEndian
	b := append(le.AppendUint32([]byte("RIFF"), riffSize), "WAVEfmt "...)
	b = le.AppendUint16(le.AppendUint32(b, 16), 1)
	b = le.AppendUint32(le.AppendUint16(b, uint16(channels)), 8000)
	b = le.AppendUint32(b, uint32(8000*2*channels))
	b = le.AppendUint16(le.AppendUint16(b, uint16(2*channels)), 16)
	b = le.AppendUint32(append(b, "data"...), dataSize)
	for i := range channels * frames {
		b = le.AppendUint16(b, uint16(i*7919))
	}
	return b
}

// Small files that ask for much are evaluated or refused in 2 GiB of address space: the
// program never ends in the runtime's "out of memory". ulimit -v bounds a process on Linux only,
// and the race detector needs more.
func TestEvalMemory(t *testing.T) {
	const audiosep = "audiosep" // as TestMain puts it on the PATH
	for what, file := range map[string][]byte{
		"255 channels of one sample":           wideWAV(255, 1, 36+510, 510),
		"1024 channels of three samples":       wideWAV(1024, 3, 36+6144, 6144),
		"40 channels of a quarter of a second": wideWAV(40, 2000, 36+160000, 160000),
		"a size of 4 GiB":                      wideWAV(1, 3, 0xFFFFFFFF, 0xFFFFFFFF),
		"a size of 3 GB":                       wideWAV(1, 3, 3000000036, 3000000000),
	} {
		if testing.Short() && !strings.HasPrefix(what, "255 ") {
			continue
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.wav"), file, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, args := range []string{"-c si_sdr", "-c bss_v3_sources", "-c bss_v4 --window 0.0005", "-c si_sdr --zero-mean --ideal irm", "-c si_sdr --per-channel"} {
			cmd := exec.Command("sh", "-c", `ulimit -v 2097152; exec "$@"`, "sh", audiosep, "eval", "-r", dir, "-e", dir)
			cmd.Args = append(cmd.Args, strings.Fields(args)...)
			cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.HasPrefix(string(out), "audiosep: ")) {
				t.Errorf("%s, %s: %v\n%.600s", what, args, err, out)
			}
		}
	}
}
