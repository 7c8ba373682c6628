package jobtext

import (
	"strings"

	"dray/backend/rayapi"
)

// Owner is who submitted the job, as its metadata says, or "". Ray itself
// records nobody.
func Owner(job *rayapi.Job) string {
	for _, key := range []string{"owner", "user", "submitted_by"} {
		if who := job.Metadata[key]; who != "" {
			return who
		}
	}
	return ""
}

// Name is the job's name in its metadata, under the key that Ray's own page
// reads, or "".
func Name(job *rayapi.Job) string { return job.Metadata["job_name"] }

// maxProgram is the most words that name a program.
const maxProgram = 3

// Program splits an entrypoint into what stays the same when only its
// arguments change, "python sweep.py", and the arguments, "--lr 3e-2".
func Program(entrypoint string) (program, args string) {
	rest := head(entrypoint, maxEntrypoint)
	end, last := 0, ""
	for words := 0; words < maxProgram; words++ {
		from := end + len(rest[end:]) - len(strings.TrimLeft(rest[end:], " "))
		word, _, _ := strings.Cut(rest[from:], " ")
		if word == "-c" { // a script in the command itself
			return rest, ""
		}
		if word == "" || word[0] == '-' && word != "-m" {
			break
		}
		end = from + len(word)
		script := strings.Contains(word, ".") && !strings.Contains(word, "=")
		if script || last == "-m" {
			break
		}
		last = word
	}
	return rest[:end], strings.TrimSpace(rest[end:])
}
