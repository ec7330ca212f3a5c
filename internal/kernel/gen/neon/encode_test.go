package main

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestEncodingsAreReadBack holds every encoding against a disassembler, whatever its
// registers.
func TestEncodingsAreReadBack(t *testing.T) {
	objdump, err := exec.LookPath("aarch64-linux-gnu-objdump")
	if err != nil {
		t.Skip("there is no aarch64-linux-gnu-objdump")
	}
	var code []byte
	var want []string
	for name := range encodings {
		for r := range 32 {
			word, text := encode(name, r, (r+7)%32, (3*r+2)%32, r%2)
			if encodings[name].form == shift {
				word, text = encode(name, r, (r+7)%32, 0, r+1)
			}
			code, want = binary.LittleEndian.AppendUint32(code, word), append(want, text)
		}
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(objdump, "-D", "-b", "binary", "-m", "aarch64", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^ *[0-9a-f]+:\t[0-9a-f]{8} \t(\w+)\t(.*)$`).FindAllStringSubmatch(string(out), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	if !slices.Equal(got, want) {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("the bits of %q are %q", want[i], got[i])
			}
		}
		t.Fatalf("%d instructions are read, %d were written", len(got), len(want))
	}
}
