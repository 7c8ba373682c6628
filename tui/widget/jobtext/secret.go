package jobtext

import (
	"regexp"
	"slices"
	"strings"
)

// maxLook is how much of a value is searched for a key.
const maxLook = 1024

// secretLook are values that are keys whatever their name is.
var secretLook = regexp.MustCompile(`^(sk-|hf_|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|eyJ[A-Za-z0-9_-]{8,}\.|-----BEGIN )|://[^/@:\s]*:[^/@\s]+@`)

// Secret reports that a value must not be seen, by its name or by its look. It
// is the one rule for metadata and runtime environments on all pages.
func Secret(name, value string) bool {
	value = value[:min(len(value), maxLook)]
	return secretName(name) || secretLook.MatchString(strings.TrimSpace(value))
}

// secretName goes by whole words: TOKENIZERS_PARALLELISM and RAY_AUTH_MODE are
// no secrets.
func secretName(name string) bool {
	name = strings.ToUpper(strings.TrimSpace(name))
	for _, part := range []string{"PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "AUTHTOKEN", "CREDENTIAL"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("_-. ", r) })
	for i, w := range words {
		switch w {
		case "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASS", "COOKIE", "BEARER", "DSN":
			return true
		case "AUTH":
			if i == len(words)-1 {
				return true
			}
		case "PWD":
			if len(words) > 1 {
				return true
			}
		case "KEY", "KEYS":
			if i > 0 && slices.Contains([]string{"API", "ACCESS", "PRIVATE", "SECRET", "SIGNING", "ENCRYPTION", "MASTER", "AUTH", "ACCOUNT", "STORAGE"}, words[i-1]) {
				return true
			}
		}
	}
	return false
}
