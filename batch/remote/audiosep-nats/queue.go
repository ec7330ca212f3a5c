package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/audiosep/audiosep/batch/helper"
)

const (
	streamName = "audiosep"
	subjects   = "audiosep.items." // and the name of the run
	alive      = 3 * time.Second   // how often a sign of life is given for what was taken
	wait       = 4 * alive         // without one others get it
	patience   = time.Second       // of Take, for something to come
	again      = time.Second       // before what did not end well is handed out again
	answer     = 10 * time.Second  // for an answer of the server
)

// queue is a stream of a JetStream server, from which a message goes when its task has ended well.
// That it may be lost is what it is made for: nothing is synced.
type queue struct {
	server *server.Server // nil: it is elsewhere
	folder string         // of the server
	line   *nats.Conn
	js     jetstream.JetStream
	cancel context.CancelFunc

	mu    sync.Mutex
	from  jetstream.Consumer
	taken map[string]jetstream.Msg
	n     int
}

func open(ctx context.Context, name string) (helper.Queue, error) {
	// Errors do not repeat the URL, which has the token in it.
	u, err := url.Parse(name)
	if err != nil {
		return nil, errors.New("--nats is no URL; want nats://HOST:PORT, tls://HOST:PORT or listen://TOKEN@HOST:PORT, where a token has %2F for /, %23 for #, %3F for ? and %25 for %")
	}
	at := u.Scheme + "://" + u.Host
	q := &queue{taken: map[string]jetstream.Msg{}}
	switch u.Scheme {
	case "listen":
		if name, err = q.listen(u); err != nil {
			return nil, err
		}
	case "nats", "tls":
	default:
		return nil, fmt.Errorf("--nats begins with %q; want nats://HOST:PORT, tls://HOST:PORT or listen://TOKEN@HOST:PORT", u.Scheme+":")
	}
	q.line, err = nats.Connect(name, nats.Name("audiosep"), nats.MaxReconnects(-1), nats.ReconnectWait(300*time.Millisecond), nats.Timeout(answer))
	if err == nil {
		q.js, err = jetstream.New(q.line)
	}
	if err == nil {
		err = q.make(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", at, err), q.Close())
	}
	ctx, q.cancel = context.WithCancel(ctx)
	go q.live(ctx)
	return q, nil
}

// listen starts a server and returns its URL.
func (q *queue) listen(u *url.URL) (string, error) {
	host, token := cmp.Or(u.Hostname(), "127.0.0.1"), u.User.Username()
	port, err := strconv.Atoi(cmp.Or(u.Port(), "4222"))
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("a queue at %s would take items from anybody who reaches it, and what they say is run; want a token: AUDIOSEP_NATS_TOKEN, or listen://TOKEN@%s", u.Host, u.Host)
	}
	if q.folder, err = os.MkdirTemp("", "audiosep-nats-"); err != nil {
		return "", err
	}
	if q.server, err = server.NewServer(&server.Options{ServerName: "audiosep", Host: host, Port: port, Authorization: token,
		JetStream: true, StoreDir: q.folder, NoSigs: true, NoLog: true}); err != nil {
		return "", errors.Join(err, q.Close())
	}
	q.server.Start()
	if !q.server.ReadyForConnections(answer) {
		return "", errors.Join(fmt.Errorf("no server can be started at %s:%d; want a port that nobody has", host, port), q.Close())
	}
	at := url.URL{Scheme: "nats", User: u.User, Host: q.server.Addr().String()}
	return at.String(), nil
}

// make makes the stream and what takes from it, if they are not there.
func (q *queue) make(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	s, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: streamName, Subjects: []string{subjects + "*"}, Retention: jetstream.WorkQueuePolicy})
	if err != nil {
		return err
	}
	from, err := s.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "workers", AckPolicy: jetstream.AckExplicitPolicy, AckWait: wait, MaxAckPending: -1})
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.from = from
	return nil
}

// healed calls f, and once more when the queue was not there and has been made again; for the while that
// a server takes to start it waits.
func (q *queue) healed(ctx context.Context, f func(ctx context.Context) error) error {
	end := time.Now().Add(3 * answer)
	for {
		one, cancel := context.WithTimeout(ctx, answer)
		err := f(one)
		cancel()
		if err == nil || ctx.Err() != nil || time.Now().After(end) || errors.Is(err, nats.ErrMaxPayload) || q.line.IsClosed() {
			return err
		}
		if q.make(ctx) != nil {
			select {
			case <-ctx.Done():
			case <-time.After(patience / 4):
			}
		}
	}
}

func (q *queue) Put(ctx context.Context, run string, text []byte) error {
	return q.healed(ctx, func(ctx context.Context) error {
		_, err := q.js.Publish(ctx, subjects+run, text)
		return err
	})
}

func (q *queue) Take(ctx context.Context) (t *helper.Taken, err error) {
	err = q.healed(ctx, func(ctx context.Context) error {
		q.mu.Lock()
		from := q.from
		q.mu.Unlock()
		batch, err := from.Fetch(1, jetstream.FetchMaxWait(patience))
		if err != nil {
			return err
		}
		for m := range batch.Messages() {
			q.mu.Lock()
			q.n++
			id := strconv.Itoa(q.n)
			q.taken[id] = m
			q.mu.Unlock()
			t = &helper.Taken{ID: id, Text: m.Data()}
		}
		if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) && t == nil {
			return err
		}
		return nil
	})
	return t, err
}

// live gives signs of life for what was taken, as long as this program lives.
func (q *queue) live(ctx context.Context) {
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		q.mu.Lock()
		for _, m := range q.taken {
			m.InProgress() // if it does not get through, others may do the same
		}
		q.mu.Unlock()
	}
}

func (q *queue) End(ctx context.Context, id string, well bool) error {
	q.mu.Lock()
	m := q.taken[id]
	delete(q.taken, id)
	q.mu.Unlock()
	switch {
	case m == nil:
		return fmt.Errorf("nothing was taken as %s", id)
	case well:
		ctx, cancel := context.WithTimeout(ctx, answer)
		defer cancel()
		return m.DoubleAck(ctx)
	}
	return m.NakWithDelay(again)
}

func (q *queue) Waiting(ctx context.Context, run string) (n int, err error) {
	err = q.healed(ctx, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, streamName)
		if err != nil {
			return err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter(subjects+run))
		if err == nil {
			n = int(info.State.Subjects[subjects+run])
		}
		return err
	})
	return n, err
}

func (q *queue) Drop(ctx context.Context, run string) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	s, err := q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err == nil {
		err = s.Purge(ctx, jetstream.WithPurgeSubject(subjects+strings.TrimSpace(run)))
	}
	return err
}

func (q *queue) Close() error {
	if q.cancel != nil {
		q.cancel()
	}
	if q.line != nil {
		q.line.Close()
	}
	if q.server != nil {
		q.server.Shutdown()
		q.server.WaitForShutdown()
	}
	if q.folder == "" {
		return nil
	}
	return os.RemoveAll(q.folder)
}
