package screen

import "errors"

// ErrNotSent is wrapped by the error of a write that was refused before
// anything left this machine: trying again is safe.
var ErrNotSent = errors.New("nothing was sent")
