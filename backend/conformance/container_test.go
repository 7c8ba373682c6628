//go:build linux

package conformance_test

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

const testImage = "localhost/dray-test:1"

// TestContainers runs jobs in containers of podman, with an image that is made
// here: no registry is asked.
func TestContainers(t *testing.T) {
	t.Parallel()
	path := podman(t)
	bin := drayBin(t)
	s := startDray(t, bin, "dray serve", "", "PATH="+path+":"+os.Getenv("PATH"))

	t.Cleanup(func() { // after the jobs below
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(path, "podman"), "ps", "--all", "--quiet").Output()
		if err != nil || len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("containers are left: %s, %v", out, err)
		}
	})

	t.Run("exit code, log and variables", func(t *testing.T) {
		t.Parallel()
		j := s.run(t, body{
			"entrypoint":  `echo "out $WORD"; echo err >&2; for i in 1 2 3; do echo line $i; done; [ -e /etc/passwd ] || echo inside; exit 7`,
			"runtime_env": body{"image_uri": testImage, "env_vars": body{"WORD": "two words", "PATH": "/bin"}},
		})
		wantStatus(t, j, rayapi.StatusFailed)
		if j.DriverExitCode == nil || *j.DriverExitCode != 7 {
			t.Errorf("exit code %v, message %q", j.DriverExitCode, j.MessageText())
		}
		if log := s.logs(t, *j.SubmissionID); !strings.Contains(log, "out two words\nerr\nline 1\nline 2\nline 3\ninside\n") {
			t.Errorf("log %q", log)
		}
	})
	t.Run("stop ends the container", func(t *testing.T) {
		t.Parallel()
		id := s.submit(t, body{
			"entrypoint":  `trap 'echo told; exit 0' TERM; sleep 4321 & echo ready; wait; echo unreached`,
			"runtime_env": body{"container": body{"image": testImage, "run_options": []string{"--env EXTRA=1"}}},
		})
		s.awaitLog(t, id, "\nready\n")
		s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200, "true")
		wantStatus(t, s.end(t, id), rayapi.StatusStopped)
		if log := s.logs(t, id); !strings.HasSuffix(log, "\nready\ntold\n") || strings.Contains(log, "\nunreached") {
			t.Errorf("log %q", log)
		}
	})
	t.Run("what ignores the signal is killed", func(t *testing.T) {
		t.Parallel()
		id := s.submit(t, body{
			"entrypoint":  `trap '' TERM; echo ready; while :; do sleep 1; done`,
			"runtime_env": body{"image_uri": testImage, "env_vars": body{"RAY_JOB_STOP_WAIT_TIME_S": "1"}},
		})
		s.awaitLog(t, id, "\nready\n")
		s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200, "true")
		wantStatus(t, s.end(t, id), rayapi.StatusStopped)
	})
	t.Run("no such image", func(t *testing.T) {
		t.Parallel()
		j := s.run(t, body{"entrypoint": "true", "runtime_env": body{"image_uri": "localhost/no-such-image:1"}})
		wantSetupFailure(t, j, "Failed to pull the image localhost/no-such-image:1")
	})
}

// podman returns a folder with a podman that uses storage of its own, in which
// the test's image is. It skips where no container can be run.
func podman(t *testing.T) string {
	t.Helper()
	real, err := exec.LookPath("podman")
	if err != nil {
		t.Skip("SKIPPED: no podman on this machine: containers are tested against a stand-in only (package runtimeenv)")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"storage.conf": "[storage]\ndriver = \"vfs\"\ngraphroot = \"" + dir + "/graph\"\nrunroot = \"" + dir + "/run\"\n",
		// A machine may not let anybody raise limits, which podman does by default.
		"containers.conf": "[containers]\ndefault_ulimits = [\"nofile=1000:1000\", \"nproc=1000:1000\"]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	image := filepath.Join(dir, "image.tar")
	writeImage(t, image)
	env := "#!/bin/sh\nexport CONTAINERS_STORAGE_CONF=" + dir + "/storage.conf CONTAINERS_CONF=" + dir + "/containers.conf\n"
	var said []string
	for _, run := range []string{
		`exec ` + real + ` "$@"`,
		// crun does not start where version 1 and 2 of the control groups are mixed.
		`exec unshare -m sh -c 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec ` + real + ` "$@"' podman "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(dir, "podman"), []byte(env+run+"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, err := exec.CommandContext(ctx, "/bin/sh", "-c", `"$0" import "$1" "$2" && "$0" run --rm --cgroups=disabled --log-driver=passthrough --network=host "$2" /bin/sh -c 'echo works'`,
			filepath.Join(dir, "podman"), image, testImage).CombinedOutput()
		cancel()
		if err == nil && strings.Contains(string(out), "works") {
			return dir
		}
		said = append(said, strings.TrimSpace(string(out)))
	}
	t.Skipf("SKIPPED: podman is here but runs no container: containers are tested against a stand-in only (package runtimeenv): %q", said)
	return ""
}

// writeImage packs this machine's shell, and what it needs, as the only
// content of an image.
func writeImage(t *testing.T, path string) {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	written := map[string]bool{}
	add := func(as, file string) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if written[as] {
			return
		}
		written[as] = true
		if err := w.WriteHeader(&tar.Header{Name: as, Mode: 0o755, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"sh", "sleep"} {
		file, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		add("bin/"+program, file)
		out, err := exec.CommandContext(t.Context(), "ldd", file).Output()
		if err != nil {
			continue // a static program
		}
		for _, lib := range regexp.MustCompile(`/\S+`).FindAllString(string(out), -1) {
			add(strings.TrimPrefix(lib, "/"), lib)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
