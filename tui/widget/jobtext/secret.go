package jobtext

import "dray/backend/jobspec"

// Secret reports that a value must not be seen, by its name or by its look: the
// rule of job files, for metadata and runtime environments on all pages.
func Secret(name, value string) bool { return jobspec.Secret(name, value) }
