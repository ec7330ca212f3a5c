package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/batch/helper"
)

// openStore opens a store by the program that knows its URLs: audiosep-s3 those that begin with s3.
// So this program has no client of any store in it.
func openStore(ctx context.Context, url string) (helper.Store, error) {
	u, _ := helper.ParseURL(url)
	cmd, err := helperProgram(u.Scheme)
	if err != nil {
		return nil, err
	}
	return helper.StartStore(ctx, cmd, url)
}

// openQueue opens a queue by audiosep-nats, as a store is opened.
func openQueue(ctx context.Context, name string) (helper.Queue, error) {
	cmd, err := helperProgram("nats")
	if err != nil {
		return nil, fmt.Errorf("--nats: %w", err)
	}
	return helper.StartQueue(ctx, cmd, withToken(name, os.Getenv("AUDIOSEP_NATS_TOKEN")))
}

// withToken puts a token into the URL of a queue that has none. What is no URL the helper tells.
func withToken(name, token string) string {
	u, err := url.Parse(name)
	if err != nil || token == "" || u.User != nil {
		return name
	}
	u.User = url.User(token)
	return u.String()
}

// addNATS adds the flag that says where a queue is.
func addNATS(cmd *cobra.Command, at *string) {
	cmd.Flags().StringVar(at, "nats", "", "hand items out by the queue (JetStream) of the server at `URL`, nats://HOST:PORT, from which audiosep worker takes them; listen://TOKEN@HOST:PORT, or listen:// for 127.0.0.1:4222, starts one for the run. AUDIOSEP_NATS_TOKEN, a variable of the environment, has the TOKEN that is not in the URL, where lists of processes show it")
}

// helperProgram returns the program that knows something for this one: audiosep-NAME, beside this program or
// on the PATH.
func helperProgram(name string) (*exec.Cmd, error) {
	name = "audiosep-" + name
	if exe, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(exe), name)
		if runtime.GOOS == "windows" {
			beside += ".exe"
		}
		if _, err := os.Stat(beside); err == nil {
			return helperCommand(beside), nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("there is no program %s beside this one or on the PATH; want it, built as docs/batch.md says", name)
	}
	return helperCommand(path), nil
}

func helperCommand(path string) *exec.Cmd {
	cmd := exec.Command(path)
	cmd.Stderr = os.Stderr
	return cmd
}

// inFolder refuses a URL where results must be in a folder.
func inFolder(out string) error {
	if _, far := helper.ParseURL(out); far {
		return fmt.Errorf("--out is %s; want a folder here, or batch plan and batch run for results elsewhere", out)
	}
	return nil
}
