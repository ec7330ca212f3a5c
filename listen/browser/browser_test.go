package browser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// program is audiosep as built by TestMain, chromium the browser that all tests share; both are
// empty where there is none.
var (
	program  string
	chromium context.Context
)

func TestMain(m *testing.M) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil && path == "" {
			path = p
		}
	}
	os.Exit(func() int {
		if path == "" {
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "audiosep-browser-*")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "audiosep")
		cmd := exec.Command("go", "build", "-o", program, "./cmd/audiosep")
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			panic(string(out))
		}
		piano = filepath.Join(dir, "piano.wav")
		if err := crop("../../examples/piano/mix.wav", piano, 5); err != nil {
			panic(err)
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.Env("TMPDIR="+dir), // it is killed, and leaves folders
			chromedp.WindowSize(1440, 1000), chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("disable-dev-shm-usage", true))
		all, cancel := chromedp.NewExecAllocator(context.Background(), options...)
		defer cancel()
		ctx, cancel := chromedp.NewContext(all)
		defer cancel()
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			panic(err)
		}
		chromium = ctx
		return m.Run()
	}())
}

// piano is the recording of the tests: the first 5 s of the example's.
var piano string

// crop writes the beginning of a recording.
func crop(from, to string, seconds float64) error {
	file, err := audio.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	s, err := audiosep.ReadAll(context.Background(), file)
	if err != nil {
		return err
	}
	for l, x := range s.Data {
		s.Data[l] = x[:int(seconds*float64(s.Rate))]
	}
	stems, err := audiosep.NewStems([]string{"piano"}, []*audiosep.Signal{s})
	if err != nil {
		return err
	}
	p := audio.DefaultWriteAudio()
	p.Pattern, p.Encoding = to, "int16"
	sink, err := audio.NewWriteAudio(p)
	if err != nil {
		return err
	}
	return audiosep.Write(context.Background(), audiosep.Env{}, sink, stems)
}

// serve starts audiosep with arguments and returns the address that it prints.
func serve(t testing.TB, args ...string) string {
	t.Helper()
	if chromium == nil {
		t.Skip("there is no chromium")
	}
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("%v ended with %v; want 0, as it was told to end", args, cmd.ProcessState)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// tab is a page in a browser, and what went wrong in it.
type tab struct {
	testing.TB
	ctx    context.Context
	close  context.CancelFunc
	mu     sync.Mutex
	faults []string
}

// browse opens an address in a new tab.
func browse(t testing.TB, address string) *tab {
	t.Helper()
	b := &tab{TB: t}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithListener(b.hear))
	t.Cleanup(cancel)
	b.ctx, b.close = ctx, cancel
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	b.wait("window.audiosepPage || document.querySelector('dialog[open]')")
	return b
}

// hear notes what goes wrong in the page.
func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.faults = append(b.faults, text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			for _, a := range e.Args {
				b.faults = append(b.faults, string(a.Value))
			}
		}
	}
}

func (b *tab) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.faults)
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatalf("%v; the page says %q", err, b.told())
	}
}

// click clicks the first element that a selector of CSS has.
func (b *tab) click(css string) {
	b.Helper()
	b.run(chromedp.Click(chromedp.CSS(css)))
}

// set has a field have a value, as if it was typed.
func (b *tab) set(css, text string) {
	b.Helper()
	value[bool](b, fmt.Sprintf("(() => { const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); return true })()", css, text))
}

// wait waits until an expression of JavaScript is true.
func (b *tab) wait(expression string) {
	b.Helper()
	b.waitFor(time.Minute, expression)
}

// waitLong is wait for what a program compiled for browsers does, on one thread and without vectors.
func (b *tab) waitLong(expression string) {
	b.Helper()
	b.waitFor(2*time.Minute, expression)
}

func (b *tab) waitFor(most time.Duration, expression string) {
	b.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(most)))
	if err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.getElementById('message')?.textContent ?? ''"))
		b.Fatalf("waiting for %s: %v; the page says %q, and %q", expression, err, text, b.told())
	}
}

// value returns what an expression of JavaScript is, a promise's value too.
func value[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v; the page says %q", expression, err, b.told())
	}
	return out
}

// press presses keys, one after the other, where the focus is.
func (b *tab) press(keys ...string) {
	b.Helper()
	for _, k := range keys {
		b.run(chromedp.KeyEvent(k))
	}
}

// whole holds that nothing went wrong in the page.
func (b *tab) whole() {
	b.Helper()
	if faults := b.told(); faults != nil {
		b.Errorf("the page has faults: %q", faults)
	}
}

// picture keeps what the page looks like in the folder AUDIOSEP_PICTURES, for people to see.
func (b *tab) picture(name string) {
	dir := os.Getenv("AUDIOSEP_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err := errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)); err != nil {
		b.Fatal(err)
	}
}
