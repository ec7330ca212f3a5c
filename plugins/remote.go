package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// remote is a stage in a process of its own, whatever its kind. The process is started
// by the first call.
type remote struct {
	host   *Host
	plugin plugin
	name   string // "NAME/stage"
	stage  string // what the plugin calls it
	params json.RawMessage

	mu     sync.Mutex
	p      *process
	handle uint64
	err    error // why there is no process any more
}

var errClosed = errors.New("the stage is closed")

// Close ends the process.
func (r *remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil {
		r.p.close()
		r.host.forget(r.p)
	}
	r.p, r.err = nil, errClosed
	return nil
}

// dead reports whether the process has failed already.
func (r *remote) dead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.p == nil || r.p.child.ended(0)
}

// running returns the stage's process, and its handle there.
func (r *remote) running(ctx context.Context) (*process, uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil || r.err != nil {
		return r.p, r.handle, r.err
	}
	p, err := r.host.process(ctx, r.plugin)
	if err != nil {
		return nil, 0, err
	}
	handle, err := p.build(ctx, r.name, r.stage, r.params, r.host.o.Silence)
	if err != nil {
		p.kill()
		r.host.forget(p)
		return nil, 0, err
	}
	r.p, r.handle = p, handle
	return p, handle, nil
}

// build has the plugin build a stage. Wrong parameters make audiosep.ParamErrors.
func (p *process) build(ctx context.Context, name, stage string, params json.RawMessage, silence time.Duration) (handle uint64, err error) {
	if len(params) == 0 {
		params = json.RawMessage("{}")
	}
	err = p.call(ctx, name, "build", silence, func(ctx context.Context, _ func()) error {
		reply, err := wire.NewPluginClient(p.conn).Build(ctx, &wire.BuildRequest{Stage: stage, Params: string(params)})
		if err != nil {
			return err
		}
		var faults audiosep.ParamErrors
		for _, f := range reply.GetFaults() {
			faults = append(faults, &audiosep.ParamError{Name: f.GetName(), What: f.GetWhat(), Hint: f.GetHint()})
		}
		if faults != nil {
			return faults
		}
		handle = reply.GetStage()
		return nil
	})
	return handle, err
}

// call calls the stage's process.
func (r *remote) call(ctx context.Context, what string, do func(ctx context.Context, p *process, handle uint64, alive func()) error) error {
	p, handle, err := r.running(ctx)
	if err != nil {
		return err
	}
	return p.call(ctx, r.name, what, r.host.o.Silence, func(ctx context.Context, alive func()) error {
		return do(ctx, p, handle, alive)
	})
}

var errSilent = errors.New("silent")

// call makes one call, what, of a stage. It is given up, and the process killed, when
// alive has not been called for so long; silence 0 means never.
func (p *process) call(ctx context.Context, stage, what string, silence time.Duration, do func(ctx context.Context, alive func()) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := func() {}
	if silence > 0 {
		t := time.AfterFunc(silence, func() { cancel(errSilent) })
		defer t.Stop()
		alive = func() { t.Reset(silence) }
	}
	err := do(inner, alive)
	var params audiosep.ParamErrors
	var bad *badReply
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case late(ctx): // the plugin knows the deadline and may be first to see it
		return context.DeadlineExceeded
	case errors.Is(context.Cause(inner), errSilent):
		p.child.kill()
		return p.failure(stage, fmt.Sprintf("gave no sign of life for %v while in %s", silence, what), err)
	case errors.As(err, &params):
		return params
	case errors.As(err, &bad):
		return p.failure(stage, fmt.Sprintf("answered %s wrongly: %v", what, bad), err)
	}
	return p.explain(stage, what, err)
}

func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// explain says what an error of gRPC means.
func (p *process) explain(stage, what string, err error) error {
	switch s, ok := status.FromError(err); {
	case ok && s.Code() == codes.Unimplemented:
		return p.failure(stage, "does not serve "+what, err)
	case ok && s.Code() == codes.Unavailable, errors.Is(err, io.EOF), p.child.ended(0):
		if p.child.ended(grace) {
			return p.failure(stage, "ended while in "+what, err)
		}
		p.child.kill() // alive but not talking to us
		return p.failure(stage, "broke the connection while in "+what, err)
	case ok && s.Code() == codes.Internal && s.Message() == "":
		return p.failure(stage, "gave no reason why it failed in "+what, err)
	default:
		return plain(err)
	}
}

// badReply is a reply that breaks the protocol.
type badReply struct{ what string }

func (b *badReply) Error() string { return b.what }

func bad(format string, args ...any) error { return &badReply{fmt.Sprintf(format, args...)} }

// parcel carries the numbers of one call: where they stand if that is in memory that was
// lent, else in regions of shared memory, or in messages if there are none.
type parcel struct {
	arena *arena // nil: in messages
	taken []*region
	lent  []*region
}

// carry calls the stage's process with a parcel.
func (r *remote) carry(ctx context.Context, what string, do func(ctx context.Context, p *process, handle uint64, c *parcel) error) error {
	return r.call(ctx, what, func(ctx context.Context, p *process, handle uint64, _ func()) error {
		c := &parcel{arena: p.shared}
		err := do(ctx, p, handle, c)
		c.giveBack(err)
		return err
	})
}

// giveBack frees what the parcel took; err is how the call ended.
func (c *parcel) giveBack(err error) {
	if err != nil { // the plugin may still write there
		for _, r := range slices.Concat(c.taken, c.lent) {
			c.arena.lose(r)
		}
	}
	for _, r := range c.taken {
		c.arena.giveBack(r)
	}
}

// place returns an array for the numbers of parts, one after the other, and where in shared
// memory it is: nil if it is not, whole itself if the parts are that.
func (c *parcel) place(parts [][]float64) (a *wire.Array, shared, whole []float64) {
	a = new(wire.Array)
	for _, x := range parts {
		a.Count += uint64(len(x))
	}
	whole = joined(parts)
	if r, at := c.arena.find(whole); r != nil {
		c.lent = append(c.lent, r)
		a.Offset = uint64(at)
		return a, whole, whole
	}
	if r := c.arena.take(int(a.Count)); r != nil {
		c.taken = append(c.taken, r)
		a.Offset = uint64(r.at)
		return a, c.arena.numbers(r, int(a.Count)), whole
	}
	return a, nil, whole
}

// joined returns the numbers of parts as one slice, if they are cut from one and stand there
// one after the other, else nil.
func joined(parts [][]float64) []float64 {
	n := 0
	for _, x := range parts {
		n += len(x)
	}
	if n == 0 || cap(parts[0]) < n {
		return nil
	}
	whole := parts[0][:n]
	at := 0
	for _, x := range parts {
		if !sameMemory(x, whole[at:]) {
			return nil
		}
		at += len(x)
	}
	return whole
}

// put returns an array with the numbers of parts, one after the other.
func (c *parcel) put(parts ...[]float64) *wire.Array {
	a, shared, whole := c.place(parts)
	if shared == nil {
		if whole != nil {
			a.Data = encode(whole)
			return a
		}
		shared = make([]float64, a.Count)
		a.Data = encode(shared)
	}
	if sameMemory(shared, whole) {
		return a
	}
	for _, x := range parts {
		shared = shared[copy(shared, x):]
	}
	return a
}

func sameMemory(x, y []float64) bool { return len(x) > 0 && len(y) > 0 && &x[0] == &y[0] }

// room is where the numbers of an answer are to be written.
type room struct {
	what  string
	array *wire.Array
	// shared is where in shared memory they will stand, nil if they come in the reply.
	shared []float64
	parts  [][]float64 // what they are for
}

// room returns room for an answer, what, that is to fill parts, one after the other.
func (c *parcel) room(what string, parts ...[]float64) room {
	a, shared, _ := c.place(parts)
	return room{what, a, shared, parts}
}

// coefRoom is room for coefficients.
type coefRoom struct{ re, im room }

func (c *parcel) coefs(dst ...audiosep.Coefs) (out coefRoom) {
	var re, im [][]float64
	for _, d := range dst {
		re = append(re, d.Re)
		if d.Im != nil {
			im = append(im, d.Im)
		}
	}
	out.re = c.room("re", re...)
	if im != nil {
		out.im = c.room("im", im...)
	}
	return out
}

func (o *coefRoom) fill(reply interface {
	GetRe() *wire.Array
	GetIm() *wire.Array
}) error {
	if err := o.re.fill(reply.GetRe()); err != nil || o.im.array == nil {
		return err
	}
	return o.im.fill(reply.GetIm())
}

// fill takes the numbers of an answer to where they belong, if they are not there already.
// They must be finite.
func (r *room) fill(got *wire.Array) error {
	src := r.shared
	if src == nil {
		if b := got.GetData(); uint64(len(b)) != 8*r.array.Count || got.GetOffset() != 0 {
			return bad("%s is %d bytes; want %d, 8 for each of %d numbers", r.what, len(b), 8*r.array.Count, r.array.Count)
		}
		src = decode(got.Data)
	} else if got.GetOffset() != r.array.Offset || got.GetCount() != r.array.Count || len(got.GetData()) != 0 {
		return bad("%s is %d numbers at %d of shared memory; want %d at %d", r.what, got.GetCount(), got.GetOffset(), r.array.Count, r.array.Offset)
	}
	for _, dst := range r.parts {
		if sameMemory(dst, src) && !finite(dst) || !sameMemory(dst, src) && !copyFinite(dst, src) {
			return bad("%s has NaN or infinity", r.what)
		}
		src = src[len(dst):]
	}
	return nil
}

// Lend returns n numbers in the memory that is shared with the plugin.
func (r *remote) Lend(n int) (x []float64, giveBack func()) {
	r.mu.Lock()
	p := r.p
	r.mu.Unlock()
	if p != nil {
		if region := p.shared.take(n); region != nil {
			return p.shared.numbers(region, n), func() { p.shared.giveBack(region) }
		}
	}
	return make([]float64, n), func() {}
}

func envTo(env audiosep.Env) *wire.Env {
	return &wire.Env{Seed: env.Seed, Log: env.Log != nil, Progress: env.Progress != nil}
}

// talk sends a job with its arrays and waits for the result, passing steps and logs on.
// expect says which arrays of the result are allowed. A result that comes after ctx is
// done is too late.
func talk(ctx context.Context, stream grpc.BidiStreamingClient[wire.Input, wire.Output], env audiosep.Env, alive func(),
	job *wire.Job, arrays []array, expect func(*wire.Result) error) (*wire.Result, map[string]array, error) {
	job.Env, job.Arrays = envTo(env), shapes(arrays)
	err := stream.Send(&wire.Input{Part: &wire.Input_Job{Job: job}})
	if err == nil {
		err = sendArrays(arrays, func(chunk []byte) error {
			alive()
			return stream.Send(&wire.Input{Part: &wire.Input_Chunk{Chunk: chunk}})
		})
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil && !errors.Is(err, io.EOF) { // after io.EOF the reason is to be received
		return nil, nil, err
	}
	res, got, err := hear(ctx, stream, env, alive, expect)
	if err == nil {
		err = ctx.Err()
	}
	return res, got, err
}

// hear waits for the result of a call.
func hear(ctx context.Context, stream interface{ Recv() (*wire.Output, error) }, env audiosep.Env, alive func(), expect func(*wire.Result) error) (*wire.Result, map[string]array, error) {
	for {
		out, err := stream.Recv()
		if err != nil {
			return nil, nil, noResult(err)
		}
		alive()
		switch part := out.GetPart().(type) {
		case *wire.Output_Step:
			env.Report(audiosep.Step{Done: int(part.Step.GetDone()), Of: int(part.Step.GetOf()), Objective: part.Step.GetObjective()})
		case *wire.Output_Log:
			env.Logger().Log(ctx, slog.Level(part.Log.GetLevel()), part.Log.GetText())
		case *wire.Output_Result:
			if err := expect(part.Result); err != nil {
				return nil, nil, err
			}
			arrays, err := recvArrays(part.Result.GetArrays(), func() ([]byte, error) {
				alive()
				return nextChunk(stream)
			})
			if err != nil {
				return nil, nil, err
			}
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				return nil, nil, bad("there is more after the result")
			}
			return part.Result, arrays, checkNumbers(arrays)
		default:
			return nil, nil, bad("a chunk came before the result")
		}
	}
}

func noResult(err error) error {
	if errors.Is(err, io.EOF) {
		return bad("there is no result")
	}
	return err
}

func nextChunk(stream interface{ Recv() (*wire.Output, error) }) ([]byte, error) {
	out, err := stream.Recv()
	if err != nil {
		return nil, noResult(err)
	}
	if _, ok := out.GetPart().(*wire.Output_Chunk); !ok {
		return nil, bad("the result's arrays are not complete")
	}
	return out.GetChunk(), nil
}

func checkNumbers(arrays map[string]array) error {
	for name, a := range arrays {
		if !finite(a.data) {
			return bad("%s has NaN or infinity", name)
		}
	}
	return nil
}

// mostAny bounds a size that the plugin chooses: a rank, a number of bins. Lists, which
// have one row, may be longer.
const (
	mostAny  = 1 << 16
	mostList = 1 << 24
)

// expectArrays checks a result's arrays: each is known, of the size wanted, and comes once.
// A size of -1 is the plugin's to choose.
func expectArrays(shapes []*wire.Shape, want map[string][2]int, required ...string) error {
	seen := map[string]bool{}
	for _, s := range shapes {
		w, ok := want[s.GetName()]
		if !ok || seen[s.GetName()] {
			return bad("there is an array %q that was not asked for", s.GetName())
		}
		seen[s.GetName()] = true
		limit := mostAny
		if w[0] == 1 {
			limit = mostList
		}
		if !fits(s.GetRows(), w[0], limit) || !fits(s.GetColumns(), w[1], limit) {
			return bad("%s is %d×%d; want %s×%s", s.GetName(), s.GetRows(), s.GetColumns(), size(w[0], limit), size(w[1], limit))
		}
	}
	for _, name := range required {
		if !seen[name] {
			return bad("there is no %s", name)
		}
	}
	return nil
}

func fits(n uint64, want, limit int) bool {
	return want >= 0 && n == uint64(want) || want < 0 && n <= uint64(limit)
}

func size(want, limit int) string {
	if want < 0 {
		return fmt.Sprintf("(at most %d)", limit)
	}
	return fmt.Sprint(want)
}
