package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	// commandTime bounds the command, webhookTime the web call.
	commandTime = 30 * time.Second
	webhookTime = 10 * time.Second
	// maxAnswer is how much of an answer or an output is kept for an error.
	maxAnswer = 200
)

// Command runs a shell command. What is known of the change stands in its
// environment only, where no name can become a command.
func Command(ctx context.Context, command, dir string, c Change) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // a child of it may hold the output open
	cmd.Env = append(os.Environ(),
		"DRAY_JOB_ID="+word(c.ID), "DRAY_JOB_STATUS="+word(string(c.Status)), "DRAY_JOB_FROM="+word(string(c.From)),
		"DRAY_JOB_ENTRYPOINT="+word(c.Entrypoint), "DRAY_JOB_MESSAGE="+word(c.Message), "DRAY_ADDRESS="+word(c.Server),
	)
	if c.ExitCode != nil {
		cmd.Env = append(cmd.Env, "DRAY_JOB_EXIT_CODE="+strconv.Itoa(*c.ExitCode))
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("notify.command for %s: %w %s", c.ID, err, short(out))
	}
	return nil
}

// word is text that an environment can hold.
func word(s string) string { return strings.ReplaceAll(s, "\x00", "") }

func short(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(b[:min(len(b), maxAnswer)])
}

// Webhook posts the change as JSON, once: what the other side does not take is
// lost, and told.
func Webhook(ctx context.Context, address string, c Change) error {
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("notify.webhook for %s: %w", c.ID, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify.webhook for %s: %w", c.ID, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "dray")
	client := &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("notify.webhook for %s: %w", c.ID, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("it answered %s: %s", resp.Status, short(answer))
	}
	if err != nil {
		return fmt.Errorf("notify.webhook for %s: %w", c.ID, err)
	}
	return nil
}
