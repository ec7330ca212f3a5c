package helper

import (
	"context"
	"errors"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"testing"
)

// slow is a store and a queue that answers when it is told to.
type slow struct{ asked, answer chan bool }

func (s slow) wait() {
	s.asked <- true
	<-s.answer
}

func (s slow) Read(_ StoreCall, a *StoreAnswer) error {
	s.wait()
	a.Text, a.Objects = []byte("late"), []Object{{Name: "late"}}
	return nil
}

func (s slow) List(c StoreCall, a *StoreAnswer) error { return s.Read(c, a) }

func (s slow) Take(_ QueueCall, a *QueueAnswer) error {
	s.wait()
	a.Taken, a.Waiting = &Taken{ID: "late"}, 1
	return nil
}

func (s slow) Waiting(c QueueCall, a *QueueAnswer) error { return s.Take(c, a) }

// Whoever no longer waits for an answer has none, and does not look at the one that comes (-race tells).
func TestLateAnswers(t *testing.T) {
	here, there := net.Pipe()
	s, server := slow{make(chan bool), make(chan bool)}, rpc.NewServer()
	if err := errors.Join(server.RegisterName("Store", s), server.RegisterName("Queue", s)); err != nil {
		t.Fatal(err)
	}
	go server.ServeCodec(jsonrpc.NewServerCodec(there))
	p := &process{name: "helper", calls: jsonrpc.NewClient(here)}
	defer p.calls.Close()
	store, queue := remoteStore{p}, remoteQueue{p}
	for name, ask := range map[string]func(ctx context.Context) (something bool, err error){
		"Read": func(ctx context.Context) (bool, error) {
			text, o, err := store.Read(ctx, "x")
			return text != nil || o.Name != "", err
		},
		"List": func(ctx context.Context) (bool, error) {
			all, err := store.List(ctx, "", "")
			return all != nil, err
		},
		"Take": func(ctx context.Context) (bool, error) {
			taken, err := queue.Take(ctx)
			return taken != nil, err
		},
		"Waiting": func(ctx context.Context) (bool, error) {
			n, err := queue.Waiting(ctx, "run")
			return n != 0, err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-s.asked
			cancel()
			s.answer <- true
		}()
		// The answer may be faster than the end of ctx, and then is one.
		if something, err := ask(ctx); err != nil && (something || !errors.Is(err, context.Canceled)) || err == nil && !something {
			t.Errorf("%s: something %v, %v; want an answer or an error", name, something, err)
		}
	}
}
