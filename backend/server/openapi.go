package server

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

// openAPIDocument describes this API to programs.
func (a *API) openAPIDocument(w http.ResponseWriter, _ *http.Request, _ []string) error {
	jsonHeader(w)
	_, _ = w.Write(openAPI)
	return nil
}
