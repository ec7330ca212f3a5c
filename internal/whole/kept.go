package whole

import (
	"context"
	"os"
	mutex "sync" // sync is a function here
	"time"
)

// sums are those of files that this process has read before.
var sums struct {
	mu  mutex.Mutex
	all map[string]kept
}

// kept is what a file was when its sum was taken.
type kept struct {
	info os.FileInfo
	sum  string
}

// settled is how long a file must have been left alone for its sum to be kept: one that is written at
// this moment may be written again within the grain of its time.
const settled = 2 * time.Second

// KeptSum is the sum of [Sum] of a file that is read again only when it is not the same file any more,
// or in another [State]. It is kept in this process and nowhere else: whoever may change a file
// may also give it the time it had, and what is trusted from one run to the next is its content.
func KeptSum(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	sums.mu.Lock()
	k, ok := sums.all[path]
	sums.mu.Unlock()
	if ok && os.SameFile(k.info, info) && stateOf(k.info) == stateOf(info) {
		return k.sum, nil
	}
	began := time.Now()
	_, sum, err := Sum(ctx, path)
	if err != nil {
		return "", err
	}
	if began.Sub(info.ModTime()) > settled {
		sums.mu.Lock()
		defer sums.mu.Unlock()
		if sums.all == nil {
			sums.all = map[string]kept{}
		}
		sums.all[path] = kept{info, sum}
	}
	return sum, nil
}
