// Package screen is the contract between the dashboard's root and its pages:
// what a page must do, what it is given, and the few messages by which pages
// navigate and speak to the user.
//
// It draws nothing and decides nothing; pages are packages beside it.
package screen

import (
	"context"
	"os/exec"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/settings"
)

// LogStream is one open log. Next returns io.EOF when the job has ended and
// the log is complete.
type LogStream interface {
	Next(ctx context.Context) (client.Chunk, error)
	Close() error
}

// Jobs is the part of client.Client that the dashboard uses.
type Jobs interface {
	List(ctx context.Context) ([]rayapi.Job, error)
	Get(ctx context.Context, id string) (rayapi.Job, error)
	Submit(ctx context.Context, r rayapi.SubmitRequest) (id string, err error)
	Stop(ctx context.Context, id string) (stopped bool, err error)
	// StopWith stops in a way that only our own servers know.
	StopWith(ctx context.Context, id string, how rayapi.StopOptions) (stopped bool, err error)
	Delete(ctx context.Context, id string) error
	// Resources returns what the cluster has and how much of it is taken.
	Resources(ctx context.Context) ([]client.Resource, error)
	Follow(ctx context.Context, id string, from int64) (LogStream, error)
	Upload(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (uri string, err error)
	// UploadModule uploads one of py_modules: a folder, a .py file or a wheel.
	UploadModule(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (uri string, err error)
}

// FromClient adapts the client.
func FromClient(c *client.Client) Jobs { return clientJobs{c} }

type clientJobs struct{ *client.Client }

func (c clientJobs) Follow(ctx context.Context, id string, from int64) (LogStream, error) {
	f, err := c.Client.Follow(ctx, id, from)
	if err != nil {
		return nil, err // a nil *Follower in the interface would not be nil
	}
	return f, nil
}

// Target says which server the dashboard talks to, and why.
type Target struct {
	Name     string // "embedded", or the host
	Address  string // what the status line shows
	Why      string // "--address", "RAY_ADDRESS", "default: no Ray runs here" …
	Embedded bool
	// LedgerKey names the server in the ledger.
	LedgerKey string

	Cluster    string // its name in the config file; "" if it has none
	ReadOnly   bool   // nothing can be changed from here
	Protected  bool   // questions want a word typed, not a key pressed
	SkipVerify bool   // its certificate is not verified
	Colour     string // of its name, as theme.Styles.ContextIn takes it
}

// Env is set once before the program starts and read-only afterwards.
type Env struct {
	Ctx    context.Context // ends with the program
	Jobs   Jobs
	Ledger *ledger.Ledger
	Target Target
	Styles *theme.Styles
	Now    func() time.Time
	Pages  Pages
	// Cwd is the absolute folder in which dray was started.
	Cwd string
	// LookPython returns the path of the python that a job of the embedded
	// backend will find, or "". It is nil for a remote server.
	LookPython func() string
	// Preflight returns what an upload of a folder or an archive would send, and
	// whether the server has it already; step is told what was found so far. It is
	// nil where that cannot be known.
	Preflight func(ctx context.Context, path string, excludes []string, step func(client.Preflight)) (client.Preflight, error)
	// PreflightModule is the same for one of py_modules.
	PreflightModule func(ctx context.Context, path string, excludes []string, step func(client.Preflight)) (client.Preflight, error)
	// Drafts keeps forms that were left. It may be nil.
	Drafts *Drafts
	// Settings is the user's configuration; tui.Run puts the default one where
	// there is none.
	Settings *settings.Settings
	// Getenv is the environment of the program.
	Getenv func(string) string
	// User is the account that runs dray.
	User string
	// DataDir is the absolute folder of what the dashboard keeps for itself:
	// drafts, templates, cached logs. "" means that nothing can be kept.
	DataDir string
	// LogFile returns the file into which the embedded backend writes the log
	// of a job, so that it can be read by ranges. It is nil for a remote server.
	LogFile func(ctx context.Context, id string) (path string, err error)
	// Clusters are those to switch to; nil: there is no switching.
	Clusters Clusters
}

// Pages opens the pages and asks the questions, so that no page imports
// another.
type Pages struct {
	Job, Log, Edit      func(rayapi.Job) Screen  // detail, log view, form filled from a job
	Raw                 func(rayapi.Job) Screen  // the record as JSON
	Submit              func() Screen            // empty form
	Stop, Delete, Rerun func(rayapi.Job) tea.Cmd // ask, then do

	LogError func(rayapi.Job) Screen   // log view at the last traceback or error
	Logs     func([]rayapi.Job) Screen // two or three logs side by side
	// Tail is the end of a log without a place line or keys of its own, for a
	// part of another page, which passes on its messages and closes it.
	Tail func(rayapi.Job) Screen

	StopAll, DeleteAll, RerunAll func([]rayapi.Job) tea.Cmd // ask once, then do, with a report
}

// Size is the part of the window that a page may draw: the whole width, and
// the height without the status, message and hint lines.
type Size struct{ W, H int }

// Binding is one action in the key registry: hint line, help and dispatch are
// all made from it.
type Binding struct {
	key.Binding        // keys and help text; disabled bindings are hidden
	ID          string // "job.stop"; unique within a scope
	Group       string // heading in the help overlay: "MOVE", "JOB", "VIEW", "MARK", "APP"
	Rank        int    // place in the hint line, 1 first; 0: help only
	// Leads says that the key opens, closes or asks something, at once: what is
	// typed after it waits until it has.
	Leads bool
}

// Leading returns b as one that leads elsewhere.
func (b Binding) Leading() Binding {
	b.Leads = true
	return b
}

// Screen is a page. It is a value; Update returns the next one.
type Screen interface {
	Init() tea.Cmd
	Update(msg tea.Msg) (Screen, tea.Cmd)
	// View returns exactly Size.H lines, the first being the place line.
	View() string
	Resize(s Size) Screen
	// Scope is the page's title in the help overlay.
	Scope() string
	Bindings() []Binding
	// Typing reports that printable keys are text, not commands.
	Typing() bool
	// Close ends what the page has started. It must not block.
	Close()
}

// Level grades a notice.
type Level int

// The levels of a notice.
const (
	Info Level = iota
	Good
	Warn
	Bad
)

// PushMsg opens a page over the current one.
type PushMsg struct{ Screen Screen }

// PopMsg closes the current page.
type PopMsg struct{}

// ReplaceMsg closes the current page and opens another in its place.
type ReplaceMsg struct{ Screen Screen }

// NoticeMsg puts one sentence on the message line and into the list of events.
type NoticeMsg struct {
	Level  Level
	Text   string
	Detail []string // more lines, for the list of events: one per job of a bulk
	Job    string   // the submission id that it is about, if any
}

// AskMsg asks the user before something is done. Cancel is the default: only
// "y", or the selected Yes, sends Yes.
type AskMsg struct {
	Title string   // names the action: "Stop job?"
	Lines []string // what will happen, naming job and server
	Yes   string   // label of the button that does it: "Stop"
	Do    tea.Cmd  // run when the user agrees
	// Choices can be changed in the dialog before it is answered; DoWith, which
	// then takes the place of Do, gets the index picked in each.
	Choices []Choice
	DoWith  func(picked []int) tea.Cmd
	// Shell, unless nil, is the command line that does the same, with what is
	// picked in each choice; the dialog shows it.
	Shell func(picked []int) string
	// Local: it changes nothing on the server, so it is asked while that does
	// not answer too, and answered by a key also where the server is protected.
	Local bool
	// Subject is what a protected server wants typed: the job's id, or "3 jobs".
	// Empty is the server's name.
	Subject string
	// Hold says what is about to be done, "stop sweep-lr-0.03": after a yes it
	// can be taken back for UndoTime. Empty: it is done at once. Who quits
	// meanwhile has it done at once too.
	Hold string
}

// UndoTime is how long a confirmed action with a Hold can be taken back.
const UndoTime = 5 * time.Second

// Choice is one line of a question with a value to pick.
type Choice struct {
	Label   string
	Options []string
	At      int // the option that is picked at first
}

// WatchMsg watches a job, or no longer: the user is told when its state
// changes, as the settings say.
type WatchMsg struct {
	ID string
	On bool
}

// ExecMsg gives the terminal to a program of the user's (an editor, a pager)
// and takes it back when it has ended. Done turns its error into a message for
// the page that asked.
type ExecMsg struct {
	Cmd  *exec.Cmd
	Done func(error) tea.Msg
}

// Command is a command of the palette: ":sort dur".
type Command struct {
	Name string // one word
	Args string // for the help: "COLUMN"; "" takes none
	Help string
	// Complete returns the values that can follow, for the last word typed. It
	// may be nil.
	Complete func(last string) []string
	// Run does it. Its message goes to the page that the command came from.
	Run func(args []string) tea.Cmd
}

// Commander is a page with commands of its own, besides its bindings, which
// the palette runs by their keys.
type Commander interface {
	Commands() []Command
}

// ThemeMsg tells the pages that Env.Styles has other colours now: what was made
// of them is to be made again.
type ThemeMsg struct{}

// JobMsg tells the pages that a job was changed from here, so that they look
// again at once: after a stop, a delete, a submit.
type JobMsg struct{ ID string }

// CopyMsg puts text on the user's clipboard, through the terminal.
type CopyMsg struct {
	Text string
	What string // named in the notice: "submission id"
}

// StoppingMsg tells that a stop was asked for from here at Since, so that the
// job is shown as stopping until it has ended. A zero Since takes it back.
type StoppingMsg struct {
	ID    string
	Since time.Time
}

// Link is how the server answers.
type Link int

// The states of the connection.
const (
	Connecting Link = iota // no answer yet
	Live
	Slow    // it answers late
	Offline // it does not answer: what is shown is old, nothing can be changed
	Refused // it answers, but not to us (no access), or not as Ray does
)

// Down reports that the server cannot be used, so that what is shown is old.
func (l Link) Down() bool { return l == Offline || l == Refused }

// ListMsg is what the dashboard knows of all jobs: the newest answer of the
// one list call that all pages share. The root hands it to the page on top
// after each answer, each second while something moves, and when the page
// comes to the top. Nobody writes to what it holds.
type ListMsg struct {
	Jobs     []rayapi.Job // in the server's order; the same slice until the next answer
	Answer   int          // which answer it is; a new one has another number
	AsOf     time.Time    // when the answer came; zero: none yet
	Now      time.Time
	Link     Link
	Waiting  time.Duration        // how long the question under way has been out, 0: none is
	Stopping map[string]time.Time // asked to stop from here, not ended yet
	Begun    map[string]time.Time // jobs that were seen to wait: when they were first seen not to
	RealRay  bool                 // the server is known to be Ray itself, not another dray
	Watched  map[string]bool      // by id: the user is told when it changes
	// Resources are what the cluster has and how much of it is taken, where that
	// is known and the window is wide enough for it to be asked.
	Resources []client.Resource
}

// Push returns a command that opens s.
func Push(s Screen) tea.Cmd { return func() tea.Msg { return PushMsg{s} } }

// Pop is a command that closes the current page.
func Pop() tea.Msg { return PopMsg{} }

// Notice returns a command that shows text.
func Notice(l Level, text string) tea.Cmd {
	return func() tea.Msg { return NoticeMsg{Level: l, Text: text} }
}
