package audiosep

import (
	"context"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Every stage obeys five rules, which package pipeline/stagetest checks:
//
//   - Building is cheap and touches nothing outside: checking a pipeline builds all
//     its stages and runs none. (Sources, sinks and models open files when they run.)
//   - A result is a function of the arguments alone; randomness comes from Env.Rand only.
//   - Arguments are not modified, except those named dst.
//   - A method returns soon after ctx is done, with ctx.Err().
//   - A failure is an error, never a panic, never a NaN.
//
// A stage that also has a Close method is closed when the run ends.

// Source is an io.ReaderAt of samples: it has no position, so a pipeline may read
// twice instead of keeping everything, and overlapping frames need no carried state.
// ReadAt may be called from several goroutines at once, after Head.
type Source interface {
	Head(ctx context.Context) (Head, error)
	// ReadAt fills dst[layer] with the samples from at on; zeros outside the recording.
	ReadAt(ctx context.Context, dst [][]float64, at int) error
}

// Framer chooses how a signal is cut. Cutting and overlap-adding are done once for
// every Framer, exactly for every Framing that is valid.
type Framer interface {
	Framing(ctx context.Context, h Head) (Framing, error)
}

// Transformer makes the Transform for frames of m samples: a DCT, an STFT.
type Transformer interface {
	Transform(ctx context.Context, m int) (Transform, error)
}

// TransformLearner learns a transform from frames. init may be nil. The result is a
// Transform like any other.
type TransformLearner interface {
	LearnTransform(ctx context.Context, env Env, y *Frames, init Transform) (Transform, error)
}

// Transform maps each frame of M samples to F coefficients and back, each frame by
// itself, so any run of frames may be given at once and from several goroutines.
// Inverse(Forward(y)) = y to 1e-9 of the frame's norm; but for a lapped transform, such as that
// of mdct, which is handed out with coefficients alone: its frames come back when they are joined.
type Transform interface {
	Len() int      // M
	Bins() int     // F
	Complex() bool // whether coefficients have an imaginary part
	// Forward writes every coefficient of dst, [n*F+f], from the frames src, [n*M+m].
	Forward(ctx context.Context, dst Coefs, src []float64) error
	// Inverse writes every sample of dst, [n*M+m], from the coefficients src.
	Inverse(ctx context.Context, dst []float64, src Coefs) error
}

// Factorizer finds W, H ≥ 0 with V ≈ WH. v is F×N, ≥ 0, a power (take its root for a
// divergence on magnitudes). init may be nil, and so may its fields: what is nil is
// the factorizer's to choose.
type Factorizer interface {
	Factorize(ctx context.Context, env Env, v *mat.Dense, init *Factors) (*Factors, error)
}

// PowerFactorizer may be implemented by a Factorizer that reads V in blocks (see [ReadPower]), such
// as into a layout of its own, so that V is in memory once. Then FactorizePower is called in the
// place of Factorize.
type PowerFactorizer interface {
	FactorizePower(ctx context.Context, env Env, v Power, init *Factors) (*Factors, error)
}

// Activator finds the activations of a given dictionary, each frame by itself, so
// that an hour of sound needs no more memory than its activations.
type Activator interface {
	// Activate writes dst, K×n, such that v ≈ w·dst; v is F×n, a power, w is F×K.
	Activate(ctx context.Context, dst, v, w *mat.Dense) error
}

// JointLearner learns Φ, W and H together: Φ is shared by all layers, V is the mean
// power. What is nil in init is the learner's to choose.
type JointLearner interface {
	LearnJointly(ctx context.Context, env Env, y *Frames, init Model) (Model, error)
}

// Separator shares the mixture's coefficients out among sources.
type Separator interface {
	// Group says which components of f make up each source. It sees all of f once.
	// Every component is in exactly one group; a group may be empty.
	Group(ctx context.Context, env Env, f *Factors) ([]Group, error)
	// Separate writes source j, that of groups[j], to dst[j], shaped like x, each frame
	// by itself: column n of f.H belongs to frame n of x. The sources sum to x.
	Separate(ctx context.Context, dst []Coefs, x Coefs, f *Factors, groups []Group) error
}

// HearingSeparator may be implemented by a Separator that groups components better where it
// knows the power of the mixture, F×N as WH is. Where it does GroupHeard is called for Group.
type HearingSeparator interface {
	GroupHeard(ctx context.Context, env Env, v Power, f *Factors) ([]Group, error)
}

// RestSeparator may be implemented by a Separator that need not write the last of several sources:
// where the coefficients of dst[J-1] are nil, it is what the others leave of the recording.
type RestSeparator interface{ LeavesRest() }

// Group is one source: its name, for people and files, and its components, 0 to K-1.
type Group struct {
	Name       string
	Components []int
}

// Sink takes the sources block after block in order of time. Nothing of it is seen
// outside before Commit; closed without it, a sink leaves no trace.
type Sink interface {
	Create(ctx context.Context, env Env, h Head, sources []string) error
	// Write takes the next samples of one source, [layer][sample], which are the caller's again when it
	// returns. What goes wrong with them may be told later, by another Write or by Commit.
	Write(ctx context.Context, source int, block [][]float64) error
	Commit(ctx context.Context) error
	io.Closer
}

// ModelReader reads a model, such as a file that a ModelWriter wrote.
type ModelReader interface {
	ReadModel(ctx context.Context) (Model, error)
}

// ModelWriter keeps a model. Nothing of it is seen outside before Commit; closed without it,
// a ModelWriter leaves no trace.
type ModelWriter interface {
	WriteModel(ctx context.Context, m Model) error
	Committer
	io.Closer
}

// Plan is what a run is about to do, as far as that is known before its work begins.
type Plan struct {
	Head    Head     // of what a writer will be given; zero if it is not known, or no recording
	Sources []string // the names of the sources; nil if they are not known
	Inputs  []string // the files that the run reads
	Kept    string   // a folder with what an earlier run has written, as Checkpoint.Dir; or empty
}

// LogUser may be implemented by a Source or a Preparer. UseLog gives it the log of the run before
// Head or Prepare.
type LogUser interface {
	UseLog(log *slog.Logger)
}

// Preparer may be implemented by a stage that writes, or that reads a file in its turn. Prepare is
// called before anything is computed, so that what must fail, such as a file that is there already
// or one that cannot be read, fails at once.
type Preparer interface {
	Prepare(ctx context.Context, p Plan) error
}

// Committer is implemented by a stage that writes, as every Sink is. Commit is called when
// all stages of a run have ended well; a stage that is closed without it leaves no trace.
type Committer interface {
	Commit(ctx context.Context) error
}

// Writer may be implemented by a stage that writes files: their paths, as far as they are
// known, so that no two stages of a run write the same.
type Writer interface {
	Writes() []string
}

// Chooser may be implemented by a stage that writes sources and can be told to write some of them
// only. Choices returns the names by which it is told, of sources that are called so.
type Chooser interface {
	Choices(sources []string) []string
}

// Digester may be implemented by a stage that reads what cannot be read twice, such as standard
// input. Digest returns the SHA-256 and the length of what it has read by that name, if it has.
type Digester interface {
	Digest(name string) (sum [32]byte, bytes int64, ok bool)
}

// Withdrawer may be implemented by a Committer. Withdraw undoes Commit: it is called when
// another stage of the run could not commit.
type Withdrawer interface {
	Withdraw(ctx context.Context) error
}

// Forecast is what is known of an output before its stage has run. Zero is not known.
type Forecast struct {
	Rank    int      // K, of factors
	Sources []string // names: of the sources, or of those whose the components of factors are
	NoH     bool     // of factors: they will be W alone
}

// Forecaster may be implemented by a stage that knows from its parameters, and from what is
// known of its inputs, what its outputs will be. Checking a pipeline asks it, so an error, a
// *ParamError or ParamErrors, is a fault of the spec: a component that will not be there.
type Forecaster interface {
	Forecast(in map[string]Forecast) (out map[string]Forecast, err error)
}

// WiringChecker may be implemented by a stage to which it matters which stages feed it, such as
// one with a parameter for each. Checking a pipeline asks it with what Env.Wiring will be; an
// error, a *ParamError or ParamErrors, is a fault of the spec.
type WiringChecker interface {
	CheckWiring(from map[string][]string) error
}

// FramingChecker may be implemented by a stage whose inputs must be cut alike. CheckFramings is given
// the framing of each of them, in order, before the work begins; nil where it is not known by then.
type FramingChecker interface {
	CheckFramings(in map[string][]*Framing) error
}

// Env is what a pipeline lends a running stage. The zero Env works.
type Env struct {
	Seed     uint64       // from the spec's seed and the stage's id
	Log      *slog.Logger // nil: nothing is logged; use Logger
	Progress func(Step)   // nil: nobody listens; use Report. Safe for concurrent use.

	// Checkpoint has what an earlier run, which was killed, has left; nil: nothing is kept.
	Checkpoint Checkpoint

	// Learnt returns what learn returns, or what that was in an earlier run of the same; nil: nothing is kept.
	// Stages use Recall.
	Learnt func(ctx context.Context, learn func() ([]byte, error)) ([]byte, error)

	// Wiring has the ids of the stages that feed each input, in order.
	Wiring map[string][]string
}

// Step is how far a stage has come.
type Step struct {
	Done, Of  int
	Objective float64 // NaN where there is none
}

// Rand returns the stage's stream of random numbers called name. Streams do not
// depend on each other: drawing more of one leaves the others as they were.
func (e Env) Rand(name string) *rand.Rand {
	h := fnv.New64a()
	io.WriteString(h, name)
	return rand.New(rand.NewPCG(e.Seed, h.Sum64()))
}

// Report tells whoever listens how far the stage has come.
func (e Env) Report(s Step) {
	if e.Progress != nil {
		e.Progress(s)
	}
}

// Logger returns Log, or a logger that discards everything.
func (e Env) Logger() *slog.Logger {
	if e.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return e.Log
}
