package jobspec

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a spec.
type Problem struct {
	Field string // "metadata.team", "runtime_env.pip"; "" is the whole
	Text  string // what is wrong and what to do
	// Line and Column say where in the file, from 1; 0 is not known.
	Line, Column int
	// Warning: it can be sent, but is probably not what was meant.
	Warning bool
	// File: the value is the name of a file of this machine, whose content can
	// stand in its place.
	File bool
}

// String names the field and says what is wrong.
func (p Problem) String() string {
	if p.Field == "" {
		return p.Text
	}
	return p.Field + ": " + p.Text
}

// Error is what is wrong with a file, at least one problem.
type Error struct {
	Name     string // of the file, as the user gave it
	Problems []Problem
}

// Error returns a line for each problem: "job.yaml:3:5: metadata.team: …".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = e.Name + p.place() + ": " + p.String()
	}
	return strings.Join(lines, "\n")
}

func (p Problem) place() string {
	switch {
	case p.Line == 0:
		return ""
	case p.Column == 0:
		return fmt.Sprintf(":%d", p.Line)
	}
	return fmt.Sprintf(":%d:%d", p.Line, p.Column)
}
