package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// node is a JSON value that knows where it stands. Unlike a decoded struct it keeps
// duplicate keys, exact names and places, so that each can be complained about.
type node struct {
	kind   jsontext.Kind
	start  int // offset of the first byte
	raw    []byte
	fields []field // of an object, in order
	items  []*node // of an array
	text   string  // of a string
}

type field struct {
	name  string
	start int // of the name
	value *node
}

// get returns the last field called name, or nil.
func (n *node) get(name string) *node {
	for i := len(n.fields) - 1; i >= 0; i-- {
		if n.fields[i].name == name {
			return n.fields[i].value
		}
	}
	return nil
}

// maxDepth bounds the nesting of a spec: a real one needs five levels.
const maxDepth = 32

// readJSON reads the one value of text. An error has an offset.
func readJSON(text []byte) (*node, *syntaxError) {
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, &syntaxError{0, "this is UTF-16; want UTF-8: save it so in your editor"}
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")): // what Windows editors put before UTF-8
		blank := append([]byte("   "), text[3:]...)
		return readJSON(blank)
	}
	d := &decoder{text: text, dec: jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))}
	n, err := d.value(0)
	if err == nil {
		if at := d.next(); at < len(text) {
			return nil, &syntaxError{at, "there is text after the end of the spec"}
		}
		return n, nil
	}
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return nil, syntax
	}
	at, what := d.next(), strings.TrimPrefix(err.Error(), "jsontext: ")
	var bad *jsontext.SyntacticError
	if errors.As(err, &bad) {
		at, what = int(bad.ByteOffset), bad.Err.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at, what = len(text), "the text ends too soon"
	}
	return nil, &syntaxError{min(at, len(text)), "this is not JSON: " + what}
}

type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return e.what }

type decoder struct {
	text []byte
	dec  *jsontext.Decoder
}

// next returns where the next token starts: the decoder counts from the end of the last.
func (d *decoder) next() int {
	at := int(d.dec.InputOffset())
	for at < len(d.text) && bytes.IndexByte([]byte(" \t\r\n,:"), d.text[at]) >= 0 {
		at++
	}
	return at
}

func (d *decoder) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, &syntaxError{d.next(), fmt.Sprintf("values are nested more than %d deep", maxDepth)}
	}
	n := &node{start: d.next()}
	tok, err := d.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n.kind = tok.Kind()
	switch n.kind {
	case '{':
		err = d.object(n, depth)
	case '[':
		for err == nil && d.dec.PeekKind() != ']' {
			var item *node
			if item, err = d.value(depth + 1); err == nil {
				n.items = append(n.items, item)
			}
		}
	case '"':
		n.text = tok.String()
	}
	if err == nil && (n.kind == '{' || n.kind == '[') {
		_, err = d.dec.ReadToken() // the closing brace
	}
	n.raw = d.text[n.start:d.dec.InputOffset()]
	return n, err
}

func (d *decoder) object(n *node, depth int) error {
	for d.dec.PeekKind() != '}' {
		f := field{start: d.next()}
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		f.name = tok.String()
		if f.value, err = d.value(depth + 1); err != nil {
			return err
		}
		n.fields = append(n.fields, f)
	}
	return nil
}

// lineCol returns the place of an offset, both from 1; columns count characters.
func lineCol(text []byte, at int) (line, col int) {
	before := text[:min(at, len(text))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

func (n *node) describe() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	default:
		return string(n.raw)
	}
}
