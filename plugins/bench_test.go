//go:build unix

package plugins

import (
	"fmt"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/transforms"
)

// benchPlugins are the plugins that the figures in docs/plugins.md are of.
func benchPlugins(b *testing.B, do func(b *testing.B, h *Host, plugin string)) {
	for _, c := range []struct {
		label, plugin string
		mtls          bool
	}{{"go", "good", false}, {"go-messages", "unshared", false}, {"go-messages-mtls", "unshared", true}, {"python", "snakes", false}} {
		b.Run(c.label, func(b *testing.B) {
			if c.plugin == "snakes" {
				needPython(b)
			}
			do(b, newTestHost(b, Options{Folders: []string{"testdata"}, encrypted: c.mtls}, "good", "unshared"), c.plugin)
		})
	}
}

// BenchmarkStart starts a plugin, describes it and ends it.
func BenchmarkStart(b *testing.B) {
	benchPlugins(b, func(b *testing.B, h *Host, plugin string) {
		for b.Loop() {
			one := NewHost(h.o)
			if _, err := one.Describe(b.Context(), plugin); err != nil {
				b.Fatal(err)
			}
			one.Close()
		}
	})
}

// BenchmarkCall makes one call at a time that carries as many bytes as its name says to
// the plugin, and as many back; MB/s counts both.
func BenchmarkCall(b *testing.B) {
	benchPlugins(b, func(b *testing.B, h *Host, plugin string) {
		for _, kib := range []int{0, 64, 256, 512, 1024, 4096, 65536} {
			b.Run(fmt.Sprintf("%dKiB", kib), func(b *testing.B) {
				t, err := build[audiosep.Transformer](b, h, plugin, "copy", "").Transform(b.Context(), 128)
				if err != nil {
					b.Fatal(err)
				}
				n := kib // frames of 128 numbers, 1 KiB
				y, x := make([]float64, 128*n), audiosep.MakeCoefs(t, n)
				b.SetBytes(int64(2 * 8 * len(y)))
				for b.Loop() {
					if err := t.(*remoteTransform).forward(b.Context(), nil, n, x, y); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// BenchmarkRun carries 64 MiB there and back as a pipeline does: in parts, several at once.
func BenchmarkRun(b *testing.B) {
	benchPlugins(b, func(b *testing.B, h *Host, plugin string) {
		t, err := build[audiosep.Transformer](b, h, plugin, "copy", "").Transform(b.Context(), 1024)
		if err != nil {
			b.Fatal(err)
		}
		const n = 8192
		y, x := make([]float64, 1024*n), audiosep.MakeCoefs(t, n)
		b.SetBytes(int64(2 * 8 * len(y)))
		for b.Loop() {
			if err := t.Forward(b.Context(), x, y); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSeparate has a plugin share 30 s of stereo sound out among two and four sources, by masks that
// cost next to nothing, and transforms them back: all of them, and with the last left to the others.
// MB/op is what the plugin sends.
func BenchmarkSeparate(b *testing.B) {
	rate, layers := 44100, make([][]float64, 2)
	for l := range layers {
		layers[l] = random(fmt.Sprint(l), 30*rate)
	}
	x, err := transforms.STFT(b.Context(), &audiosep.Signal{Rate: rate, Channels: 2, Data: layers}, transforms.Frame(2048, 0.75, "hann"))
	if err != nil {
		b.Fatal(err)
	}
	benchPlugins(b, func(b *testing.B, h *Host, plugin string) {
		oneProcess(b, h, plugin)
		count := counting(h)
		for _, sources := range []int{2, 4} {
			for _, rest := range []bool{false, true} {
				b.Run(fmt.Sprintf("%d/rest=%v", sources, rest), func(b *testing.B) {
					s := stageOf(b, h, plugin, "portion", fmt.Sprintf(`{"sources": %d, "rest": %v}`, sources, rest))
					out, err := s.run(b.Context(), audiosep.Env{}, audiosep.Values{"coefs": x})
					if err != nil {
						b.Fatal(err)
					}
					count.numbers.Store(0)
					for b.Loop() {
						if err := out["sources"].(audiosep.Stems).Each(b.Context(), func(int, [][]float64) error { return nil }); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(8*count.numbers.Load())/1e6/float64(b.N), "MB/op")
				})
			}
		}
	})
}
