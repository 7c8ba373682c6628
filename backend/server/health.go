package server

import (
	"io"
	"net/http"
)

func (a *API) health(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return healthy(w, "success")
}

func (a *API) nodeHealth(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return healthy(w, "raylet: success\ngcs: success")
}

func healthy(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "application/text; charset=utf-8")
	_, _ = io.WriteString(w, text)
	return nil
}
