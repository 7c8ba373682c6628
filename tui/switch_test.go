package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// world is a set of servers in memory.
type world struct {
	mu      sync.Mutex
	list    []screen.Cluster
	servers map[string]*server
	t       testing.TB
	asked   int
}

func (w *world) List() ([]screen.Cluster, error) { return slices.Clone(w.list), nil }

func (w *world) Probe(_ context.Context, name string) (screen.Answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	switch name {
	case "old":
		return screen.Answer{}, &client.Error{Op: "ask for the version", Message: "nothing listens at old (http://10.2.0.9:8265)", Hint: "start Ray there, or check host and port", Err: errors.Join(client.ErrUnreachable, syscall.ECONNREFUSED)}
	case "a100-lab":
		return screen.Answer{}, &client.Error{Op: "ask for the version", Code: 401, Message: "a100-lab (http://10.9.0.4:8265) asks for a token", Hint: "look at token_file, token_env, headers and header_command of clusters.a100-lab in the config file", Err: client.ErrUnauthorized}
	case "staging":
		return screen.Answer{Ray: "2.46.0", Took: 9 * time.Millisecond}, nil
	}
	return screen.Answer{Ray: "2.60.0", Took: 21 * time.Millisecond}, nil
}

func (w *world) Open(_ context.Context, name string) (screen.Conn, error) {
	i := slices.IndexFunc(w.list, func(c screen.Cluster) bool { return c.Name == name })
	if i < 0 {
		return screen.Conn{}, fmt.Errorf("there is no cluster %q", name)
	}
	c := w.list[i]
	return screen.Conn{Jobs: w.servers[name].asJobs(w.t), Target: screen.Target{
		Name: c.Name, Address: c.Address, Embedded: c.Embedded, LedgerKey: c.Address,
		ReadOnly: c.ReadOnly, Protected: c.Protected, SkipVerify: c.SkipVerify, Colour: c.Colour,
	}}, nil
}

func (w *world) Add(name, address string) error {
	w.list = append(w.list, screen.Cluster{Name: name, Address: address, Source: "config file", Saved: true})
	return nil
}

func (w *world) Forget(name string) error {
	w.list = slices.DeleteFunc(slices.Clone(w.list), func(c screen.Cluster) bool { return c.Name == name })
	return nil
}

func (w *world) SetReadOnly(name string, on bool) error {
	w.list = slices.Clone(w.list)
	for i := range w.list {
		if w.list[i].Name == name {
			w.list[i].ReadOnly = on
		}
	}
	return nil
}

func (w *world) File() string { return "/home/ana/.config/dray/config.yaml" }

// among opens the dashboard on the embedded backend, with other clusters to
// switch to.
func among(t testing.TB, styles *theme.Styles, width, height int) (*app, *world) {
	a := startIn(t, styles, width, height, tuitest.Jobs20(), nil)
	w := &world{t: t, servers: map[string]*server{"embedded": a.srv}, list: []screen.Cluster{
		{
			Name: "prod", Address: "https://head.ml.corp:8265", Source: "config file", Saved: true, Protected: true,
			Login: "headers from `pass show ray/prod`", TLS: "CA corp.pem", LastUsed: tuitest.Now().Add(-3 * time.Minute),
		},
		{Name: "staging", Address: "https://head.stg:8265", Source: "config file", Saved: true, SkipVerify: true, TLS: "certificate NOT verified", Colour: "magenta", LastUsed: tuitest.Now().Add(-2 * time.Hour)},
		{Name: "a100-lab", Address: "http://10.9.0.4:8265", Source: "config file", Saved: true},
		{Name: "old", Address: "http://10.2.0.9:8265", Source: "config file", Saved: true, ReadOnly: true, LastUsed: tuitest.Now().Add(-14 * 24 * time.Hour)},
		{Name: "embedded", Address: "this machine", Source: "built in", Embedded: true},
		{Name: "127.0.0.1:8265", Address: "http://127.0.0.1:8265", Source: "RAY_ADDRESS"},
	}}
	for _, c := range w.list {
		if w.servers[c.Name] == nil {
			w.servers[c.Name] = &server{jobs: []rayapi.Job{tuitest.Job(c.Name+"-job", rayapi.StatusRunning, "python "+c.Name+".py", time.Minute, 0)}}
		}
	}
	a.m.env.Clusters = w
	return a, w
}

func clusterScenes() []scene {
	return []scene{
		{"list", func(a *app) { a.press("ctrl+k") }},
		{"cursor", func(a *app) { a.press("ctrl+k", "g", "j", "j") }},
		{"filter", func(a *app) { a.press("ctrl+k", "/", "head") }},
		{"add", func(a *app) { a.press("ctrl+k", "G", "a", "tunnel", "enter") }},
		{"forget", func(a *app) { a.press("ctrl+k", "g", "d") }},
		{"protected", func(a *app) { a.press("ctrl+k", "g", "enter", "x", "prod-j") }},
		{"read-only", func(a *app) { a.press("ctrl+k", "g", "j", "j", "j", "enter", "x") }},
		{"offline", func(a *app) { a.srv.set(nil, errRefused); a.press("ctrl+r"); a.wait(3 * time.Second) }},
		{"unverified", func(a *app) { a.press("ctrl+k", "g", "j", "enter") }},
	}
}

// Every scene at every size in every look.
func TestClusters_golden(t *testing.T) {
	t.Parallel()
	for _, sc := range clusterScenes() {
		for _, size := range windows() {
			t.Run(fmt.Sprintf("%s %dx%d", sc.name, size[0], size[1]), func(t *testing.T) {
				t.Parallel()
				tuitest.GoldenLooks(t, func(styles *theme.Styles) string {
					a, _ := among(t, styles, size[0], size[1])
					sc.play(a)
					checkFrame(t, a.m.View(), size[0], size[1])
					return a.m.View()
				})
			})
		}
	}
}

func inLine(t testing.TB) (*app, *world) { return among(t, tuitest.Looks()[0].Styles, 100, 30) }

// After a switch everything is the new server's: the list, the header, the
// target of actions; and the old one's pages are closed.
func TestSwitch_everythingIsTheNewOnes(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	a.press("l") // a page of the old one
	a.press("ctrl+k", "g", "j", "enter")
	if len(a.m.pages) != 1 || !a.shows("staging-job") || a.shows("sweep-lr") || !a.shows("staging▕") || !a.shows("TLS UNVERIFIED") {
		t.Fatalf("after the switch:\n%s", a.m.View())
	}
	a.press("x", "y", "enter")
	if got := w.servers["staging"].written(); !slices.Equal(got, []string{"stop staging-job"}) {
		t.Errorf("staging got %q", got)
	}
	if got := a.srv.written(); len(got) > 0 {
		t.Errorf("the old server got %q", got)
	}
	if a.press("ctrl+k"); a.m.top().screen.Scope() != "Clusters" {
		t.Fatal("no list of clusters after a switch")
	}
	a.press("G", "k", "enter")
	if !a.shows("sweep-lr") || a.shows("staging-job") {
		t.Errorf("back again:\n%s", a.m.View())
	}
}

// Answers of the old server that come after the switch change nothing, also
// where both servers have a job of the same name; what it did may be told.
func TestSwitch_lateAnswersAreDropped(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	same := tuitest.Job("staging-job", rayapi.StatusFailed, "true", time.Minute, time.Second)
	oldPage, oldPoll := a.m.top().id, a.m.poll
	a.press("ctrl+k", "g", "j", "enter")
	before := a.m.View()
	for _, msg := range []pageMsg{
		{0, listedMsg{seq: a.m.poll.seq, jobs: []rayapi.Job{same}}},
		{0, singleMsg{id: "staging-job", answer: a.m.poll.answer, job: same}},
		{0, tickMsg{a.m.poll.gen}},
		{0, tickMsg{oldPoll.gen}},
		{0, versionMsg{ray: "0.0.1"}},
		{oldPage, screen.PushMsg{Screen: blank{title: "late page"}}},
		{oldPage, screen.StoppingMsg{ID: "staging-job", Since: tuitest.Now()}},
		{oldPage, screen.AskMsg{Title: "Late?", Yes: "Yes"}},
		{oldPage, screen.WatchMsg{ID: "staging-job", On: true}},
		{oldPage, screen.SwitchMsg{Name: "prod"}},
		{0, connMsg{n: a.m.wanted, name: "prod", conn: screen.Conn{Jobs: w.servers["prod"].asJobs(t)}}},
	} {
		if a.send(msg); a.m.View() != before || len(a.m.pages) != 1 {
			t.Errorf("%T of the old server is on the screen:\n%s", msg.msg, a.m.View())
		}
	}
	if a.send(pageMsg{oldPage, screen.NoticeMsg{Level: screen.Bad, Text: "stop nightly: refused"}}); !a.shows("stop nightly: refused") {
		t.Error("what the old server refused is not told")
	}
}

// A switch works while the server is down, and to one that is down.
func TestSwitch_offline(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	a.srv.set(nil, errRefused)
	a.press("ctrl+r")
	if !a.shows("OFFLINE") {
		t.Fatal("not offline")
	}
	a.press("ctrl+k", "g", "j", "enter")
	if a.shows("OFFLINE") || !a.shows("staging-job") {
		t.Errorf("from a server that is down:\n%s", a.m.View())
	}
	w.servers["prod"].set(nil, errRefused)
	a.press("ctrl+k", "g", "enter")
	if !a.shows("OFFLINE") || !a.shows("Cannot reach prod") {
		t.Errorf("to a server that is down:\n%s", a.m.View())
	}
	a.press("ctrl+k", "d", "n", "j", "d", "y")
	if slices.ContainsFunc(w.list, func(c screen.Cluster) bool { return c.Name == "staging" }) {
		t.Error("a cluster cannot be forgotten while the server is down")
	}
}

// What is confirmed and not yet sent belongs to the old server.
func TestSwitch_waitsForWhatIsHeld(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	a.press("x", "y")
	if len(a.m.held) != 1 {
		t.Fatal("nothing is held")
	}
	a.send(pageMsg{a.m.root, screen.SwitchMsg{Name: "staging"}})
	if !a.shows("embedded▕") || !a.shows("still to be sent") {
		t.Fatalf("switched with a stop that is held:\n%s", a.m.View())
	}
	a.press("u")
	a.send(pageMsg{a.m.root, screen.SwitchMsg{Name: "staging"}})
	if !a.shows("staging▕") || len(a.srv.written())+len(w.servers["staging"].written()) > 0 {
		t.Errorf("after taking it back:\n%s", a.m.View())
	}
}

// On a protected server no key agrees, only the typed id does.
func TestProtected_wantsTheIDTyped(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	srv := w.servers["prod"]
	a.press("ctrl+k", "g", "enter")
	for _, keys := range [][]string{{"x", "y"}, {"x", "enter"}, {"x", "y", "enter"}, {"x", "tab", "enter"}, {"x", "right", "enter"}, {"x", "prod-jo", "enter"}, {"x", "prod-job", "b", "enter"}} {
		a.press(keys...)
		if a.m.question == nil || len(a.m.held) > 0 {
			t.Errorf("%q agrees", keys)
		}
		a.press("esc")
	}
	a.wait(10 * time.Second)
	if got := srv.written(); len(got) > 0 {
		t.Fatalf("sent %q", got)
	}
	a.press("x", "prod-jb", "left", "o", "enter")
	a.wait(10 * time.Second)
	if got := srv.written(); !slices.Equal(got, []string{"stop prod-job"}) {
		t.Errorf("sent %q", got)
	}
}

// Read-only is refused before anything is asked, and when it is asked of the
// guard all the same.
func TestReadOnly_isSaidAtOnce(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	a.press("ctrl+k", "g", "j", "j", "j", "enter")
	if !a.shows("old▕ RO") {
		t.Fatalf("no RO:\n%s", a.m.View())
	}
	if h := a.m.hintLine(); strings.Contains(h, "stop") || strings.Contains(h, "rerun") || strings.Contains(h, "new") || !strings.Contains(h, "logs") {
		t.Errorf("hints at what cannot be done: %q", h)
	}
	for _, key := range []string{"x", "r"} {
		if a.press(key); a.m.question != nil || !a.shows("old is read-only here") {
			t.Errorf("%s asks", key)
		}
	}
	g := a.m.guard
	ctx := t.Context()
	_, submit := g.Submit(ctx, rayapi.SubmitRequest{})
	_, stop := g.Stop(ctx, "a")
	_, stopWith := g.StopWith(ctx, "a", rayapi.StopOptions{})
	_, upload := g.Upload(ctx, "/", nil, nil)
	_, module := g.UploadModule(ctx, "/", nil, nil)
	for i, err := range []error{submit, stop, stopWith, upload, module, g.Delete(ctx, "a")} {
		if !errors.Is(err, screen.ErrNotSent) || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%d: %v", i, err)
		}
	}
	if got := w.servers["old"].written(); len(got) > 0 {
		t.Errorf("sent %q", got)
	}
}

// r on the cluster in use holds at once, and only a question takes it back.
func TestClusters_readOnlyHoldsAtOnce(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	a.press("ctrl+k", "g", "j", "enter", "ctrl+k", "r")
	if !a.shows("staging▕ RO") || len(a.m.pages) != 1 {
		t.Fatalf("after r:\n%s", a.m.View())
	}
	a.press("ctrl+k", "r", "enter")
	if !w.list[1].ReadOnly {
		t.Fatal("taken back without a yes")
	}
	a.press("r", "y")
	if w.list[1].ReadOnly || a.shows("staging▕ RO") {
		t.Errorf("after a yes:\n%s", a.m.View())
	}
}

func TestClusters_command(t *testing.T) {
	t.Parallel()
	a, _ := inLine(t)
	a.press(":", "cluster staging", "enter")
	if !a.shows("staging▕") {
		t.Errorf(":cluster staging:\n%s", a.m.View())
	}
	if a.press(":", "cluster nowhere", "enter"); !a.shows(`there is no cluster "nowhere"`) || !a.shows("staging▕") {
		t.Errorf(":cluster nowhere:\n%s", a.m.View())
	}
	if a.press(":", "cluster", "enter"); a.m.top().screen.Scope() != "Clusters" {
		t.Error(":cluster opens no list")
	}
	alone := start(t, 80, 24, nil, nil)
	if alone.press("ctrl+k"); len(alone.m.pages) != 1 || !alone.shows("no other cluster") {
		t.Errorf("without clusters:\n%s", alone.m.View())
	}
}

// The choices of a question can be changed where a word is to be typed too.
func TestProtected_choices(t *testing.T) {
	t.Parallel()
	a, _ := inLine(t)
	a.press("ctrl+k", "g", "enter")
	var picked []int
	ask := screen.AskMsg{
		Title: "Stop job?", Yes: "Stop", Lines: []string{"job     a"}, Subject: "a b",
		Choices: []screen.Choice{{Label: "signal", Options: []string{"as submitted", "SIGINT"}}, {Label: "grace", Options: []string{"10 s", "0 s"}}},
		DoWith:  func(p []int) tea.Cmd { picked = p; return nil },
	}
	a.send(pageMsg{a.m.top().id, ask})
	if !a.shows("type a b") || !a.shows("< as submitted >") {
		t.Fatalf("the question:\n%s", a.m.View())
	}
	a.press("right", "down", "space", "down", "a", "space", "b", "enter")
	if !slices.Equal(picked, []int{1, 1}) {
		t.Errorf("picked %v:\n%s", picked, a.m.View())
	}
	local := screen.AskMsg{Title: "Overwrite file?", Yes: "Overwrite", Local: true, Do: func() tea.Msg { picked = nil; return nil }}
	a.send(pageMsg{a.m.top().id, local})
	if a.press("y"); picked != nil {
		t.Error("a question about this machine wants a word typed")
	}
}
