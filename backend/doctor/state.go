//go:build linux

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	lowSpace      = 1 << 30  // bytes, below which a finding is a warning
	noSpace       = 64 << 20 // below which it is bad
	fewInodes     = 10000    // likewise, of files that can still be made
	maxSocketPath = 107      // bytes, on Linux
	longestSocket = "notify.sock"
)

// stateDir looks at the folder of the state: mode, owner, file system, and
// whether a lock on it means something.
func stateDir(_ context.Context, opt Options) []Finding {
	const name = "state folder"
	dir := opt.StateDir
	var st unix.Stat_t
	err := unix.Stat(dir, &st)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		parent := existing(dir)
		if unix.Access(parent, unix.W_OK|unix.X_OK) != nil {
			return []Finding{{name, Bad, fmt.Sprintf("%s does not exist, and %s may not be written to.", dir, parent), "Choose another folder: set DRAY_STATE_DIR or use --state-dir."}}
		}
		return []Finding{{name, OK, dir + " does not exist yet; it is made by the first use.", ""}}
	case err != nil:
		return []Finding{{name, Bad, fmt.Sprintf("%s cannot be looked at: %v.", dir, err), "Choose another folder: set DRAY_STATE_DIR or use --state-dir."}}
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return []Finding{{name, Bad, dir + " is not a folder.", "Remove it, or choose another folder with --state-dir."}}
	case int(st.Uid) != os.Geteuid():
		return []Finding{{name, Bad, fmt.Sprintf("%s belongs to the user %d, this is user %d.", dir, st.Uid, os.Geteuid()), "Choose a folder of your own with --state-dir."}}
	case st.Mode&0o022 != 0:
		return []Finding{{name, Bad, fmt.Sprintf("%s can be written by others (mode %o).", dir, st.Mode&0o777), "chmod 700 " + dir}}
	case st.Mode&0o055 != 0:
		return []Finding{{name, Warn, fmt.Sprintf("%s can be read by others (mode %o); the files in it cannot.", dir, st.Mode&0o777), "chmod 700 " + dir}, fileSystem(dir), flock(dir)}
	}
	return []Finding{{name, OK, fmt.Sprintf("%s, mode %o.", dir, st.Mode&0o777), ""}, fileSystem(dir), flock(dir)}
}

// existing is the nearest folder above dir that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// fileSystem warns of those whose locks or durability are another machine's.
func fileSystem(dir string) Finding {
	const name = "file system"
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Finding{name, Warn, fmt.Sprintf("The file system of %s cannot be looked at: %v.", dir, err), ""}
	}
	kind, remote := fileSystemName(st.Type)
	switch {
	case st.Flags&unix.ST_RDONLY != 0:
		return Finding{name, Bad, fmt.Sprintf("%s is on a read-only file system (%s).", dir, kind), "Remount it, or choose another folder with --state-dir."}
	case remote:
		return Finding{name, Warn, fmt.Sprintf("%s is on %s: the database and its locks are not safe on a network file system.", dir, kind), "Choose a folder on a local disk with --state-dir."}
	case kind == "tmpfs":
		return Finding{name, Warn, dir + " is in memory (tmpfs): jobs are forgotten when the machine is restarted.", "Choose a folder on a disk with --state-dir."}
	}
	return Finding{name, OK, kind + ".", ""}
}

func fileSystemName(magic int64) (name string, remote bool) {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4", false
	case unix.XFS_SUPER_MAGIC:
		return "xfs", false
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs", false
	case unix.TMPFS_MAGIC:
		return "tmpfs", false
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay", false
	case unix.NFS_SUPER_MAGIC:
		return "NFS", true
	case unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return "SMB", true
	case unix.FUSE_SUPER_MAGIC:
		return "FUSE", true
	case unix.V9FS_MAGIC:
		return "9p", true
	}
	return fmt.Sprintf("a file system of type %#x", magic), false
}

// flock takes a lock twice: the second must be refused.
func flock(dir string) Finding {
	const name = "locks"
	fail := func(err error) Finding {
		return Finding{name, Bad, fmt.Sprintf("Locks do not work in %s: %v.", dir, err), "Choose a folder on a local disk with --state-dir."}
	}
	path := filepath.Join(dir, ".doctor-"+strconv.Itoa(os.Getpid()))
	first, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fail(err)
	}
	defer first.Close()
	defer os.Remove(path)
	second, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer second.Close()
	if err := unix.Flock(int(first.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fail(err)
	}
	if err := unix.Flock(int(second.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return fail(errors.New("a file was locked twice"))
	}
	return Finding{name, OK, "flock works.", ""}
}

func diskSpace(_ context.Context, opt Options) []Finding {
	const name = "disk space"
	dir := existing(opt.StateDir)
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return []Finding{{name, Warn, fmt.Sprintf("The free space of %s is unknown: %v.", dir, err), ""}}
	}
	free := int64(st.Bavail) * st.Bsize
	text := fmt.Sprintf("%.1f GiB free where %s is.", float64(free)/(1<<30), dir)
	const fix = "Make room, or remove old jobs."
	switch {
	case free < noSpace:
		return []Finding{{name, Bad, text, fix}}
	case free < lowSpace:
		return []Finding{{name, Warn, text, fix}}
	case st.Files > 0 && st.Ffree < fewInodes:
		return []Finding{{name, Warn, fmt.Sprintf("Only %d more files can be made where %s is.", st.Ffree, dir), "Remove files that nobody needs."}}
	}
	return []Finding{{name, OK, text, ""}}
}

// backendLock says which process is the backend.
func backendLock(_ context.Context, opt Options) []Finding {
	const name = "backend"
	path := filepath.Join(opt.StateDir, "backend.lock")
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{{name, OK, "No backend runs on this state folder.", ""}}
	}
	if err != nil {
		return []Finding{{name, Bad, fmt.Sprintf("The backend's lock cannot be opened: %v.", err), ""}}
	}
	defer f.Close()
	// Shared, and for an instant: a backend that starts meanwhile tries again.
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if err == nil {
		return []Finding{{name, OK, "No backend runs on this state folder; jobs that run go on without one.", ""}}
	}
	var info struct {
		PID     int    `json:"pid"`
		Socket  string `json:"socket"`
		Version string `json:"version"`
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &info) != nil {
		return []Finding{{name, Warn, "A backend runs, and has not said yet where it listens.", "Look again in a moment."}}
	}
	text := fmt.Sprintf("Process %d is the backend (version %s), at %s.", info.PID, info.Version, info.Socket)
	if state := processState(info.PID); state == 'T' || state == 't' {
		return []Finding{{name, Bad, text + " It is stopped.", fmt.Sprintf("kill -CONT %d", info.PID)}}
	}
	return []Finding{{name, OK, text, ""}}
}

// sockets looks whether a path short enough for a socket can be had.
func sockets(_ context.Context, opt Options) []Finding {
	const name = "sockets"
	xdg := opt.Getenv("XDG_RUNTIME_DIR")
	below := filepath.Join(opt.StateDir, "run")
	if filepath.IsAbs(xdg) && unix.Access(xdg, unix.W_OK) == nil {
		below = filepath.Join(xdg, "dray", "0123456789ab")
	}
	if n := len(filepath.Join(below, longestSocket)); n > maxSocketPath {
		return []Finding{{name, Warn, fmt.Sprintf("A socket below %s would have a path of %d bytes, and %d are allowed: they are put below %s.", below, n, maxSocketPath, os.TempDir()), "Choose a shorter state folder, or set XDG_RUNTIME_DIR."}}
	}
	return []Finding{{name, OK, "They are put below " + filepath.Dir(below) + ".", ""}}
}

// tokens looks at who may read the files that hold tokens.
func tokens(_ context.Context, opt Options) []Finding {
	const name = "token files"
	paths := []string{filepath.Join(opt.StateDir, "token")}
	if path := opt.Getenv("RAY_AUTH_TOKEN_PATH"); path != "" {
		paths = append(paths, path)
	} else if home := opt.Getenv("HOME"); home != "" {
		paths = append(paths, filepath.Join(home, ".ray", "auth_token"))
	}
	var found []Finding
	for i, path := range paths {
		info, err := os.Stat(path)
		named := i > 0 && opt.Getenv("RAY_AUTH_TOKEN_PATH") != ""
		switch {
		case errors.Is(err, fs.ErrNotExist) && !named:
		case err != nil:
			found = append(found, Finding{name, Bad, fmt.Sprintf("The token file cannot be read: %v.", err), "Set RAY_AUTH_TOKEN_PATH to a file that holds the token, or unset it."})
		case info.Mode().Perm()&0o077 != 0:
			found = append(found, Finding{name, Bad, fmt.Sprintf("%s can be read by others (mode %o).", path, info.Mode().Perm()), "chmod 600 " + path + ", and make a new token: this one may be known."})
		case info.Size() == 0:
			found = append(found, Finding{name, Bad, path + " is empty.", "Put a token on its first line, or remove it."})
		default:
			found = append(found, Finding{name, OK, path + " is private.", ""})
		}
	}
	if len(found) == 0 {
		return []Finding{{name, OK, "There is none.", ""}}
	}
	return found
}
