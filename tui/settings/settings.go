// Package settings is the user's configuration: theme, keys, views, columns,
// hotkeys, notifications, and the clusters.
//
// It reads and checks the file and gives the defaults; what a setting does is
// the business of the page that it belongs to.
package settings

import "dray/backend/contexts"

// Settings is a checked configuration. It is read-only.
type Settings struct {
	Theme string // name of a theme, built in or the user's own
	// ThemeLight takes its place where the terminal's background is light. The
	// terminal is asked, once and shortly, only when it is set.
	ThemeLight string
	ASCII      bool // ASCII signs only
	Animation  bool // spinners and flashes
	Mouse      bool // wheel and clicks

	// Keys rebinds actions: "job.stop" or, in one scope only, "Jobs/job.stop",
	// to keys as Bubble Tea names them. An empty list takes the key away.
	Keys map[string][]string
	// Hotkeys are keys of the user's own.
	Hotkeys []Hotkey
	// Aliases are names for palette commands: "failed" to "filter status:failed".
	Aliases map[string]string

	Views   []View   // saved views, on the keys 1 to 5
	Columns []string // of the list, in order; empty: the default ones
	Sort    string   // of the list: "start", "-dur"; empty: live first, newest first

	Notify Notify
	Logs   Logs

	// Clusters are servers with names, in the order of the file.
	Clusters []contexts.Cluster

	File     string // of the settings, whether it is there or not; "" without a home
	ThemeDir string // of the user's themes

	places map[string]place
}

// Hotkey runs a palette command or a shell command.
type Hotkey struct {
	Key  string
	Name string // in the help
	// Run is a palette command, as typed after the colon. In both, $ID,
	// $STATUS, $ENTRYPOINT and $ADDRESS stand for those of the job under the
	// cursor; a shell gets them as environment variables.
	Run   string
	Shell string
	// Confirm asks before it runs.
	Confirm bool
}

// View is a named way to look at the list.
type View struct {
	Name, Filter, Sort string
}

// Notify says whom to tell when a watched job changes.
type Notify struct {
	Watch   string // "none", "mine" (submitted from this account) or "all"
	Bell    bool   // ring the terminal's bell
	OSC     bool   // OSC 9 and 777
	Title   bool   // the terminal's title
	Command string // a shell command; gets DRAY_JOB_ID, DRAY_JOB_STATUS …
	Webhook string // an http(s) URL that gets a JSON body
}

// Logs are the defaults of the log view.
type Logs struct {
	Wrap    bool
	Numbers bool
	Times   bool // show when each line arrived
}

// Default returns what holds without a file.
func Default() *Settings {
	return &Settings{
		Theme:     "terminal",
		Animation: true,
		Mouse:     true,

		Views: []View{
			{Name: "all"},
			{Name: "live", Filter: "status:pending,running"},
			{Name: "failed", Filter: "status:failed"},
			{Name: "mine", Filter: "mine"},
			{Name: "today", Filter: "age<1d"},
		},
		Notify: Notify{Watch: "none", Title: true},
	}
}
