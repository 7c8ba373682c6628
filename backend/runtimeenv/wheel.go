package runtimeenv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// spreadWheel turns the unpacked wheel in dir into a folder for PYTHONPATH:
// what lies in NAME-VERSION.data/purelib and platlib belongs to the top. What
// the wheel requires is not installed; a line in log names it.
func spreadWheel(dir, uri string, log io.Writer) error {
	for _, part := range []string{"purelib", "platlib"} {
		found, err := filepath.Glob(filepath.Join(globQuote(dir), "*.data", part))
		if err != nil {
			return err
		}
		for _, from := range found {
			if err := merge(from, dir); err != nil {
				return err
			}
		}
	}
	metadata, err := filepath.Glob(filepath.Join(globQuote(dir), "*.dist-info", "METADATA"))
	if err != nil {
		return err
	}
	if len(metadata) == 0 {
		return errors.New("it has no .dist-info/METADATA: it is not a wheel, or a damaged one")
	}
	needs, err := requirements(metadata[0])
	if err != nil {
		return err
	}
	if len(needs) > 0 {
		fmt.Fprintf(log, "py_modules %s: what the wheel requires is not installed by this server: %s\n", uri, strings.Join(needs, ", "))
	}
	return nil
}

func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// merge moves all that is in from into the folder to.
func merge(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		info, err := os.Lstat(target)
		switch {
		case errors.Is(err, os.ErrNotExist):
			err = os.Rename(source, target)
		case err == nil && info.IsDir() && e.IsDir():
			err = merge(source, target)
		case err == nil:
			err = fmt.Errorf("%s is in the wheel twice", e.Name())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// requirements returns what the metadata of a wheel requires in any case, that
// is without what only an extra requires.
func requirements(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var needs []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" { // the description follows
			break
		}
		need, ok := strings.CutPrefix(line, "Requires-Dist:")
		if ok && !strings.Contains(need, "extra ==") {
			needs = append(needs, strings.TrimSpace(need))
		}
	}
	return needs, lines.Err()
}
