// Package npy reads NumPy's .npy arrays of numbers and writes those of float64
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). The shape that a
// header gives is checked against the size of the file before anything is allocated.
package npy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
)

// Array is an array of numbers in C order: the last index runs fastest.
type Array struct {
	Shape []int // empty for a single number
	Data  []float64
}

// Matrix returns a two-dimensional array that is not empty, sharing storage.
func (a Array) Matrix() (*mat.Dense, error) {
	if len(a.Shape) != 2 || len(a.Data) == 0 {
		return nil, fmt.Errorf("the array has the shape %v; want a matrix that is not empty", a.Shape)
	}
	return mat.NewDense(a.Shape[0], a.Shape[1], a.Data), nil
}

const magic = "\x93NUMPY"

// longestHeader, in bytes, is far more than an array of plain numbers needs.
const longestHeader = 4096

// Write writes the array as float64, little-endian, format version 1.0.
func Write(w io.Writer, a Array) error {
	shape := ""
	for _, n := range a.Shape {
		shape += strconv.Itoa(n) + ", "
	}
	if len(a.Shape) > 1 {
		shape = strings.TrimSuffix(shape, ", ") // one dimension keeps its comma: (3,)
	}
	header := fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }", strings.TrimSpace(shape))
	const fixed = len(magic) + 4 // version and header length, 2 bytes each
	header += strings.Repeat(" ", 63-(fixed+len(header))%64) + "\n"
	b := bufio.NewWriterSize(w, 1<<16)
	b.WriteString(magic + "\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	b.WriteString(header)
	var word [8]byte
	for _, x := range a.Data {
		binary.LittleEndian.PutUint64(word[:], math.Float64bits(x))
		b.Write(word[:])
	}
	return b.Flush() // a failed write above fails here
}

// ReadMatrix reads the matrix in a file. Errors name the file.
func ReadMatrix(path string) (*mat.Dense, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a, err := Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m, err := a.Matrix()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Read reads an array of float64 or float32, of integers of 8 to 64 bits or of truth
// values, which become 0 and 1, of either byte order, in C or Fortran order, of at most
// two dimensions. size is how many bytes r holds in all; it is an error if the array
// needs more or fewer, or holds an integer that float64 does not.
func Read(r io.Reader, size int64) (Array, error) {
	var a Array
	h, err := readHeader(r)
	if err != nil {
		return a, err
	}
	count := 1
	if slices.Contains(h.shape, 0) {
		count = 0
	}
	for _, n := range h.shape {
		if n > 0 && count > int(size)/n { // count·n ≤ size: no overflow
			return a, fmt.Errorf("the shape %v needs more than the %s there are", h.shape, counted.Of(size, "byte"))
		}
		count *= n
	}
	if want := h.length + int64(count*h.itemSize); want != size {
		return a, fmt.Errorf("the shape %v needs %s; there are %d", h.shape, counted.Of(want, "byte"), size)
	}
	a = Array{h.shape, make([]float64, count)}
	in := bufio.NewReaderSize(r, 1<<16)
	word := make([]byte, h.itemSize)
	for i := range a.Data {
		if _, err := io.ReadFull(in, word); err != nil {
			return a, fmt.Errorf("number %d of %d: %w", i+1, count, unexpected(err))
		}
		x, ok := h.number(word)
		if !ok {
			return a, fmt.Errorf("number %d of %d is an integer that float64 does not hold exactly; want at most 2⁵³", i+1, count)
		}
		a.Data[h.place(i)] = x
	}
	return a, nil
}

// unexpected returns io.ErrUnexpectedEOF for io.EOF.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

type header struct {
	length   int64 // bytes before the numbers
	shape    []int
	fortran  bool
	kind     byte // f, i, u or b
	itemSize int
	order    binary.ByteOrder
}

// place returns where the i-th number of the file belongs in C order.
func (h *header) place(i int) int {
	if !h.fortran || len(h.shape) < 2 {
		return i
	}
	rows, cols := h.shape[0], h.shape[1]
	return i%rows*cols + i/rows
}

// number returns the number in a word, and whether float64 holds it exactly.
func (h *header) number(word []byte) (x float64, exact bool) {
	var bits uint64
	switch h.itemSize {
	case 1:
		bits = uint64(word[0])
	case 2:
		bits = uint64(h.order.Uint16(word))
	case 4:
		bits = uint64(h.order.Uint32(word))
	default:
		bits = h.order.Uint64(word)
	}
	switch {
	case h.kind == 'f' && h.itemSize == 4:
		return float64(math.Float32frombits(uint32(bits))), true
	case h.kind == 'f':
		return math.Float64frombits(bits), true
	case h.kind == 'i':
		unused := 64 - 8*h.itemSize
		n := int64(bits<<unused) >> unused // with the sign
		return float64(n), -greatestInteger <= n && n <= greatestInteger
	}
	return float64(bits), bits <= greatestInteger
}

// greatestInteger is 2⁵³: up to it float64 holds all integers.
const greatestInteger = 1 << 53

var (
	descrKey   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	fortranKey = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	shapeKey   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9, ]*)\)`)
)

func readHeader(r io.Reader) (*header, error) {
	var start [8]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:6]) != magic {
		return nil, errors.New("it is no .npy file; want one that numpy.save wrote")
	}
	lengthBytes := 4
	switch version := start[6]; version {
	case 1:
		lengthBytes = 2
	case 2, 3:
	default:
		return nil, fmt.Errorf("its .npy format is version %d; want 1 to 3", version)
	}
	var word [4]byte
	if _, err := io.ReadFull(r, word[:lengthBytes]); err != nil {
		return nil, fmt.Errorf("the .npy header: %w", unexpected(err))
	}
	length := binary.LittleEndian.Uint32(word[:])
	if length > longestHeader {
		return nil, fmt.Errorf("its .npy header is %s long; want at most %d", counted.Of(length, "byte"), longestHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, fmt.Errorf("the .npy header: %w", unexpected(err))
	}
	h, err := parseHeader(string(text))
	if err != nil {
		return nil, err
	}
	h.length = int64(len(start)) + int64(lengthBytes) + int64(length)
	return h, nil
}

// setType takes NumPy's name of a type: byte order, kind and size, such as <f8.
func (h *header) setType(descr string) bool {
	if len(descr) != 3 {
		return false
	}
	h.kind, h.itemSize, h.order = descr[1], int(descr[2]-'0'), binary.LittleEndian
	switch descr[0] {
	case '>':
		h.order = binary.BigEndian
	case '<':
	case '|':
		if h.itemSize != 1 {
			return false
		}
	default:
		return false
	}
	return slices.Contains(map[byte][]int{'f': {4, 8}, 'i': {1, 2, 4, 8}, 'u': {1, 2, 4, 8}, 'b': {1}}[h.kind], h.itemSize)
}

func parseHeader(text string) (*header, error) {
	descr, fortran, shape := descrKey.FindStringSubmatch(text), fortranKey.FindStringSubmatch(text), shapeKey.FindStringSubmatch(text)
	if descr == nil || fortran == nil || shape == nil {
		return nil, fmt.Errorf("its .npy header is %.80q; want descr, fortran_order and shape of an array of numbers", text)
	}
	h := &header{fortran: fortran[1] == "True"}
	if !h.setType(descr[1]) {
		return nil, fmt.Errorf("it holds numbers of type %.20q; want float64, float32, integers or truth values (such as <f8, >f4, <i8, |u1, |b1)", descr[1])
	}
	for _, part := range strings.Split(shape[1], ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("its shape is (%.80s); want whole numbers, each below 2⁶³", shape[1])
		}
		h.shape = append(h.shape, n)
	}
	if len(h.shape) > 2 {
		return nil, fmt.Errorf("it has %d dimensions; want at most 2", len(h.shape))
	}
	return h, nil
}
