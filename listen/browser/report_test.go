package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestReport opens the report of a run from the disk, in light and dark: it draws, plays, and
// asks for nothing outside of itself.
func TestReport(t *testing.T) {
	if chromium == nil {
		t.Skip("there is no chromium")
	}
	dir := t.TempDir()
	if out, err := exec.Command(program, "run", "../../examples/piano/pipeline.json", "--input", piano, "--out", dir, "--report", filepath.Join(dir, "report"), "--quiet").CombinedOutput(); err != nil {
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
