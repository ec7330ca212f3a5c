package described

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/serve"
	"github.com/audiosep/audiosep/transforms"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

const preset = `{"audiosep": 1, "stages": [{"use": "read_audio"}, {"use": "frame"}, {"use": "stft"}, {"use": "hpss"}, {"use": "write_audio"}]}`

// TestDescription holds that the description is one of OpenAPI, and that requests and answers
// of a whole job, errors among them, are as it says.
func TestDescription(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(serve.Description())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // any port
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := serve.New(t.Context(), serve.Options{Dir: t.TempDir(),
		Registry: pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages),
		Preset:   func(name string) ([]byte, bool) { return []byte(preset), name == "parts" },
		Run:      func(ctx context.Context, p *pipeline.Pipeline, o pipeline.Options) error { return p.Run(ctx, o) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.FileBodyDecoder)
	seen := map[string]bool{}
	ask := func(method, path, kind string, body []byte, status int) string {
		t.Helper()
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		seen[route.Operation.OperationID] = true
		in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil && status < 300 {
			t.Errorf("%s %s: %v", method, path, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s %s: %d, %.200s; want %d", method, path, w.Code, w.Body, status)
		}
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: in.Options}
		if err := openapi3filter.ValidateResponse(t.Context(), out.SetBodyBytes(w.Body.Bytes())); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
		return w.Body.String()
	}
	mix, err := os.ReadFile("../../examples/piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	const js = "application/json"
	ask("GET", "/v1/openapi.json", "", nil, 200)
	ask("GET", "/v1/stages", "", nil, 200)
	ask("PUT", "/v1/inputs/mix.wav", "application/octet-stream", mix, http.StatusCreated)
	ask("GET", "/v1/inputs", "", nil, 200)
	ask("POST", "/v1/runs", js, []byte(`{"preset": "parts", "input": "mix.wav", "seed": 3}`), http.StatusCreated)
	ask("POST", "/v1/runs", js, []byte(`{"preset": "none"}`), 400)
	ask("POST", "/v1/runs", js, []byte(`{"preset": "parts", "input": "none.wav"}`), 422)
	ask("POST", "/v1/runs", js, []byte(`{"pipeline": {"audiosep": 1, "stages": [{"use": "stfft"}]}}`), 422)
	events := ask("GET", "/v1/runs/1/events", "", nil, 200)
	if !strings.Contains(events, `"state":"done"`) {
		t.Errorf("the events do not tell the end:\n%s", events)
	}
	for range 2400 { // two minutes at most
		if strings.Contains(ask("GET", "/v1/runs/1", "", nil, 200), `"done"`) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	ask("GET", "/v1/runs", "", nil, 200)
	ask("GET", "/v1/runs/1/files/mix-harmonic.wav", "", nil, 200)
	ask("GET", "/v1/runs/1/files/none", "", nil, 404)
	ask("DELETE", "/v1/runs/1", "", nil, 200)
	ask("GET", "/v1/runs/7", "", nil, 404)
	ask("DELETE", "/v1/inputs/mix.wav", "", nil, http.StatusNoContent)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if !seen[op.OperationID] {
				t.Errorf("%s %s is described and not tried", method, path)
			}
		}
	}
}
