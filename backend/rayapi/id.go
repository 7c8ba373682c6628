package rayapi

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
)

const (
	idPrefix   = "raysubmit_"
	idRandom   = 16
	idAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz123456789"

	// MaxIDLength is the longest submission id that a server of ours takes.
	MaxIDLength = 200
)

// NewID makes a submission id as Ray does: "raysubmit_" and 16 characters that
// cannot be mistaken for one another.
func NewID() string {
	var b strings.Builder
	b.WriteString(idPrefix)
	size := big.NewInt(int64(len(idAlphabet)))
	for range idRandom {
		n, err := rand.Int(rand.Reader, size)
		if err != nil { // crypto/rand.Reader does not fail since Go 1.24
			panic(err)
		}
		b.WriteByte(idAlphabet[n.Int64()])
	}
	return b.String()
}

// CheckID reports why id cannot be a submission id, or nil. Ray takes any
// text, but a slash, a NUL or a very long id leaves it a record that nothing
// can stop or delete; so we take what is safe in a file name and a URL.
func CheckID(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("submission_id is empty: use 1 to %d letters, digits, '.', '_' or '-'", MaxIDLength)
	case len(id) > MaxIDLength:
		return fmt.Errorf("submission_id has %d characters, at most %d are allowed", len(id), MaxIDLength)
	case id == "." || id == "..":
		return fmt.Errorf("submission_id %q is not a name: use letters, digits, '.', '_' or '-'", id)
	}
	for _, r := range id {
		if !isIDRune(r) {
			return fmt.Errorf("submission_id contains %q: only letters, digits, '.', '_' and '-' are allowed", r)
		}
	}
	return nil
}

func isIDRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		r == '.' || r == '_' || r == '-'
}
