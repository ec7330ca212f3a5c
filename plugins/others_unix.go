//go:build unix

package plugins

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// mayExecute tells whether this user may execute a file.
func mayExecute(path string) bool { return unix.Access(path, unix.X_OK) == nil }

// others says who else may change a plugin: its file, the code beside it, or the folders on the
// way to it. It is "" where nobody may.
func others(path string) string {
	dir, files, err := Covers(path)
	if err != nil {
		return ""
	}
	for _, name := range files {
		if why := writers(filepath.Join(dir, filepath.FromSlash(name)), false); why != "" {
			return why
		}
	}
	if why := folders(filepath.Join(dir, filepath.Base(path))); why != "" {
		return why
	}
	return folders(path)
}

// folders says who else may change the folders on the way to a file. In one whose names only
// their owners may change, such as /tmp, nobody can exchange another; the plugin's own must
// not be such a one either, as a file that is put beside a script can be imported by it.
func folders(path string) string {
	own := filepath.Dir(path)
	for dir := own; ; dir = filepath.Dir(dir) {
		if why := writers(dir, dir != own); why != "" {
			return why
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// writers says who but this user and root may write to a file, or change what is in a folder.
func writers(path string, sticky bool) string {
	info, err := os.Stat(path)
	if err != nil || sticky && info.Mode()&fs.ModeSticky != 0 {
		return ""
	}
	mode := info.Mode()
	switch at, ok := info.Sys().(*syscall.Stat_t); {
	case mode.Perm()&0o002 != 0:
		return fmt.Sprintf("everybody may change %s (%v); want chmod o-w", path, mode)
	case !ok:
		return ""
	case mode.Perm()&0o020 != 0 && at.Gid != 0 && !ownGroup(int(at.Gid)):
		return fmt.Sprintf("a group may change %s (%v); want chmod g-w", path, mode)
	case at.Uid != 0 && int(at.Uid) != os.Geteuid():
		return fmt.Sprintf("%s belongs to another user (%d), who may change it", path, at.Uid)
	}
	return ""
}

// ownGroup tells whether a group is this user's alone, by its name.
func ownGroup(gid int) bool {
	group, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		return false
	}
	me, err := user.Current()
	return err == nil && me.Username == group.Name
}
