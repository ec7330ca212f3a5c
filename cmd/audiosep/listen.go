package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/listen"
	"github.com/audiosep/audiosep/pipeline"
)

func listenCommand() *cobra.Command {
	var o listen.Options
	port := 0
	cmd := &cobra.Command{
		Use:   "listen FILE",
		Short: "Take a recording apart by ear, on a page",
		Long: `Serve a page, to this machine alone, that shows and plays a recording: its
spectrogram, the components that a factorisation finds, which you put into sources;
what you paint; the notes of a score. FILE is a sound file, a folder that the page
saved, or the folder of a run or a pipeline, which is run first: its stems are heard
beside what the page makes. Open the address that is printed in a browser; it has a secret in it.

What is saved is a pipeline that makes the same stems from the command line.`,
		Example: `  audiosep listen song.flac
  audiosep listen song.flac --references stems --run other/stems
  audiosep listen pipeline.json
  audiosep listen song-listen/page`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			if filepath.Ext(o.File) == ".json" {
				dir, err := runForPage(cmd, o.File)
				defer os.RemoveAll(dir)
				if err != nil {
					return err
				}
				o.File = dir
			}
			s, err := listen.New(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer s.Close()
			return answer(cmd, port, "/", listen.MostBody, s.Handler())
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&port, "port", 0, "`PORT` to serve at (default: any that is free)")
	fl.StringVarP(&o.Out, "out", "o", "", "`DIR` below which the page saves (default: NAME-listen in this folder)")
	fl.StringArrayVar(&o.Runs, "run", nil, "`DIR` of stems to be heard beside those of the page")
	fl.StringVar(&o.References, "references", "", "`DIR` of true stems to measure by")
	for _, name := range []string{"out", "run", "references"} {
		cmd.MarkFlagDirname(name)
	}
	return cmd
}

// runForPage runs a pipeline into a folder that it makes and returns, also with an error.
func runForPage(cmd *cobra.Command, file string) (dir string, err error) {
	text, err := readSpec(cmd, file)
	if err != nil {
		return "", err
	}
	spec, err := pipeline.Parse(file, text)
	if err != nil {
		return "", err
	}
	if dir, err = whole.TemporaryFolder("audiosep-listen-*"); err != nil {
		return "", &runError{err}
	}
	r := &runner{}
	l, err := r.load(cmd.Context(), spec, func(*pipeline.Registry) error { spec.Out = dir; return nil })
	if err != nil {
		return dir, err
	}
	if _, err = r.run(cmd.Context(), l); err != nil {
		err = &runError{err}
	}
	return dir, err
}
