package loopback

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
)

// Reply answers with a value as JSON.
func Reply(w http.ResponseWriter, status int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(text)
	return err
}

// PlainName tells whether a name in a request, of most bytes at most, is one of a file or folder
// that stays where it is put, on every system.
func PlainName(name string, most int) bool {
	return name != "" && len(name) <= most && name == filepath.Base(name) && filepath.IsLocal(name) &&
		!strings.HasPrefix(name, ".") && !strings.ContainsAny(name, `/\:*?"<>|`)
}
