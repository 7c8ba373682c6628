//go:build linux

package backend

import (
	"errors"
	"fmt"
	"os"
)

// Remove removes a state folder and what belongs to it elsewhere. It refuses
// to while a process uses the folder as its backend.
func Remove(state string, getenv func(string) string) error {
	if getenv == nil {
		getenv = os.Getenv
	}
	p, err := makePaths(state, getenv)
	if err != nil {
		return err
	}
	lock := newLockFile(p.lock)
	free, err := lock.try()
	if err != nil {
		return err
	}
	if !free {
		info, _ := lock.read() // the number is a help, no more
		return fmt.Errorf("%s is in use by process %d: it was not removed", state, info.PID)
	}
	return errors.Join(os.RemoveAll(p.run), os.RemoveAll(p.state), lock.release())
}
