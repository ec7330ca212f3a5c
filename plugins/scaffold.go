package plugins

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed scaffold python/audiosep_plugin.py
var scaffold embed.FS

// Languages are those that Scaffold knows.
var Languages = []string{"go", "python"}

// ScaffoldKinds returns the kinds of stage that Scaffold can begin.
func ScaffoldKinds() []Kind { return remoteKinds() }

// Scaffold writes a project that builds, tests and runs into a new folder dir: a plugin
// in a language with one stage of a kind, both called name. It returns the files.
func Scaffold(dir, language string, kind Kind, name string) ([]string, error) {
	if !nameSyntax.MatchString(name) {
		return nil, fmt.Errorf("the name is %q; want lower-case letters, digits and _, beginning with a letter", name)
	}
	stage, err := scaffold.ReadFile("scaffold/" + language + "/" + string(kind))
	if err != nil {
		return nil, fmt.Errorf("there is no beginning of a %s in %s; want one of %v in one of %v", kind, language, ScaffoldKinds(), Languages)
	}
	data := struct{ Name, Kind, Title, Spec string }{name, string(kind), title(name), scaffoldSpec(kind, name)}
	files := map[string]string{"README.md": "scaffold/" + language + "/README.md", "pipeline.json": "scaffold/pipeline.json"}
	file := map[string]string{"go": "main.go", "python": prefix + name}[language]
	if language == "go" {
		files["go.mod"], files["main_test.go"] = "scaffold/go/go.mod.txt", "scaffold/go/main_test.txt"
	} else {
		files["audiosep_plugin.py"] = "python/audiosep_plugin.py"
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	texts := map[string][]byte{file: stage}
	for to, from := range files {
		if texts[to], err = scaffold.ReadFile(from); err != nil {
			return nil, err
		}
	}
	var written []string
	for to, text := range texts {
		if to != "audiosep_plugin.py" {
			if text, err = expand(string(text), data); err != nil {
				return nil, err
			}
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(to, prefix) {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, mode); err != nil {
			return nil, err
		}
		written = append(written, filepath.Join(dir, to))
	}
	slices.Sort(written)
	return written, nil
}

func expand(text string, data any) ([]byte, error) {
	t, err := template.New("").Delims("<<", ">>").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, data)
	return b.Bytes(), err
}

// title makes a type's name of a stage's: PaddedDft of padded_dft.
func title(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// scaffoldSpec returns the stages of a pipeline that uses a stage of that kind.
func scaffoldSpec(kind Kind, name string) string {
	use := fmt.Sprintf(`{"use": "%s/%[1]s"}`, name)
	at := func(k Kind, otherwise string) string {
		if k == kind {
			return use
		}
		return otherwise
	}
	stages := []string{
		at(kindSource, `{"use": "read_audio", "params": {"files": ["mix.wav"]}}`),
		at(kindFramer, `{"use": "frame", "params": {"length_ms": 40}}`),
	}
	switch kind {
	case kindTransformer, kindTransformLearner, kindJointLearner:
		stages = append(stages, use)
	default:
		stages = append(stages, `{"use": "dct"}`)
	}
	switch kind {
	case kindJointLearner:
	case kindActivator:
		stages = append(stages, `{"use": "is_nmf", "params": {"rank": 4}}`,
			fmt.Sprintf(`{"use": "%s/%[1]s", "in": {"dictionary": "is_nmf"}}`, name))
	default:
		stages = append(stages, at(kindFactorizer, `{"use": "is_nmf", "params": {"rank": 4}}`))
	}
	wiener := `{"use": "wiener"}`
	if kind == kindActivator {
		wiener = fmt.Sprintf(`{"use": "wiener", "in": {"factors": %q}}`, name)
	}
	stages = append(stages, at(kindSeparator, wiener), at(kindSink, `{"use": "write_audio"}`))
	return "    " + strings.Join(stages, ",\n    ")
}

type Kind string

const (
	kindSource           Kind = "source"
	kindFramer           Kind = "framer"
	kindTransformer      Kind = "transformer"
	kindTransformLearner Kind = "transform-learner"
	kindFactorizer       Kind = "factorizer"
	kindActivator        Kind = "activator"
	kindJointLearner     Kind = "joint-learner"
	kindSeparator        Kind = "separator"
	kindSink             Kind = "sink"
)

func remoteKinds() []Kind {
	return []Kind{kindSource, kindFramer, kindTransformer, kindTransformLearner, kindFactorizer, kindActivator, kindJointLearner, kindSeparator, kindSink}
}
