//go:build ignore

// Command generate writes what is made from stage.proto: the Go packages, and the
// descriptor inside ../python/audiosep_plugin.py. It needs protoc on the PATH.
// With -check it writes nothing and fails if something is stale.
package main

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Pinned, so that everybody generates the same text.
const (
	genGo     = "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.10"
	genGoGRPC = "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0"
	sdk       = "../python/audiosep_plugin.py"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	check := flag.Bool("check", false, "write nothing; fail if a file is stale")
	flag.Parse()

	tmp, err := os.MkdirTemp("", "wire")
	must(err)
	defer os.RemoveAll(tmp)
	fresh := map[string][]byte{}
	for _, gen := range []string{genGo, genGoGRPC} {
		run(append(os.Environ(), "GOBIN="+tmp), "go", "install", gen)
	}
	env := append(os.Environ(), "PATH="+tmp+string(filepath.ListSeparator)+os.Getenv("PATH"))
	run(env, "protoc", "--go_out="+tmp, "--go_opt=paths=source_relative",
		"--go-grpc_out="+tmp, "--go-grpc_opt=paths=source_relative",
		"--descriptor_set_out="+filepath.Join(tmp, "set"), "stage.proto")
	for _, name := range []string{"stage.pb.go", "stage_grpc.pb.go"} {
		fresh[name] = withoutVersions(read(filepath.Join(tmp, name)))
	}
	fresh[sdk] = embed(read(sdk), read(filepath.Join(tmp, "set")))

	stale := 0
	for name, text := range fresh {
		switch old, err := os.ReadFile(name); {
		case err == nil && bytes.Equal(old, text):
		case *check:
			stale++
			log.Printf("%s is stale; run go generate ./plugins/wire", name)
		default:
			must(os.WriteFile(name, text, 0o644))
		}
	}
	if stale > 0 {
		os.RemoveAll(tmp)
		os.Exit(1)
	}
}

// withoutVersions drops the line that names protoc's version: the rest is the same
// for every protoc.
func withoutVersions(text []byte) []byte {
	return regexp.MustCompile(`(?m)^// -? ?\tprotoc +v.*\n|^// - protoc +v.*\n`).ReplaceAll(text, nil)
}

// embed puts the descriptor between the quotes of the SDK's _DESCRIPTOR.
func embed(source, descriptor []byte) []byte {
	text := base64.StdEncoding.EncodeToString(descriptor)
	var lines []string
	for len(text) > 96 {
		lines, text = append(lines, text[:96]), text[96:]
	}
	lines = append(lines, text)
	at := regexp.MustCompile(`(?s)_DESCRIPTOR = """.*?"""`)
	if !at.Match(source) {
		log.Fatalf("%s has no _DESCRIPTOR", sdk)
	}
	return at.ReplaceAllLiteral(source, []byte(`_DESCRIPTOR = """`+"\n"+strings.Join(lines, "\n")+"\n"+`"""`))
}

func run(env []string, name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		log.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func read(name string) []byte {
	text, err := os.ReadFile(name)
	must(err)
	return text
}

func must(err error) {
	if err != nil {
		log.Fatal(fmt.Sprint(err))
	}
}
