// Package presets holds pipelines that have a name: each is a file of this folder, called
// NAME.json, that says what it is for and when not to use it.
package presets

import (
	"embed"
	"strings"
)

//go:embed *.json
var files embed.FS

// Names returns the names of all presets, in alphabetical order.
func Names() (names []string) {
	entries, _ := files.ReadDir(".") // what is embedded can be read
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	return names
}

// Read returns the text of a preset; ok is false if there is none of that name.
func Read(name string) (text []byte, ok bool) {
	text, err := files.ReadFile(name + ".json")
	return text, err == nil
}
