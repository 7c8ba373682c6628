package submit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"dray/backend/jobspec"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/submit/renv"
)

// lint checks the whole by Ray's rules. What the fields have said already is
// not said twice.
func (c *checker) lint(v renv.Value) {
	for _, p := range jobspec.LintEnv(v.JSON(), c.files) {
		field := envField(topKey(p.Field), c.base)
		if p.Warning {
			c.warnings = append(c.warnings, problem{field, p.Text})
			continue
		}
		if !slices.Contains(c.problems, problem{field, p.Text}) {
			c.problems = append(c.problems, problem{field, p.Text})
		}
	}
	for _, k := range v {
		if k.Name != fieldEnv && bytes.Contains(k.Raw, []byte(jobspec.FillIn)) {
			c.fail(envField(k.Name, c.base), "%s was left out of what was kept: type it in again, or remove it", clip(k.Name))
		}
	}
	for _, name := range ledger.HiddenValues(rayapi.SubmitRequest{RuntimeEnv: v.JSON()}) {
		top, _, _ := strings.Cut(strings.ReplaceAll(name, "[", "."), ".")
		if text := fmt.Sprintf("the server hides a part of %s: type it in, or remove it", clip(name)); envField(top, c.base) != fieldEnv {
			c.fail(envField(top, c.base), "%s", text)
		}
	}
}

// topKey is the key of the runtime environment that a path leads into.
func topKey(path string) string {
	key := strings.TrimPrefix(path, "runtime_env.")
	if i := strings.IndexAny(key, ".["); i >= 0 {
		key = key[:i]
	}
	return key
}

// envField is the field that shows a key of the runtime environment.
func envField(key string, b base) string {
	if _, shown := b.raws[key]; !shown && b.origin.Get(key) != nil {
		return fieldExtra
	}
	switch key {
	case "working_dir", fieldExcludes, fieldModules, fieldPip, fieldUv, fieldConda, fieldEnv, fieldImage, fieldHook:
		return key
	case "config":
		return fieldTimeout
	}
	return fieldExtra
}
