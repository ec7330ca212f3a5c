package main

import (
	"fmt"
	"math"
	"strings"
)

// A file is functions and the constants that they share.
type file struct {
	functions []*function
	constants []uint64
}

// A reg is a general or a vector register. It has a name until allocate gives it a number.
type reg struct {
	vector bool
	name   int // its index in the function's regs
	number int
}

func (r *reg) String() string {
	if r.vector {
		return fmt.Sprintf("V%d", r.number)
	}
	return fmt.Sprintf("R%d", r.number)
}

// A scalar is a vector register under the name that loads and stores use.
type scalar struct{ *reg }

func (s scalar) String() string { return fmt.Sprintf("F%d", s.number) }

// A mem is a place in memory: base + disp, in bytes, or base + index.
type mem struct {
	base, index *reg
	disp        int
}

func (m mem) String() string {
	if m.index != nil {
		return fmt.Sprintf("(%v)(%v)", m.base, m.index)
	}
	if m.disp == 0 {
		return fmt.Sprintf("(%v)", m.base)
	}
	return fmt.Sprintf("%d(%v)", m.disp, m.base)
}

// at is the i-th vector after m.
func (m mem) at(i int) mem { return mem{base: m.base, disp: m.disp + 16*i} }

func (m mem) regs() []*reg {
	if m.index != nil {
		return []*reg{m.base, m.index}
	}
	return []*reg{m.base}
}

// A line is an instruction or a label. Its text is made after allocate.
type line struct {
	text        func() string
	sets, reads []*reg
	label       string
	jump        string // the label that it may jump to
	ends        bool   // the next line never follows
}

// A function is an assembly function while it is written.
type function struct {
	file            *file
	name, doc, args string
	params          []string
	lines           []line
	regs            []*reg
	table           *reg // the address of the constants
}

// function begins a function whose arguments are pointers and integers. args is their list as
// Go writes it.
func (f *file) function(name, doc, args string, params ...string) *function {
	fn := &function{file: f, name: name, doc: doc, args: args, params: params}
	fn.table = fn.gp()
	f.functions = append(f.functions, fn)
	return fn
}

func (f *function) register(vector bool) *reg {
	r := &reg{vector: vector, name: len(f.regs)}
	f.regs = append(f.regs, r)
	return r
}

func (f *function) gp() *reg  { return f.register(false) }
func (f *function) vec() *reg { return f.register(true) }

func (f *function) vecs(n int) []*reg {
	v := make([]*reg, n)
	for i := range v {
		v[i] = f.vec()
	}
	return v
}

func set(r ...*reg) []*reg { return r }

// emit appends an instruction as Go's assembler writes it.
func (f *function) emit(sets, reads []*reg, format string, operands ...any) {
	f.lines = append(f.lines, line{sets: sets, reads: reads, text: func() string { return fmt.Sprintf(format, operands...) }})
}

// code appends an instruction for which Go's assembler has no name.
func (f *function) code(name string, d, n, m *reg, i int) {
	l := line{sets: set(d), reads: set(n)}
	if m != nil {
		l.reads = append(l.reads, m)
	}
	if strings.HasPrefix(name, "fml") {
		l.reads = append(l.reads, d)
	}
	l.text = func() string {
		third := 0
		if m != nil {
			third = m.number
		}
		word, text := encode(name, d.number, n.number, third, i)
		return fmt.Sprintf("WORD $0x%08X // %s", word, text)
	}
	f.lines = append(f.lines, l)
}

func (f *function) label(name string) {
	f.lines = append(f.lines, line{label: name, text: func() string { return name + ":" }})
}

// branch appends a jump to a label: B, BNE or BEQ.
func (f *function) branch(op, label string) {
	f.lines = append(f.lines, line{jump: label, ends: op == "B", text: func() string { return op + " " + label }})
}

// unlessZero jumps to the label if n is not 0.
func (f *function) unlessZero(n *reg, label string) {
	f.emit(nil, set(n), "CMP $0, %v", n)
	f.branch("BNE", label)
}

func (f *function) ret() {
	f.lines = append(f.lines, line{ends: true, text: func() string { return "RET" }})
}

// param returns the function's i-th argument.
func (f *function) param(i int) *reg {
	r := f.gp()
	f.emit(set(r), nil, "MOVD %s+%d(FP), %v", f.params[i], 8*i, r)
	return r
}

// Integers.

func (f *function) loadInt(m mem) *reg {
	r := f.gp()
	f.emit(set(r), m.regs(), "MOVD %v, %v", m, r)
	return r
}

func (f *function) storeInt(r *reg, m mem) {
	f.emit(nil, append(m.regs(), r), "MOVD %v, %v", r, m)
}

func (f *function) copyInt(from *reg) *reg {
	r := f.gp()
	f.move(r, from)
	return r
}

func (f *function) move(d, n *reg) { f.emit(set(d), set(n), "MOVD %v, %v", n, d) }

// add sets d += n.
func (f *function) add(d, n *reg)           { f.emit(set(d), set(d, n), "ADD %v, %v", n, d) }
func (f *function) addNumber(d *reg, n int) { f.emit(set(d), set(d), "ADD $%d, %v", n, d) }
func (f *function) sub(d, n *reg)           { f.emit(set(d), set(d, n), "SUB %v, %v", n, d) }
func (f *function) multiply(d, n *reg)      { f.emit(set(d), set(d, n), "MUL %v, %v", n, d) }
func (f *function) shiftLeft(d *reg, n int) { f.emit(set(d), set(d), "LSL $%d, %v", n, d) }
func (f *function) halve(d *reg)            { f.emit(set(d), set(d), "LSR $1, %v", d) }

// plus returns a + b, plus16 a + 16b.
func (f *function) plus(a, b *reg) *reg {
	r := f.gp()
	f.emit(set(r), set(a, b), "ADD %v, %v, %v", b, a, r)
	return r
}

func (f *function) plus16(a, b *reg) *reg {
	r := f.gp()
	f.emit(set(r), set(a, b), "ADD %v<<4, %v, %v", b, a, r)
	return r
}

// countDown subtracts 1 from n and jumps to the label unless n is 0 then.
func (f *function) countDown(n *reg, label string) {
	f.emit(set(n), set(n), "SUBS $1, %v, %v", n, n)
	f.branch("BNE", label)
}

func (f *function) prefetch(m mem) { f.emit(nil, m.regs(), "PRFM %v, PLDL1KEEP", m) }

// Vectors.

func (f *function) load(m mem) *reg {
	v := f.vec()
	f.emit(set(v), m.regs(), "FMOVQ %v, %v", m, scalar{v})
	return v
}

func (f *function) store(v *reg, m mem) {
	f.emit(nil, append(m.regs(), v), "FMOVQ %v, %v", scalar{v}, m)
}

// loadPair loads the two vectors at m.
func (f *function) loadPair(m mem) [2]*reg {
	v := [2]*reg{f.vec(), f.vec()}
	f.emit(v[:], m.regs(), "FLDPQ %v, (%v, %v)", m, scalar{v[0]}, scalar{v[1]})
	return v
}

func (f *function) storePair(v [2]*reg, m mem) {
	f.emit(nil, append(m.regs(), v[:]...), "FSTPQ (%v, %v), %v", scalar{v[0]}, scalar{v[1]}, m)
}

// loadOne loads one number to element 0.
func (f *function) loadOne(m mem) *reg {
	v := f.vec()
	f.emit(set(v), m.regs(), "FMOVD %v, %v", m, scalar{v})
	return v
}

func (f *function) storeOne(v *reg, m mem) {
	f.emit(nil, append(m.regs(), v), "FMOVD %v, %v", scalar{v}, m)
}

// loadBoth loads one number to both elements.
func (f *function) loadBoth(m mem) *reg {
	v := f.loadOne(m)
	f.emit(set(v), set(v), "VDUP %v.D[0], %v.D2", v, v)
	return v
}

func (f *function) clear(v *reg) { f.emit(set(v), nil, "VMOVI $0, %v.B16", v) }

func (f *function) copy(n *reg) *reg {
	v := f.vec()
	f.emit(set(v), set(n), "VMOV %v.B16, %v.B16", n, v)
	return v
}

// op returns the result of an instruction that code appends.
func (f *function) op(name string, n, m *reg) *reg {
	d := f.vec()
	f.code(name, d, n, m, 0)
	return d
}

// scaled returns n·m[i].
func (f *function) scaled(n, m *reg, i int) *reg {
	d := f.vec()
	f.code("fmul element", d, n, m, i)
	return d
}

// fma sets d += n·m and fms sets d -= n·m, each rounded once.
func (f *function) fma(d, n, m *reg) {
	f.emit(set(d), set(d, n, m), "VFMLA %v.D2, %v.D2, %v.D2", m, n, d)
}

func (f *function) fms(d, n, m *reg) {
	f.emit(set(d), set(d, n, m), "VFMLS %v.D2, %v.D2, %v.D2", m, n, d)
}

// Integers in vectors, and bits.

func (f *function) bits(op, arrangement string, n, m *reg) *reg {
	d := f.vec()
	f.emit(set(d), set(n, m), "%s %v.%s, %v.%s, %v.%s", op, m, arrangement, n, arrangement, d, arrangement)
	return d
}

func (f *function) vshift(op string, by int, n *reg) *reg {
	d := f.vec()
	f.emit(set(d), set(n), "%s $%d, %v.D2, %v.D2", op, by, n, d)
	return d
}

// insert puts the bits of n into d where those of mask are set.
func (f *function) insert(d, n, mask *reg) {
	f.emit(set(d), set(d, n, mask), "VBIT %v.B16, %v.B16, %v.B16", mask, n, d)
}

func (f *function) constant(c float64) *reg { return f.constantBits(math.Float64bits(c)) }

// constantBits returns a vector of two times c.
func (f *function) constantBits(c uint64) *reg {
	at := -1
	for i, x := range f.file.constants {
		if x == c {
			at = i
		}
	}
	if at < 0 {
		at = len(f.file.constants)
		f.file.constants = append(f.file.constants, c)
	}
	return f.load(mem{base: f.table, disp: 16 * at})
}

// assembly returns the text of all functions.
func (f *file) assembly() string {
	var b strings.Builder
	b.WriteString("#include \"textflag.h\"\n")
	for _, fn := range f.functions {
		fn.needTable()
		fn.allocate()
		fmt.Fprintf(&b, "\n// %s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", fn.declaration(), fn.name, 8*len(fn.params))
		for _, l := range fn.lines {
			if l.label == "" {
				b.WriteByte('\t')
			}
			b.WriteString(l.text() + "\n")
		}
	}
	if len(f.constants) == 0 {
		return b.String()
	}
	b.WriteByte('\n')
	for i, c := range f.constants {
		for j := range 2 {
			fmt.Fprintf(&b, "DATA constants<>+%d(SB)/8, $0x%016x\n", 16*i+8*j, c)
		}
	}
	fmt.Fprintf(&b, "GLOBL constants<>(SB), RODATA|NOPTR, $%d\n", 16*len(f.constants))
	return b.String()
}

// needTable loads the address of the constants if anything reads it.
func (f *function) needTable() {
	for _, l := range f.lines {
		for _, r := range l.reads {
			if r == f.table {
				first := line{sets: set(f.table), text: func() string { return fmt.Sprintf("MOVD $constants<>(SB), %v", f.table) }}
				f.lines = append([]line{first}, f.lines...)
				return
			}
		}
	}
}

func (f *function) declaration() string { return "func " + f.name + f.args }

// declarations returns the text of the functions' declarations in Go.
func (f *file) declarations(pkg string) string {
	var b strings.Builder
	b.WriteString("package " + pkg + "\n")
	for _, fn := range f.functions {
		fmt.Fprintf(&b, "\n// %s %s\n//\n//go:noescape\n%s\n", fn.name, fn.doc, fn.declaration())
	}
	return b.String()
}
