package jobspec

import _ "embed"

//go:embed schema.json
var schema []byte //nolint:gochecknoglobals // embedded, and only read

// Schema returns the JSON schema of job files.
func Schema() []byte { return schema }
