//go:build linux

package runtimeenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/runtimeenv/tool"
)

// engine is a program that runs containers, and was seen to work.
type engine struct {
	Path   string `json:"path"`
	docker bool
	major  int    // of podman's version
	lower  string // podman's own runtime, such as crun
}

const (
	probeTime   = 5 * time.Second // of each; one that hangs must not hang a submit, nor hide the other
	removeTime  = 20 * time.Second
	keepWorking = time.Minute     // how long a probe's answer is believed
	keepBroken  = 5 * time.Second // somebody may be starting the daemon
)

const noEngine = "needs podman or docker on the PATH of the server, and neither is there: install podman, or start the container in the entrypoint"

// engines finds the engine and remembers it for a while.
type engines struct {
	mu    sync.Mutex
	found engine
	err   error
	until time.Time
}

// find returns the first of podman and docker that works. That one is there
// says little: docker's client is installed where no daemon runs.
func (e *engines) find(ctx context.Context, env []string) (engine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Now().Before(e.until) {
		return e.found, e.err
	}
	found, err := probe(ctx, env)
	if ctx.Err() != nil { // that says nothing about the engines
		return engine{}, ctx.Err()
	}
	e.found, e.err, e.until = found, err, time.Now().Add(keepWorking)
	if err != nil {
		e.until = time.Now().Add(keepBroken)
	}
	return found, err
}

func probe(ctx context.Context, env []string) (engine, error) {
	var broken []string
	for _, name := range []string{"podman", "docker"} {
		path := lookPath(env, name)
		if path == "" {
			continue
		}
		args := []string{path, "version", "--format", "{{.Server.Version}}"}
		if name == "podman" {
			args = []string{path, "info", "--format", "{{.Version.Version}} {{.Host.OCIRuntime.Name}}"}
		}
		out, err := ask(ctx, name, tool.Command{Args: args, Env: env, Dir: "/"})
		words := strings.Fields(string(out))
		if err == nil && len(words) == 0 {
			err = errors.New("it does not say its version")
		}
		if err != nil {
			broken = append(broken, fmt.Sprintf("%s is installed but does not work: %s", path, oneLine(err)))
			continue
		}
		e := engine{Path: path, docker: name == "docker"}
		if !e.docker {
			major, _, _ := strings.Cut(words[0], ".")
			e.major, _ = strconv.Atoi(major) // 0: the oldest, with which the least is assumed
			e.lower = strings.Join(words[1:], " ")
		}
		return e, nil
	}
	if len(broken) == 0 {
		return engine{}, errors.New(noEngine)
	}
	return engine{}, errors.New("no container engine works here: " + strings.Join(broken, "; "))
}

// ask runs a command that answers at once where the engine works.
func ask(ctx context.Context, name string, cmd tool.Command) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	out, err := tool.Output(limited, name, cmd)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("it did not answer within %s", probeTime)
	}
	return out, err
}

func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// args are those of the run command that are not the job's choice. Network and
// IPC are the machine's, as with Ray. With podman the container stays in the
// job's own control group and process tree, where its limits and its end are
// enforced, and writes to the job's output itself.
func (e engine) args(name string) []string {
	args := []string{"--rm", "--name", name, "--network=host", "--ipc=host", "--pull=never"}
	if e.docker {
		return append(args, "--init", "--log-driver=none", "--env", "TINI_KILL_PROCESS_GROUP=1")
	}
	args = append(args, "--sig-proxy=false") // the supervisor signals every process itself
	const passthrough = 4                    // the version that has it
	if e.major >= passthrough {
		args = append(args, "--log-driver=passthrough")
	} else {
		args = append(args, "--log-driver=none")
	}
	if e.lower == "crun" {
		args = append(args, "--cgroups=disabled")
	}
	if os.Geteuid() != 0 {
		args = append(args, "--userns=keep-id")
	}
	return args
}

// makeContainer gets the image and says how the job is run in it.
func (b *Builder) makeContainer(ctx context.Context, spec *containerSpec, work string, log io.Writer) (*Container, error) {
	env := toolEnv(b.env, nil, "")
	e, err := b.engines.find(ctx, env)
	if err != nil {
		return nil, &SetupError{Reason: "the container cannot be run", Err: err}
	}
	run := func(title string, args ...string) error {
		return tool.Run(ctx, title, tool.Command{Args: append([]string{e.Path}, args...), Env: env, Dir: "/", Mark: work, Out: log})
	}
	if _, err := tool.Output(ctx, "image inspect", tool.Command{Args: []string{e.Path, "image", "inspect", spec.Image}, Env: env, Dir: "/"}); err != nil {
		fmt.Fprintf(log, "Pulling the image %s\n", spec.Image)
		if err := run(filepath.Base(e.Path)+" pull", "pull", spec.Image); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, &SetupError{Reason: "Failed to pull the image " + spec.Image, Err: err}
		}
	}
	name := containerName(work)
	if err := b.noteContainer(name, containerNote{Engine: e.Path, Work: work}); err != nil {
		return nil, err
	}
	return &Container{Engine: e.Path, Args: e.args(name), Options: spec.Options, Image: spec.Image}, nil
}

func containerName(work string) string {
	sum := sha256.Sum256([]byte(work))
	return "dray-" + hex.EncodeToString(sum[:8])
}

// containerNote is kept while a job may have a container, so that whoever
// comes after us can remove it.
type containerNote struct {
	Engine string `json:"engine"`
	Work   string `json:"work"`
}

const containersDir = "containers"

func (b *Builder) noteContainer(name string, note containerNote) error {
	dir := filepath.Join(b.root, containersDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("note the container: %w", err)
	}
	data, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, name), data, 0o600)
}

// dropContainer removes what is left of the container of the job below work.
// Docker's is the daemon's child, and outlives a client that was killed.
func (b *Builder) dropContainer(work string) error {
	return b.dropNoted(filepath.Join(b.root, containersDir, containerName(work)))
}

func (b *Builder) dropNoted(path string) error {
	note, err := readContainerNote(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTime)
	defer cancel()
	name := filepath.Base(path)
	_, err = tool.Output(ctx, "remove the container "+name, tool.Command{
		Args: []string{note.Engine, "rm", "--force", name}, Env: toolEnv(b.env, nil, ""), Dir: "/",
	})
	if err != nil && !strings.Contains(strings.ToLower(err.Error()), "no such container") && !strings.Contains(err.Error(), "no container with") {
		return err // the note stays, and the next start tries again
	}
	return os.Remove(path)
}

func readContainerNote(path string) (note containerNote, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return note, err
	}
	return note, json.Unmarshal(data, &note)
}

// sweepContainers removes the containers of jobs that are not live.
func (b *Builder) sweepContainers(isLive func(work string) bool) error {
	notes, err := os.ReadDir(filepath.Join(b.root, containersDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("sweep the containers: %w", err)
	}
	var errs []error
	for _, n := range notes {
		path := filepath.Join(b.root, containersDir, n.Name())
		if note, err := readContainerNote(path); err == nil && isLive(note.Work) {
			continue
		}
		errs = append(errs, b.dropNoted(path))
	}
	return errors.Join(errs...)
}
