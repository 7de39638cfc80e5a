package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/stripe/stripe-go/v86"
)

// An exchange is an answer exactly as it was sent, before the SDK has touched it: only the Python SDK's
// annotations can be read at run time, so they are held against it there.
type exchange struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

// A recorder keeps a copy of every answer that goes through it.
type recorder struct {
	lock      sync.Mutex
	exchanges []exchange
}

var recorded recorder

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	r.lock.Lock()
	defer r.lock.Unlock()
	r.exchanges = append(r.exchanges, exchange{request.Method, request.URL.RequestURI(), response.StatusCode, body})
	return response, nil
}

// backends are the SDK's own but for the address, and without its retries, which would hide an error.
func backends() *stripe.Backends {
	config := &stripe.BackendConfig{
		EnableTelemetry:   stripe.Bool(false),
		HTTPClient:        &http.Client{Transport: &recorded},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		MaxNetworkRetries: stripe.Int64(0),
		URL:               stripe.String(os.Getenv("BASE_URL")),
	}
	return &stripe.Backends{API: stripe.GetBackendWithConfig(stripe.APIBackend, config)}
}

// connect is how integrations are written today: a client with its key.
func connect(key string) *stripe.Client {
	return stripe.NewClient(key, stripe.WithBackends(backends()))
}

func TestMain(m *testing.M) {
	// Most integrations are still written with the package's own key and functions.
	stripe.Key = os.Getenv("SECRET_KEY")
	stripe.SetBackend(stripe.APIBackend, backends().API)
	code := m.Run()
	content, err := json.Marshal(recorded.exchanges)
	if err == nil {
		err = os.WriteFile(os.Getenv("EXCHANGES"), content, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
