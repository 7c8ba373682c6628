package screen

import (
	"maps"
	"sync"
)

// Drafts holds what was typed into forms that were left without submitting,
// for as long as the program runs: values of environment variables are
// secrets, so nothing is written to disk. The zero value is ready; a nil one
// keeps nothing. It may be used by several goroutines.
type Drafts struct {
	mu    sync.Mutex
	forms map[string]map[string]string
}

// Keep stores the fields of a form, or forgets it when there are none.
func (d *Drafts) Keep(form string, fields map[string]string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(fields) == 0 {
		delete(d.forms, form)
		return
	}
	if d.forms == nil {
		d.forms = make(map[string]map[string]string)
	}
	d.forms[form] = maps.Clone(fields)
}

// Fields returns what was kept of a form, or nil.
func (d *Drafts) Fields(form string) map[string]string {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.forms[form])
}
