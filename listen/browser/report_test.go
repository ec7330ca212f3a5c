package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestReport opens the report of a run from the disk, in light and dark: it draws, plays, and
// asks for nothing outside of itself.
func TestReport(t *testing.T) {
	if chromium == nil {
		t.Skip("there is no chromium")
	}
	dir, references := t.TempDir(), t.TempDir()
	notes := []string{"Ab4", "C5", "Db4", "F4"}
	for _, note := range notes {
		if err := crop("../../examples/piano/reference/"+note+".wav", filepath.Join(references, note+".wav"), 5); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(program, "run", "../../examples/piano/pipeline.json", "--input", piano, "--out", dir, "--report", filepath.Join(dir, "report"), "--references", references, "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := browse(t, "file://"+filepath.Join(dir, "report", "report.html"))
	b.wait("document.querySelectorAll('.sound').length === 5 && document.querySelectorAll('.factors canvas').length === 2")
	if from := value[[]string](b, "performance.getEntriesByType('resource').map((e) => e.name).filter((n) => !n.startsWith('data:') && !n.startsWith('blob:'))"); len(from) != 0 {
		t.Errorf("it asks for %q; want nothing", from)
	}
	if got := value[[]float64](b, "(async () => { const all = [...document.querySelectorAll('audio')]; for (const a of all) if (!a.duration) await new Promise((done, failed) => { a.onloadedmetadata = done; a.onerror = () => failed(new Error(a.error.message)) }); return all.map((a) => a.duration) })()"); len(got) != 5 || got[0] < 4.99 || got[4] > 5.01 {
		t.Errorf("its sounds last %v s; want five of 5 s", got)
	}
	// How near the stems are is there as a table of each convention, in the numbers of eval.
	out, err := exec.Command(program, "eval", "--reference", references, "--estimate", dir, "--mixture", piano, "--format", "csv").Output()
	if err != nil {
		t.Fatal(err)
	}
	shown := value[[][]string](b, "[...document.querySelectorAll('section')].filter((s) => s.querySelector('h2').textContent === 'Against references').flatMap((s) => [...s.querySelectorAll('tr')].map((r) => [...r.children].map((c) => c.textContent)))")
	if len(shown) != 2*(1+len(notes)) || shown[0][0] != "reference" || shown[0][2] != "SI-SDR, dB" || shown[1+len(notes)][2] != "SDR, dB" {
		t.Fatalf("against references it shows %q", shown)
	}
	for i, note := range notes {
		for _, row := range [][]string{shown[1+i], shown[2+len(notes)+i]} {
			ratio, over, _ := strings.Cut(strings.TrimSuffix(row[2], ")"), " (")
			if row[0] != note || !holds(string(out), note, ratio) || !holds(string(out), note, over) {
				t.Errorf("of %s it shows %q; want numbers of\n%s", note, row, out)
			}
		}
	}
	// Something is drawn on each canvas: it has more than one colour.
	b.wait("[...document.querySelectorAll('canvas')].length === 4")
	b.wait("[...document.querySelectorAll('canvas')].every((c) => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size > 3)")
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Log("there is no axe-core: npm install --no-save axe-core, in this folder")
	}
	for _, theme := range []string{"light", "dark"} {
		if axe != nil {
			value[bool](b, string(axe)+"; true")
			for _, f := range value[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => ["serious", "critical", "moderate"].includes(v.impact)).map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")))`) {
				t.Errorf("%s: %s", theme, f)
			}
		}
		b.picture("report-" + theme)
		b.click("#theme")
	}
	b.whole()
}

// TestReportOfALearntTransform opens the report of a run that learns a transform: its atoms are drawn by
// rising frequency, and W stands over an axis in Hz.
func TestReportOfALearntTransform(t *testing.T) {
	if chromium == nil {
		t.Skip("there is no chromium")
	}
	dir := t.TempDir()
	if out, err := exec.Command(program, "run", "../../examples/tl-nmf/pipeline.json", "--input", piano, "--out", dir, "--report", filepath.Join(dir, "report"), "--quiet",
		"--set", "frame.length_ms=5", "--set", "frame.grids=1", "--set", "tl_nmf.iterations=2").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := browse(t, "file://"+filepath.Join(dir, "report", "report.html"))
	b.wait("document.querySelectorAll('.atoms canvas').length === 48")
	hz := value[[]float64](b, "[...document.querySelectorAll('.atoms figcaption')].map((e) => parseFloat(e.textContent))")
	if !slices.IsSorted(hz) || hz[0] < 0 || hz[47] < 1000 || hz[47] > 11025 {
		t.Errorf("its atoms lie at %v Hz; want rising ones", hz)
	}
	if fitted := value[[]bool](b, "audiosepPage.factors.map((f) => f.fitted && f.high > 5000)"); len(fitted) == 0 || !fitted[len(fitted)-1] {
		t.Errorf("W of each factors is said to stand over Hz: %v; want that of the last", fitted)
	}
	b.wait("[...document.querySelectorAll('.atoms canvas')].every((c) => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size > 3)")
	b.picture("report-atoms")
	b.whole()
}

// TestReportOfAScore opens the report of a run whose objective hardly moves: the ends of its axis are told apart, and its
// stems are held against the mixture, though the score is read too.
func TestReportOfAScore(t *testing.T) {
	if chromium == nil {
		t.Skip("there is no chromium")
	}
	dir := t.TempDir()
	if out, err := exec.Command(program, "run", "score", "--input", piano, "--notes", "../../examples/score/notes.csv", "--out", dir, "--report", filepath.Join(dir, "report"), "--references", "../../examples/piano/reference", "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := browse(t, "file://"+filepath.Join(dir, "report", "report.html"))
	b.wait("document.querySelectorAll('.factors canvas').length === 4")
	ends := value[[][]string](b, "[...document.querySelectorAll('canvas')].map((c) => / from ([\\d.]+) to ([\\d.]+)$/.exec(c.ariaLabel)).filter((m) => m).map((m) => [m[1], m[2]])")
	if len(ends) != 2 {
		t.Fatalf("the axes of its objectives go over %q; want two", ends)
	}
	for _, end := range ends {
		if end[0] == end[1] {
			t.Errorf("an axis goes from %s to %s; want ends that differ", end[0], end[1])
		}
	}
	if !value[bool](b, "audiosepPage.metrics.every((m) => m.sources.every((s) => s.over.length > 0))") {
		t.Error("its stems are not held against the mixture")
	}
	b.whole()
}

// holds says whether a table of eval, in CSV, has a line of a source whose value is, rounded, as
// shown.
func holds(table, source, shown string) bool {
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		if !slices.Contains(cells, source) {
			continue
		}
		for _, c := range cells {
			if x, err := strconv.ParseFloat(c, 64); err == nil && strconv.FormatFloat(x, 'f', 2, 64) == shown {
				return true
			}
		}
	}
	return false
}
