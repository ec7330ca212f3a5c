package plugins

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
	"google.golang.org/grpc"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// One server for each kind of stage: it finds the stage, gives it the numbers as the
// root package has them, and puts the answer on the wire.
type (
	sourceServer struct {
		wire.UnimplementedSourceServer
		*server
	}
	sinkServer struct {
		wire.UnimplementedSinkServer
		*server
	}
	framerServer struct {
		wire.UnimplementedFramerServer
		*server
	}
	transformerServer struct {
		wire.UnimplementedTransformerServer
		*server
	}
	transformServer struct {
		wire.UnimplementedTransformServer
		*server
	}
	learnerServer struct {
		wire.UnimplementedTransformLearnerServer
		*server
	}
	jointServer struct {
		wire.UnimplementedJointLearnerServer
		*server
	}
	factorizerServer struct {
		wire.UnimplementedFactorizerServer
		*server
	}
	activatorServer struct {
		wire.UnimplementedActivatorServer
		*server
	}
	separatorServer struct {
		wire.UnimplementedSeparatorServer
		*server
	}
)

func (s sourceServer) GetHead(ctx context.Context, req *wire.StageRequest) (*wire.Head, error) {
	src, err := stageOf[audiosep.Source](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	h, err := src.Head(ctx)
	return headTo(h), err
}

func (s sourceServer) ReadAt(ctx context.Context, req *wire.ReadAtRequest) (*wire.ReadAtReply, error) {
	src, err := stageOf[audiosep.Source](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	n := req.GetSamples()
	if n == 0 || req.GetTo().GetCount()%n != 0 {
		return nil, fmt.Errorf("%d samples of each layer cannot be %d together", n, req.GetTo().GetCount())
	}
	flat, err := s.room("the samples", req.GetTo(), req.GetTo().GetCount())
	if err != nil {
		return nil, err
	}
	if err := src.ReadAt(ctx, split(flat, int(n)), int(req.GetAt())); err != nil {
		return nil, err
	}
	return &wire.ReadAtReply{Samples: reply(req.GetTo(), flat)}, nil
}

// split cuts x into rows of n numbers.
func split(x []float64, n int) [][]float64 {
	rows := make([][]float64, len(x)/n)
	for i := range rows {
		rows[i] = x[i*n : (i+1)*n]
	}
	return rows
}

func (s sinkServer) Prepare(ctx context.Context, req *wire.PrepareRequest) (*wire.Empty, error) {
	sink, err := stageOf[audiosep.Sink](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	p, ok := sink.(audiosep.Preparer)
	if !ok {
		return &wire.Empty{}, nil
	}
	h, err := headFrom(req.GetHead())
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, p.Prepare(ctx, audiosep.Plan{Head: h})
}

func (s sinkServer) Create(req *wire.CreateRequest, st grpc.ServerStreamingServer[wire.Output]) error {
	sink, err := stageOf[audiosep.Sink](s.server, req.GetStage())
	if err != nil {
		return err
	}
	h, err := headFrom(req.GetHead())
	if err != nil {
		return err
	}
	j := newJob(req.GetEnv(), st.Send)
	if err := sink.Create(st.Context(), j.env, h, req.GetSources()); err != nil {
		return err
	}
	return j.answer(&wire.Result{}, nil)
}

func (s sinkServer) Write(ctx context.Context, req *wire.WriteRequest) (*wire.Empty, error) {
	sink, err := stageOf[audiosep.Sink](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	n, count := req.GetSamples(), req.GetBlock().GetCount()
	if n == 0 || count%n != 0 {
		return nil, fmt.Errorf("%d samples of each layer cannot be %d together", n, count)
	}
	flat, err := s.in("the block", req.GetBlock(), count)
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, sink.Write(ctx, int(req.GetSource()), split(flat, int(n)))
}

func (s sinkServer) Commit(ctx context.Context, req *wire.StageRequest) (*wire.Empty, error) {
	sink, err := stageOf[audiosep.Sink](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, sink.Commit(ctx)
}

func (s sinkServer) Close(_ context.Context, req *wire.StageRequest) (*wire.Empty, error) {
	sink, err := stageOf[audiosep.Sink](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, sink.Close()
}

func (s framerServer) GetFraming(ctx context.Context, req *wire.FramingRequest) (*wire.Framing, error) {
	framer, err := stageOf[audiosep.Framer](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	h, err := headFrom(req.GetHead())
	if err != nil {
		return nil, err
	}
	f, err := framer.Framing(ctx, h)
	if err != nil {
		return nil, err
	}
	return framingTo(f), nil
}

func (s transformerServer) GetTransform(ctx context.Context, req *wire.TransformRequest) (*wire.TransformInfo, error) {
	t, err := stageOf[audiosep.Transformer](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	made, err := t.Transform(ctx, int(req.GetLength()))
	if err != nil {
		return nil, err
	}
	return s.info(made), nil
}

func (s transformServer) Forward(ctx context.Context, req *wire.ForwardRequest) (*wire.ForwardReply, error) {
	t, err := s.transform(req.GetTransform())
	if err != nil {
		return nil, err
	}
	y, err := s.in("the frames", req.GetFrame(), req.GetFrames()*uint64(t.Len()))
	if err != nil {
		return nil, err
	}
	var x audiosep.Coefs
	if x.Re, err = s.room("re", req.GetReTo(), req.GetFrames()*uint64(t.Bins())); err != nil {
		return nil, err
	}
	if t.Complex() {
		if x.Im, err = s.room("im", req.GetImTo(), req.GetFrames()*uint64(t.Bins())); err != nil {
			return nil, err
		}
	}
	if err := t.Forward(ctx, x, y); err != nil {
		return nil, err
	}
	return &wire.ForwardReply{Re: reply(req.GetReTo(), x.Re), Im: reply(req.GetImTo(), x.Im)}, nil
}

func (s transformServer) Inverse(ctx context.Context, req *wire.InverseRequest) (*wire.InverseReply, error) {
	t, err := s.transform(req.GetTransform())
	if err != nil {
		return nil, err
	}
	x, err := s.coefs(req.GetRe(), req.GetIm(), t.Complex(), req.GetFrames()*uint64(t.Bins()))
	if err != nil {
		return nil, err
	}
	y, err := s.room("the frames", req.GetFrameTo(), req.GetFrames()*uint64(t.Len()))
	if err != nil {
		return nil, err
	}
	if err := t.Inverse(ctx, y, x); err != nil {
		return nil, err
	}
	return &wire.InverseReply{Frame: reply(req.GetFrameTo(), y)}, nil
}

// coefs returns n coefficients.
func (s *server) coefs(re, im *wire.Array, complex bool, n uint64) (x audiosep.Coefs, err error) {
	if x.Re, err = s.in("re", re, n); err == nil && complex {
		x.Im, err = s.in("im", im, n)
	}
	return x, err
}

// learnt puts a transform into a result: as its matrix where it has one, so that the
// host can look at it and keep it.
func (s *server) learnt(t audiosep.Transform, res *wire.Result) []array {
	if m, ok := t.(audiosep.MatrixTransform); ok {
		return []array{matrix("phi", m.Phi())}
	}
	res.Transform = s.info(t)
	return nil
}

func (s learnerServer) LearnTransform(st stream) error {
	j, err := receive(st)
	if err != nil {
		return err
	}
	learner, err := stageOf[audiosep.TransformLearner](s.server, j.GetStage())
	if err != nil {
		return err
	}
	y, err := framesFrom(j.Job, j.arrays["frames"])
	if err != nil {
		return err
	}
	init, err := j.initTransform()
	if err != nil {
		return err
	}
	t, err := learner.LearnTransform(st.Context(), j.env, y, init)
	if err != nil {
		return err
	}
	res := new(wire.Result)
	return j.answer(res, s.learnt(t, res))
}

func (s jointServer) LearnJointly(st stream) error {
	j, err := receive(st)
	if err != nil {
		return err
	}
	learner, err := stageOf[audiosep.JointLearner](s.server, j.GetStage())
	if err != nil {
		return err
	}
	y, err := framesFrom(j.Job, j.arrays["frames"])
	if err != nil {
		return err
	}
	init := audiosep.Model{Factors: j.factors()}
	if init.Transform, err = j.initTransform(); err != nil {
		return err
	}
	m, err := learner.LearnJointly(st.Context(), j.env, y, init)
	if err != nil {
		return err
	}
	if m.Transform == nil || m.Factors == nil {
		return fmt.Errorf("the stage gave no transform or no factors; want both")
	}
	res := &wire.Result{Stop: m.Factors.Stop}
	return j.answer(res, append(s.learnt(m.Transform, res), factorArrays(m.Factors)...))
}

func (s factorizerServer) Factorize(st stream) error {
	j, err := receive(st)
	if err != nil {
		return err
	}
	factorizer, err := stageOf[audiosep.Factorizer](s.server, j.GetStage())
	if err != nil {
		return err
	}
	f, err := factorizer.Factorize(st.Context(), j.env, j.arrays["v"].dense(), j.factors())
	if err != nil {
		return err
	}
	if f == nil {
		return fmt.Errorf("the stage gave no factors")
	}
	return j.answer(&wire.Result{Stop: f.Stop}, factorArrays(f))
}

func (s activatorServer) Activate(ctx context.Context, req *wire.ActivateRequest) (*wire.ActivateReply, error) {
	activator, err := stageOf[audiosep.Activator](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	v, err := s.matrix("v", req.GetV(), req.GetBins(), req.GetColumns())
	if err != nil {
		return nil, err
	}
	w, err := s.matrix("w", req.GetW(), req.GetBins(), req.GetRank())
	if err != nil {
		return nil, err
	}
	h, err := s.room("h", req.GetHTo(), req.GetRank()*req.GetColumns())
	if err != nil {
		return nil, err
	}
	if err := activator.Activate(ctx, mat.NewDense(int(req.GetRank()), int(req.GetColumns()), h), v, w); err != nil {
		return nil, err
	}
	return &wire.ActivateReply{H: reply(req.GetHTo(), h)}, nil
}

func (s *server) matrix(what string, a *wire.Array, rows, cols uint64) (*mat.Dense, error) {
	if rows == 0 || cols == 0 || rows > most || cols > most {
		return nil, fmt.Errorf("%s is %d×%d; want 1 to %d of each", what, rows, cols, most)
	}
	x, err := s.in(what, a, rows*cols)
	if err != nil {
		return nil, err
	}
	return mat.NewDense(int(rows), int(cols), x), nil
}

func (s separatorServer) GetGroups(st stream) error {
	j, err := receive(st)
	if err != nil {
		return err
	}
	separator, err := stageOf[audiosep.Separator](s.server, j.GetStage())
	if err != nil {
		return err
	}
	f := j.factors()
	if f == nil || f.W == nil || f.H == nil {
		return fmt.Errorf("there are no factors; want W and H")
	}
	groups, err := separator.Group(st.Context(), j.env, f)
	if err != nil {
		return err
	}
	return j.answer(&wire.Result{Groups: groupsTo(groups)}, nil)
}

func (s separatorServer) Separate(ctx context.Context, req *wire.SeparateRequest) (*wire.SeparateReply, error) {
	separator, err := stageOf[audiosep.Separator](s.server, req.GetStage())
	if err != nil {
		return nil, err
	}
	var f audiosep.Factors
	if f.W, err = s.matrix("w", req.GetW(), req.GetBins(), req.GetRank()); err != nil {
		return nil, err
	}
	if f.H, err = s.matrix("h", req.GetH(), req.GetRank(), req.GetFrames()); err != nil {
		return nil, err
	}
	groups, err := groupsFrom(req.GetGroups(), int(req.GetRank()))
	if err != nil {
		return nil, err
	}
	complex := req.GetIm() != nil
	n, sources := req.GetFrames()*req.GetBins(), uint64(len(groups))
	x, err := s.coefs(req.GetRe(), req.GetIm(), complex, n)
	if err != nil {
		return nil, err
	}
	re, err := s.room("re", req.GetReTo(), sources*n)
	if err != nil {
		return nil, err
	}
	var im []float64
	if complex {
		if im, err = s.room("im", req.GetImTo(), sources*n); err != nil {
			return nil, err
		}
	}
	dst := make([]audiosep.Coefs, sources)
	for i := range dst {
		dst[i] = audiosep.Coefs{Re: re, Im: im}.Slice(i*int(req.GetFrames()), (i+1)*int(req.GetFrames()), int(req.GetBins()))
	}
	if err := separator.Separate(ctx, dst, x, &f, groups); err != nil {
		return nil, err
	}
	return &wire.SeparateReply{Re: reply(req.GetReTo(), re), Im: reply(req.GetImTo(), im)}, nil
}
