//go:build linux

package jobdir

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The slot file is two halves of slotHalf bytes, each: sequence u64, length
// u32, CRC-32 (IEEE) of the JSON u32, all little endian, then the JSON. The
// writer never touches the half that was made durable last, so a torn write can
// only spoil the other; the reader takes the valid half with the higher
// sequence, which is odd in the second half.
const (
	slotHalf   = 2048
	slotSize   = 2 * slotHalf
	slotHeader = 8 + 4 + 4
)

// ErrNoSlot means that no supervisor has written the slot yet.
var ErrNoSlot = errors.New("the slot is empty")

// Phase is how far a supervisor has come. The values are wire constants.
type Phase string

// The phases of a supervisor, in order.
const (
	PhaseStarting Phase = "starting" // the supervisor lives, the child is not made or still gated
	PhaseRunning  Phase = "running"  // the child exists; Leader is set
	PhaseExited   Phase = "exited"   // the child was reaped; Exit is set
	PhaseSealed   Phase = "sealed"   // the log is complete; LogBytes is final
	PhaseFailed   Phase = "failed"   // the child could not be started; StartError says why
)

// Process identifies a process beyond the reuse of its pid.
type Process struct {
	PID        int    `json:"pid"`
	StartTicks uint64 `json:"start_ticks"`         // field 22 of /proc/PID/stat
	PidfsInode uint64 `json:"pidfs_ino,omitempty"` // inode of a pidfd, Linux ≥ 6.9; 0 unknown
	BootID     string `json:"boot_id"`
}

// Exit is how the entrypoint ended.
type Exit struct {
	Code       int   `json:"code"`   // exit status, or -n when killed by signal n
	Signal     int   `json:"signal"` // 0: ended by itself
	CoreDumped bool  `json:"core_dumped,omitempty"`
	At         int64 `json:"at"` // ms since the epoch
	UserMS     int64 `json:"user_ms"`
	SystemMS   int64 `json:"system_ms"`
	MaxRSSKiB  int64 `json:"max_rss_kib"`
}

// Slot is the state that a supervisor leaves on disk.
type Slot struct {
	Version       int      `json:"version"` // 1
	Phase         Phase    `json:"phase"`
	Shim          Process  `json:"shim"`
	Leader        *Process `json:"leader,omitempty"`
	StartedAt     int64    `json:"started_at,omitempty"` // ms
	Exit          *Exit    `json:"exit,omitempty"`
	StartError    string   `json:"start_error,omitempty"`
	ErrorType     string   `json:"error_type,omitempty"` // Ray's, with StartError; "": the entrypoint could not be started
	StopSeen      bool     `json:"stop_seen,omitempty"`
	LogBytes      int64    `json:"log_bytes,omitempty"`
	LogIncomplete string   `json:"log_incomplete,omitempty"` // why bytes may be missing
	LogBlocked    string   `json:"log_blocked,omitempty"`    // why the pump waits: disk full …
	Leftovers     int      `json:"leftovers,omitempty"`      // processes that outlived the entrypoint
	Unkillable    []int    `json:"unkillable,omitempty"`
	Cgroup        string   `json:"cgroup,omitempty"`     // folder of the job's control group; "": it has none
	OOMKilled     bool     `json:"oom_killed,omitempty"` // the kernel killed a process of the job for want of memory

	// Unknown are the fields of a later version. Whoever writes the slot
	// after that one's supervisor keeps them.
	Unknown map[string]json.RawMessage `json:"-"`
}

// slotFields is Slot without its methods.
type slotFields Slot

// UnmarshalJSON reads a slot of this version or a later one.
func (s *Slot) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	var fields slotFields
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for f := range reflect.TypeFor[slotFields]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		delete(all, name)
	}
	*s = Slot(fields)
	if len(all) > 0 {
		s.Unknown = all
	}
	return nil
}

// MarshalJSON writes the fields of a later version too.
func (s Slot) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(slotFields(s))
	if err != nil || len(s.Unknown) == 0 {
		return data, err
	}
	rest, err := json.Marshal(s.Unknown)
	if err != nil {
		return nil, err
	}
	return append(append(data[:len(data)-1], ','), rest[1:]...), nil
}

// ReadSlot returns the newest valid half; ErrNoSlot when neither is.
func (d Dir) ReadSlot() (Slot, error) {
	s, _, err := d.readSlot()
	return s, err
}

// SlotTime is when the slot was last written, or the zero time.
func (d Dir) SlotTime() time.Time {
	info, err := os.Stat(filepath.Join(d.path, slotName))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

func (d Dir) readSlot() (Slot, uint64, error) {
	data, err := os.ReadFile(filepath.Join(d.path, slotName))
	if err != nil {
		return Slot{}, 0, fmt.Errorf("read slot: %w", err)
	}
	var best Slot
	var seq uint64
	for at := 0; at+slotHalf <= len(data); at += slotHalf {
		s, n, ok := parseHalf(data[at : at+slotHalf])
		if ok && n > seq {
			best, seq = s, n
		}
	}
	if seq == 0 {
		return Slot{}, 0, ErrNoSlot
	}
	return best, seq, nil
}

func parseHalf(half []byte) (Slot, uint64, bool) {
	seq := binary.LittleEndian.Uint64(half)
	size := int(binary.LittleEndian.Uint32(half[8:]))
	if seq == 0 || size > slotHalf-slotHeader {
		return Slot{}, 0, false
	}
	body := half[slotHeader : slotHeader+size]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(half[12:]) {
		return Slot{}, 0, false
	}
	var s Slot
	if json.Unmarshal(body, &s) != nil {
		return Slot{}, 0, false
	}
	return s, seq, true
}

// SlotWriter writes a job's slot. There is one per job: the supervisor's, or
// the backend's after the supervisor is gone.
type SlotWriter struct {
	f     *os.File
	seq   uint64
	dirty bool // the half of seq is not durable yet; the other is, if there is one
}

// OpenSlot opens the slot for writing, after what stands in it. Close it.
func (d Dir) OpenSlot() (*SlotWriter, error) {
	_, seq, err := d.readSlot()
	if err != nil && !errors.Is(err, ErrNoSlot) {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(d.path, slotName), os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open slot: %w", err)
	}
	// The last writer may have been killed before its sync.
	w := &SlotWriter{f: f, seq: seq, dirty: seq > 0}
	if w.dirty {
		_ = w.Sync() // on an error the other half stays the one to spare
	}
	return w, nil
}

// Write makes s durable. It needs no free space on the disk.
func (w *SlotWriter) Write(s Slot) error {
	if err := w.Put(s); err != nil {
		return err
	}
	return w.Sync()
}

// Sync makes durable what was put.
func (w *SlotWriter) Sync() error {
	if err := unix.Fdatasync(int(w.f.Fd())); err != nil {
		return fmt.Errorf("sync slot: %w", err)
	}
	w.dirty = false
	return nil
}

// Put writes s so that it outlives this process, but not a power cut. Like
// Write it needs no free space on the disk.
func (w *SlotWriter) Put(s Slot) error {
	s.Version = max(s.Version, 1)
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write slot: %w", err)
	}
	if len(body) > slotHalf-slotHeader {
		s.StartError, s.LogIncomplete, s.LogBlocked = clip(s.StartError), clip(s.LogIncomplete), clip(s.LogBlocked)
		s.Unkillable, s.Unknown = s.Unkillable[:min(len(s.Unkillable), 16)], nil
		if body, err = json.Marshal(s); err != nil {
			return fmt.Errorf("write slot: %w", err)
		}
	}
	seq := w.seq + 1
	if w.dirty {
		seq++ // in the same half again
	}
	half := make([]byte, slotHeader+len(body))
	binary.LittleEndian.PutUint64(half, seq)
	binary.LittleEndian.PutUint32(half[8:], uint32(len(body)))
	binary.LittleEndian.PutUint32(half[12:], crc32.ChecksumIEEE(body))
	copy(half[slotHeader:], body)
	if _, err := w.f.WriteAt(half, int64(seq%2)*slotHalf); err != nil {
		return fmt.Errorf("write slot: %w", err)
	}
	w.seq, w.dirty = seq, true
	return nil
}

// Close closes the file; what was written stays.
func (w *SlotWriter) Close() error { return w.f.Close() }

func clip(s string) string { return s[:min(len(s), 300)] }
