//go:build !unix

package plugins

// others cannot tell: what may be done to a file stands in lists here.
func others(string) string { return "" }
