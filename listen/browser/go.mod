module github.com/audiosep/audiosep/listen/browser

go 1.26

require (
	github.com/audiosep/audiosep v0.0.0
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
)

require (
	github.com/agnivade/levenshtein v1.2.1 // indirect
	github.com/go-audio/audio v1.0.0 // indirect
	github.com/go-audio/riff v1.0.0 // indirect
	github.com/go-audio/wav v1.1.0 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/jfreymuth/vorbis v1.0.2 // indirect
	github.com/thesyncim/gopus v0.1.0 // indirect
	golang.org/x/sync v0.19.0 // indirect
	golang.org/x/sys v0.39.0 // indirect
	golang.org/x/term v0.38.0 // indirect
	gonum.org/v1/gonum v0.17.0 // indirect
)

replace github.com/audiosep/audiosep => ../..
