package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/transforms"
)

// localiseOptions are what the flags of localise say.
type localiseOptions struct {
	multichannel.LocaliseParams
	length float64 // ms
	format string
}

func localiseCommand() *cobra.Command {
	o := localiseOptions{LocaliseParams: multichannel.DefaultLocalise()}
	cmd := &cobra.Command{
		Use:   "localise RECORDING",
		Short: "Tell from which directions a recording's sources come",
		Long: `Find the directions of sources before microphones that stand in a line, as far
apart as --spacing says, in the order of the channels, by SRP-PHAT. An angle is that
between a source and the line, 0° on the side of the first microphone; what is
behind the line has the angle of its mirror image. The share is the part of the
frames' weight within 10° of it: where it is small the direction is a guess.

iva, ilrma and fdica tell the direction of each separated source in the log, and
number the sources by it with order: angle.`,
		Example: "  audiosep localise meeting.wav --spacing 0.05 --sources 3",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	fl := cmd.Flags()
	fl.Float64Var(&o.Spacing, "spacing", 0, "distance of one microphone from the next, in m (wanted)")
	fl.IntVar(&o.Sources, "sources", o.Sources, "the most directions that are told")
	fl.Float64Var(&o.Lowest, "lowest", o.Lowest, "the lowest frequency that is looked at, in Hz")
	fl.Float64Var(&o.length, "length-ms", 64, "length of a frame in ms; frames overlap by half")
	fl.StringVar(&o.format, "format", "text", "text or json")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *localiseOptions) run(cmd *cobra.Command, file string) error {
	switch {
	case o.format != "text" && o.format != "json":
		return fmt.Errorf("--format is %q; want text or json", o.format)
	case !(o.Spacing > 0 && o.Spacing <= 100):
		return fmt.Errorf("--spacing is %g; want the distance of the microphones in m, above 0 and at most 100", o.Spacing)
	case o.Sources < 1 || o.Sources > 64:
		return fmt.Errorf("--sources is %d; want 1 to 64", o.Sources)
	case !(o.length >= 1 && o.length <= 10_000):
		return fmt.Errorf("--length-ms is %g; want 1 to 10000", o.length)
	}
	d, err := o.localise(cmd.Context(), file)
	if err != nil {
		return &runError{fmt.Errorf("%s: %w", file, err)}
	}
	if o.format == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(d)
	}
	return writeDirections(cmd.OutOrStdout(), d)
}

func (o *localiseOptions) localise(ctx context.Context, file string) (_ *multichannel.Directions, err error) {
	src, err := audio.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p := transforms.DefaultFrame()
	p.LengthMS = &o.length
	x, err := transforms.STFT(ctx, src, p)
	if err != nil {
		return nil, err
	}
	return multichannel.Localise(ctx, x, o.LocaliseParams)
}

func writeDirections(out io.Writer, d *multichannel.Directions) error {
	if len(d.Found) == 0 {
		_, err := fmt.Fprintln(out, "no direction stands out: the recording is silent, or its channels have nothing in common")
		return err
	}
	if _, err := fmt.Fprintln(out, "angle  share"); err != nil {
		return err
	}
	for _, f := range d.Found {
		if _, err := fmt.Fprintf(out, "%4.0f°  %4.0f %%\n", f.Angle, 100*f.Share); err != nil {
			return err
		}
	}
	return nil
}
