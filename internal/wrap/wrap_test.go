package wrap

import (
	"fmt"
	"testing"
)

type wrapper struct{ inner any }

func (w wrapper) Unwrap() any { return w.inner }

type name string

func (n name) String() string { return string(n) }

func TestAs(t *testing.T) {
	for _, v := range []any{name("a"), wrapper{name("a")}, wrapper{wrapper{name("a")}}} {
		if s, ok := As[fmt.Stringer](v); !ok || s.String() != "a" {
			t.Errorf("%v has none inside", v)
		}
	}
	for _, v := range []any{nil, 1, wrapper{}, wrapper{wrapper{2}}} {
		if s, ok := As[fmt.Stringer](v); ok {
			t.Errorf("%v has %v inside; want nothing", v, s)
		}
	}
}
