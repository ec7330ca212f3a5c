package loopback_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/internal/loopback"
)

// TestGuard asks as those would who must not be answered, and as those who must.
func TestGuard(t *testing.T) {
	const token = "SECRET"
	var got string
	h := loopback.Guard(token, 4, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var long *http.MaxBytesError
		if got = r.URL.Path + " " + string(b); errors.As(err, &long) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}))
	for _, c := range []struct {
		name, path, host string
		header           map[string]string
		body, want       string
		status           int
	}{
		{"address", "/SECRET/a/b", "127.0.0.1:8000", nil, "1234", "/a/b 1234", 200},
		{"localhost", "/SECRET/", "localhost:8000", nil, "", "/ ", 200},
		{"IPv6", "/SECRET/", "[::1]:8000", nil, "", "/ ", 200},
		{"bearer", "/a", "127.0.0.1", map[string]string{"Authorization": "Bearer SECRET"}, "", "/a ", 200},
		{"own origin", "/SECRET/a", "127.0.0.1:8000", map[string]string{"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, "", "/a ", 200},
		{"long body", "/SECRET/a", "127.0.0.1:8000", nil, "12345", "/a 1234", 413},
		{"no secret", "/a/b", "127.0.0.1:8000", nil, "", "", 403},
		{"half a secret", "/SEC/a", "127.0.0.1:8000", nil, "", "", 403},
		{"the secret alone", "/SECRET", "127.0.0.1:8000", nil, "", "", 403},
		{"wrong bearer", "/SECRET/a", "127.0.0.1:8000", map[string]string{"Authorization": "Bearer X"}, "", "", 403},
		{"a name that was rebound", "/SECRET/a", "evil.example:8000", nil, "", "", 403},
		{"another machine", "/SECRET/a", "192.168.0.2:8000", nil, "", "", 403},
		{"another origin", "/SECRET/a", "127.0.0.1:8000", map[string]string{"Origin": "http://evil.example"}, "", "", 403},
		{"another port's page", "/SECRET/a", "127.0.0.1:8000", map[string]string{"Origin": "http://127.0.0.1:9000"}, "", "", 403},
		{"no origin", "/SECRET/a", "127.0.0.1:8000", map[string]string{"Origin": "null"}, "", "", 403},
		{"another site", "/SECRET/a", "127.0.0.1:8000", map[string]string{"Sec-Fetch-Site": "cross-site"}, "", "", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			got = ""
			r := httptest.NewRequest("POST", c.path, strings.NewReader(c.body))
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || got != c.want {
				t.Errorf("status %d, passed on %q; want %d, %q", w.Code, got, c.status, c.want)
			}
		})
	}
}

// TestServe asks for loopback and ends in time.
func TestServe(t *testing.T) {
	l, err := loopback.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(l.Addr().String(), "127.0.0.1:") {
		t.Errorf("it listens at %v; want 127.0.0.1", l.Addr())
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- loopback.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	}()
	res, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(b) != "hello" {
		t.Errorf("the answer is %q; want hello", b)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("it ended with %v; want nil", err)
	}
}
