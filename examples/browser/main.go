//go:build !js

package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

//go:embed static
var static embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := flag.String("out", "page", "`FOLDER` to write the page to; any web server can give it out")
	serve := flag.Bool("serve", false, "then serve it on this machine and print the address")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "browser: want no arguments, see -h")
		os.Exit(2)
	}
	err := build(ctx, *out)
	if err == nil && *serve {
		err = serveFolder(ctx, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

// build writes the page, the program compiled for browsers, and Go's glue between them.
func build(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		return err
	}
	names, err := fs.ReadDir(files, ".")
	if err != nil {
		return err
	}
	for _, entry := range names {
		text, err := fs.ReadFile(files, entry.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, entry.Name()), text, 0o666)
		}
		if err != nil {
			return err
		}
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	glue, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "wasm_exec.js"), glue, 0o666)
	}
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "audiosep.wasm"), "github.com/audiosep/audiosep/examples/browser")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build for browsers: %w: %s", err, text)
	}
	return nil
}

// serveFolder serves a folder until ctx is done.
func serveFolder(ctx context.Context, dir string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/\n", l.Addr())
	server := &http.Server{Handler: http.FileServer(http.Dir(dir))}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
