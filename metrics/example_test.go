package metrics_test

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/metrics"
)

// tones is one second of sinusoids of 440, 500 and 1000 Hz.
func tones(amplitudes ...float64) audiosep.Source {
	d := make([]float64, 8000)
	for k, a := range amplitudes {
		for t := range d {
			d[t] += a * math.Sin(2*math.Pi*[]float64{440, 500, 1000}[k]*float64(t)/8000)
		}
	}
	return &audiosep.Signal{Rate: 8000, Data: [][]float64{d}}
}

// Two estimates in the wrong order: a tenth of the other tone has leaked into each,
// and a tone that is in neither reference was added.
func ExampleEvaluate() {
	refs := []audiosep.Source{tones(1, 0), tones(0, 1)}
	ests := []audiosep.Source{tones(0.1, 1, 0.05), tones(1, 0.1, 0.02)}
	r, err := metrics.Evaluate(context.Background(), refs, ests, nil, metrics.Options{Convention: metrics.V2})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// bss_v2: BSS Eval 2.1: one gain allowed; estimate = target + interference + artifacts; one frame; estimates matched by best mean SIR
	//   reference  estimate  SDR dB  SIR dB  SAR dB
	//           1         2   19.83   20.00   34.02
	//           2         1   19.03   20.00   26.06
}
