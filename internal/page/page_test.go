package page_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/audiosep/audiosep/internal/page"
)

// TestWhole holds that what a page is given cannot end its element, whatever names it has, and is
// read back from it.
func TestWhole(t *testing.T) {
	const name = `</script><img src=x onerror=alert(1)><!-- $1 "data"`
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]string{"name": name}); err != nil {
		t.Fatal(err)
	}
	text := page.Whole("report.html", data.Bytes())
	_, rest, found := bytes.Cut(text, []byte(`<script type="application/json" id="data">`))
	inside, _, ended := bytes.Cut(rest, []byte("</script>"))
	var got map[string]string
	if err := json.Unmarshal(inside, &got); !found || !ended || err != nil || got["name"] != name {
		t.Errorf("the page has %s: %v; want the name %s", inside, err, name)
	}
	for _, left := range []string{"<img", `"./`, "style.css\""} {
		if bytes.Contains(text, []byte(left)) {
			t.Errorf("the page has %s; want it whole, and nothing out of the data", left)
		}
	}
}
