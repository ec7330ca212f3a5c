// Package page has the pages that audiosep serves and writes: HTML, a sheet of styles, and
// plain modules that browsers run as they are.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed *.html *.css *.js
var files embed.FS

// Read returns a file. It panics if there is none: that is a fault of the program.
func Read(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return text
}

// importMap is what tells a page where its modules are, inside its HTML; module is one in it.
var (
	importMap = regexp.MustCompile(`(?s)<script type="importmap">(.*?)</script>`)
	module    = regexp.MustCompile(`"\./[a-z]+\.js"`)
)

// types are those of the files here; the system may say otherwise, or nothing.
var types = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

// Handler serves a page at /, and the files that it is made of. It allows the page nothing
// from elsewhere.
func Handler(html string) http.Handler {
	index := Read(html)
	hash := sha256.Sum256(importMap.FindSubmatch(index)[1])
	policy := fmt.Sprintf("default-src 'none'; script-src 'self' 'sha256-%s'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", base64.StdEncoding.EncodeToString(hash[:]))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		text := index
		if name == "" {
			name = html
			w.Header().Set("Content-Security-Policy", policy)
		} else if b, err := files.ReadFile(name); err == nil && !strings.HasSuffix(name, ".html") {
			text = b
		} else {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", types[path.Ext(name)])
		w.Write(text)
	})
}

// Whole returns a page as one file that opens from a disk: styles and modules are inside.
// data, JSON, is what its element of the id "data" has.
func Whole(html string, data []byte) []byte {
	text := Read(html)
	text = bytes.Replace(text, []byte(`<link rel="stylesheet" href="style.css">`), fmt.Appendf(nil, "<style>\n%s</style>", Read("style.css")), 1)
	text = importMap.ReplaceAllFunc(text, func(m []byte) []byte {
		return module.ReplaceAllFunc(m, func(file []byte) []byte {
			name := strings.Trim(string(file), `"./`)
			return fmt.Appendf(nil, `"data:text/javascript;base64,%s"`, base64.StdEncoding.EncodeToString(Read(name)))
		})
	})
	// Inside an element of script nothing may look like its end.
	data = bytes.ReplaceAll(data, []byte("<"), []byte(`\u003c`))
	return bytes.Replace(text, []byte(dataBegins+dataEnds), append(append([]byte(dataBegins), data...), []byte(dataEnds)...), 1)
}

const dataBegins, dataEnds = `<script type="application/json" id="data">`, "</script>"

// Data returns the data of a page that Whole has made; nil if it is none.
func Data(html []byte) []byte {
	_, after, _ := bytes.Cut(html, []byte(dataBegins))
	data, _, ok := bytes.Cut(after, []byte(dataEnds))
	if !ok {
		return nil
	}
	return data
}
