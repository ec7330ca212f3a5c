// Package batch runs one pipeline over many recordings, on as many machines as see the same
// folders, so that what is killed, full or cut off costs time and nothing else.
//
// A manifest lists the items: one recording under one setting each ([Plan] makes it). An item
// is done when its done-file is there, which is written last and has the SHA-256 of every
// output ([Done]); anything else is done again, and doing an item twice gives the same bytes.
// So nothing else needs to be right for the results to be: leases, shards and the order of
// work only save time.
package batch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/audiosep/audiosep/internal/whole"
)

// Format is the version of manifests and done-files that this package writes and reads.
const Format = 1

// Header is the first line of a manifest: what the items below it have in common.
type Header struct {
	Manifest int             `json:"audiosep_manifest"` // Format
	Version  string          `json:"version"`           // of the program
	Pipeline json.RawMessage `json:"pipeline"`          // with everything said, and every file by its absolute name
	Report   *Report         `json:"report,omitempty"`  // what else is written of each item
}

// Report asks for what passes some ports of a run, as a spec does.
type Report struct {
	Dir   string   `json:"dir"` // below the item's folder
	Ports []string `json:"ports"`
}

// Item is a line of a manifest: one recording, or several realisations of one scene, under one
// setting.
type Item struct {
	// ID is a hash of what decides the result: the contents of the inputs, the pipeline with
	// every parameter, the seed, the version of the program.
	ID    string   `json:"id"`
	Name  string   `json:"name"`  // of its folder below that of all results, with / between
	Input []string `json:"input"` // absolute names of the files
	// SHA256 has that of each input, in hex.
	SHA256    []string `json:"sha256"`
	Set       []string `json:"set,omitempty"`       // STAGE.PARAMETER=VALUE, of a sweep
	Seed      *uint64  `json:"seed,omitempty"`      // nil: the pipeline's
	Reference string   `json:"reference,omitempty"` // the folder of the true stems
	Audio     float64  `json:"audio"`               // seconds that the recording lasts
	Seconds   float64  `json:"seconds"`             // that one processor will take for it, estimated
	Memory    int64    `json:"memory"`              // bytes that it will take, estimated

	Header *Header `json:"-"`
}

// key names what is kept of an item while it is not done.
func (it *Item) key() string {
	sum := sha256.Sum256([]byte(it.ID + "\n" + it.Name))
	return hex.EncodeToString(sum[:12])
}

// longestLine bounds a line of a manifest, in bytes: the header has a pipeline.
const longestLine = 32 << 20

// ReadManifest reads the items of a manifest. Several manifests, one after the other, are one.
func ReadManifest(name string, r io.Reader) ([]*Item, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<16), longestLine)
	var header *Header
	var items []*Item
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		both := new(struct {
			Header
			Item
		})
		if err := json.Unmarshal(line, both); err != nil {
			return nil, fmt.Errorf("%s:%d: %w; want a line of a manifest, as batch plan writes it of a pipeline", name, n, err)
		}
		switch it := &both.Item; {
		case both.Manifest != 0 && both.Manifest != Format:
			return nil, fmt.Errorf("%s:%d: the manifest's format is version %d; this program reads version %d", name, n, both.Manifest, Format)
		case both.Manifest != 0:
			header = &both.Header
		case header == nil:
			return nil, fmt.Errorf("%s:%d: an item stands before the header; want a manifest whole, as batch plan writes it", name, n)
		case it.ID == "" || len(it.Input) == 0 || len(it.Input) != len(it.SHA256):
			return nil, fmt.Errorf("%s:%d: the item has no id, or not a SHA-256 for each input; want a line of a manifest, as batch plan writes it", name, n)
		case !safeName(it.Name):
			return nil, fmt.Errorf("%s:%d: the item's name is %q; want one of a folder below that of the results", name, n, it.Name)
		default:
			it.Header = header
			items = append(items, it)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, tooLong(err, longestLine, "a manifest, as batch plan writes it"))
	}
	return items, apart(name, items)
}

// tooLong says what is wanted where a line is longer than bytes.
func tooLong(err error, bytes int, want string) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line has more than %d bytes; want %s", bytes, want)
	}
	return err
}

// apart refuses two items of one folder.
func apart(name string, items []*Item) error {
	taken := make(map[string]*Item, len(items))
	for _, it := range items {
		small := strings.ToLower(it.Name)
		if other := taken[small]; other != nil {
			return fmt.Errorf("%s: %s and %s would both be written to %s; want each item once", name, other.Input[0], it.Input[0], it.Name)
		}
		taken[small] = it
	}
	return nil
}

// ReadManifestFile reads the items of a manifest in a file.
func ReadManifestFile(ctx context.Context, path string) ([]*Item, error) {
	f, err := whole.OpenPipe(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadManifest(path, f)
}

// safeName tells whether a name stays below its folder, and is none of this package's own.
func safeName(name string) bool {
	local := filepath.FromSlash(name)
	return name != "" && filepath.IsLocal(local) && filepath.Clean(local) == local && local != "." && !strings.HasPrefix(name, stateFolder)
}
