package browser

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// stretched is the piano of the examples, over and over, as a stereo recording of so many seconds.
func stretched(b *testing.B, seconds float64) string {
	b.Helper()
	file, err := audio.Open("../../examples/piano/mix.wav")
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	s, err := audiosep.ReadAll(context.Background(), file)
	if err != nil {
		b.Fatal(err)
	}
	long := &audiosep.Signal{Rate: s.Rate, Channels: 2, Data: make([][]float64, 2)}
	for c := range long.Data {
		long.Data[c] = make([]float64, int(seconds*float64(s.Rate)))
		for i := range long.Data[c] {
			long.Data[c][i] = s.Data[0][i%len(s.Data[0])]
		}
	}
	path := filepath.Join(b.TempDir(), "song.wav")
	if err := audio.WriteFile(path, long, "int16"); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkPaint paints on 10 s of sound while what is painted plays, and measures from a stroke
// until the new solution sounds, in ms: the first stroke, which solves from nothing, and those that
// go on from where the last ended.
func BenchmarkPaint(b *testing.B) {
	t := browse(b, serve(b, "listen", stretched(b, 10), "--out", b.TempDir()))
	t.add("upper", "lower")
	// stroke paints, and returns when the clock of the sound comes to the first stretch of the solution.
	value[bool](t, `(() => {
		window.stroke = (box) => new Promise((done) => {
			const page = audiosepPage, p = page.player, before = page.plan.solution, proto = Object.getPrototypeOf(p.tracks[0]);
			const put = proto.put, began = performance.now();
			proto.put = function (context, buffer, s, first) {
				put.call(this, context, buffer, s, first);
				if (page.plan.solution === before || this !== p.tracks[p.heard]) return;
				proto.put = put;
				done(performance.now() - began + Math.max(0, s.when - context.currentTime) * 1000);
			};
			page.select(box);
			page.mark("is");
		});
		return true })()`)
	stroke := func(i int) float64 {
		from := 0.5 + 0.7*float64(i%12)
		t.wait("!audiosepPage.busy && audiosepPage.componentsOf === audiosepPage.plan.solution")
		value[bool](t, "(audiosepPage.player.play(0), true)") // which would end after 10 s
		t.wait("audiosepPage.player.now() > 0.2 * audiosepPage.recording.rate")
		return value[float64](t, fmt.Sprintf("stroke({from: %g, to: %g, low: 320, high: 380})", from, from+0.5))
	}
	first := stroke(0)
	sum, most, n := 0.0, 0.0, 0
	for b.Loop() {
		n++
		ms := stroke(n)
		sum, most = sum+ms, max(most, ms)
	}
	b.ReportMetric(first, "first-ms")
	b.ReportMetric(sum/float64(n), "next-ms")
	b.ReportMetric(most, "worst-ms")
	t.whole()
}

// BenchmarkScroll scrolls and zooms a recording of 10 minutes, and measures the time from frame to
// frame and what of it the page computes, in ms. A screen of 60 Hz has 16.7 ms.
func BenchmarkScroll(b *testing.B) {
	t := browse(b, serve(b, "listen", stretched(b, 600), "--out", b.TempDir()))
	t.wait("audiosepPage.spectrogram.mixture.kept.size > 0")
	for _, way := range []struct{ name, step string }{
		{"scroll", "s.pan(0.02)"},
		{"scroll-all", "s.show({from: 60 + (i % 100) * 2, to: 360 + (i % 100) * 2})"},
		{"zoom", "s.zoom(i % 120 < 60 ? 0.94 : 1 / 0.94, s.view.from + 0.4 * (s.view.to - s.view.from))"},
	} {
		b.Run(way.name, func(b *testing.B) {
			var frames []float64
			for b.Loop() {
				value[bool](t, "(audiosepPage.spectrogram.show({from: 100, to: 130}), true)")
				frames = value[[]float64](t, fmt.Sprintf(`(async () => {
					const s = audiosepPage.spectrogram, next = () => new Promise(requestAnimationFrame), times = [], own = [], paint = s.paint;
					s.paint = () => { const began = performance.now(); paint.call(s); own.push(performance.now() - began) };
					let last = await next();
					for (let i = 0; i < 240; i++) {
						%s;
						const now = await next();
						times.push(now - last);
						last = now;
					}
					delete s.paint;
					const at = (x, q) => x.sort((a, b) => a - b)[Math.floor(q * (x.length - 1))];
					return [at(times, 0.5), at(times, 0.99), at(own, 0.5), at(own, 0.99)];
				})()`, way.step))
			}
			for i, unit := range []string{"frame-ms", "frame99-ms", "paint-ms", "paint99-ms"} {
				b.ReportMetric(frames[i], unit)
			}
		})
	}
	t.whole()
}
