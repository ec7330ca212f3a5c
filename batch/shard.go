package batch

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of several runs that share a manifest out between them. The zero Shard has all
// of it.
type Shard struct{ Index, Of int }

// ParseShard reads i/n, i from 0 to n-1; auto, which asks the job array that the run is part
// of; or auto/n, where the array does not say how many there are. env is os.LookupEnv.
func ParseShard(text string, env func(string) (string, bool)) (Shard, error) {
	if text == "" {
		return Shard{0, 1}, nil
	}
	index, of, counted := strings.Cut(text, "/")
	var s Shard
	var err error
	if counted {
		if s.Of, err = strconv.Atoi(of); err != nil || s.Of < 1 {
			return s, fmt.Errorf("--shard is %q; want i/n such as 0/4, auto or auto/n", text)
		}
	}
	if index == "auto" {
		return autoShard(s.Of, env)
	}
	if s.Index, err = strconv.Atoi(index); err != nil || !counted || s.Index < 0 || s.Index >= s.Of {
		return s, fmt.Errorf("--shard is %q; want i/n with i from 0 to n-1, auto or auto/n", text)
	}
	return s, nil
}

// array is how a scheduler tells the tasks of an array which of how many they are.
type array struct {
	name                string
	index               string // the variable
	of, least, greatest string // variables: how many; or the first index and the last
	step                string
}

var arrays = []array{
	{name: "a Slurm array", index: "SLURM_ARRAY_TASK_ID", of: "SLURM_ARRAY_TASK_COUNT", least: "SLURM_ARRAY_TASK_MIN", greatest: "SLURM_ARRAY_TASK_MAX", step: "SLURM_ARRAY_TASK_STEP"},
	{name: "a Kubernetes indexed job", index: "JOB_COMPLETION_INDEX"},
	{name: "an AWS Batch array", index: "AWS_BATCH_JOB_ARRAY_INDEX", of: "AWS_BATCH_JOB_ARRAY_SIZE"},
	{name: "AWS Batch nodes", index: "AWS_BATCH_JOB_NODE_INDEX", of: "AWS_BATCH_JOB_NUM_NODES"},
	{name: "Google Batch", index: "BATCH_TASK_INDEX", of: "BATCH_TASK_COUNT"},
	{name: "a Cloud Run job", index: "CLOUD_RUN_TASK_INDEX", of: "CLOUD_RUN_TASK_COUNT"},
	{name: "a PBS array", index: "PBS_ARRAY_INDEX"},
	{name: "a Torque array", index: "PBS_ARRAYID"},
	{name: "an SGE array", index: "SGE_TASK_ID", least: "SGE_TASK_FIRST", greatest: "SGE_TASK_LAST", step: "SGE_TASK_STEPSIZE"},
	{name: "an LSF array", index: "LSB_JOBINDEX", greatest: "LSB_JOBINDEX_END", step: "LSB_JOBINDEX_STEP"},
	{name: "tasks of srun", index: "SLURM_PROCID", of: "SLURM_NTASKS"},
}

// autoShard finds the array that this process is a task of. of is how many tasks there are,
// 0 if the variables are to say so.
func autoShard(of int, env func(string) (string, bool)) (Shard, error) {
	for _, a := range arrays {
		index, ok := number(env, a.index)
		if !ok || a.index == "LSB_JOBINDEX" && index == 0 { // a job that is no array
			continue
		}
		least, hasLeast := number(env, a.least)
		step, hasStep := number(env, a.step)
		if !hasStep || step < 1 {
			step = 1
		}
		if a.greatest != "" && !hasLeast { // counted from 1
			least = 1
		}
		count, counted := number(env, a.of)
		if greatest, ok := number(env, a.greatest); ok && !counted {
			count, counted = (greatest-least)/step+1, true
		}
		if of > 0 {
			count, counted = of, true
		}
		s := Shard{(index - least) / step, count}
		switch {
		case !counted:
			return s, fmt.Errorf("this is task %d of %s, which does not say how many there are; want --shard auto/n", index, a.name)
		case a.name == "a PBS array" || a.name == "a Torque array":
			s.Index = index % count // counted from anything
		case s.Index < 0 || s.Index >= s.Of:
			return s, fmt.Errorf("this is task %d of %s with %d tasks from %d on; want an index among them", index, a.name, count, least)
		}
		return s, nil
	}
	var names []string
	for _, a := range arrays {
		names = append(names, a.name+" ("+a.index+")")
	}
	return Shard{}, fmt.Errorf("--shard auto finds no job array; want i/n, or one of %s", strings.Join(names, ", "))
}

func number(env func(string) (string, bool), name string) (int, bool) {
	text, ok := env(name)
	if !ok || name == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// Has tells whether an item is the shard's: that of the greatest hash of item and shard
// (Thaler and Ravishankar's rendezvous hashing), so that with another number of shards few
// items move.
func (s Shard) Has(it *Item) bool {
	best, at := uint64(0), 0
	n := it.number()
	for i := range s.Of {
		if h := mix(n ^ mix(uint64(i)+1)); h > best || i == 0 {
			best, at = h, i
		}
	}
	return at == s.Index || s.Of < 2
}

// number returns a number of the item's own.
func (it *Item) number() uint64 {
	b, err := hex.DecodeString(it.key()[:16])
	if err != nil {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// mix spreads the bits of x (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
