package plugins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// grace is how long a plugin may take to end by itself.
const grace = 500 * time.Millisecond

// process is a running plugin.
type process struct {
	plugin plugin
	child  *child
	client *goplugin.Client
	wire   wire.PluginClient
	about  *wire.DescribeReply
	shared *arena // nil: numbers travel in messages
	link   *link
	calls  calls
	hangUp context.CancelFunc // ends the questions

	log      *slog.Logger
	patience time.Duration
}

// start starts a plugin and asks it what it is. It gives up when ctx is done, or after the
// time that the options give it.
func start(ctx context.Context, pl plugin, o Options) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Start)
	defer cancel()
	dir, err := socketFolder()
	if err != nil {
		return nil, err
	}
	// Once the connection stands its socket needs no name: then a host that is killed
	// leaves none behind.
	defer os.RemoveAll(dir)
	p := &process{plugin: pl, child: newChild(pl, o), shared: newArena(), hangUp: func() {}, log: o.Log, patience: o.Patience,
		calls: calls{open: map[uint64]*call{}, envs: map[uint64]*audiosep.Env{}, failed: map[uint64]error{}}}
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{protocol: {"stages": connection{}}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     time.Hour, // ctx limits it
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: dir},
		AutoMTLS:         o.encrypted,
		SkipHostEnv:      true, // the child has it already
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithIdleTimeout(0), // there is no socket to connect to a second time
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageBytes)),
			grpc.WithInitialWindowSize(windowBytes), grpc.WithInitialConnWindowSize(windowBytes),
		},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			p.child.prepare(cmd.Env, p.shared)
			return p.child, nil
		},
	})
	stop := context.AfterFunc(ctx, p.child.kill)
	err = p.connect(ctx)
	stop()
	if err != nil {
		err = p.notStarted(ctx, o.Start, err)
		p.kill()
		return nil, err
	}
	return p, nil
}

func (p *process) connect(ctx context.Context) error {
	client, err := p.client.Client()
	if err != nil {
		return err
	}
	conn, err := client.Dispense("stages")
	if err != nil {
		return err
	}
	p.wire = wire.NewPluginClient(conn.(*grpc.ClientConn))
	ctx, cancel := p.whileAlive(ctx)
	defer cancel(nil)
	p.about, err = p.wire.Describe(ctx, &wire.DescribeRequest{}, grpc.MaxCallRecvMsgSize(4<<20))
	if err != nil {
		return err
	}
	if !p.about.SharedMemory {
		p.shared.close()
		p.shared = nil
	}
	p.link = newLink(p.shared)
	p.link.finite = true
	p.link.close = p.closeValues
	p.link.keeps, p.link.drop = p.together(), p.dropMatrix
	if p.shared != nil {
		p.link.half(pluginHalf(p.shared.memory))
	}
	if !p.about.Asks {
		return nil
	}
	var always context.Context
	always, p.hangUp = context.WithCancel(p.child.life)
	return p.questions(always)
}

// whileAlive returns a context that is cancelled, with what its cause is, when nothing more is to be heard of
// the process. Its connection does not tell: a process that it has started may hold that open.
func (p *process) whileAlive(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.child.life, func() { cancel(context.Cause(p.child.life)) })
	return ctx, func(cause error) { stop(); cancel(cause) }
}

// together tells whether the process may serve several stages.
func (p *process) together() bool { return p.about.GetOneProcess() }

// closeValues tells the plugin, without waiting, that values are not needed any more.
func (p *process) closeValues(handles ...uint64) {
	if len(handles) == 0 {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*grace)
		defer cancel()
		p.wire.Close(ctx, &wire.CloseRequest{Values: handles})
	}()
}

// dropMatrix tells the plugin, without waiting, that a matrix that it may have kept will not come
// again.
func (p *process) dropMatrix(handle uint64) {
	if p.child.ended(0) {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*grace)
		defer cancel()
		p.wire.Close(ctx, &wire.CloseRequest{Kept: []uint64{handle}})
	}()
}

// notStarted says why a plugin could not be started within a time.
func (p *process) notStarted(ctx context.Context, limit time.Duration, err error) error {
	const headline = "could not start: "
	var what string
	line, version := p.child.stdout.line()
	by, fault := script(p.plugin.path)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case fault != "":
		what = fault
	case p.child.startErr != nil:
		what = unstartable(p.child.startErr, by)
	case version != "" && version != fmt.Sprint(protocol):
		what = fmt.Sprintf("it speaks version %s of the plugin protocol, this audiosep version %d: build the plugin with the SDK of this audiosep, or use an audiosep that speaks %[1]s", version, protocol)
	case line != "" && version == "":
		what = fmt.Sprintf("it wrote %.80q, which is no greeting of a plugin; want nothing on standard output before the plugin serves", line)
	case ctx.Err() != nil:
		what = fmt.Sprintf("it was not ready after %v; want it to serve before it loads what takes long, or more time by --plugin-start", limit)
	case !p.child.killed.Load() && p.child.ended(grace):
		what, err = "it ended before it was ready", nil
		if p.child.status == nil {
			what += " (did it call serve()?)"
		} else if raised := raised(p.child.stderr.lines(), by); raised != "" {
			what = raised
		}
	default:
		what = "it did not answer: " + plain(err).Error()
	}
	e := p.failure("", headline+what, err)
	e.By = by
	return e
}

// close ends the process, gently if it lets us.
func (p *process) close() {
	t := time.AfterFunc(grace, p.child.kill)
	defer t.Stop()
	p.end()
}

// kill ends a process of which nothing good is expected any more.
func (p *process) kill() {
	p.child.kill()
	p.end()
}

func (p *process) end() {
	p.hangUp()
	p.client.Kill()
	p.child.end()
	p.shared.close()
}

// child is the operating system's side of a plugin, for go-plugin to run. Doing it
// ourselves gives the plugin a pipe to watch the host by, shared memory, and us its
// exit status and its last words.
type child struct {
	plugin   plugin
	env      []string
	files    []*os.File
	cmd      *exec.Cmd // of the last try
	stdout   *greeting
	stderr   *tail
	stdin    io.WriteCloser
	started  chan struct{} // closed when startErr is known
	startErr error
	done     chan struct{} // closed when the process has been waited for
	status   error         // of cmd.Wait
	killed   atomic.Bool   // by us
	kills    chan struct{} // closed when it is
	// life is done when nothing more is to be heard of the process, which its cause tells: over ends it.
	life context.Context
	over context.CancelCauseFunc
}

// lastReplies is how long after the end of a process what it has still answered is waited for: to the end of
// the connection, which is there at once, unless a process that it has started holds it too.
const lastReplies = 200 * time.Millisecond

var errEnded = errors.New("the plugin has ended")

func newChild(pl plugin, o Options) *child {
	c := &child{
		plugin: pl, stdout: newGreeting(), stderr: &tail{name: pl.name, show: o.Written},
		started: make(chan struct{}), done: make(chan struct{}), kills: make(chan struct{}),
	}
	c.life, c.over = context.WithCancelCause(context.Background())
	return c
}

func (c *child) prepare(env []string, shared *arena) {
	c.env = append(os.Environ(), env...)
	if shared != nil {
		c.files = []*os.File{shared.file}
		c.env = append(c.env, fmt.Sprintf("%s=3:%d", sharedEnv, len(shared.memory)))
	}
}

// try starts the process once.
func (c *child) try() (err error) {
	c.cmd = exec.Command(c.plugin.path)
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	c.cmd.WaitDelay = grace // whoever else holds the pipes
	c.cmd.Env, c.cmd.ExtraFiles = c.env, c.files
	setProcess(c.cmd)
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	return c.cmd.Start()
}

// busy is how long a plugin is tried whose file is open for writing, which Linux does not run. Such a
// file has often been written and closed: a process that starts at the same time has, for a moment,
// all that was open in its parent, so in a program that both writes plugins and starts processes.
const busy = 2 * time.Second

// longestPause is that between two tries.
const longestPause = 50 * time.Millisecond

// launch starts the process as soon as its file is closed, unless it is killed before.
func (c *child) launch() error {
	until := time.Now().Add(busy)
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := c.try()
		left := time.Until(until)
		if !errors.Is(err, syscall.ETXTBSY) || left <= 0 {
			return err
		}
		select {
		case <-time.After(min(pause, left)):
		case <-c.kills:
			return err
		}
	}
}

// Start starts the process and keeps the thread that did: Linux takes its end for the
// end of the host.
func (c *child) Start(context.Context) error {
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		// Whoever learns of the end from standard output can be sure of it.
		defer c.stdout.end()
		defer time.AfterFunc(lastReplies, func() { c.over(errEnded) })
		defer close(c.done)
		c.startErr = c.launch()
		close(c.started)
		if c.startErr == nil {
			if c.killed.Load() { // before it could be
				killGroup(c.cmd.Process)
			}
			c.status = c.cmd.Wait()
			c.stderr.end()
			killGroup(c.cmd.Process) // what it started itself
		}
	}()
	<-c.started
	return c.startErr
}

func (c *child) kill() {
	if c.ended(0) {
		return
	}
	if c.killed.CompareAndSwap(false, true) {
		close(c.kills)
	}
	select {
	case <-c.started:
		if c.startErr == nil {
			killGroup(c.cmd.Process)
		}
	default:
	}
}

// end closes what is left of a process that has ended or never began.
func (c *child) end() {
	select {
	case <-c.started:
		<-c.done
	default:
	}
	c.stdout.end()
}

// ended reports whether the process has ended, or does so within d.
func (c *child) ended(d time.Duration) bool {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-c.done:
		case <-t.C:
		}
	}
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *child) Wait(context.Context) error      { <-c.done; return c.status }
func (c *child) Kill(context.Context) error      { c.kill(); return nil }
func (c *child) Stdout() io.ReadCloser           { return c.stdout.r }
func (c *child) Stderr() io.ReadCloser           { return io.NopCloser(strings.NewReader("")) }
func (c *child) Name() string                    { return c.plugin.name }
func (c *child) ID() string                      { return c.plugin.name }
func (c *child) Diagnose(context.Context) string { return "" }

func (*child) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}
func (*child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// greeting takes the standard output of a plugin: its first line is for go-plugin, the
// rest is of no interest. It never blocks and never keeps more than a line.
type greeting struct {
	r  *io.PipeReader
	w  *io.PipeWriter
	mu sync.Mutex
	// text is what has been written, up to and with the end of the first line.
	text []byte
	sent bool
}

// longestGreeting is that of AutoMTLS, with some room.
const longestGreeting = 4096

func newGreeting() *greeting {
	g := new(greeting)
	g.r, g.w = io.Pipe()
	return g
}

func (g *greeting) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sent {
		return len(b), nil
	}
	g.text = append(g.text, b[:min(len(b), longestGreeting-len(g.text))]...)
	if i := bytes.IndexByte(g.text, '\n'); i >= 0 || len(g.text) == longestGreeting {
		g.sent = true
		if i >= 0 {
			g.text = g.text[:i+1]
		}
		go g.w.Write(append(bytes.TrimSpace(g.text), '\n'))
	}
	return len(b), nil
}

func (g *greeting) end() { g.w.Close() }

// line returns the greeting, and the protocol version in it, "" if it is none.
func (g *greeting) line() (line, version string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	line = strings.TrimSpace(string(g.text))
	if parts := strings.Split(line, "|"); len(parts) >= 5 && parts[0] == "1" {
		version = parts[1]
	}
	return line, version
}

// tailBytes is how much of its standard error is kept of a plugin.
const tailBytes = 16 << 10

// tail keeps the end of what a plugin writes to it, and shows all of it, line by line, to
// whoever wants to see it.
type tail struct {
	name string
	show func(plugin, line string) // may be nil
	mu   sync.Mutex
	text []byte
	line []byte // that has yet to end
}

// longestLine is how much of a line is shown at once.
const longestLine = 4 << 10

func (t *tail) lined(b []byte) {
	for len(b) > 0 {
		part, _, ended := bytes.Cut(b[:min(len(b), longestLine)], []byte("\n"))
		t.line = append(t.line, part...)
		if b = b[len(part):]; ended {
			b = b[1:]
		}
		if ended || len(t.line) >= longestLine {
			t.show(t.name, string(bytes.TrimRight(t.line, "\r")))
			t.line = t.line[:0]
		}
	}
}

// end shows what was not ended by the end of a line.
func (t *tail) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.line) > 0 {
		t.show(t.name, string(t.line))
		t.line = nil
	}
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.show != nil {
		t.lined(b)
	}
	t.text = append(t.text, b[max(0, len(b)-tailBytes):]...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

// lines returns the last lines, or those from a crash on, at most 12.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.text), "?"))
	if text == "" {
		return nil
	}
	const most = 12
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic: ") || strings.HasPrefix(l, "fatal error: ") {
			lines = lines[i:]
			return lines[:min(len(lines), most)]
		}
	}
	return lines[max(0, len(lines)-most):]
}
