package loopback

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Hub tells events to all who listen, as server-sent events. One who is slow misses the
// oldest. The zero Hub works.
type Hub struct {
	mu        sync.Mutex
	listeners map[chan []byte]bool
}

// Tell sends an event whose data are JSON.
func (h *Hub) Tell(name string, data any) {
	text := event(name, data)
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.listeners {
		for sent := false; !sent; {
			select {
			case c <- text:
				sent = true
			default:
				select {
				case <-c:
				default:
				}
			}
		}
	}
}

// Join returns where events come from now on; Leave ends that.
func (h *Hub) Join() chan []byte {
	c := make(chan []byte, 64)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners == nil {
		h.listeners = map[chan []byte]bool{}
	}
	h.listeners[c] = true
	return c
}

// Leave is for who joined.
func (h *Hub) Leave(c chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, c)
}

// Open tells whether anybody listens.
func (h *Hub) Open() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners) > 0
}

// Serve sends events as they come, until the page goes away or the server ends. The first is
// hello: from then on nothing is missed.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request) {
	h.ServeUntil(w, r, nil, func() (string, any) { return "hello", struct{}{} })
}

// ServeUntil is Serve with another first event, which is asked for when nothing is missed any
// more. When done is closed, what has been told before is sent, and that is the end.
func (h *Hub) ServeUntil(w http.ResponseWriter, r *http.Request, done <-chan struct{}, first func() (name string, data any)) {
	flush, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "events cannot be sent", http.StatusInternalServerError)
		return
	}
	c := h.Join()
	defer h.Leave(c)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Write(event(first()))
	flush.Flush()
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		select {
		case event := <-c:
			w.Write(event)
		case <-done:
			for {
				select {
				case event := <-c:
					w.Write(event)
					continue
				default:
				}
				return
			}
		case <-alive.C:
			fmt.Fprint(w, ": \n\n") // a comment, so that a connection that is gone is noticed
		case <-r.Context().Done():
			return
		}
		flush.Flush()
	}
}

// event returns one in its form on the wire.
func event(name string, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, text)
}
