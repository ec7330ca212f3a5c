// Package wrap looks through types that wrap others.
package wrap

// As returns v as a T, or what it wraps by a method Unwrap() any.
func As[T any](v any) (T, bool) {
	for {
		if t, ok := v.(T); ok {
			return t, true
		}
		w, ok := v.(interface{ Unwrap() any })
		if !ok {
			var none T
			return none, false
		}
		v = w.Unwrap()
	}
}
