//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// renderer turns terminal output into pictures.
type renderer struct {
	chromium string
	modules  string // folder that holds @xterm/xterm
}

const xtermVersion = "5.5.0"

func newRenderer(ctx context.Context, cache string) (*renderer, error) {
	chromium, err := findChromium()
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(cache)
	if err != nil {
		return nil, err
	}
	modules := filepath.Join(abs, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "@xterm", "xterm", "lib", "xterm.js")); err != nil {
		if err := os.MkdirAll(abs, 0o755); err != nil {
			return nil, err
		}
		npm := exec.CommandContext(ctx, "npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", abs, "@xterm/xterm@"+xtermVersion)
		if out, err := npm.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("npm install @xterm/xterm: %w\n%s", err, out)
		}
	}
	return &renderer{chromium: chromium, modules: modules}, nil
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("Chromium is needed for the pictures: apt-get install chromium") //nolint:staticcheck // a name
}

// Cell size in CSS pixels of the font below; measured, and checked by eye.
const (
	fontSize   = 14
	cellWidth  = 8.43
	cellHeight = 16
	margin     = 10
)

const page = `<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="file://%[1]s/@xterm/xterm/css/xterm.css">
<style>html,body{margin:0;background:#16181d}#t{padding:%[4]dpx}</style>
<div id="t"></div>
<script src="file://%[1]s/@xterm/xterm/lib/xterm.js"></script>
<script>
const term = new Terminal({cols:%[2]d, rows:%[3]d, fontSize:%[5]d, fontFamily:'DejaVu Sans Mono, monospace',
  cursorBlink:false, cursorInactiveStyle:'none', allowProposedApi:true, scrollback:0, customGlyphs:true,
  theme:{background:'#16181d', foreground:'#d5d8de', black:'#23262d', red:'#ef6b73', green:'#8fc77c', yellow:'#e2b866',
  blue:'#6fb0f2', magenta:'#c792ea', cyan:'#5ec4c9', white:'#d5d8de', brightBlack:'#7d8590', brightRed:'#ff8b92',
  brightGreen:'#a9e094', brightYellow:'#f4d38a', brightBlue:'#8cc6ff', brightMagenta:'#dbaeff', brightCyan:'#7fe0e4', brightWhite:'#ffffff'}});
term.open(document.getElementById('t'));
const bytes = Uint8Array.from(atob('%[6]s'), c => c.charCodeAt(0));
term.write(bytes, () => { document.title = 'done'; });
</script>`

func (r *renderer) render(ctx context.Context, raw []byte, cols, rows int, path string) error {
	tmp, err := os.MkdirTemp("", "dray-picture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	html := filepath.Join(tmp, "page.html")
	text := fmt.Sprintf(page, r.modules, cols, rows, margin, fontSize, base64.StdEncoding.EncodeToString(raw))
	if err := os.WriteFile(html, []byte(text), 0o600); err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	width, height := int(float64(cols)*cellWidth)+2*margin+1, rows*cellHeight+2*margin
	cmd := exec.CommandContext(ctx, r.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--allow-file-access-from-files", "--hide-scrollbars", "--force-device-scale-factor=2",
		"--user-data-dir="+filepath.Join(tmp, "profile"), fmt.Sprintf("--window-size=%d,%d", width, height),
		"--virtual-time-budget=4000", "--screenshot="+abs, "file://"+html)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("chromium: %w\n%s", err, out)
	}
	return nil
}
