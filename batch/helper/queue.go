package helper

import (
	"context"
	"errors"
	"os/exec"
)

// Taken is a task that was taken from a queue.
type Taken struct {
	ID   string `json:"id"`
	Text []byte `json:"text"`
}

// Queue passes tasks to whoever takes them. It may lose them, and hand one out twice. Queues may be
// used by several goroutines.
type Queue interface {
	// Put adds a task of a run. A queue that was lost is made again.
	Put(ctx context.Context, run string, text []byte) error
	// Take waits a moment for a task; nil: there was none. Others get it when whoever has taken
	// it is gone.
	Take(ctx context.Context) (*Taken, error)
	// End tells that a task that was taken has ended; not well: others are to have it.
	End(ctx context.Context, id string, well bool) error
	// Waiting returns how many tasks of a run have not ended.
	Waiting(ctx context.Context, run string) (int, error)
	// Drop removes the tasks of a run.
	Drop(ctx context.Context, run string) error
	Close() error
}

// QueueCall is what a helper is asked of a queue.
type QueueCall struct {
	Name string `json:"name,omitempty"` // of a run, a task; a URL
	Text []byte `json:"text,omitempty"`
	Well bool   `json:"well,omitempty"`
}

// QueueAnswer is what it says.
type QueueAnswer struct {
	Taken   *Taken `json:"taken,omitempty"`
	Waiting int    `json:"waiting,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (a *QueueAnswer) tell(err error) error {
	if err != nil {
		a.Error = err.Error()
	}
	return nil
}

// remoteQueue is a Queue that a helper knows.
type remoteQueue struct{ *process }

// StartQueue starts a program that calls [ServeQueue], and has it open a URL.
func StartQueue(ctx context.Context, cmd *exec.Cmd, url string) (Queue, error) {
	h, err := start(cmd)
	if err != nil {
		return nil, err
	}
	q := remoteQueue{h}
	if _, err := q.ask(ctx, "Open", QueueCall{Name: url}); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return q, nil
}

func (q remoteQueue) ask(ctx context.Context, method string, c QueueCall) (QueueAnswer, error) {
	a, err := call[QueueAnswer](ctx, q.process, "Queue."+method, c)
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		return QueueAnswer{}, err
	}
	return a, nil
}

func (q remoteQueue) Put(ctx context.Context, run string, text []byte) error {
	_, err := q.ask(ctx, "Put", QueueCall{Name: run, Text: text})
	return err
}

func (q remoteQueue) Take(ctx context.Context) (*Taken, error) {
	a, err := q.ask(ctx, "Take", QueueCall{})
	return a.Taken, err
}

func (q remoteQueue) End(ctx context.Context, id string, well bool) error {
	_, err := q.ask(ctx, "End", QueueCall{Name: id, Well: well})
	return err
}

func (q remoteQueue) Waiting(ctx context.Context, run string) (int, error) {
	a, err := q.ask(ctx, "Waiting", QueueCall{Name: run})
	return a.Waiting, err
}

func (q remoteQueue) Drop(ctx context.Context, run string) error {
	_, err := q.ask(ctx, "Drop", QueueCall{Name: run})
	return err
}

// ServeQueue is all that a helper for queues does: it opens the URL that it is told, and answers. It
// returns when whoever started it has no more to ask.
func ServeQueue(open func(ctx context.Context, url string) (Queue, error)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &queueService{ctx: ctx, open: open}
	err := serve("Queue", s, cancel)
	if s.at != nil {
		err = errors.Join(err, s.at.Close())
	}
	return err
}

// queueService answers calls, for net/rpc.
type queueService struct {
	ctx  context.Context
	open func(ctx context.Context, url string) (Queue, error)
	at   Queue
}

// Open opens a URL. It is the first call.
func (s *queueService) Open(c QueueCall, a *QueueAnswer) error {
	at, err := s.open(s.ctx, c.Name)
	if err == nil {
		s.at = at
	}
	return a.tell(err)
}

func (s *queueService) Put(c QueueCall, a *QueueAnswer) error {
	return a.tell(s.at.Put(s.ctx, c.Name, c.Text))
}

func (s *queueService) Take(_ QueueCall, a *QueueAnswer) (err error) {
	a.Taken, err = s.at.Take(s.ctx)
	return a.tell(err)
}

func (s *queueService) End(c QueueCall, a *QueueAnswer) error {
	return a.tell(s.at.End(s.ctx, c.Name, c.Well))
}

func (s *queueService) Waiting(c QueueCall, a *QueueAnswer) (err error) {
	a.Waiting, err = s.at.Waiting(s.ctx, c.Name)
	return a.tell(err)
}

func (s *queueService) Drop(c QueueCall, a *QueueAnswer) error {
	return a.tell(s.at.Drop(s.ctx, c.Name))
}
