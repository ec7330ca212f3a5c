// Package loopback serves HTTP to this machine alone: on a loopback address, to who knows a
// secret, and to no page of another site, whatever name it has for this address (DNS
// rebinding).
package loopback

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Listen opens a port of the loopback address; 0 is any that is free.
func Listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("port %d cannot be opened: %w; want one that is free, or 0 for any", port, err)
	}
	return l, nil
}

// Token returns a secret of 130 bits, of letters and digits.
func Token() string { return rand.Text() }

// Guard hands on the requests that may be from whom the secret was told: Host is this
// machine's, a page that asks is of this server, and the secret stands first in the path, or
// as a bearer's in the header. The secret is cut off the path. Bodies are cut at most bytes.
func Guard(token string, most int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer") // the address has the secret
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if err := ours(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		path, ok := secret(r, token)
		if !ok {
			http.Error(w, "the address lacks the secret; want it as the program printed it", http.StatusForbidden)
			return
		}
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = path, ""
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

// ours says why a request is not to be answered: it is for another host, or a page of
// another origin sent it.
func ours(r *http.Request) error {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the request is for host %q; want 127.0.0.1 or localhost", r.Host)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "http" || u.Host != r.Host {
			return fmt.Errorf("the request is of a page from %q; want http://%s", origin, r.Host)
		}
	}
	// A browser says whose page asked; "none" is an address that was typed or followed.
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
		return nil
	default:
		return fmt.Errorf("the request is of a page of another site (%s); want one of this server", site)
	}
}

// secret returns the path behind the token, and whether the token is right.
func secret(r *http.Request, token string) (path string, ok bool) {
	same := func(given string) bool { return subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 1 }
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return r.URL.Path, same(given)
	}
	given, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return "/" + rest, found && same(given)
}

// Serve answers until ctx is done, then waits a little for what is being answered.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		err := s.Shutdown(wait)
		if err != nil {
			err = s.Close()
		}
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
}
