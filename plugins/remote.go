package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// remote is a stage in a process of its own. The process is started by the first call.
type remote struct {
	host   *Host
	plugin plugin
	def    *audiosep.Definition // its name is "NAME/stage"
	stage  string               // what the plugin calls it
	params json.RawMessage
	can    *wire.BuildReply // what it wants to be told of

	mu     sync.Mutex
	p      *process
	link   *link // with p
	handle uint64
	used   bool  // it was prepared or run
	err    error // why there is no process any more
}

// writer is a remote stage that writes.
type writer struct{ *remote }

var errClosed = errors.New("the stage is closed")

// Close has the plugin discard what was not committed, then tells its process to end, unless that
// serves other stages too. The host waits for it when it is closed.
func (r *remote) Close() error {
	err := r.discard()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil && !r.p.together() {
		r.host.end(r.p)
	}
	r.p, r.err = nil, errClosed
	return err
}

func (r *remote) discard() error {
	r.mu.Lock()
	p, handle, used := r.p, r.handle, r.used
	r.used = false
	r.mu.Unlock()
	if p == nil || p.child.ended(0) || !p.together() && (!used || !r.can.GetCloses()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*grace)
	defer cancel()
	return p.call(ctx, r.def.Name, "close", r.host.o.Silence, func(ctx context.Context, _ *call) error {
		_, err := p.wire.Close(ctx, &wire.CloseRequest{Stage: handle})
		return err
	})
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
	reply, err := p.build(ctx, r, false, r.host.o.Silence)
	if err != nil {
		if !p.together() {
			p.kill()
			r.host.forget(p)
		}
		return nil, 0, err
	}
	r.p, r.link, r.handle = p, p.link.by(r.read, p.scope), reply.GetStage()
	return p, r.handle, nil
}

// checking is what a Build is called that builds nothing.
const checking = "check"

// build has the plugin build a stage, or, to check, no more than see whether it could.
// Wrong parameters make audiosep.ParamErrors.
func (p *process) build(ctx context.Context, r *remote, check bool, silence time.Duration) (reply *wire.BuildReply, err error) {
	what := "build"
	if check {
		what = checking
	}
	err = p.call(ctx, r.def.Name, what, silence, func(ctx context.Context, _ *call) (err error) {
		if reply, err = p.wire.Build(ctx, &wire.BuildRequest{Stage: r.stage, Params: r.json(), Check: check}); err != nil {
			return err
		}
		return paramErrors(reply.GetFaults())
	})
	return reply, err
}

func (r *remote) json() string {
	if len(r.params) == 0 {
		return "{}"
	}
	return string(r.params)
}

// call calls the stage's process.
func (r *remote) call(ctx context.Context, what string, do func(ctx context.Context, p *process, handle uint64, c *call) error) error {
	p, handle, err := r.running(ctx)
	if err != nil {
		return err
	}
	return p.call(ctx, r.def.Name, what, r.host.o.Silence, func(ctx context.Context, c *call) error {
		return do(ctx, p, handle, c)
	})
}

// read is how values of the stage are read.
func (r *remote) read(ctx context.Context, what string, do func(ctx context.Context, read reader) error) error {
	return r.call(ctx, what, func(ctx context.Context, p *process, _ uint64, c *call) error {
		return do(ctx, func(ctx context.Context, req *wire.ReadRequest) (*wire.ReadReply, error) {
			req.Call = c.about(ctx)
			var end metadata.MD
			reply, err := p.wire.Read(ctx, req, grpc.Trailer(&end))
			return reply, p.reason(err, end)
		})
	})
}

// run is the stage's Run.
func (r *remote) run(ctx context.Context, env audiosep.Env, in audiosep.Values) (out audiosep.Values, err error) {
	r.mu.Lock()
	r.used = true
	r.mu.Unlock()
	err = r.call(ctx, "run", func(ctx context.Context, p *process, handle uint64, c *call) error {
		send := &sender{link: r.link, ctx: ctx}
		inputs, err := send.ports(r.def.In, in)
		if err != nil {
			return &asked{err}
		}
		c.env.Store(&env)
		stream, err := p.wire.Run(ctx, &wire.RunRequest{Stage: handle, Call: c.about(ctx), Env: envTo(env), Inputs: inputs})
		if err != nil {
			return err
		}
		result, err := p.hear(ctx, stream, env, c)
		if err != nil {
			return err
		}
		take := &receiver{link: r.link, ctx: ctx, report: env.Report}
		if out, err = take.ports(r.def.Out, result.GetOutputs()); err != nil {
			return err
		}
		p.link.close(take.used...)
		if !take.lazy {
			p.link.forget(send.sent...)
		}
		return fits(r.def.Shape, in, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// hear waits for the result of a run.
func (p *process) hear(ctx context.Context, stream grpc.ServerStreamingClient[wire.RunReply], env audiosep.Env, c *call) (*wire.Result, error) {
	for {
		reply, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, bad("there is no result")
		}
		if err != nil {
			return nil, p.reason(err, stream.Trailer())
		}
		c.sign()
		switch part := reply.GetPart().(type) {
		case *wire.RunReply_Step:
			tell(ctx, &env, part.Step, nil)
		case *wire.RunReply_Log:
			tell(ctx, &env, nil, part.Log)
		case *wire.RunReply_Result:
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				return nil, bad("there is more after the result")
			}
			return part.Result, ctx.Err()
		default: // of a newer plugin
		}
	}
}

// tell passes on what a plugin says.
func tell(ctx context.Context, env *audiosep.Env, step *wire.Step, log *wire.Log) {
	if step != nil {
		env.Report(audiosep.Step{Done: int(step.GetDone()), Of: int(step.GetOf()), Objective: step.GetObjective()})
	}
	if log != nil {
		env.Logger().Log(ctx, slog.Level(log.GetLevel()), log.GetText())
	}
}

// fits says how what a stage of a common shape made does not fit what it was given.
func fits(s audiosep.Shape, in, out audiosep.Values) error {
	f, ok := out["factors"].(*audiosep.Factors)
	if !ok {
		return nil
	}
	for _, common := range factorShapes {
		if !samePorts(s, common) {
			continue
		}
		p, ok := in["power"].(audiosep.Power)
		if !ok {
			p, ok = out["power"].(audiosep.Power)
		}
		if !ok {
			continue
		}
		if f.W == nil || f.H == nil {
			return bad("there are no factors; want W and H")
		}
		if err := f.Validate(p.Bins(), p.Framing().Columns()); err != nil {
			return bad("%v", err)
		}
	}
	return nil
}

// late tells whether the time for ctx is over, which the plugin may be first to see.
func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// Prepare passes the question on.
func (r *remote) Prepare(ctx context.Context, plan audiosep.Plan) error {
	if !r.can.GetPrepares() {
		return nil
	}
	r.mu.Lock()
	r.used = true
	r.mu.Unlock()
	return r.call(ctx, "prepare", func(ctx context.Context, p *process, handle uint64, c *call) error {
		_, err := p.wire.Prepare(ctx, &wire.PrepareRequest{Stage: handle, Call: c.about(ctx), Head: headTo(plan.Head), Sources: plan.Sources, Inputs: plan.Inputs})
		return err
	})
}

// Commit passes the order on.
func (w writer) Commit(ctx context.Context) error {
	return w.call(ctx, "commit", func(ctx context.Context, p *process, handle uint64, c *call) error {
		_, err := p.wire.Commit(ctx, &wire.StageRequest{Stage: handle, Call: c.about(ctx)})
		return err
	})
}

// Withdraw passes the order on.
func (w writer) Withdraw(ctx context.Context) error {
	if !w.can.GetWithdraws() {
		return nil
	}
	return w.call(ctx, "withdraw", func(ctx context.Context, p *process, handle uint64, c *call) error {
		_, err := p.wire.Withdraw(ctx, &wire.StageRequest{Stage: handle, Call: c.about(ctx)})
		return err
	})
}

// Forecast passes the question on, to the process that is kept for checking.
func (r *remote) Forecast(in map[string]audiosep.Forecast) (out map[string]audiosep.Forecast, err error) {
	if !r.can.GetForecasts() {
		return nil, nil
	}
	err = r.host.try(r, func(ctx context.Context, p *process) error {
		return p.call(ctx, r.def.Name, "forecast", r.host.o.Start/2, func(ctx context.Context, _ *call) error {
			reply, err := p.wire.Forecast(ctx, &wire.ForecastRequest{Stage: r.stage, Params: r.json(), Inputs: forecastsTo(in)})
			if err != nil {
				return err
			}
			if out, err = forecastsFrom(reply.GetOutputs()); err != nil {
				return err
			}
			return paramErrors(reply.GetFaults())
		})
	})
	return out, err
}

// buried is how long it may take until a plugin whose connection broke is seen to have ended: on a
// busy machine long. Only one that is alive and has closed the connection takes so long.
const buried = 5 * time.Second

// explain says what an error of gRPC means.
func (p *process) explain(stage, what string, err error) error {
	switch s, ok := status.FromError(err); {
	case ok && s.Code() == codes.Unimplemented:
		return p.failure(stage, "does not serve "+what, err)
	case ok && s.Code() == codes.Unavailable, errors.Is(err, io.EOF), p.child.ended(0):
		if p.child.ended(buried) {
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

// factorShapes are those of stages that make factors of a V that is known.
var factorShapes = []audiosep.Shape{shapeOf[audiosep.Factorizer](), shapeOf[audiosep.JointLearner](), shapeOf[audiosep.Activator]()}
