package plugins

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/plugins/wire"
)

// asker asks the host for what the host owns.
type asker struct {
	ready chan struct{} // closed when the host listens

	sending sync.Mutex // a stream is for one sender at a time
	stream  grpc.BidiStreamingServer[wire.Answer, wire.Question]

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan *wire.Answer
	gone    bool
}

func newAsker() *asker {
	return &asker{ready: make(chan struct{}), waiting: map[uint64]chan *wire.Answer{}}
}

var errGone = errors.New("the host does not listen any more")

// serve takes the answers to the questions, until the host is gone.
func (a *asker) serve(stream grpc.BidiStreamingServer[wire.Answer, wire.Question]) error {
	select {
	case <-a.ready:
		return errors.New("the host listens already; want one Ask")
	default:
	}
	a.stream = stream
	close(a.ready)
	for {
		answer, err := stream.Recv()
		a.mu.Lock()
		if err != nil {
			a.gone = true
			for _, waiting := range a.waiting {
				close(waiting)
			}
			clear(a.waiting)
			a.mu.Unlock()
			return err
		}
		if waiting := a.waiting[answer.GetId()]; waiting != nil {
			waiting <- answer // has room for it
			delete(a.waiting, answer.GetId())
		}
		a.mu.Unlock()
	}
}

// send sends a question once the host listens.
func (a *asker) send(ctx context.Context, q *wire.Question) error {
	select {
	case <-a.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	a.sending.Lock()
	defer a.sending.Unlock()
	return a.stream.Send(q)
}

// askedError is what the host answers when it has no answer.
type askedError struct {
	id   uint64
	text string
}

func (e *askedError) Error() string { return e.text }

// whichAsked says in metadata which question an error is of.
func whichAsked(err error) metadata.MD {
	var asked *askedError
	if !errors.As(err, &asked) {
		return nil
	}
	return metadata.Pairs(questionKey, fmt.Sprint(asked.id))
}

// read asks the host for numbers.
func (a *asker) read(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	waiting := make(chan *wire.Answer, 1)
	a.mu.Lock()
	if a.gone {
		a.mu.Unlock()
		return nil, errGone
	}
	a.last++
	id := a.last
	a.waiting[id] = waiting
	a.mu.Unlock()
	err := a.send(ctx, &wire.Question{Id: id, Call: callOf(ctx), What: &wire.Question_Read{Read: req}})
	if err == nil {
		select {
		case answer, ok := <-waiting:
			switch {
			case !ok:
				return nil, errGone
			case answer.GetError() != "":
				return nil, &askedError{id, answer.GetError()}
			}
			return answer.GetReply(), nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	a.mu.Lock()
	delete(a.waiting, id)
	a.mu.Unlock()
	return nil, err
}

// call is a link's call.
func (a *asker) call(ctx context.Context, _ string, do func(ctx context.Context, read reader) error) error {
	return do(ctx, a.read)
}

// close tells the host that values are not needed any more.
func (a *asker) close(handles ...uint64) {
	if len(handles) > 0 {
		a.send(context.Background(), &wire.Question{What: &wire.Question_Close{Close: &wire.CloseRequest{Values: handles}}})
	}
}

// say passes on what is said of a run that is over.
func (a *asker) say(call uint64, reply *wire.RunReply) {
	q := &wire.Question{Call: call}
	switch part := reply.GetPart().(type) {
	case *wire.RunReply_Step:
		q.What = &wire.Question_Step{Step: part.Step}
	case *wire.RunReply_Log:
		q.What = &wire.Question_Log{Log: part.Log}
	}
	a.send(context.Background(), q)
}

type callKey struct{}

// inCall returns a context for what the host has asked for in a call of its.
func inCall(ctx context.Context, c *wire.Call) context.Context {
	ctx = context.WithValue(ctx, callKey{}, c.GetId())
	if n := c.GetBlock(); n > 0 && n < most {
		ctx = blocks.WithSize(ctx, int(n))
	}
	return ctx
}

func callOf(ctx context.Context) uint64 {
	id, _ := ctx.Value(callKey{}).(uint64)
	return id
}
