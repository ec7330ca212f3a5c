package plugins

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/plugins/wire"
)

// call is one call of a process, or several that are one to it.
type call struct {
	id     uint64
	ctx    context.Context // questions are answered in it
	heard  atomic.Int64    // when there was the last sign of life, in ns since began
	moved  atomic.Int64    // when there was one that it came further: any but that it is alive
	began  time.Time
	asking atomic.Int64 // questions that the host has yet to answer
	env    atomic.Pointer[audiosep.Env]
}

// alive notes a sign of life, sign one that the call has come further.
func (c *call) alive() { c.heard.Store(int64(time.Since(c.began))) }
func (c *call) sign()  { c.alive(); c.moved.Store(c.heard.Load()) }

// silent returns how long nothing has been heard, still how long nothing but that it is alive.
func (c *call) silent() time.Duration { return c.since(&c.heard) }
func (c *call) still() time.Duration  { return c.since(&c.moved) }

func (c *call) since(at *atomic.Int64) time.Duration {
	if c.asking.Load() > 0 {
		return 0
	}
	return time.Since(c.began) - time.Duration(at.Load())
}

// waited says that a call, what, has come no further for so long.
func (c *call) waited(quiet time.Duration, what string, silence time.Duration) string {
	rounded := quiet.Round(time.Second / 10)
	switch {
	case c.silent() < quiet/2:
		return fmt.Sprintf("no step for %s in %s; it is alive, so it is waited for", rounded, what)
	case silence > 0:
		return fmt.Sprintf("no sign of life for %s in %s; it is given up after %s (--plugin-silence)", rounded, what, silence)
	}
	return fmt.Sprintf("no sign of life for %s in %s; it is waited for, as --plugin-silence says", rounded, what)
}

// watch calls late when quiet has returned at least limit, and again when it has returned what late
// did; 0 ends it. When quiet has been less meanwhile, it is limit again.
func watch(limit time.Duration, quiet func() time.Duration, late func(quiet time.Duration) time.Duration) (stop func()) {
	var mu sync.Mutex
	var t *time.Timer
	next := limit
	mu.Lock()
	defer mu.Unlock()
	t = time.AfterFunc(limit, func() {
		mu.Lock()
		defer mu.Unlock()
		if next == 0 { // ended while this waited for its turn
			return
		}
		is := quiet()
		if is < limit {
			next = limit
		}
		if is >= next {
			next = late(is)
		}
		if next > 0 {
			t.Reset(max(next-is, time.Millisecond))
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		next = 0
		t.Stop()
	}
}

// about is what the plugin is told of a call.
func (c *call) about(ctx context.Context) *wire.Call {
	return &wire.Call{Id: c.id, Block: uint64(blocks.Asked(ctx))}
}

// calls are those of a process that have not ended, and why questions failed.
type calls struct {
	mu     sync.Mutex
	last   uint64
	open   map[uint64]*call
	envs   map[uint64]*audiosep.Env // of runs, which what they made may still report to
	failed map[uint64]error         // question -> why it failed
}

type scopeKey struct{ *process }

// enter returns a call in ctx: that of a scope, or a new one.
func (p *process) enter(ctx context.Context) (c *call, leave func()) {
	if c, ok := ctx.Value(scopeKey{p}).(*call); ok {
		c.sign()
		return c, func() {}
	}
	c = &call{ctx: ctx, began: time.Now()}
	p.calls.mu.Lock()
	defer p.calls.mu.Unlock()
	p.calls.last++
	c.id = p.calls.last
	p.calls.open[c.id] = c
	return c, func() {
		p.calls.mu.Lock()
		defer p.calls.mu.Unlock()
		delete(p.calls.open, c.id)
		if env := c.env.Load(); env != nil {
			p.calls.envs[c.id] = env
		}
	}
}

// scope makes all calls in the context that it returns one.
func (p *process) scope(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	c, leave := p.enter(ctx)
	return context.WithValue(ctx, scopeKey{p}, c), func() { cancel(); leave() }
}

var errSilent = errors.New("silent")

// signs says what keeps a call from being taken for a plugin that hangs.
func signs(what string) string {
	if what == checking || what == "forecast" {
		return "it to be quick, or more time by --plugin-start"
	}
	return "steps that it reports (env.step in Python, env.Report in Go), or more time by --plugin-silence"
}

// call makes one call, what, of a stage. It is given up, and the process killed, when there
// has been no sign of life for so long; 0 means never.
func (p *process) call(ctx context.Context, stage, what string, silence time.Duration, do func(ctx context.Context, c *call) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inner, cancel := p.whileAlive(ctx)
	defer cancel(nil)
	c, leave := p.enter(inner)
	defer leave()
	if silence > 0 {
		defer watch(silence, c.silent, func(time.Duration) time.Duration { cancel(errSilent); return 0 })()
	}
	if p.patience > 0 {
		defer watch(p.patience, c.still, func(quiet time.Duration) time.Duration {
			p.log.Info(c.waited(quiet, what, silence), "stage", stage)
			return 2 * quiet
		})()
	}
	err := do(inner, c)
	if err == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if late(ctx) {
		return context.DeadlineExceeded
	}
	if errors.Is(context.Cause(inner), errSilent) {
		p.child.kill()
		return p.failure(stage, fmt.Sprintf("gave no sign of life for %v while in %s; want %s", silence, what, signs(what)), errSilent)
	}
	return p.wrong(stage, what, err)
}

// wrong says what went wrong in a call.
func (p *process) wrong(stage, what string, err error) error {
	var told *Error
	var own *asked
	var broken *badReply
	var params audiosep.ParamErrors
	switch {
	case errors.As(err, &told): // by a call within this one
		return err
	case context.Cause(p.child.life) == errHostClosed:
		return errHostClosed
	case cancelled(err) && p.child.life.Err() != nil:
		return p.failure(stage, "ended while in "+what, errEnded)
	case errors.As(err, &own):
		if broken, ok := own.error.(*badReply); ok {
			return p.failure(stage, fmt.Sprintf("asked wrongly while in %s: %v", what, broken), err)
		}
		return own.error
	case errors.As(err, &params):
		return params
	case errors.As(err, &broken):
		return p.failure(stage, fmt.Sprintf("answered %s wrongly: %v", what, broken), err)
	}
	return p.explain(stage, what, err)
}

// cancelled tells whether an error says no more than that a context was cancelled.
func cancelled(err error) bool {
	return errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled
}

// asked is an error of this side, with which a question could not be answered.
type asked struct{ error }

func (a *asked) Unwrap() error { return a.error }

// questionKey is the trailing metadata with which a plugin says which question failed.
const questionKey = "audiosep-question"

// reason returns why a call failed: that of the question that failed, if that was it.
func (p *process) reason(err error, end metadata.MD) error {
	ids := end.Get(questionKey)
	if err == nil || len(ids) == 0 {
		return err
	}
	var id uint64
	fmt.Sscan(ids[0], &id)
	p.calls.mu.Lock()
	defer p.calls.mu.Unlock()
	if why := p.calls.failed[id]; why != nil {
		return &asked{why}
	}
	return err
}

// mostFailed is how many failed questions are remembered.
const mostFailed = 1 << 10

// questions answers a plugin's questions until the connection ends.
func (p *process) questions(ctx context.Context) error {
	stream, err := p.wire.Ask(ctx)
	if err != nil {
		return err
	}
	go func() {
		var mu sync.Mutex // a stream is for one sender at a time
		for {
			q, err := stream.Recv()
			if err != nil {
				return
			}
			switch what := q.GetWhat().(type) {
			case *wire.Question_Read:
				go func() {
					a := p.answer(ctx, q, what.Read)
					mu.Lock()
					defer mu.Unlock()
					stream.Send(a)
				}()
			case *wire.Question_Close:
				p.link.forget(what.Close.GetValues()...)
			case *wire.Question_Alive:
				p.told(ctx, 0, nil, nil)
			case *wire.Question_Step:
				p.told(ctx, q.GetCall(), what.Step, nil)
			case *wire.Question_Log:
				p.told(ctx, q.GetCall(), nil, what.Log)
			default: // of a newer plugin
				if q.GetId() != 0 {
					mu.Lock()
					stream.Send(&wire.Answer{Id: q.GetId(), Error: "the question is not known; want another, or a newer audiosep"})
					mu.Unlock()
				}
			}
		}
	}()
	return nil
}

// told passes on what is said of a run that is over. It is a sign of life, whatever it is, and of
// more if it says something.
func (p *process) told(ctx context.Context, id uint64, step *wire.Step, log *wire.Log) {
	p.calls.mu.Lock()
	env := p.calls.envs[id]
	for _, c := range p.calls.open {
		if c.alive(); step != nil || log != nil {
			c.sign()
		}
	}
	p.calls.mu.Unlock()
	if env != nil {
		tell(ctx, env, step, log)
	}
}

// answer answers a question, on behalf of the call that it comes of.
func (p *process) answer(ctx context.Context, q *wire.Question, read *wire.ReadRequest) *wire.Answer {
	p.calls.mu.Lock()
	c := p.calls.open[q.GetCall()]
	p.calls.mu.Unlock()
	var err error
	var reply *wire.ReadReply
	switch {
	case c != nil:
		c.asking.Add(1)
		reply, err = p.answered(c.ctx, read)
		c.sign()
		c.asking.Add(-1)
	case q.GetCall() == 0:
		reply, err = p.answered(ctx, read)
	default:
		err = fmt.Errorf("the call in the course of which this is asked, %d, is over", q.GetCall())
	}
	if err == nil {
		return &wire.Answer{Id: q.GetId(), Reply: reply}
	}
	p.calls.mu.Lock()
	defer p.calls.mu.Unlock()
	if len(p.calls.failed) >= mostFailed {
		clear(p.calls.failed)
	}
	p.calls.failed[q.GetId()] = err
	return &wire.Answer{Id: q.GetId(), Error: plain(err).Error()}
}

func (p *process) answered(ctx context.Context, read *wire.ReadRequest) (reply *wire.ReadReply, err error) {
	defer blocks.Recovered(&err)
	return p.link.answer(ctx, read)
}
