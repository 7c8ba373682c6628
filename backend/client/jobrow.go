package client

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"dray/backend/rayapi"
)

// maxNesting is how deep a value of a row may go before encoding/json is asked.
const maxNesting = 64

// jobRow reads one row of the list in a single pass. It takes only what is
// plainly valid and means to it what it means to encoding/json; of any other
// text it says no, and encoding/json has the word.
type jobRow struct {
	text  string
	pos   int
	seen  uint16 // the fields that were read
	kept  *values
	store *rowStore
}

// values are what the pointers of a job lead to, in one piece.
type values struct {
	texts   [6]string
	numbers [3]int64
	code    int
}

// The fields of a job, in the order of its type.
const (
	fieldType = iota
	fieldJobID
	fieldSubmissionID
	fieldDriverInfo
	fieldStatus
	fieldEntrypoint
	fieldMessage
	fieldErrorType
	fieldStartTime
	fieldEndTime
	fieldMetadata
	fieldRuntimeEnv
	fieldAgentAddress
	fieldNodeID
	fieldExitCode
	fieldNone
)

// fieldNamed finds a field. ok is false for a name that encoding/json might
// take for a field's.
func fieldNamed(name string) (field int, ok bool) {
	switch name {
	case "type":
		return fieldType, true
	case "job_id":
		return fieldJobID, true
	case "submission_id":
		return fieldSubmissionID, true
	case "driver_info":
		return fieldDriverInfo, true
	case "status":
		return fieldStatus, true
	case "entrypoint":
		return fieldEntrypoint, true
	case "message":
		return fieldMessage, true
	case "error_type":
		return fieldErrorType, true
	case "start_time":
		return fieldStartTime, true
	case "end_time":
		return fieldEndTime, true
	case "metadata":
		return fieldMetadata, true
	case "runtime_env":
		return fieldRuntimeEnv, true
	case "driver_agent_http_address":
		return fieldAgentAddress, true
	case "driver_node_id":
		return fieldNodeID, true
	case "driver_exit_code":
		return fieldExitCode, true
	}
	// encoding/json makes no difference between upper and lower case.
	for _, r := range name {
		if r >= 'A' && r <= 'Z' || r >= utf8.RuneSelf {
			return 0, false
		}
	}
	return fieldNone, true
}

// scanJob reads the row that text begins with into j, and returns where it ends.
// The texts of j lie in it, or in store.
func scanJob(text string, j *rayapi.Job, store *rowStore) (end int, ok bool) {
	r := jobRow{text: text, kept: store.values(), store: store}
	ok = r.object(func(name string) bool {
		field, ok := fieldNamed(name)
		if !ok {
			return false
		}
		if field == fieldNone {
			return r.skip(0)
		}
		if r.seen&(1<<field) != 0 {
			return false // encoding/json puts both together
		}
		r.seen |= 1 << field
		return r.field(field, j)
	})
	return r.pos, ok
}

func (r *jobRow) field(field int, j *rayapi.Job) bool {
	switch field {
	case fieldType:
		s, ok := r.str()
		j.Type = rayapi.JobType(s)
		return ok
	case fieldStatus:
		s, ok := r.str()
		j.Status = rayapi.Status(s)
		return ok
	case fieldEntrypoint:
		var ok bool
		j.Entrypoint, ok = r.str()
		return ok
	case fieldJobID:
		return r.strOrNull(&j.JobID, &r.kept.texts[0])
	case fieldSubmissionID:
		return r.strOrNull(&j.SubmissionID, &r.kept.texts[1])
	case fieldMessage:
		return r.strOrNull(&j.Message, &r.kept.texts[2])
	case fieldErrorType:
		return r.strOrNull(&j.ErrorType, &r.kept.texts[3])
	case fieldAgentAddress:
		return r.strOrNull(&j.DriverAgentHTTPAddress, &r.kept.texts[4])
	case fieldNodeID:
		return r.strOrNull(&j.DriverNodeID, &r.kept.texts[5])
	case fieldStartTime:
		return r.intOrNull(&j.StartTime, &r.kept.numbers[0])
	case fieldEndTime:
		return r.intOrNull(&j.EndTime, &r.kept.numbers[1])
	case fieldExitCode:
		var code *int64
		ok := r.intOrNull(&code, &r.kept.numbers[2])
		if code != nil {
			r.kept.code = int(*code)
			j.DriverExitCode = &r.kept.code
			ok = ok && int64(r.kept.code) == *code
		}
		return ok
	case fieldDriverInfo:
		return r.driver(&j.DriverInfo)
	case fieldMetadata:
		return r.metadata(&j.Metadata)
	}
	from := r.pos
	ok := r.skip(0)
	j.RuntimeEnv = json.RawMessage(r.store.bytes(r.text[from:r.pos]))
	return ok
}

func (r *jobRow) driver(to **rayapi.DriverInfo) bool {
	if r.literal("null") {
		return true
	}
	d := &rayapi.DriverInfo{}
	*to = d
	seen := ""
	return r.object(func(name string) bool {
		var ok bool
		if strings.Contains(seen, name) {
			return false
		}
		switch name {
		case "id":
			d.ID, ok = r.str()
		case "node_ip_address":
			d.NodeIPAddress, ok = r.str()
		case "pid":
			d.PID, ok = r.str()
		}
		seen += " " + name
		return ok
	})
}

func (r *jobRow) metadata(to *map[string]string) bool {
	if r.literal("null") {
		return true
	}
	m := map[string]string{}
	*to = m
	return r.object(func(name string) bool {
		value, ok := r.str()
		m[name] = value
		return ok
	})
}

func (r *jobRow) strOrNull(to **string, at *string) (ok bool) {
	if r.literal("null") {
		return true
	}
	*to = at
	*at, ok = r.str()
	return ok
}

func (r *jobRow) intOrNull(to **int64, at *int64) bool {
	if r.literal("null") {
		return true
	}
	from := r.pos
	negative := r.take('-')
	var n int64
	digits := r.pos
	for r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
		n = n*10 + int64(r.text[r.pos]-'0')
		r.pos++
	}
	count := r.pos - digits
	if count == 0 || count > 18 || count > 1 && r.text[digits] == '0' {
		r.pos = from
		return false
	}
	if negative {
		n = -n
	}
	*to, *at = at, n
	return true // what follows must be a comma or a brace
}

// object reads an object; value reads what a name stands for.
func (r *jobRow) object(value func(name string) bool) bool {
	if !r.take('{') {
		return false
	}
	if r.blank(); r.take('}') {
		return true
	}
	for {
		r.blank()
		name, ok := r.str()
		if r.blank(); !ok || !r.take(':') {
			return false
		}
		if r.blank(); !value(name) {
			return false
		}
		r.blank()
		if r.take('}') {
			return true
		}
		if !r.take(',') {
			return false
		}
	}
}

func (r *jobRow) blank() {
	for r.pos < len(r.text) && isBlank(r.text[r.pos]) {
		r.pos++
	}
}

func (r *jobRow) take(b byte) bool {
	if r.pos < len(r.text) && r.text[r.pos] == b {
		r.pos++
		return true
	}
	return false
}

func (r *jobRow) literal(word string) bool {
	if strings.HasPrefix(r.text[r.pos:], word) {
		r.pos += len(word)
		return true
	}
	return false
}
