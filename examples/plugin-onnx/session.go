package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// libraryVariable is the environment variable that names the runtime's library.
const libraryVariable = "ONNXRUNTIME_LIBRARY"

// start starts the runtime, once.
var start = sync.OnceValue(func() error {
	library := os.Getenv(libraryVariable)
	if library == "" {
		library = map[string]string{"darwin": "libonnxruntime.dylib", "windows": "onnxruntime.dll"}[runtime.GOOS]
		if library == "" {
			library = "libonnxruntime.so"
		}
		if own, err := os.Executable(); err == nil { // beside the plugin, then wherever the system looks
			if beside := filepath.Join(filepath.Dir(own), library); exists(beside) {
				library = beside
			}
		}
	}
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(); err != nil {
		return fmt.Errorf("the ONNX runtime %s cannot be loaded (%w); want the path of libonnxruntime in %s, or the library beside the plugin", library, err, libraryVariable)
	}
	return nil
})

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// model is one ONNX model that is ready to run.
type model struct {
	path    string
	session *ort.DynamicAdvancedSession
}

// load loads a model. Input and output are its first where they are empty.
func load(path, input, output string) (*model, error) {
	if err := start(); err != nil {
		return nil, err
	}
	ins, outs, err := ort.GetInputOutputInfo(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if input, err = named("input", input, ins); err == nil {
		output, err = named("output", output, outs)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s, err := ort.NewDynamicAdvancedSession(path, []string{input}, []string{output}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &model{path, s}, nil
}

// named returns the name of one of a model's inputs or outputs.
func named(what, name string, all []ort.InputOutputInfo) (string, error) {
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	switch {
	case len(names) == 0:
		return "", fmt.Errorf("the model has no %s", what)
	case name == "":
		return names[0], nil
	case !slices.Contains(names, name):
		return "", fmt.Errorf("the model has no %s %q; want one of %q", what, name, names)
	}
	return name, nil
}

// run gives the model an array and returns what it makes of it, whose shape must be want.
func (m *model) run(shape, want []int64, x []float32) ([]float32, error) {
	in, err := ort.NewTensor(ort.NewShape(shape...), x)
	if err != nil {
		return nil, err
	}
	defer in.Destroy()
	out := []ort.Value{nil}
	if err := m.session.Run([]ort.Value{in}, out); err != nil {
		return nil, fmt.Errorf("%s cannot take an array of shape %v: %w", m.path, shape, err)
	}
	defer out[0].Destroy()
	t, ok := out[0].(*ort.Tensor[float32])
	if !ok || !slices.Equal([]int64(t.GetShape()), want) {
		return nil, fmt.Errorf("%s makes an array of shape %v; want float32 of shape %v: see the description's stems, channels and chunk", m.path, out[0].GetShape(), want)
	}
	return slices.Clone(t.GetData()), nil
}
