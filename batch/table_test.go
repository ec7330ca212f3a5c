package batch

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"strings"
	"testing"
)

// tabled are two recordings under ranks 2, 10 and seeds 1, 2: objectives of the second are a
// hundred times those of the first.
func tabled() (all []Result) {
	for song := range 2 {
		for _, rank := range []string{"10", "2"} {
			for seed := range uint64(2) {
				it := &Item{ID: "x", Name: fmt.Sprint(song, rank, seed), Input: []string{"in.wav"}, SHA256: []string{fmt.Sprint(song)},
					Set: []string{"is_nmf.rank=" + rank}, Seed: &seed}
				sdr := map[string]float64{"2": 5, "10": 8}[rank] + float64(song) + 0.5*float64(seed)
				loss := map[string]float64{"2": 20, "10": 18}[rank] * math.Pow(100, float64(song))
				if song == 0 && rank == "10" {
					loss = 10
				} else if song == 1 && rank == "10" {
					loss = 2010 // a little worse than with 2, of the loud recording alone
				}
				all = append(all, Result{it, &Done{Objectives: map[string]float64{"is_nmf": loss},
					Metrics: []Metric{{"si_sdr", "", "SI-SDR", sdr}, {"si_sdr", "piano", "SI-SDR", -100}}}})
			}
		}
	}
	return all
}

// Seeds and recordings are spread, not settings; the best is chosen by the metric, or, if asked,
// by the objective, in which recordings count alike.
func TestTabulate(t *testing.T) {
	table, err := Tabulate(tabled(), "")
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%v %v %v", table.Swept, table.Measured, table.By) != "[is_nmf.rank] [is_nmf.objective si_sdr.SI-SDR] si_sdr.SI-SDR" {
		t.Errorf("%v", table)
	}
	if len(table.Rows) != 2 || table.Rows[0].Values[0] != "2" || table.Best != 1 {
		t.Fatalf("%+v; want rank 2, then rank 10, the best", table)
	}
	s := table.Rows[1].Spread[1] // 8, 8.5, 9, 9.5
	if s.Of != 4 || s.Mean != 8.75 || math.Abs(s.Deviation-math.Sqrt(5.0/12)) > 1e-12 || s.Least != 8 || s.Most != 9.5 {
		t.Errorf("%+v", s)
	}
	table, err = Tabulate(tabled(), "is_nmf.objective")
	if err != nil || table.Best != 1 {
		t.Errorf("%v; %v: want rank 10, which is better where the loud recording does not drown the other", table, err)
	}
	if r := table.Rows[1].Spread[0].Relative; math.Abs(r-math.Sqrt(10.0/15*2010/2005)) > 1e-12 {
		t.Errorf("relative objective %g", r)
	}
	if _, err := Tabulate(tabled(), "sdr"); err == nil || !strings.Contains(err.Error(), "want one of is_nmf.objective, si_sdr.SI-SDR") {
		t.Errorf("an unknown metric: %v", err)
	}
}

func TestWriteTable(t *testing.T) {
	table, err := Tabulate(tabled(), "")
	if err != nil {
		t.Fatal(err)
	}
	var text, list, picture bytes.Buffer
	if err := table.WriteText(&text); err != nil || !strings.Contains(text.String(), "* best by si_sdr.SI-SDR (greatest)") {
		t.Errorf("%v: %s", err, text.String())
	}
	if err := table.WriteCSV(&list); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(list.String(), "\n")
	if lines[0] != "is_nmf.rank,items,best,is_nmf.objective.mean,is_nmf.objective.deviation,is_nmf.objective.least,is_nmf.objective.greatest,si_sdr.SI-SDR.mean,si_sdr.SI-SDR.deviation,si_sdr.SI-SDR.least,si_sdr.SI-SDR.greatest" ||
		!strings.HasPrefix(lines[2], "10,4,true,1010,") {
		t.Error(list.String())
	}
	if err := table.Draw(&picture); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&picture); err != nil {
		t.Error(err)
	}
	if table, err = Tabulate(nil, ""); err != nil || table.Draw(&picture) == nil {
		t.Errorf("no items: %v, and a picture of nothing", err)
	}
}

// What is measured of an item without references is its objective; one setting has no spread.
func TestTableOfOne(t *testing.T) {
	one := tabled()[:1]
	one[0].Done.Metrics = nil
	table, err := Tabulate(one, "")
	if err != nil || table.By != "is_nmf.objective" || table.Best != 0 || !math.IsNaN(table.Rows[0].Spread[0].Deviation) {
		t.Errorf("%+v, %v", table, err)
	}
	var list bytes.Buffer
	if err := table.WriteCSV(&list); err != nil || !strings.Contains(list.String(), "\n10,1,true,10,,10,10\n") {
		t.Errorf("%v: %s", err, list.String())
	}
}
