package plugins

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/plugins/wire"
)

// knownEnv are what in the environment decides, besides its files, what a script says.
var knownEnv = []string{"PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "NODE_PATH", "AUDIOSEP_ENV"}

// knownFile returns where the description of a plugin is kept, "" for nowhere, and its sum. The name tells
// the plugin by its sum, so one that has changed is asked again.
func (h *Host) knownFile(pl plugin) (file, sum string) {
	if h.o.Known == "" {
		return "", ""
	}
	sum, err := Sum(pl.path)
	if err != nil {
		return "", ""
	}
	key := fmt.Sprintf("%d\n%s\n", protocol, sum)
	if script, err := IsScript(pl.path); script || err != nil {
		key += pl.path + "\n"
		for _, name := range knownEnv {
			key += os.Getenv(name) + "\n"
		}
	}
	name := sha256.Sum256([]byte(key))
	return filepath.Join(h.o.Known, hex.EncodeToString(name[:])+".pb"), sum
}

// recall returns the stages that a plugin has described to an earlier host, which has kept them in
// file.
func (h *Host) recall(pl plugin, file string) ([]audiosep.Definition, bool) {
	if file == "" {
		return nil, false
	}
	text, err := os.ReadFile(file)
	about := new(wire.DescribeReply)
	if err != nil || proto.Unmarshal(text, about) != nil {
		return nil, false
	}
	defs, err := h.definitions(pl, about)
	return defs, err == nil
}

// remember keeps in file what a plugin says for later hosts, unless the plugin has changed since it was
// looked for there: then it is not known which of the two said it. It is no fault if that cannot be.
func (h *Host) remember(pl plugin, file string, about *wire.DescribeReply) {
	text, err := proto.Marshal(about)
	if now, _ := h.knownFile(pl); file == "" || now != file || err != nil || os.MkdirAll(h.o.Known, 0o700) != nil {
		return
	}
	whole.Appear(file, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}
