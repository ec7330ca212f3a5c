package plugins

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// script says what runs a file: by is the program that its first line names, "" for a file
// that is a program itself. fault is why the system cannot run it so, if it cannot.
func script(path string) (by, fault string) {
	f, err := os.Open(path)
	if err != nil || runtime.GOOS == "windows" {
		return "", ""
	}
	defer f.Close()
	head := make([]byte, 256) // Linux reads as much
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	line, _, _ := strings.Cut(string(head), "\n")
	command, ok := strings.CutPrefix(line, "#!")
	fields := strings.Fields(command)
	const hint = "want one such as #!/usr/bin/env python3"
	switch {
	case strings.HasPrefix(line, "\ufeff"):
		return "", "its first line begins with a byte order mark, so the system does not see the #!; want the file without one"
	case !ok && bytes.IndexByte(head, 0) >= 0:
		return "", ""
	case !ok:
		return "", fmt.Sprintf("its first line, %.40q, does not say what runs it; %s", line, hint)
	case strings.HasSuffix(line, "\r"):
		return "", fmt.Sprintf("its first line ends with a carriage return, so the system looks for an interpreter called %q; want lines that end with LF alone, as sed -i 's/\\r$//' makes them", strings.TrimSpace(command)+"\r")
	case len(fields) == 0:
		return "", "its first line, #!, names no interpreter; " + hint
	}
	if wrong := unfit(fields[0]); wrong != "" {
		return "", fmt.Sprintf("its interpreter %s, which its first line names, %s, or another in that line", fields[0], wrong)
	}
	if filepath.Base(fields[0]) != "env" {
		return fields[0], ""
	}
	for words := fields[1:]; len(words) > 0; words = words[1:] {
		word := words[0]
		if next := envOption(word); next != 0 {
			words = words[min(next, len(words))-1:]
			continue
		}
		found, err := exec.LookPath(word)
		if err != nil {
			return "", fmt.Sprintf("its first line has %s look for %s, which is in no folder of PATH; want it installed, or another in that line", fields[0], word)
		}
		return found, ""
	}
	return fields[0], ""
}

// unfit says why the system cannot run an interpreter, and what is wanted; "" if nothing is to be seen.
func unfit(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "is not there; want that installed"
	case info.IsDir():
		return "is a folder; want a program"
	case !mayExecute(path):
		return "may not be executed by this user; want chmod +x of that"
	case info.Size() == 0:
		return "is empty; want that installed anew"
	}
	return ""
}

// envOption returns how many words of the arguments of env an option takes that begins with word, or
// an assignment, which is one; 0: word is what env runs.
func envOption(word string) int {
	switch {
	case word == "-u" || word == "--unset" || word == "-C" || word == "--chdir" || word == "-a" || word == "--argv0":
		return 2
	case strings.HasPrefix(word, "-") || strings.Contains(word, "="):
		return 1
	}
	return 0
}

// unstartable says why the system did not start a file, which an interpreter, by, is to run, if it is a script.
func unstartable(err error, by string) string {
	it := "it"
	if by != "" {
		it = "its interpreter " + by
	}
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return it + " is a program for another system or processor; want one built for " + runtime.GOOS + "/" + runtime.GOARCH
	case errors.Is(err, syscall.ETXTBSY):
		return "another program has its file open for writing; want it written whole, and closed, before it is started"
	case errors.Is(err, fs.ErrPermission):
		return "the system does not let this user execute it; want chmod +x, in a folder whose file system lets programs run"
	}
	return err.Error()
}

// exception is the last line of what Python says of an exception that nobody takes.
var exception = regexp.MustCompile(`^([A-Za-z_][\w.]*): (.+)$`)

// noModule is what that says of a module which is not there.
var noModule = regexp.MustCompile(`^No module named '([\w.]+)'`)

// packages are what pip calls modules that have another name.
var packages = map[string]string{"grpc": "grpcio", "google": "protobuf", "sklearn": "scikit-learn", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml"}

// raised says with which exception a script in Python has ended, run by an interpreter, as its last
// words tell; "" if they do not.
func raised(lines []string, by string) string {
	if by == "" || len(lines) == 0 {
		return ""
	}
	e := exception.FindStringSubmatch(lines[len(lines)-1])
	traced := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "  File ") || strings.HasPrefix(l, "Traceback ") })
	if e == nil || !traced {
		return ""
	}
	m := noModule.FindStringSubmatch(e[2])
	if e[1] != "ModuleNotFoundError" || m == nil {
		return "it ended with " + e[0]
	}
	module, _, _ := strings.Cut(m[1], ".")
	if module == "audiosep_plugin" {
		return fmt.Sprintf("module audiosep_plugin, the SDK, is not there for %s; want audiosep_plugin.py beside the plugin, or the wheel of a release: %s -m pip install audiosep_plugin-VERSION-py3-none-any.whl", by, by)
	}
	name := module
	if packages[module] != "" {
		name = packages[module]
	}
	return fmt.Sprintf("module %s is not there for %s; want its package: %s -m pip install %s, or a virtual environment that has it (python3 -m venv ENV, ENV/bin/pip install %s), active where audiosep runs, and #!/usr/bin/env python3 as the first line", m[1], by, by, name, name)
}
