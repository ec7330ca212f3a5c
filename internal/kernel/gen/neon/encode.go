package main

import (
	"fmt"
	"strings"
)

// A form says which operands an instruction has.
type form int

const (
	three   form = iota // d, n, m
	two                 // d, n
	zero                // d, n, #0.0
	element             // d, n, m[i]
	shift               // d, n, #i
	wide                // d, n: two float64 of two float32
)

// encodings are the instructions on two float64 or int64, or two of four float32, that Go's assembler has no
// name for: their form, and their bits with every operand 0.
var encodings = map[string]struct {
	form form
	bits uint32
}{
	"fadd":         {three, 0x4E60D400},
	"faddp":        {three, 0x6E60D400}, // n[0]+n[1], m[0]+m[1]
	"fsub":         {three, 0x4EE0D400},
	"fmul":         {three, 0x6E60DC00},
	"fdiv":         {three, 0x6E60FC00},
	"fmax":         {three, 0x4E60F400},
	"fmin":         {three, 0x4EE0F400},
	"fcmeq":        {three, 0x4E60E400},
	"fcmge":        {three, 0x6E60E400},
	"fcmgt":        {three, 0x6EE0E400},
	"fabs":         {two, 0x4EE0F800},
	"fsqrt":        {two, 0x6EE1F800},
	"fcvtns":       {two, 0x4E61A800}, // to the nearest integer, ties to even
	"scvtf":        {two, 0x4E61D800}, // from an integer
	"fcmeq zero":   {zero, 0x4EE0D800},
	"fmul element": {element, 0x4FC09000},
	"fmla element": {element, 0x4FC01000},
	"fmls element": {element, 0x4FC05000},
	"sshr":         {shift, 0x4F400400},
	"fcvtl":        {wide, 0x0E617800}, // of the first two
	"fcvtl2":       {wide, 0x4E617800}, // of the last two
}

// encode returns an instruction for registers d, n and m and the number i, and how a
// disassembler writes it.
func encode(name string, d, n, m, i int) (word uint32, text string) {
	e, ok := encodings[name]
	if !ok {
		panic("no encoding of " + name)
	}
	word = e.bits | uint32(d) | uint32(n)<<5
	short, _, _ := strings.Cut(name, " ")
	text = fmt.Sprintf("%s v%d.2d, v%d.2d", short, d, n)
	switch e.form {
	case wide:
		text = fmt.Sprintf("%s v%d.2d, v%d.%ds", short, d, n, 2+2*int(e.bits>>30&1))
	case three:
		word |= uint32(m) << 16
		text += fmt.Sprintf(", v%d.2d", m)
	case zero:
		text += ", #0.0"
	case element:
		word |= uint32(m)<<16 | uint32(i)<<11
		text += fmt.Sprintf(", v%d.d[%d]", m, i)
	case shift:
		word |= uint32(-i&63) << 16
		text += fmt.Sprintf(", #%d", i)
	}
	return word, text
}
