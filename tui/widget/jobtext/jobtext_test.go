package jobtext_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/tuitest"
	"dray/tui/widget/jobtext"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0s"},
		{0, "0s"},
		{5 * time.Millisecond, "<1s"},
		{41*time.Second + 900*time.Millisecond, "41s"},
		{62 * time.Second, "1m02"},
		{38*time.Minute + 50*time.Second, "38m50"},
		{3*time.Hour + time.Minute, "3h01m"},
		{12*day + 4*time.Hour, "12d04h"},
		{400 * day, "400d"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			if got := jobtext.Duration(tt.d); got != tt.want || len(got) > 6 {
				t.Errorf("Duration(%s) = %q, want %q", tt.d, got, tt.want)
			}
		})
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	code := func(n int) *int { return &n }
	died := rayapi.ErrSupervisorDied
	tests := []struct {
		name, short, long string
		job               rayapi.Job
	}{
		{"none yet", "", "", rayapi.Job{Status: rayapi.StatusRunning}},
		{"ok", "0", "0", rayapi.Job{DriverExitCode: code(0)}},
		{"failed", "3", "3", rayapi.Job{DriverExitCode: code(3)}},
		{"signal", "KILL", "killed by signal 9 (SIGKILL)", rayapi.Job{DriverExitCode: code(-9)}},
		{"odd signal", "34", "killed by signal 34 (SIG34)", rayapi.Job{DriverExitCode: code(-34)}},
		{"shell signal", "137", "137 (a shell's word for signal 9, SIGKILL)", rayapi.Job{DriverExitCode: code(137)}},
		{"not found", "127", "127 (the shell did not find the command)", rayapi.Job{DriverExitCode: code(127)}},
		{"255", "255", "255", rayapi.Job{DriverExitCode: code(255)}},
		{"unseen", "?", "not known: nobody saw the end of the process", rayapi.Job{Status: rayapi.StatusFailed, ErrorType: &died}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if short, long := jobtext.ExitShort(&tt.job), jobtext.Exit(&tt.job); short != tt.short || long != tt.long {
				t.Errorf("got %q, %q, want %q, %q", short, long, tt.short, tt.long)
			}
		})
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	ghost := tuitest.Failed("a", "Entrypoint not found.", time.Minute, time.Second, 1, "")
	tests := []struct {
		name   string
		job    rayapi.Job
		want   jobtext.Kind
		active bool
	}{
		{"running", tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0), jobtext.Running, true},
		{"dead driver is not green", tuitest.Driver("02", rayapi.StatusSucceeded, time.Hour, time.Minute), jobtext.Ended, false},
		{"live driver", tuitest.Driver("02", rayapi.StatusRunning, time.Hour, 0), jobtext.Running, true},
		{"ghost", ghost, jobtext.Ghost, false},
		{"status of a later Ray", rayapi.Job{Status: "PAUSED"}, jobtext.Unknown, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := jobtext.KindOf(&tt.job); got != tt.want || got.Active() != tt.active || len(got.Word()) > 9 {
				t.Errorf("KindOf = %s, active %t", got.Word(), got.Active())
			}
		})
	}
}

func TestRuntimeEnv_masksAndOutlines(t *testing.T) {
	t.Parallel()
	job := rayapi.Job{RuntimeEnv: json.RawMessage(`{"pip":["a","b"],"env_vars":{"K":"secret","N":7},"x":{"env_vars":{"D":{"E":["secret"]}}},"e":{},"n":null}`)}
	got := strings.Join(jobtext.RuntimeEnv(&job), "\n")
	want := "pip:\n  - a\n  - b\nenv_vars:\n  K: ********\n  N: ********\nx:\n  env_vars:\n    D:\n      E:\n        - ********\ne: {}\nn: null"
	if got != want {
		t.Errorf("RuntimeEnv =\n%s\nwant\n%s", got, want)
	}
	for _, raw := range []string{"", "null", "{}"} {
		if got := jobtext.RuntimeEnv(&rayapi.Job{RuntimeEnv: json.RawMessage(raw)}); len(got) != 0 {
			t.Errorf("RuntimeEnv(%q) = %q", raw, got)
		}
	}
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	if got := jobtext.RuntimeEnv(&rayapi.Job{RuntimeEnv: json.RawMessage(deep)}); len(got) != 1 || !strings.HasPrefix(got[0], "cannot be shown") {
		t.Errorf("a very deep one gives %q", got)
	}
}

func TestJSON_isJSON(t *testing.T) {
	t.Parallel()
	job := tuitest.Jobs20()[1]
	var got rayapi.Job
	if err := json.Unmarshal([]byte(strings.Join(jobtext.JSON(&job), "\n")), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID() != job.ID() || got.MessageText() != job.MessageText() || strings.Contains(string(got.RuntimeEnv), "hunter2") {
		t.Errorf("the record came back as %+v", got)
	}
}

func TestMessage_longOnesKeepTheirEnd(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("ü", 40000) + "\nthe reason"
	lines := jobtext.Message(&rayapi.Job{Message: &text})
	if len(lines) != 2 || lines[1] != "the reason" || !strings.HasPrefix(lines[0], "[...] ü") || len(lines[0]) > 30000 {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := tuitest.Now()
	for want, ago := range map[string]time.Duration{"14:15": 2 * time.Minute, "15:17": 23 * time.Hour, "1d": 30 * time.Hour, "400d": 400 * 24 * time.Hour} {
		if got := jobtext.Clock(now.Add(-ago), now); got != want {
			t.Errorf("Clock(%s ago) = %q, want %q", ago, got, want)
		}
	}
	if got := jobtext.Clock(time.Time{}, now); got != "" {
		t.Errorf("Clock of no time = %q", got)
	}
}

// Metadata and runtime environment hide by one rule whatever page shows them.
func TestSecrets_areMaskedOnEveryPage(t *testing.T) {
	t.Parallel()
	id := "train"
	job := rayapi.Job{
		SubmissionID: &id, Status: rayapi.StatusRunning, Type: rayapi.TypeSubmission,
		Metadata:   map[string]string{"wandb_api_key": "leak-1", "note": "hf_leak-2", "team": "seen"},
		RuntimeEnv: json.RawMessage(`{"pip":["torch","git+https://ana:leak-3@host/x"],"config":{"password":"leak-4"},"env_vars":{"A":"leak-5"}}`),
	}
	var brief []string
	for _, f := range jobtext.Brief(&job, time.Now()) {
		brief = append(brief, f.Text)
	}
	for name, lines := range map[string][]string{"preview": brief, "metadata": jobtext.Metadata(&job), "runtime env": jobtext.RuntimeEnv(&job), "raw": jobtext.JSON(&job)} {
		text := strings.Join(lines, "\n")
		if strings.Contains(text, "leak") || !strings.Contains(text, jobtext.Mask) {
			t.Errorf("%s shows a secret, or not that there is one:\n%s", name, text)
		}
		if name != "runtime env" && !strings.Contains(text, "seen") || name == "runtime env" && !strings.Contains(text, "torch") {
			t.Errorf("%s masks what is no secret:\n%s", name, text)
		}
	}
	if got := string(jobtext.Masked("pip", json.RawMessage(`["torch", "git+https://ana:leak@host/x", 1]`))); got != `["torch","********",1]` {
		t.Errorf("Masked = %s", got)
	}
}
