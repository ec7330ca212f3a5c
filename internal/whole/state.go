package whole

import "os"

// A State tells one state of a file from another: two are equal only where nothing has been written into the file
// meanwhile, and no other put in its place.
type State struct{ size, written, changed int64 }

// StateOf returns the state of the regular file that a path leads to; ok is false where there is none.
func StateOf(path string) (s State, ok bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return State{}, false
	}
	return stateOf(info), true
}

// stateOf has the time of the last change of a file's name, owner and the like where the system tells: it cannot be set, so
// that another file with the size and time of the first is known. The number of the file is not in it, as some
// file systems of other machines give a file another each time it is looked up.
func stateOf(info os.FileInfo) State {
	return State{info.Size(), info.ModTime().UnixNano(), changedAt(info)}
}
