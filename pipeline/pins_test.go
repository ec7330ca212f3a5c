package pipeline_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/pipeline"
)

func TestLock(t *testing.T) {
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	pins := map[string]pipeline.Pin{"a": {pipeline.AnyPlatform: one}, "b": {"linux/amd64": one, "any": two}}
	text, err := pipeline.FormatLock(pins)
	if err != nil || !bytes.Contains(text, []byte(`"a": "`+one)) {
		t.Fatalf("%v: %s", err, text)
	}
	again, err := pipeline.ParseLock("lock.json", text)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, platform, want string }{{"a", "darwin/arm64", one}, {"b", "linux/amd64", one}, {"b", "darwin/arm64", two}} {
		if sum, ok := again[c.name].Sum(c.platform); !ok || sum != c.want {
			t.Errorf("the sum of %s for %s is %q; want %s", c.name, c.platform, sum, c.want)
		}
	}
	if _, ok := (pipeline.Pin{"linux/amd64": one}).Sum("linux/arm64"); ok {
		t.Error("there is a sum for a platform that has none")
	}
	for text, want := range map[string]string{
		`{"plugins": {}}`:                         `lock.json:1:1: the lock file is of another format; want "audiosep": 1`,
		`{"audiosep": 1, "stages": []}`:           `lock.json:1:17: "stages" is no field of the lock file`,
		`{"audiosep": 2, "plugins": {}}`:          "another format",
		`[]`:                                      "want an object",
		`{"audiosep": 1, "plugins": {"a": "x"}}`:  `lock.json:1:34: the SHA-256 of plugin "a" is "x"; want 64 digits`,
		one + "  audiosep-plugin-a\n":             "lock.json:1:",
		`{"audiosep": 1, "plugins": {"a": null}}`: `plugins "a" is null; want a text: its SHA-256, or an object`,
	} {
		if _, err := pipeline.ParseLock("lock.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v; want %q", text, err, want)
		}
	}
}

// Lists are bounded, and so is what is said of them.
func TestLockIsBounded(t *testing.T) {
	many := func(n int, entry string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("%q: %s", fmt.Sprintf("p%d", i), entry))
		}
		return strings.Join(all, ", ")
	}
	sum := strconv.Quote(strings.Repeat("1", 64))
	if _, err := pipeline.ParseLock("lock.json", []byte(`{"audiosep": 1, "plugins": {`+many(1000, sum)+`}}`)); err != nil {
		t.Errorf("a thousand plugins: %v", err)
	}
	for text, want := range map[string]string{
		`{"audiosep": 1, "plugins": {` + many(1001, sum) + `}}`:       "1001 plugins are pinned; want at most 1000",
		`{"audiosep": 1, "plugins": {"a": {` + many(101, "1") + `}}}`: `plugin "a" is pinned for 101 platforms; want at most 100`,
		`{"audiosep": 1, "plugins": {}, ` + many(200000, "1") + `}`:   "the lock file has 200002 fields; want at most 1000",
	} {
		_, err := pipeline.ParseLock("lock.json", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("error is %.300v; want %q alone", err, want)
		}
	}
}

func FuzzLock(f *testing.F) {
	f.Add([]byte(`{"audiosep": 1, "plugins": {"a": "` + strings.Repeat("0a", 32) + `", "b": {"linux/amd64": "` + strings.Repeat("0a", 32) + `"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		pins, err := pipeline.ParseLock("lock.json", text)
		if err != nil {
			return
		}
		for name, pin := range pins {
			for platform, sum := range pin {
				if len(sum) != 64 || platform == "" {
					t.Errorf("pin %q %q %q", name, platform, sum)
				}
			}
		}
		if again, err := pipeline.FormatLock(pins); err != nil {
			t.Error(err)
		} else if _, err := pipeline.ParseLock("again", again); err != nil {
			t.Errorf("%v\n%s", err, again)
		}
	})
}
