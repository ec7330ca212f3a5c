package listen

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// hub tells events to all who listen. One who is slow misses the oldest.
type hub struct {
	mu        sync.Mutex
	listeners map[chan []byte]bool
}

// tell sends an event whose data are JSON.
func (h *hub) tell(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	event := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, text)
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.listeners {
		for sent := false; !sent; {
			select {
			case c <- event:
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

func (h *hub) join() chan []byte {
	c := make(chan []byte, 64)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners == nil {
		h.listeners = map[chan []byte]bool{}
	}
	h.listeners[c] = true
	return c
}

func (h *hub) leave(c chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, c)
}

// open tells whether anybody listens.
func (h *hub) open() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners) > 0
}

// serve sends events as they come, until the page goes away or the server ends. The first is
// hello: from then on nothing is missed.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	flush, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "events cannot be sent", http.StatusInternalServerError)
		return
	}
	c := h.join()
	defer h.leave(c)
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "event: hello\ndata: {}\n\n")
	flush.Flush()
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		select {
		case event := <-c:
			w.Write(event)
		case <-alive.C:
			fmt.Fprint(w, ": \n\n") // a comment, so that a connection that is gone is noticed
		case <-r.Context().Done():
			return
		}
		flush.Flush()
	}
}
