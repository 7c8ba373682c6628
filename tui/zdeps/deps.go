// Package zdeps keeps modules in go.mod.
package zdeps

import (
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "go.yaml.in/yaml/v3"
)
