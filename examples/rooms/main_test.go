package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/examples/internal/known"
)

// One small room: every method gains 6 dB or more, and the table and the plots are written.
func TestRooms(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	s := study{t60: []float64{0}, microphones: []int{2, 3}, seeds: 1, seconds: 1.5}
	out := filepath.Join(t.TempDir(), "report")
	var stdout bytes.Buffer
	if err := s.report(t.Context(), nil, out, &stdout); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(out, "rooms.md"))
	if err != nil || string(table) != stdout.String() {
		t.Errorf("%v: the table is\n%s\nwhile there was printed\n%s", err, table, &stdout)
	}
	rows := strings.Split(strings.TrimSpace(stdout.String()), "\n")[2:]
	if len(rows) != 2 {
		t.Fatalf("the table has %d rows; want 2", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(row, "|")
		for _, c := range cells[3 : len(cells)-1] {
			if gain, err := strconv.ParseFloat(strings.TrimSpace(c), 64); err == nil && gain < 6 {
				t.Errorf("a method gains %v dB without reflections; want 6: %s", gain, row)
			}
		}
	}
	if png, err := os.ReadFile(filepath.Join(out, "rooms.png")); err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) {
		t.Errorf("the plots: %v, %d bytes", err, len(png))
	}
}

// What is generated is finite, and two talkers differ.
func TestBabble(t *testing.T) {
	dry, _, err := talkers(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	var energy float64
	for i, v := range dry[0] {
		energy += v * v
		if math.IsNaN(v) || math.IsInf(dry[1][i], 0) {
			t.Fatalf("sample %d is %v", i, v)
		}
	}
	if energy == 0 || math.Abs(known.SISDR(dry[0], dry[1])) < 1 {
		t.Errorf("energy %v, SI-SDR of one talker against the other %.1f dB", energy, known.SISDR(dry[0], dry[1]))
	}
}

func TestUsage(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"one.wav"}, &stderr, &stderr); code != 2 || !strings.Contains(stderr.String(), "want two, or none") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if code := run(t.Context(), []string{"a.wav", "b.wav"}, &stderr, &stderr); code != 1 {
		t.Errorf("exit code %d without the files; want 1", code)
	}
}
