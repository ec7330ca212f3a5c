package main

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/analysis"
	"github.com/audiosep/audiosep/models"
)

// loadMatrix loads a model that must hold a real transform.
func loadMatrix(file string) (audiosep.Model, audiosep.MatrixTransform, error) {
	m, err := models.Load(file)
	if err != nil {
		return m, nil, &runError{err}
	}
	phi, ok := m.Transform.(audiosep.MatrixTransform)
	if !ok {
		return m, nil, &runError{fmt.Errorf("%s holds no transform Φ; save one with save_model", file)}
	}
	return m, phi, nil
}

func atomsCommand() *cobra.Command {
	var rate float64
	var most int
	cmd := &cobra.Command{
		Use:   "atoms MODEL",
		Short: "Print the frequencies of a transform's atoms",
		Long: `Fit a cosine to each row of the transform Φ of a model and print its frequency,
strongest first where the model has factors to tell, and how much of the row the
cosine leaves unexplained: 0 for a cosine, 1 for noise.`,
		Example: "  audiosep atoms model.npz --rate 5000",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, phi, err := loadMatrix(args[0])
			if err != nil {
				return err
			}
			if rate == 0 && m.Framing != nil {
				rate = float64(m.Framing.Rate)
			}
			if !(rate > 0) || math.IsInf(rate, 0) {
				return fmt.Errorf("--rate is %g and the model tells none; want the sample rate in Hz", rate)
			}
			atoms := analysis.Atoms(phi.Phi(), rate)
			order := analysis.Influence(m)
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintln(w, "row\tfrequency (Hz)\tamplitude\tphase (rad)\tunexplained\t")
			for i, row := range order {
				if most > 0 && i >= most {
					break
				}
				a := atoms[row]
				fmt.Fprintf(w, "%d\t%.2f\t%.4f\t%.3f\t%.4f\t\n", a.Row, a.Frequency, a.Amplitude, a.Phase, a.Residual)
			}
			return w.Flush()
		},
	}
	cmd.Flags().Float64Var(&rate, "rate", 0, "sample rate in `Hz` (default: the model's)")
	cmd.Flags().IntVarP(&most, "most", "n", 0, "print only the `N` strongest (default: all)")
	return cmd
}

func identifyCommand() *cobra.Command {
	var tol, floor float64
	cmd := &cobra.Command{
		Use:   "identify MODEL [OTHER]",
		Short: "Print which row-spaces of a learnt transform are identifiable",
		Long: `Split the rows of a model's WH into sets of equal rows: by Theorem 1 of Zhang,
Soubies and Févotte (2020) the rows of Φ in a set span a space that is identifiable.
With another model, pair the spaces of both and print the largest angle between
them: two starts that reached the same minimum agree there, whatever their rows.`,
		Example: "  audiosep identify model.npz\n  audiosep identify start1.npz start2.npz --tol 0.05",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(tol >= 0 && floor >= 0) {
				return fmt.Errorf("--tol is %g and --floor %g; want numbers ≥ 0", tol, floor)
			}
			var phis []audiosep.MatrixTransform
			var sets [][][]int
			for _, file := range args {
				m, phi, err := loadMatrix(file)
				if err != nil {
					return err
				}
				if m.Factors == nil || m.Factors.W == nil || m.Factors.H == nil {
					return &runError{fmt.Errorf("%s holds no W and H; want both", file)}
				}
				s, err := analysis.Identify(m.Factors, tol, floor)
				if err != nil {
					return &runError{err}
				}
				phis, sets = append(phis, phi), append(sets, s)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			if len(args) == 1 {
				fmt.Fprintf(w, "Q = %d identifiable row-spaces\nspace\tdimension\trows\n", len(sets[0]))
				for q, rows := range sets[0] {
					fmt.Fprintf(w, "%d\t%d\t%s\n", q+1, len(rows), runs(rows))
				}
				return w.Flush()
			}
			pairs, err := analysis.Match(phis[0].Phi(), sets[0], phis[1].Phi(), sets[1])
			if err != nil {
				return &runError{err}
			}
			fmt.Fprintln(w, "dimension\tlargest angle (rad)\trows\trows of the other")
			for _, p := range pairs {
				fmt.Fprintf(w, "%d\t%.3g\t%s\t%s\n", len(p.A), p.Largest(), runs(p.A), runs(p.B))
			}
			return w.Flush()
		},
	}
	cmd.Flags().Float64Var(&tol, "tol", 1e-3, "rows differing by less than this part of themselves are equal")
	cmd.Flags().Float64Var(&floor, "floor", 0, "powers below this say nothing")
	return cmd
}

// runs writes ascending numbers with each run of neighbours as one: 0 2 4-9.
func runs(rows []int) string {
	var parts []string
	for i := 0; i < len(rows); {
		j := i
		for j+1 < len(rows) && rows[j+1] == rows[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", rows[i], rows[j]))
		} else {
			parts = append(parts, fmt.Sprint(rows[i]))
		}
		i = j + 1
	}
	return strings.Join(parts, " ")
}
