package browser

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// region selects a box by the fields and presses a button.
func (b *tab) region(from, to, low, high float64, button string) {
	b.Helper()
	for id, x := range map[string]float64{"from": from, "to": to, "low": low, "high": high} {
		b.set("#"+id, fmt.Sprint(x))
	}
	b.click(button)
}

// drag drags the mouse over the spectrogram, from one time and frequency to another.
func (b *tab) drag(from, low, to, high float64) {
	b.Helper()
	at := func(t, hz float64) (x, y float64) {
		p := value[[]float64](b, fmt.Sprintf("(() => { const s = audiosepPage.spectrogram, r = s.canvas.getBoundingClientRect(); return [r.x + s.x(%g), r.y + s.y(%g)] })()", t, hz))
		return p[0], p[1]
	}
	x0, y0 := at(from, low)
	x1, y1 := at(to, high)
	b.run(chromedp.MouseEvent(chromedp.MousePressed, x0, y0, chromedp.ButtonLeft, chromedp.ClickCount(1)),
		chromedp.MouseEvent(chromedp.MouseMoved, (x0+x1)/2, (y0+y1)/2, chromedp.ButtonLeft),
		chromedp.MouseEvent(chromedp.MouseMoved, x1, y1, chromedp.ButtonLeft),
		chromedp.MouseEvent(chromedp.MouseReleased, x1, y1, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// TestPaint paints with the mouse and by numbers, has each stroke solved from where the last
// ended, takes paint away and back, saves, and replays to equal bytes.
func TestPaint(t *testing.T) {
	out := t.TempDir()
	b := browse(t, serve(t, "listen", piano, "--out", out))
	b.add("upper", "lower")
	b.click("input[name=tool][value=is]")
	b.drag(0.5, 320, 2, 380)
	b.wait("audiosepPage.plan.solution > 0 && audiosepPage.solution.method === 'paint' && !audiosepPage.busy")
	first := value[float64](b, "audiosepPage.solution.objective.at(-1)")
	b.click("#sources li:nth-child(1) .pick")
	b.region(2.6, 4.4, 240, 300, "#mark-not")
	b.wait("audiosepPage.plan.paint.length === 2 && audiosepPage.solutions.size === 2 && !audiosepPage.busy")
	if began := value[float64](b, "audiosepPage.solution.objective[0]"); began > 1.5*first {
		t.Errorf("the second solution begins at %g; want it where the first ended, at %g", began, first)
	}
	b.picture("painted")
	b.click("#undo") // of the solution
	b.click("#undo") // of the paint
	b.wait("audiosepPage.plan.paint.length === 1 && audiosepPage.solution.id === 1")
	b.click("#redo")
	b.click("#redo")
	b.wait("audiosepPage.plan.paint.length === 2 && audiosepPage.solution.id === 2")
	b.click("#save")
	b.click("#save-form button[value=export]")
	b.wait("document.querySelectorAll('#saved li').length > 0")
	b.whole()
	dir := filepath.Join(out, "page")
	for _, name := range []string{"start.npz", "paint.json", "stems/upper.wav", "stems/lower.wav", "stems.rpp", "stems.lof"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	same(t, dir)
	b.hears(filepath.Join(dir, "stems", "upper.wav"), "source:0")
}

// TestBrush paints a rising line with the brush: regions that follow each other in time and rise with
// it, one stroke in the list, which goes away as one and comes back by undo.
func TestBrush(t *testing.T) {
	out := t.TempDir()
	b := browse(t, serve(t, "listen", piano, "--out", out))
	b.add("upper", "lower")
	b.click("input[name=tool][value=is]")
	b.click("#brush")
	b.drag(0.5, 300, 2, 1200)
	b.wait("audiosepPage.plan.solution === 1 && audiosepPage.solution.method === 'paint' && !audiosepPage.busy")
	regions := value[[]struct {
		Source              string
		From, To, Low, High float64
	}](b, "audiosepPage.plan.paint")
	if n := len(regions); n < 5 || regions[0].From > 0.5 || regions[n-1].To < 2 {
		t.Fatalf("the stroke is %v; want some regions from 0.5 to 2 s", regions)
	}
	middle := func(i int) float64 { return math.Sqrt(regions[i].Low * regions[i].High) }
	for i, r := range regions {
		if r.Source != "lower" || r.Low >= r.High || r.High > 2.5*r.Low || i > 0 && (r.From != regions[i-1].To || middle(i) < 0.97*middle(i-1)) {
			t.Fatalf("region %d of the stroke is %v, after %v; want it to follow and to rise", i, r, regions[max(0, i-1)])
		}
	}
	if from, to := middle(0), middle(len(regions)-1); math.Abs(from-300) > 30 || math.Abs(to-1200) > 120 {
		t.Errorf("the stroke goes from %.0f to %.0f Hz; want 300 to 1200", from, to)
	}
	if items := value[int](b, "document.querySelectorAll('#regions li').length"); items != 1 {
		t.Errorf("the list has %d strokes; want one", items)
	}
	b.picture("brushed")
	b.click("#regions li .tiny")
	b.wait("audiosepPage.plan.paint.length === 0")
	b.wait("audiosepPage.plan.solution === 2 && !audiosepPage.busy")
	b.click("#undo") // of the solution
	b.click("#undo") // of taking the stroke away
	b.wait(fmt.Sprintf("audiosepPage.plan.paint.length === %d", len(regions)))
	b.whole()
}

// TestScore reads a score, moves it, solves and saves.
func TestScore(t *testing.T) {
	out := t.TempDir()
	b := browse(t, serve(t, "listen", piano, "--out", out))
	b.click("input[name=method][value=score]")
	file, err := filepath.Abs("../../examples/score/notes.csv")
	if err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.SetUploadFiles(chromedp.CSS("#score-file"), []string{file}))
	b.wait("audiosepPage.plan.notes.length > 3")
	b.set("#delay", "0.02")
	b.wait("audiosepPage.plan.delay === 0.02")
	b.picture("score")
	b.click("#solve-now")
	b.wait("audiosepPage.solution?.method === 'score' && audiosepPage.components.length > 0 && !audiosepPage.busy")
	b.click("#save")
	b.click("#save-form button[value=export]")
	b.wait("document.querySelectorAll('#saved li').length > 0")
	b.whole()
	dir := filepath.Join(out, "page")
	same(t, dir)
	b.hears(filepath.Join(dir, "stems", "Ab4.wav"), fmt.Sprintf("source:%d", value[int](b, "audiosepPage.plan.sources.indexOf('Ab4')")))
}

// TestCancel begins long work and ends it.
func TestCancel(t *testing.T) {
	b := browse(t, serve(t, "listen", piano, "--out", t.TempDir()))
	b.set("#iterations", "10000")
	b.set("#components", "100")
	b.click("#solve-now")
	b.wait("document.getElementById('working-part').value > 0")
	b.picture("working")
	b.click("#cancel")
	b.wait("document.getElementById('message').textContent === 'Cancelled' && !audiosepPage.busy && document.getElementById('working').hidden")
	b.set("#iterations", "5")
	b.solve(2)
	b.whole()
}

// TestClosed closes a page and finds what it had in the next; a third does not disturb it.
func TestClosed(t *testing.T) {
	address := serve(t, "listen", piano, "--out", t.TempDir())
	b := browse(t, address)
	b.set("#iterations", "5")
	b.solve(3)
	b.add("kept")
	b.click("#strips .strip:nth-child(2) .mute")
	value[bool](b, "audiosepPage.sending.then(() => true)")
	other := browse(t, address)
	other.wait("window.audiosepPage") // as the first is open, it is not offered
	other.add("another")
	b.close()
	other.waitSession(1, "!s.open")
	again := browse(t, address)
	again.picture("again")
	again.click("#again button")
	again.wait("window.audiosepPage && audiosepPage.components.length === 3")
	if got := value[[]string](again, "audiosepPage.plan.sources"); fmt.Sprint(got) != "[kept]" {
		t.Errorf("the page that was closed has sources %v; want [kept]", got)
	}
	again.wait("[...document.querySelectorAll('#strips .mute')].map((b) => b.getAttribute('aria-pressed')).join() === 'false,true,false'")
	again.click("#undo")
	again.wait("[...document.querySelectorAll('#strips .mute')].map((b) => b.getAttribute('aria-pressed')).join() === 'false,false,false'")
	again.click("#undo")
	again.wait("audiosepPage.plan.sources.length === 0")
	again.click("#redo")
	again.wait("audiosepPage.plan.sources.join() === 'kept'")
	if got := value[[]string](other, "audiosepPage.plan.sources"); fmt.Sprint(got) != "[another]" {
		t.Errorf("the page beside it has sources %v; want [another]", got)
	}
	again.whole()
	other.whole()
}

// waitSession waits until the server says something of a session, s.
func (b *tab) waitSession(id int, says string) {
	b.Helper()
	value[bool](b, fmt.Sprintf(`(async () => {
		for (;;) {
			const id = %d, s = { ...(await (await fetch("api/sessions/" + id)).json()), ...(await (await fetch("api/sessions")).json()).find((s) => s.id === id) };
			if (%s) return true;
			await new Promise((done) => setTimeout(done, 20));
		}
	})()`, id, says))
}

// TestClosedWhileSolving closes a page while it solves, first from nothing, then with a solution that
// it has: what ends while no page is open is there in the next.
func TestClosedWhileSolving(t *testing.T) {
	address := serve(t, "listen", piano, "--out", t.TempDir())
	b := browse(t, address)
	for i, components := range []int{4, 3} {
		b.set("#components", fmt.Sprint(components))
		b.set("#iterations", "7")
		// What closing does first, so that it comes before the end of the work on any machine.
		value[bool](b, "(audiosepPage.events.close(), true)")
		b.waitSession(1, "!s.open")
		b.click("#solve-now")
		b.waitSession(1, fmt.Sprintf("s.solutions.length === %d && s.adopted === %d && !s.busy", i+1, i))
		before := b
		b = browse(t, address)
		before.close()
		b.click("#again button")
		b.wait(fmt.Sprintf("window.audiosepPage && audiosepPage.plan.solution === %d && audiosepPage.components.length === %d", i+1, components))
		if got := value[string](b, "[document.getElementById('components').value, document.getElementById('iterations').value, document.getElementById('save').disabled, document.getElementById('strips-none').hidden].join()"); got != fmt.Sprintf("%d,7,false,true", components) {
			t.Errorf("the page has components, iterations, whether it can not be saved and whether strips are shown as %s", got)
		}
	}
	b.click("#undo")
	b.wait("audiosepPage.plan.solution === 1 && audiosepPage.components.length === 4")
	b.whole()
}

// tabTo presses Tab until the focus is on what a selector has.
func (b *tab) tabTo(css string) {
	b.Helper()
	for range 150 {
		if value[bool](b, fmt.Sprintf("document.activeElement.matches(%q)", css)) {
			return
		}
		b.press(kb.Tab)
	}
	b.Fatalf("150 times Tab do not lead to %s", css)
}

// TestKeyboard does the whole job without a mouse: sources, solving, grouping, selecting,
// paint, playing, comparing, undoing, saving.
func TestKeyboard(t *testing.T) {
	out := t.TempDir()
	b := browse(t, serve(t, "listen", piano, "--out", out))
	b.tabTo("#new-source")
	b.press("one", kb.Enter, "two", kb.Enter)
	b.wait("audiosepPage.plan.sources.length === 2")
	b.tabTo("#components")
	b.run(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.press("5")
	b.run(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.wait("audiosepPage.components.length === 5 && !audiosepPage.busy")
	b.tabTo("#spectrogram")
	b.press("j", "1", "j", "2", "j", "1", "0", "2", "m", "m")
	if got := value[[][]int](b, "audiosepPage.plan.groups"); fmt.Sprint(got) != "[[1] [2 3]]" {
		t.Errorf("the groups are %v; want [[1] [2 3]]", got)
	}
	b.press("A")
	b.wait("audiosepPage.plan.groups.flat().length === 5")
	b.run(chromedp.KeyEvent("z", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.run(chromedp.KeyEvent("z", chromedp.KeyModifiers(chromedp.ModifierCtrl|chromedp.ModifierShift)))
	b.wait("audiosepPage.plan.groups.flat().length === 5")

	b.tabTo("#spectrogram")
	b.press(kb.ArrowRight, kb.ArrowRight)
	if at := value[float64](b, "audiosepPage.player.now()"); at <= 0 {
		t.Errorf("the playhead is at sample %g; want it moved", at)
	}
	for range 8 {
		b.run(chromedp.KeyEvent(kb.ArrowRight, chromedp.KeyModifiers(chromedp.ModifierShift)))
	}
	b.run(chromedp.KeyEvent(kb.ArrowUp, chromedp.KeyModifiers(chromedp.ModifierShift)))
	b.wait("audiosepPage.spectrogram.selection !== null && audiosepPage.spectrogram.selection.to - audiosepPage.spectrogram.selection.from > 0.5")
	b.press("l", " ")
	b.wait("audiosepPage.player.playing && audiosepPage.player.now() > audiosepPage.player.loop.from")
	b.press("b", "p", "p")
	if hears := value[int](b, "audiosepPage.ab"); hears != 0 {
		t.Errorf("it hears %d; want A, 0, after B", hears)
	}
	if value[bool](b, "audiosepPage.player.playing") {
		b.press(" ")
	}
	b.wait("!audiosepPage.player.playing")
	b.press("+", "+", "-", kb.PageDown, kb.PageUp)
	octaves := func() float64 {
		return value[float64](b, "Math.log2(audiosepPage.spectrogram.view.high / audiosepPage.spectrogram.view.low)")
	}
	all := octaves()
	b.press(".", ".", ",")
	if got, want := octaves(), 0.6*all; math.Abs(got-want) > 0.01 {
		t.Errorf("it shows %g octaves; want %g, of %g", got, want, all)
	}
	low := value[float64](b, "audiosepPage.spectrogram.view.low")
	b.press(kb.ArrowDown)
	if by := math.Log2(low / value[float64](b, "audiosepPage.spectrogram.view.low")); math.Abs(by-1.0/6) > 0.01 {
		t.Errorf("down pans %g octaves from %g Hz; want 1/6", by, low)
	}
	b.tabTo("#nearer-hz")
	b.press(kb.Enter)
	if got, want := octaves(), 0.36*all; math.Abs(got-want) > 0.01 {
		t.Errorf("the button leaves %g octaves; want %g", got, want)
	}
	b.tabTo("#save")
	b.press(kb.Enter)
	b.wait("document.querySelector('#save-dialog[open]')")
	b.tabTo("#save-form button[value=export]")
	b.press(kb.Enter)
	b.wait("document.querySelectorAll('#saved li').length > 0")
	b.whole()
	same(t, filepath.Join(out, "page"))
}

// references are the true stems of the piano.
func references(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	all, err := filepath.Glob("../../examples/piano/reference/*.wav")
	if err != nil || len(all) == 0 {
		t.Fatalf("there are no references: %v", err)
	}
	for _, path := range all {
		if err := crop(path, filepath.Join(dir, filepath.Base(path)), 5); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLooks holds the page, in light and dark and in each of its states, against what
// axe-core knows of people who see, hear or move otherwise.
func TestLooks(t *testing.T) {
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Skip("there is no axe-core: npm install --no-save axe-core, in this folder")
	}
	b := browse(t, serve(t, "listen", piano, "--out", t.TempDir(), "--references", references(t)))
	value[bool](b, string(axe)+"; true")
	check := func(state string) {
		t.Helper()
		faults := value[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => ["serious", "critical", "moderate"].includes(v.impact)).map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")))`)
		for _, f := range faults {
			t.Errorf("%s: %s", state, f)
		}
		b.picture("looks-" + state)
	}
	for _, theme := range []string{"light", "dark"} {
		value[bool](b, "audiosepPage.sending.then(() => true)")
		if theme == "dark" {
			b.click("#theme")
		}
		if theme == "light" {
			b.solve(6)
			b.add("upper", "lower")
		}
		b.click("#strips .strip:nth-child(2) .number")
		b.press("2")
		b.wait("audiosepPage.meters.length > 0")
		b.region(1, 3, 200, 900, "#mark-is")
		b.wait("audiosepPage.solution.method === 'paint' && !audiosepPage.busy && audiosepPage.components.length === 24")
		b.click("#undo")
		b.wait("audiosepPage.solution.method === 'nmf' && audiosepPage.components.length === 6")
		b.click("#strips .strip:nth-child(3) .number")
		b.wait("[...audiosepPage.spectrogram.lit.cache.kept.values()].some((e) => e.picture)")
		check(theme + "-grouped")
	}
	b.click("#help")
	check("keys")
	b.click("#help-dialog button")
	b.click("#save")
	check("save")
	b.click("#save-form button[value='']")
	b.whole()
}
