package packages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

const (
	// xzMemory is what xz may take. Its strongest preset needs 65 MiB; a header
	// can ask for gigabytes.
	xzMemory = "512MiB"

	// pyXZ reads an xz stream where no xz is installed.
	pyXZ = "import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)"

	// toolPatience is how long a program that was told to end may take.
	toolPatience = 5 * time.Second
)

// tarXZ unpacks by a program that is installed: the standard library has none.
func (u *unpacker) tarXZ(ctx context.Context, r io.Reader) error {
	if err := u.checkFree(u.packed); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, err := xzCommand(ctx)
	if err != nil {
		return err
	}
	var complaint bytes.Buffer
	cmd.Stdin, cmd.Stderr, cmd.WaitDelay = r, &complaint, toolPatience
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	guard := &headerGuard{r: out, u: u}
	err = u.tar(ctx, guard)
	if err == nil { // behind the archive only padding may follow
		_, err = io.Copy(io.Discard, guard)
	}
	if err != nil {
		cancel()
	}
	ended := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(ended, &exit) && exit.Exited(): // it is the archive's fault; what tar makes of a half is not
		return refuse("not an xz archive, or a damaged one: %s", lastLine(complaint.String()))
	case err != nil:
		return err
	case ended != nil:
		return fmt.Errorf("run %s: %w", cmd.Path, ended)
	}
	return nil
}

func xzCommand(ctx context.Context) (*exec.Cmd, error) {
	if path, err := exec.LookPath("xz"); err == nil {
		return exec.CommandContext(ctx, path, "-dc", "--memlimit-decompress="+xzMemory), nil
	}
	if path, err := exec.LookPath("python3"); err == nil {
		return exec.CommandContext(ctx, path, "-c", pyXZ), nil
	}
	return nil, errors.New("a .tar.xz archive needs xz or python3 on the PATH of the server, and neither is there: install xz, or pack it as .zip or .tar.gz")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return clip(lines[len(lines)-1])
}
