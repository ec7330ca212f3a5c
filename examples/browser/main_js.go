package main

import (
	"context"
	"fmt"
	"syscall/js"

	"github.com/audiosep/audiosep/pipeline"
)

// main gives JavaScript two functions, audiosepPresets and audiosepSeparate, and waits for ever.
func main() {
	js.Global().Set("audiosepPresets", js.FuncOf(func(js.Value, []js.Value) any {
		list, err := describe()
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
		return map[string]any{"presets": list}
	}))
	js.Global().Set("audiosepSeparate", js.FuncOf(run))
	select {}
}

// describe returns what a page says of the presets and their options.
func describe() (list []any, err error) {
	for _, name := range offered {
		spec, err := load(name)
		if err != nil {
			return nil, err
		}
		options := []any{}
		for _, o := range spec.Options {
			options = append(options, map[string]any{"name": o.Name, "about": o.About})
		}
		list = append(list, map[string]any{"name": name, "title": spec.Name, "about": spec.About, "options": options})
	}
	return list, nil
}

// run takes (preset, file name, Uint8Array, options, progress) and returns at once. What comes is
// told by calls of progress: {stage, done, of}, then {stems: [{name, file}]} or {error}.
func run(_ js.Value, args []js.Value) any {
	preset, file, from, options, progress := args[0].String(), args[1].String(), args[2], args[3], args[4]
	content := make([]byte, from.Get("length").Int())
	js.CopyBytesToGo(content, from)
	told := map[string]string{}
	keys := js.Global().Get("Object").Call("keys", options)
	for i := range keys.Length() {
		key := keys.Index(i).String()
		told[key] = options.Get(key).String()
	}
	go func() {
		defer func() {
			if r := recover(); r != nil {
				progress.Invoke(map[string]any{"error": fmt.Sprint("the program broke down: ", r)})
			}
		}()
		steps := watcher(func(stage string, done, of int) {
			progress.Invoke(map[string]any{"stage": stage, "done": done, "of": of})
		})
		made, err := separate(context.Background(), preset, file, content, told, pipeline.Options{Watcher: steps})
		if err != nil {
			progress.Invoke(map[string]any{"error": err.Error()})
			return
		}
		var stems []any
		for _, s := range made {
			bytes := js.Global().Get("Uint8Array").New(len(s.file))
			js.CopyBytesToJS(bytes, s.file)
			stems = append(stems, map[string]any{"name": s.name, "file": bytes})
		}
		progress.Invoke(map[string]any{"stems": stems})
	}()
	return nil
}
