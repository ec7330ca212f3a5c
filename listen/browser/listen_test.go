package browser

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// solve has the page take the recording apart into so many components.
func (b *tab) solve(components int) {
	b.Helper()
	b.set("#components", fmt.Sprint(components))
	b.click("#solve-now")
	b.wait(fmt.Sprintf("audiosepPage.components.length === %d && !audiosepPage.busy", components))
}

// add adds sources.
func (b *tab) add(names ...string) {
	b.Helper()
	for i, name := range names {
		b.run(chromedp.SendKeys(chromedp.CSS("#new-source"), name+kb.Enter))
		b.wait(fmt.Sprintf("audiosepPage.plan.sources[audiosepPage.plan.sources.length-1] === %q", names[i]))
	}
	b.run(chromedp.Blur(chromedp.CSS("#new-source")))
}

// TestListen does the whole job: solve, group, hear, save, export; then the command line makes
// the same bytes.
func TestListen(t *testing.T) {
	out := t.TempDir()
	b := browse(t, serve(t, "listen", piano, "--out", out))
	b.picture("begin")
	b.solve(4)
	b.add("left", "right")
	b.click("#strips .strip:nth-child(1) .number")
	b.press("1", "j", "2", "j", "1")
	if got := value[[][]int](b, "audiosepPage.plan.groups"); fmt.Sprint(got) != "[[1 3] [2]]" {
		t.Fatalf("the groups are %v; want [[1 3] [2]]", got)
	}
	b.wait("audiosepPage.components[3].confidence >= 0 && document.querySelector('#strips .strip:nth-child(4) .suggested')")
	b.picture("grouped")
	b.press("a") // of the third, which has a source: nothing
	b.click("#accept")
	b.wait("audiosepPage.plan.groups.flat().length === 4")
	b.run(chromedp.KeyEvent("z", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.wait("audiosepPage.plan.groups.flat().length === 3")

	b.click("#save")
	b.set("#save-name", "mine")
	b.click("#save-form button[value=export]")
	b.wait("document.querySelectorAll('#saved li').length > 0")
	b.picture("saved")
	b.whole()

	dir := filepath.Join(out, "mine")
	stems := same(t, dir)
	if len(stems) != 3 {
		t.Fatalf("there are %d stems; want left, right and the residual", len(stems))
	}
	b.click("#save-form button[value='']")
	b.hears(filepath.Join(dir, "stems", "right.wav"), "source:1")
	b.hears(piano, "mixture")
}

// same runs a saved pipeline and holds that it makes the stems that the page wrote, to the
// byte. It returns their paths.
func same(t *testing.T, dir string) []string {
	t.Helper()
	again := t.TempDir()
	if out, err := exec.Command(program, "run", filepath.Join(dir, "pipeline.json"), "--out", again, "--quiet", "--no-record").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "stems", "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no stems: %v", dir, err)
	}
	made, _ := filepath.Glob(filepath.Join(again, "stems", "*"))
	if len(made) != len(paths) {
		t.Errorf("the pipeline makes %d files; want %d", len(made), len(paths))
	}
	for _, path := range paths {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		run, err := os.ReadFile(filepath.Join(again, "stems", filepath.Base(path)))
		if err != nil || !bytes.Equal(page, run) {
			t.Errorf("%s differs from what the pipeline makes: %v", path, err)
		}
	}
	return paths
}

// hears holds that offline Web Audio renders a sound of the page as a file has it.
func (b *tab) hears(path, what string) {
	b.Helper()
	file, err := audio.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	want, err := audiosep.ReadAll(b.Context(), file)
	if err != nil {
		b.Fatal(err)
	}
	const at, n = 30000, 60000 // across the edges of chunks, which are 2 s at 22050 Hz
	got := value[[][]float64](b, fmt.Sprintf("audiosepPage.player.render(audiosepPage.track(%q), %d, %d).then((x) => x.map((c) => [...c]))", what, at, n))
	if len(got) != len(want.Data) {
		b.Fatalf("it renders %d channels; want %d", len(got), len(want.Data))
	}
	worst, loudest := 0.0, 0.0
	for c := range got {
		for i, x := range got[c] {
			worst = max(worst, math.Abs(x-want.Data[c][at+i]))
			loudest = max(loudest, math.Abs(x))
		}
	}
	// The file has 16 bits.
	if worst > 1.01/(1<<16) || loudest < 0.01 {
		b.Errorf("%s is rendered up to %g off, %g at most; want it to 16 bits, and not silent", what, worst, loudest)
	}
}
