package audio

import "github.com/google/go-cmp/cmp"

func diff(want, got any) string { return cmp.Diff(want, got) }
