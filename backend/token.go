//go:build linux

package backend

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"dray/backend/atomicfile"
)

// OwnToken returns the token of the state folder and the path of its file; it
// makes one when there is none. It is not put at ~/.ray/auth_token: a token
// there would turn token mode on for every Ray that the user starts later.
func OwnToken(stateDir string) (token, path string, err error) {
	if err := privateDir(stateDir); err != nil {
		return "", "", fmt.Errorf("state folder: %w", err)
	}
	path = filepath.Join(stateDir, "token")
	data, err := os.ReadFile(path)
	if err == nil {
		if token = strings.TrimSpace(string(data)); token == "" {
			return "", "", fmt.Errorf("the token file %s is empty: delete it to have a new one made", path)
		}
		return token, path, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", "", fmt.Errorf("read the token: %w", err)
	}
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", "", fmt.Errorf("make a token: %w", err)
	}
	token = hex.EncodeToString(b[:])
	if err := atomicfile.Write(path, []byte(token+"\n"), 0o600); err != nil {
		return "", "", fmt.Errorf("keep the token: %w", err)
	}
	return token, path, nil
}
