package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dray/backend/logfile"
	"dray/backend/packages"
	"dray/backend/rayapi"
	"dray/backend/server"
)

// packageAPI keeps packages in a real folder.
func packageAPI(t *testing.T) (api *server.API, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "packages")
	store, err := packages.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return server.New(server.Config{Jobs: &fakeJobs{}, Packages: store, Version: testVersion(), Log: quiet()}), dir
}

func filesBelow(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Fault 33: no name of a package leads out of the store.
func TestFault33_packageNames(t *testing.T) {
	t.Parallel()
	api, dir := packageAPI(t)
	srv := serve(t, api)
	for _, path := range []string{
		"gcs/..%2f..%2fetc%2fpasswd.zip", "gcs/..%2Fx.zip", "gcs/a%00.zip", "gcs/.zip", "gcs/%2e%2e", "gcs/a%0a.zip", "gcs/a%20b.zip",
		"gcs/" + strings.Repeat("x", 10000) + ".zip", "gcs/.tmp-x", "s3/a.zip", "file/a.zip", "gcs",
	} {
		if a := send(t, srv, http.MethodPut, "/api/packages/"+path, "content"); a.status != 400 {
			t.Errorf("PUT %.40s = %d %.80q, want 400", path, a.status, a.body)
		}
		if a := send(t, srv, http.MethodGet, "/api/packages/"+path, ""); a.status != 400 && a.status != 404 {
			t.Errorf("GET %.40s = %d", path, a.status)
		}
	}
	if a := send(t, srv, http.MethodPut, "/api/packages/gcs/", "content"); a.status != 404 {
		t.Errorf("PUT without a name = %d, want 404", a.status)
	}
	if names := filesBelow(t, filepath.Dir(dir)); len(names) > 0 {
		t.Errorf("files were made: %v", names)
	}
}

// Fault 34: the first bytes under a name stay, half an upload leaves nothing,
// and the same bytes sent twice at once are kept once.
func TestFault34_uploads(t *testing.T) {
	t.Parallel()
	t.Run("other bytes under a name", func(t *testing.T) {
		t.Parallel()
		api, _ := packageAPI(t)
		srv := serve(t, api)
		for _, step := range []struct {
			body   string
			status int
		}{{"one", 200}, {"one", 200}, {"two", 409}, {"one", 200}} {
			if a := send(t, srv, http.MethodPut, "/api/packages/gcs/a.zip", step.body); a.status != step.status {
				t.Errorf("PUT %s = %d %q, want %d", step.body, a.status, a.body, step.status)
			}
		}
	})
	t.Run("cut in the middle", func(t *testing.T) {
		t.Parallel()
		api, dir := packageAPI(t)
		srv := serve(t, api)
		conn := dialTCP(t, srv)
		if _, err := io.WriteString(conn, "PUT /api/packages/gcs/a.zip HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf of it"); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		srv.Close() // waits for the request
		if a := ask(t, api, http.MethodGet, "/api/packages/gcs/a.zip", ""); a.status != 404 {
			t.Errorf("GET = %d, want 404", a.status)
		}
		if names := filesBelow(t, dir); len(names) > 0 {
			t.Errorf("files are left: %v", names)
		}
	})
	t.Run("two at once", func(t *testing.T) {
		t.Parallel()
		api, dir := packageAPI(t)
		srv := serve(t, api)
		body := strings.Repeat("same bytes ", 100000)
		var both sync.WaitGroup
		for range 4 {
			both.Go(func() {
				if a := send(t, srv, http.MethodPut, "/api/packages/gcs/a.zip", body); a.status != 200 {
					t.Errorf("PUT = %d %q", a.status, a.body)
				}
			})
		}
		both.Wait()
		blobs := 0
		for _, name := range filesBelow(t, dir) {
			if strings.Contains(name, string(filepath.Separator)+"sha256"+string(filepath.Separator)) {
				blobs++
			}
		}
		if blobs != 1 {
			t.Errorf("%d blobs, want 1: %v", blobs, filesBelow(t, dir))
		}
	})
}

// Fault 38: nothing that a page can send, or a name of its own that it points
// at us, reaches a job.
func TestFault38_browsers(t *testing.T) {
	t.Parallel()
	reached := false
	api := newAPI(&fakeJobs{
		submit: func(rayapi.SubmitRequest) (string, error) { reached = true; return "x", nil },
		job:    func(id string) (rayapi.Job, error) { reached = true; return rayapi.Job{}, rayapi.NotFoundError(id) },
		delete: func(string) error { reached = true; return nil },
		stop:   func(string) (bool, error) { reached = true; return true, nil },
		log:    func(id string) (logfile.Source, error) { reached = true; return nil, rayapi.NotFoundError(id) },
		rows:   func(func([]byte) error) error { reached = true; return nil },
	})
	h := server.Guard(api, server.GuardConfig{AuthDisabled: true, Hosts: []string{testHost}, Log: quiet()})
	tests := []struct {
		name, method, path string
		status             int
		header             []string
	}{
		{"form", "POST", "/api/jobs/", 405, []string{"Origin", "http://evil.example", "Content-Type", "application/x-www-form-urlencoded"}},
		{"fetch without CORS", "POST", "/api/jobs/", 405, []string{"Sec-Fetch-Mode", "no-cors", "Content-Type", "text/plain"}},
		{"delete", "DELETE", "/api/jobs/x", 405, []string{"Origin", "http://evil.example"}},
		{"stop", "POST", "/api/jobs/x/stop", 405, []string{"Origin", "null"}},
		{"image", "GET", "/api/jobs/x/logs", 403, []string{"Referer", "http://evil.example/", "Sec-Fetch-Dest", "image"}},
		{"list", "GET", "/api/jobs/", 403, []string{"User-Agent", "Mozilla/5.0"}},
		{"list of the state API", "GET", "/api/v0/jobs", 403, []string{"User-Agent", "Mozilla/5.0"}},
		{"metrics", "GET", "/metrics", 403, []string{"Sec-Fetch-Site", "cross-site"}},
		{"socket", "GET", "/api/jobs/x/logs/tail", 403, []string{"Origin", "http://evil.example", "Upgrade", "websocket", "Connection", "Upgrade"}},
		{"preflight", "OPTIONS", "/api/jobs/", 405, []string{"Origin", "http://evil.example", "Access-Control-Request-Method", "POST"}},
	}
	for _, tt := range tests {
		a := ask(t, h, tt.method, "http://"+testHost+tt.path, `{"entrypoint":"true"}`, tt.header...)
		if a.status != tt.status {
			t.Errorf("%s = %d %q, want %d", tt.name, a.status, a.body, tt.status)
		}
		for name := range a.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s is answered with %s", tt.name, name)
			}
		}
	}
	for _, host := range []string{"evil.example", "evil.example:8265", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:8265"} {
		if a := ask(t, h, "GET", "http://"+host+"/api/jobs/", ""); a.status != 403 {
			t.Errorf("Host %s = %d", host, a.status)
		}
	}
	if reached {
		t.Error("a request got through to the jobs")
	}
	if a := ask(t, h, "GET", "http://"+testHost+"/api/jobs/", "", "User-Agent", "curl/8.0"); a.status != 200 || !reached {
		t.Errorf("curl = %d", a.status)
	}
}

// Fault 39: without the right token there is nothing, however often one tries,
// and no token is ever in the log.
func TestFault39_tokens(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := server.Guard(http.HandlerFunc(passed), server.GuardConfig{Token: testToken, Hosts: []string{testHost}, Log: log})
	get := func(path string, header ...string) int {
		return ask(t, h, "GET", "http://"+testHost+path, "", header...).status
	}
	tests := []struct {
		name   string
		status int
		got    int
	}{
		{"none", 401, get("/api/jobs/")},
		{"in the URL", 401, get("/api/jobs/?token=" + testToken)},
		{"in a cookie", 401, get("/api/jobs/", "Cookie", "ray-authentication-token="+good)},
		{"wrong", 403, get("/api/jobs/", "Authorization", "Bearer wrong-token")},
		{"empty", 403, get("/api/jobs/", "Authorization", "Bearer ")},
		{"a part of it", 403, get("/api/jobs/", "Authorization", good[:len(good)-1])},
		{"right", 200, get("/api/jobs/", "Authorization", good)},
	}
	for _, tt := range tests {
		if tt.got != tt.status {
			t.Errorf("%s = %d, want %d", tt.name, tt.got, tt.status)
		}
	}
	var guesses sync.WaitGroup
	for i := range 1000 {
		guesses.Go(func() {
			if status := get("/api/jobs/", "Authorization", fmt.Sprintf("Bearer guess-%d", i)); status != 403 {
				t.Errorf("guess %d = %d", i, status)
			}
		})
	}
	guesses.Wait()
	for _, secret := range []string{testToken, "wrong-token", "guess-"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, &out)
		}
	}
}

// Fault 40: clients that misbehave are cut off, and others are served.
func TestFault40_abuse(t *testing.T) {
	t.Parallel()
	h := server.Guard(newAPI(&fakeJobs{}), server.GuardConfig{Unix: true, Log: quiet()})
	srv := serve(t, h)
	for range 200 {
		dialTCP(t, srv) // idle, for as long as the test
	}
	t.Run("garbage behind a request", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, srv)
		if _, err := io.WriteString(conn, "GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n\x00\x01garbage\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if status := readStatus(t, conn); status != 200 {
			t.Errorf("the request = %d", status)
		}
		rest, err := io.ReadAll(conn)
		if err != nil || !bytes.Contains(rest, []byte("400 Bad Request")) {
			t.Errorf("the garbage = %.200q, %v", rest, err)
		}
	})
	t.Run("length and chunks at once", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, srv)
		if _, err := io.WriteString(conn, "POST /api/jobs/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if status := readStatus(t, conn); status != 400 {
			t.Errorf("answer %d, want 400", status)
		}
	})
	t.Run("chunks without end", func(t *testing.T) {
		t.Parallel()
		body := io.LimitReader(endless{}, 101<<20)
		if a := sendReader(t, srv, http.MethodPost, "/api/jobs/", body, -1); a.status != 413 {
			t.Errorf("answer %d %q, want 413", a.status, a.body)
		}
	})
	t.Run("headers without end", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, srv)
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 60<<10))
		if status := readStatus(t, conn); status != 431 {
			t.Errorf("answer %d, want 431", status)
		}
	})
	t.Run("others are served", func(t *testing.T) {
		t.Parallel()
		for range 20 {
			if a := send(t, srv, http.MethodGet, "/api/version", ""); a.status != 200 {
				t.Errorf("answer %d", a.status)
			}
		}
	})
}

// endless is blanks, which JSON may begin with.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Fault 42, the server's part: a secret is neither in the server's log nor in
// the text of an error, whatever goes wrong with the request that has it.
func TestFault42_serverLog(t *testing.T) {
	t.Parallel()
	const marker = "MARKER-5f2c"
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	outcome := func(req rayapi.SubmitRequest) (string, error) {
		switch req.SubmissionID {
		case "panics":
			panic("something else")
		case "full":
			return "", rayapi.ErrNoSpace
		case "breaks":
			return "", io.ErrUnexpectedEOF
		}
		return "x", nil
	}
	api := server.New(server.Config{Jobs: &fakeJobs{submit: outcome}, Packages: &fakePackages{}, Version: testVersion(), Log: log})
	h := server.Guard(api, server.GuardConfig{Token: marker, Hosts: []string{testHost}, Log: log})
	env := `"runtime_env":{"env_vars":{"K":"` + marker + `"}}`
	for _, body := range []string{
		`{"entrypoint":"x",` + env + `}`,
		`{"entrypoint":"x","submission_id":"panics",` + env + `}`,
		`{"entrypoint":"x","submission_id":"full",` + env + `}`,
		`{"entrypoint":"x","submission_id":"breaks",` + env + `}`,
		`{"entrypoint":1,` + env + `}`,
		`{"entrypoint":"x","unknown":1,` + env + `}`,
		`{"entrypoint":"x","submission_id":"a/b",` + env + `}`,
		`{"entrypoint":"x",` + env + `,`,
		`{"entrypoint":"x","runtime_env":{"env_vars":{"K":["` + marker + `"]}}}`,
		`{"entrypoint":"x","runtime_env":{"env_vars":["` + marker + `"]}}`,
	} {
		a := ask(t, h, "POST", "http://"+testHost+"/api/jobs/?token="+marker, body, "Authorization", "Bearer "+marker)
		if strings.Contains(a.body, marker) {
			t.Errorf("the answer to %s is %s", body, a.body)
		}
	}
	if !strings.Contains(out.String(), "panic in a request") {
		t.Fatal("the panic was not logged")
	}
	if strings.Contains(out.String(), marker) {
		t.Errorf("the log has the secret: %s", &out)
	}
}

// Fault 43, the server's part (that of the environment's variables is checked
// where environments are): what is too long is refused at once, and what
// is not arrives as it was sent.
func TestFault43_sizes(t *testing.T) {
	t.Parallel()
	var got rayapi.SubmitRequest
	api := newAPI(&fakeJobs{submit: func(r rayapi.SubmitRequest) (string, error) { got = r; return "x", nil }})
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint(i)] = "x"
	}
	env := func(vars map[string]string) map[string]any { return map[string]any{"env_vars": vars} }
	tests := []struct {
		name   string
		fields map[string]any
		status int
	}{
		{"quotes, newlines and dollars", map[string]any{"entrypoint": "echo \"a\" 'b'\n echo $(id) \\ `x`"}, 200},
		{"119999 bytes", map[string]any{"entrypoint": strings.Repeat("x", 119999)}, 200},
		{"131072 bytes", map[string]any{"entrypoint": strings.Repeat("x", 131072)}, 400},
		{"an id of 200", map[string]any{"entrypoint": "x", "submission_id": strings.Repeat("i", 200)}, 200},
		{"an id of 201", map[string]any{"entrypoint": "x", "submission_id": strings.Repeat("i", 201)}, 400},
		{"64 keys and one", map[string]any{"entrypoint": "x", "metadata": many}, 400},
		{"metadata of 4 KiB and one", map[string]any{"entrypoint": "x", "metadata": map[string]string{"k": strings.Repeat("v", 4097)}}, 400},
		{"a variable with = and newlines", map[string]any{"entrypoint": "x", "runtime_env": env(map[string]string{"A": "b=c\nd"})}, 200},
	}
	for _, tt := range tests {
		body, err := json.Marshal(tt.fields)
		if err != nil {
			t.Fatal(err)
		}
		got = rayapi.SubmitRequest{}
		a := ask(t, api, "POST", "/api/jobs/", string(body))
		if a.status != tt.status || (a.status == 400 && (a.body == "" || len(a.body) > 500)) {
			t.Errorf("%s = %d %.200q, want %d", tt.name, a.status, a.body, tt.status)
		}
		if a.status == 200 && got.Entrypoint != tt.fields["entrypoint"] {
			t.Errorf("%s: the entrypoint arrived as %.80q", tt.name, got.Entrypoint)
		}
	}
	if a := ask(t, api, "GET", "/api/jobs/"+url.PathEscape(strings.Repeat("i", 10000)), ""); a.status != 404 {
		t.Errorf("an id of 10000 = %d", a.status)
	}
}
