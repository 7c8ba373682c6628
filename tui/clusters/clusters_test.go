package clusters

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"

	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a list of clusters, of which those called dead never answer.
type fake struct {
	list  []screen.Cluster
	err   error
	added string
}

func (f *fake) List() ([]screen.Cluster, error) { return f.list, f.err }

func (f *fake) Probe(ctx context.Context, name string) (screen.Answer, error) {
	if strings.HasPrefix(name, "dead") {
		<-ctx.Done()
		return screen.Answer{}, ctx.Err()
	}
	return screen.Answer{Ray: "2.60.0", Took: 3 * time.Millisecond}, nil
}

func (f *fake) Open(context.Context, string) (screen.Conn, error) {
	return screen.Conn{}, errors.New("no test opens one")
}

func (f *fake) Add(name, address string) error {
	f.added = name + " " + address
	return nil
}
func (f *fake) Forget(string) error            { return nil }
func (f *fake) SetReadOnly(string, bool) error { return nil }
func (f *fake) File() string                   { return "/cfg/config.yaml" }

// open returns the page over names, with its list read and its questions not
// yet asked.
func open(t *testing.T, f *fake, names ...string) (Model, tea.Cmd) {
	t.Helper()
	for i, n := range names {
		f.list = append(f.list, screen.Cluster{Name: n, Address: fmt.Sprintf("http://10.0.0.%d:8265", i), Source: "config file", Saved: true})
	}
	env := tuitest.Env(t, nil)
	env.Clusters = f
	m, ok := New(env).Resize(screen.Size{W: 80, H: 21}).(Model)
	if !ok {
		t.Fatal("another page")
	}
	next, cmd := m.Update(m.Init()())
	m = as(t, next)
	t.Cleanup(m.Close)
	return m, cmd
}

func as(t *testing.T, s screen.Screen) Model {
	t.Helper()
	m, ok := s.(Model)
	if !ok {
		t.Fatalf("the page has become %T", s)
	}
	return m
}

// members are the commands of a batch.
func members(cmd tea.Cmd) []tea.Cmd {
	if cmd == nil {
		return nil
	}
	msg := cmd()
	v := reflect.ValueOf(msg)
	if msg == nil || v.Kind() != reflect.Slice {
		return []tea.Cmd{func() tea.Msg { return msg }}
	}
	var all []tea.Cmd
	for i := range v.Len() {
		if c, ok := v.Index(i).Interface().(tea.Cmd); ok {
			all = append(all, c)
		}
	}
	return all
}

func press(t *testing.T, m Model, keys ...string) (Model, tea.Cmd) {
	t.Helper()
	var cmd tea.Cmd
	for _, k := range keys {
		var next screen.Screen
		next, cmd = m.Update(tuitest.Key(k))
		m = as(t, next)
	}
	return m, cmd
}

// One that does not answer delays none of the others, and is left when the
// page closes.
func TestProbes_deadOnesDelayNone(t *testing.T) {
	t.Parallel()
	m, cmd := open(t, &fake{}, "dead1", "a", "dead2", "b")
	asks := members(cmd)
	if len(asks) != 4 {
		t.Fatalf("%d questions", len(asks))
	}
	answers := make(chan tea.Msg, len(asks))
	for _, ask := range asks {
		go func() { answers <- ask() }()
	}
	for range 2 {
		next, _ := m.Update(<-answers)
		m = as(t, next)
	}
	view := m.View()
	if strings.Count(view, "3 ms") != 2 || strings.Count(view, "asking") != 2 {
		t.Errorf("before the dead ones have answered:\n%s", view)
	}
	m.Close()
	for range 2 {
		if msg, ok := (<-answers).(answeredMsg); !ok || !errors.Is(msg.err, context.Canceled) {
			t.Errorf("after the page was closed: %+v", msg)
		}
	}
}

// Answers to older questions do not take the place of newer ones.
func TestProbes_lateAnswers(t *testing.T) {
	t.Parallel()
	m, _ := open(t, &fake{}, "a")
	m, again := press(t, m, "t")
	next, _ := m.Update(answeredMsg{gen: 0, name: "a", err: errors.New("old")})
	if m = as(t, next); strings.Contains(m.View(), "unusable") {
		t.Errorf("an old answer is shown:\n%s", m.View())
	}
	next, _ = m.Update(again())
	next, _ = as(t, next).Update(answeredMsg{gen: 1, name: "a", answer: screen.Answer{Took: 1200 * time.Millisecond}})
	if m = as(t, next); !strings.Contains(m.View(), "1.2 s") {
		t.Errorf("a new answer is not shown:\n%s", m.View())
	}
}

// The cursor belongs to a cluster, and stays in sight.
func TestCursor(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("cluster-%02d", i))
	}
	f := &fake{}
	m, _ := open(t, f, names...)
	for _, keys := range [][]string{{"G"}, {"k"}, {"g"}, {"j", "j"}, {"pgdown"}, {"ctrl+u"}, {"/", "-3", "enter"}, {"esc"}} {
		m, _ = press(t, m, keys...)
		c, _ := m.current()
		if !strings.Contains(m.View(), "▌ "+c.Name) {
			t.Errorf("after %q the cursor on %s is not in sight:\n%s", keys, c.Name, m.View())
		}
		if n := strings.Count(m.View(), "\n"); n != 20 {
			t.Errorf("after %q: %d lines", keys, n+1)
		}
	}
	at := m.at
	f.list = f.list[5:]
	next, _ := m.Update(m.load()())
	if m = as(t, next); m.at != at {
		t.Errorf("the cursor went from %s to %s", at, m.at)
	}
	for range 3 {
		next, _ = m.Update(tea.MouseMsg{Button: tea.MouseButtonWheelDown})
		m = as(t, next)
	}
	row := m.firstRow() + 1
	next, cmd := m.Update(tea.MouseMsg{Button: tea.MouseButtonLeft, Action: tea.MouseActionPress, X: 10, Y: row})
	m = as(t, next)
	lines := strings.Split(m.View(), "\n")
	if cmd != nil || !strings.Contains(lines[row], "▌ "+m.at) {
		t.Errorf("a press on line %d has put the cursor on %s:\n%s", row, m.at, m.View())
	}
	_, cmd = m.Update(tea.MouseMsg{Button: tea.MouseButtonLeft, Action: tea.MouseActionPress, X: 10, Y: row})
	if cmd == nil || cmd() != (screen.SwitchMsg{Name: m.at}) {
		t.Error("a second press does not switch")
	}
}

// Keys that would change what cannot be changed say why.
func TestKeys_refusals(t *testing.T) {
	t.Parallel()
	f := &fake{list: []screen.Cluster{
		{Name: "embedded", Address: "this machine", Source: "built in", Embedded: true},
		{Name: "127.0.0.1:8265", Address: "http://127.0.0.1:8265", Source: "RAY_ADDRESS"},
	}}
	m, _ := open(t, f)
	for _, tt := range []struct{ key, want string }{
		{"r", "embedded is built in"},
		{"d", "embedded is built in"},
		{"j", ""},
		{"r", "from RAY_ADDRESS, not from the config file: a adds it there"},
		{"d", "from RAY_ADDRESS"},
	} {
		var cmd tea.Cmd
		if m, cmd = press(t, m, tt.key); tt.want == "" {
			continue
		}
		if n, ok := cmd().(screen.NoticeMsg); !ok || !strings.Contains(n.Text, tt.want) {
			t.Errorf("%s: %+v", tt.key, n)
		}
	}
	m, _ = press(t, m, "a", "tunnel", "enter")
	_, cmd := press(t, m, "enter")
	if msg, ok := cmd().(changedMsg); !ok || msg.err != nil || f.added != "tunnel http://127.0.0.1:8265" {
		t.Errorf("added %q, %+v", f.added, msg)
	}
	if _, cmd := press(t, m, "esc", "x"); cmd == nil || cmd() != (screen.CopyMsg{Text: "http://127.0.0.1:8265", What: "address"}) {
		t.Error("x does not copy the address")
	}
}

// What the config file cannot say is said, and nothing else is lost.
func TestList_broken(t *testing.T) {
	t.Parallel()
	f := &fake{}
	m, _ := open(t, f, "a")
	f.err = errors.New("config.yaml:3:1: there is no setting\x1b[2J")
	next, _ := m.Update(m.load()())
	if view := next.View(); !strings.Contains(view, "config.yaml:3:1") || !strings.Contains(view, "10.0.0.0") || strings.Contains(view, "\x1b") {
		t.Errorf("the view is\n%s", view)
	}
}
