package npy

import (
	"bytes"
	"encoding/hex"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var arrays = []Array{
	{nil, []float64{math.Pi}},
	{[]int{0}, nil},
	{[]int{3}, []float64{1, -2, math.SmallestNonzeroFloat64}},
	{[]int{2, 3}, []float64{1, 2, 3, 4, 5, math.MaxFloat64}},
	{[]int{1, 1}, []float64{math.Copysign(0, -1)}},
}

func written(t testing.TB, a Array) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, a := range arrays {
		text := written(t, a)
		if start := len(text) - 8*len(a.Data); start%64 != 0 {
			t.Errorf("%v: the numbers start at byte %d; want a multiple of 64", a.Shape, start)
		}
		got, err := Read(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Shape, a.Shape) || !slices.Equal(got.Data, a.Data) {
			t.Errorf("%v is read as %v", a, got)
		}
	}
}

// NumPy 1.24.2: numpy.save of numpy.array([[1, 2, 3], [4, 5, 6]], dtype, order=order).
func TestReadNumPy(t *testing.T) {
	want := []float64{1, 2, 3, 4, 5, 6}
	for _, name := range []string{"f8_c", "f8_fortran", "f8_big", "f4_c", "f4_big_fortran"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := got.Matrix()
		if err != nil {
			t.Fatal(err)
		}
		if r, c := m.Dims(); r != 2 || c != 3 || !slices.Equal(got.Data, want) {
			t.Errorf("%s: %d×%d %v; want 2×3 %v", name, r, c, got.Data, want)
		}
	}
}

// Integers and truth values become the numbers they are.
func TestReadIntegers(t *testing.T) {
	for _, c := range []struct {
		descr, words string
		want         []float64
	}{
		{"|i1", "\x01\xff\x80", []float64{1, -1, -128}},
		{"|u1", "\x01\xff\x80", []float64{1, 255, 128}},
		{"|b1", "\x00\x01\x01", []float64{0, 1, 1}},
		{"<i2", "\x02\x01\xfe\xff\x00\x80", []float64{258, -2, -32768}},
		{">i2", "\x02\x01\xff\xfe\x80\x00", []float64{513, -2, -32768}},
		{"<u2", "\x02\x01\xfe\xff\x00\x80", []float64{258, 65534, 32768}},
		{">i4", "\x00\x00\x00\x07\xff\xff\xff\xf9\x80\x00\x00\x00", []float64{7, -7, math.MinInt32}},
		{"<u4", "\x07\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x80", []float64{7, math.MaxUint32, 1 << 31}},
		{"<i8", "\x07\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\xe0\xff", []float64{7, -1, -1 << 53}},
		{">u8", "\x00\x00\x00\x00\x00\x00\x00\x07\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00", []float64{7, 1 << 53, 256}},
	} {
		dict := "{'descr': '" + c.descr + "', 'fortran_order': False, 'shape': (3,), }\n"
		text := magic + "\x01\x00" + string([]byte{byte(len(dict)), 0}) + dict + c.words
		a, err := Read(strings.NewReader(text), int64(len(text)))
		if err != nil || !slices.Equal(a.Data, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.descr, a.Data, err, c.want)
		}
	}
}

// A matrix without columns is empty, whatever the number of its rows.
func TestReadEmpty(t *testing.T) {
	for _, shape := range []string{"(129, 0)", "(0, 129)", "(99999999, 0)"} {
		dict := "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }\n"
		text := magic + "\x01\x00" + string([]byte{byte(len(dict)), 0}) + dict
		a, err := Read(strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Errorf("%s: %v", shape, err)
			continue
		}
		if _, err := a.Matrix(); err == nil || !strings.Contains(err.Error(), "want a matrix that is not empty") {
			t.Errorf("%s: %v; want a refusal of what is empty", shape, err)
		}
	}
}

func TestNumPyReads(t *testing.T) {
	python := "/usr/bin/python3" // where the system's numpy is, whatever else is first
	if exec.Command(python, "-c", "import numpy").Run() != nil {
		if python = "python3"; exec.Command(python, "-c", "import numpy").Run() != nil {
			t.Skip("there is no python3 with numpy")
		}
	}
	for _, a := range arrays {
		cmd := exec.Command(python, "-c", `import sys, io, numpy
a = numpy.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
print(a.dtype.str, list(a.shape), a.tobytes().hex())`)
		text := written(t, a)
		cmd.Stdin = bytes.NewReader(text)
		got, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		shape := "["
		for i, n := range a.Shape {
			if i > 0 {
				shape += ", "
			}
			shape += string(rune('0' + n))
		}
		want := "<f8 " + shape + "] " + hex.EncodeToString(text[len(text)-8*len(a.Data):]) + "\n"
		if string(got) != want {
			t.Errorf("numpy reads %s; want %s", got, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	head := func(dict string) string {
		return magic + "\x01\x00" + string([]byte{byte(len(dict)), byte(len(dict) >> 8)}) + dict
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "it is no .npy file"},
		{"text", "hello, world", "it is no .npy file"},
		{"version", magic + "\x09\x00", "its .npy format is version 9; want 1 to 3"},
		{"no header", magic + "\x01\x00\x40\x00", "unexpected EOF"},
		{"no length", magic + "\x01\x00\x40", "unexpected EOF"},
		{"long header", magic + "\x02\x00\xff\xff\xff\x7f", "its .npy header is 2147483647 bytes long; want at most 4096"},
		{"no dict", head("hello\n"), "want descr, fortran_order and shape"},
		{"objects", head("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"), `it holds numbers of type "|O"`},
		{"complex numbers", head("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }\n"), `it holds numbers of type "<c16"; want float64, float32, integers`},
		{"half precision", head("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }\n"), `it holds numbers of type "<f2"`},
		{"words of no byte order", head("{'descr': '|i8', 'fortran_order': False, 'shape': (1,), }\n"), `it holds numbers of type "|i8"`},
		{"too great an integer", head("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n") + "\x00\x00\x00\x00\x00\x00\x20\x00\x01\x00\x00\x00\x00\x00\x20\x00", "number 2 of 2 is an integer that float64 does not hold"},
		{"too small an integer", head("{'descr': '>i8', 'fortran_order': False, 'shape': (1,), }\n") + "\x80\x00\x00\x00\x00\x00\x00\x00", "number 1 of 1 is an integer that float64 does not hold"},
		{"negative", head("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n"), "want descr, fortran_order and shape"},
		{"huge", head("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n"), "needs more than the"},
		{"overflow", head("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }\n"), "want whole numbers, each below 2⁶³"},
		{"cube", head("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1), }\n") + "12345678", "it has 3 dimensions; want at most 2"},
		{"short", head("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n") + "12345678", "needs 84 bytes; there are 76"},
		{"long", head("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 5), }\n") + "1", "needs 70 bytes; there are 71"},
	} {
		if _, err := Read(strings.NewReader(c.text), int64(len(c.text))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want %q", c.name, err, c.want)
		}
	}
	lying := written(t, arrays[3])
	if _, err := Read(bytes.NewReader(lying[:len(lying)-1]), int64(len(lying))); err == nil || !strings.Contains(err.Error(), "number 6 of 6: unexpected EOF") {
		t.Errorf("a file that ends early: error %v", err)
	}
}

func TestWriteFails(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := Write(w, arrays[3]); err == nil {
		t.Error("a write that failed is not reported")
	}
}

func FuzzRead(f *testing.F) {
	for _, a := range arrays {
		f.Add(written(f, a))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := Read(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		if len(a.Data) > len(text) {
			t.Fatalf("%d numbers out of %d bytes", len(a.Data), len(text))
		}
		again := written(t, a)
		b, err := Read(bytes.NewReader(again), int64(len(again)))
		if err != nil || !slices.Equal(a.Shape, b.Shape) || !bytes.Equal(again, written(t, b)) {
			t.Fatalf("%v is written and read as %v, %v", a, b, err)
		}
	})
}
