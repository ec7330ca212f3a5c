// The wire between audiosep and its plugins.
//
// This file is enough to write an SDK in another language. Read it from the top: how
// a plugin is started, how it ends, how numbers and values travel, then the one service.
//
// # Start
//
// A plugin is an executable file called audiosep-plugin-NAME, where NAME matches
// [a-z][a-z0-9_]*. The host starts it without arguments and with
//
//   AUDIOSEP_PLUGIN=4f1d0a6e5cb34c7f   in the environment, else it was started by hand
//   PLUGIN_PROTOCOL_VERSIONS=1         the versions that the host speaks, with commas
//   PLUGIN_UNIX_SOCKET_DIR=DIR         an empty folder that only this user can enter
//   AUDIOSEP_SHARED_MEMORY=FD:BYTES    where the platform has it; see below
//
// The plugin listens on a new unix socket in DIR, serves gRPC over HTTP/2 without TLS
// on it, and prints one line on standard output:
//
//   1|1|unix|DIR/socket|grpc|
//
// that is go-plugin's core protocol, the greatest version of this protocol that both
// sides speak, the network, the address, and the word grpc. Anything printed on
// standard output before that line breaks the handshake. On Windows the network is tcp,
// the address 127.0.0.1:PORT, and the connection is TLS in both directions:
// PLUGIN_CLIENT_CERT holds the host's certificate (PEM), and the line ends with the
// plugin's own (DER, base64 without padding).
//
// Besides the service Plugin it must serve two of other packages:
//
//   grpc.health.v1.Health/Check             answers SERVING: the bytes 08 01
//   plugin.GRPCController/Shutdown          answers an empty message and ends the process
//
// plugin.GRPCStdio and plugin.GRPCBroker may be left unimplemented.
//
// # End
//
// Standard input is a pipe that nothing is written to. When it ends, the host is gone,
// however it died: the plugin must end at once. Standard error is shown to the user
// when the plugin fails, so write there what went wrong.
//
// # Stages
//
// Plugin.Describe says which stages there are, what each takes and makes. Plugin.Build
// makes one and returns its handle; Plugin.Run runs it. Calls may come from many threads at
// once, on one stage too. A call that is cancelled must end soon. The host gives up on a
// plugin from which nothing is heard for some time, during a call, and kills it. Steps are
// signs of life, and so are Logs, questions, and a question that the host has yet to answer;
// what works long and has no Steps, such as a Read or a Build, sends a Question with alive.
//
// # What goes wrong
//
// A call that fails has a gRPC status other than OK, whose message is shown to the user, so
// say what is and what is wanted. These codes mean something:
//
//   UNIMPLEMENTED   the plugin does not know the call, or what a ReadRequest asks for
//   UNAVAILABLE     is gRPC's own: the connection is broken, and the plugin taken for dead
//   any other       the stage has failed; UNKNOWN is the usual one
//
// Wrong parameters are no failure but ParamFaults in the reply. When the host has cancelled a
// call its status is not looked at.
//
// # Values
//
// What is at the ports of a stage is a Value, of one of the cargoes: audio, frames, coefs,
// power, transform, factors, notes, sources. Notes are plain data. The others are read when
// they are needed: a Value then has a handle, a number that its owner has chosen, and what is
// known of it at once, such as the sample rate. It belongs to whoever sends the Value. A
// value that goes back to where it came from travels as the handle it had, with yours = true
// and nothing else.
//
// Numbers of a value are read by a ReadRequest with its handle: the host reads what the
// plugin has by Plugin.Read, the plugin what the host has by a Question of Plugin.Ask, which
// the host opens once, at the beginning, for as long as the plugin runs. Both may read at the
// same time, and while they answer each other: answer a Read, and read from Ask, in threads
// of their own. A plugin that never asks says asks = false to Describe and need not serve Ask.
//
// The host's values stay until the Run that they were given to is over, and as long as the
// plugin has values of its own that it made in it. A matrix with keep = true, such as W, has the
// same handle in every Run that it is given to, by all stages that share a process: it need be
// read once. The host says by CloseRequest.kept when it will not be given again.
//
// A request says which frames, columns or samples it concerns: the first and how many, counted
// from the beginning of the recording. It concerns all layers at once, unless it is of a
// transform: Forward and Inverse are given rows of numbers, a frame each, of whatever frames
// and layers, and treat each alike. Which these are is in ReadRequest.place, where it is known.
// The columns of V are common to all layers.
//
// # Numbers
//
// All numbers are IEEE 754 float64, little-endian. Matrices are row by row. Runs of
// frames are frame by frame: sample m of frame n of frames of M samples is number n*M+m;
// coefficient f of frame n is number n*F+f. Complex coefficients travel as two arrays,
// real and imaginary parts. Symbols:
//
//   M samples per frame    F coefficients (bins) per frame
//   N frames               S frames that share one activation (Framing.share)
//   K components           L layers = realisations * channels; layer r*channels+c
//   J sources
//
// No array has NaN or infinities: the host never sends any, in arrays, windows, matrices or
// lists, and refuses a reply that has. NaN stands for "none" in Step.objective and Note.pitch,
// and there alone.
//
// # Limits
//
// A message to the host may have 1 GiB, the reply to Describe 4 MiB. The host's requests carry,
// and ask for, about 2 MiB in messages and 8 MiB in shared memory, and more only where a single
// frame is more, or a chunk of samples with those beside it; its answers carry what was asked
// for. A transform has at most 2^24 bins, and frames of at most 2^31 samples; a recording has at
// most 2^48 samples, and 2^16 channels and realisations; a list has at most 2^24 numbers. A
// matrix of up to 1024 numbers may travel in a message.
//
// # Shared memory
//
// AUDIOSEP_SHARED_MEMORY=3:536870912 says that file descriptor 3 is open and can be
// mapped, read and write, 536870912 bytes long; what is not used of it takes no memory.
// Its first 8 bytes are the text AUDIOSEP. A plugin that maps it answers Describe with
// shared_memory = true; then an Array may say where in the mapping its numbers stand
// (offset, a multiple of 8, and count) in place of holding them. Whoever reads places both
// the numbers it sends and room for the answer, the host in the first half, the plugin in
// the second, and touches neither until it has the answer. A plugin that cannot map memory
// says false and is sent the numbers themselves; one that can may still ask without.
//
// # Older and newer
//
// Fields that are not known, in messages and in descriptions, are ignored. A stage with a
// cargo, a type of parameter or a kind of file that the host does not know is left out, with
// a warning; a promise that it does not know is ignored. A ReadRequest or a Question that is
// not known is refused.

// Code generated by protoc-gen-go-grpc. DO NOT EDIT.
// versions:
// - protoc-gen-go-grpc v1.6.0
// source: stage.proto

package wire

import (
	context "context"
	grpc "google.golang.org/grpc"
	codes "google.golang.org/grpc/codes"
	status "google.golang.org/grpc/status"
)

// This is a compile-time assertion to ensure that this generated file
// is compatible with the grpc package it is being compiled against.
// Requires gRPC-Go v1.64.0 or later.
const _ = grpc.SupportPackageIsVersion9

const (
	Plugin_Describe_FullMethodName = "/audiosep.plugin.v1.Plugin/Describe"
	Plugin_Build_FullMethodName    = "/audiosep.plugin.v1.Plugin/Build"
	Plugin_Forecast_FullMethodName = "/audiosep.plugin.v1.Plugin/Forecast"
	Plugin_Prepare_FullMethodName  = "/audiosep.plugin.v1.Plugin/Prepare"
	Plugin_Run_FullMethodName      = "/audiosep.plugin.v1.Plugin/Run"
	Plugin_Read_FullMethodName     = "/audiosep.plugin.v1.Plugin/Read"
	Plugin_Commit_FullMethodName   = "/audiosep.plugin.v1.Plugin/Commit"
	Plugin_Withdraw_FullMethodName = "/audiosep.plugin.v1.Plugin/Withdraw"
	Plugin_Close_FullMethodName    = "/audiosep.plugin.v1.Plugin/Close"
	Plugin_Ask_FullMethodName      = "/audiosep.plugin.v1.Plugin/Ask"
)

// PluginClient is the client API for Plugin service.
//
// For semantics around ctx use and closing/ending streaming RPCs, please refer to https://pkg.go.dev/google.golang.org/grpc/?tab=doc#ClientConn.NewStream.
type PluginClient interface {
	// Describe is the first call that a plugin gets.
	Describe(ctx context.Context, in *DescribeRequest, opts ...grpc.CallOption) (*DescribeReply, error)
	// Build makes a stage. It must be quick and touch nothing outside the process: it is
	// also called to check a pipeline that is never run.
	Build(ctx context.Context, in *BuildRequest, opts ...grpc.CallOption) (*BuildReply, error)
	// Forecast says what is known of a stage's outputs while a pipeline is checked. Like Build
	// it must be quick.
	Forecast(ctx context.Context, in *ForecastRequest, opts ...grpc.CallOption) (*ForecastReply, error)
	// Prepare says, before anything is computed, that running will fail, if that is known.
	Prepare(ctx context.Context, in *PrepareRequest, opts ...grpc.CallOption) (*Empty, error)
	// Run answers with any number of Steps and Logs, then with one Result.
	Run(ctx context.Context, in *RunRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[RunReply], error)
	// Read reads a value that the plugin owns.
	Read(ctx context.Context, in *ReadRequest, opts ...grpc.CallOption) (*ReadReply, error)
	// Commit makes visible what a stage has written, the whole; Withdraw undoes it, where
	// another stage could not commit.
	Commit(ctx context.Context, in *StageRequest, opts ...grpc.CallOption) (*Empty, error)
	Withdraw(ctx context.Context, in *StageRequest, opts ...grpc.CallOption) (*Empty, error)
	// Close ends a stage, which without a Commit before it leaves no trace, or forgets values.
	Close(ctx context.Context, in *CloseRequest, opts ...grpc.CallOption) (*Empty, error)
	// Ask carries the plugin's questions, and the host's answers in any order.
	Ask(ctx context.Context, opts ...grpc.CallOption) (grpc.BidiStreamingClient[Answer, Question], error)
}

type pluginClient struct {
	cc grpc.ClientConnInterface
}

func NewPluginClient(cc grpc.ClientConnInterface) PluginClient {
	return &pluginClient{cc}
}

func (c *pluginClient) Describe(ctx context.Context, in *DescribeRequest, opts ...grpc.CallOption) (*DescribeReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(DescribeReply)
	err := c.cc.Invoke(ctx, Plugin_Describe_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Build(ctx context.Context, in *BuildRequest, opts ...grpc.CallOption) (*BuildReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(BuildReply)
	err := c.cc.Invoke(ctx, Plugin_Build_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Forecast(ctx context.Context, in *ForecastRequest, opts ...grpc.CallOption) (*ForecastReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(ForecastReply)
	err := c.cc.Invoke(ctx, Plugin_Forecast_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Prepare(ctx context.Context, in *PrepareRequest, opts ...grpc.CallOption) (*Empty, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(Empty)
	err := c.cc.Invoke(ctx, Plugin_Prepare_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Run(ctx context.Context, in *RunRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[RunReply], error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	stream, err := c.cc.NewStream(ctx, &Plugin_ServiceDesc.Streams[0], Plugin_Run_FullMethodName, cOpts...)
	if err != nil {
		return nil, err
	}
	x := &grpc.GenericClientStream[RunRequest, RunReply]{ClientStream: stream}
	if err := x.ClientStream.SendMsg(in); err != nil {
		return nil, err
	}
	if err := x.ClientStream.CloseSend(); err != nil {
		return nil, err
	}
	return x, nil
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Plugin_RunClient = grpc.ServerStreamingClient[RunReply]

func (c *pluginClient) Read(ctx context.Context, in *ReadRequest, opts ...grpc.CallOption) (*ReadReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(ReadReply)
	err := c.cc.Invoke(ctx, Plugin_Read_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Commit(ctx context.Context, in *StageRequest, opts ...grpc.CallOption) (*Empty, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(Empty)
	err := c.cc.Invoke(ctx, Plugin_Commit_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Withdraw(ctx context.Context, in *StageRequest, opts ...grpc.CallOption) (*Empty, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(Empty)
	err := c.cc.Invoke(ctx, Plugin_Withdraw_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Close(ctx context.Context, in *CloseRequest, opts ...grpc.CallOption) (*Empty, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(Empty)
	err := c.cc.Invoke(ctx, Plugin_Close_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *pluginClient) Ask(ctx context.Context, opts ...grpc.CallOption) (grpc.BidiStreamingClient[Answer, Question], error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	stream, err := c.cc.NewStream(ctx, &Plugin_ServiceDesc.Streams[1], Plugin_Ask_FullMethodName, cOpts...)
	if err != nil {
		return nil, err
	}
	x := &grpc.GenericClientStream[Answer, Question]{ClientStream: stream}
	return x, nil
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Plugin_AskClient = grpc.BidiStreamingClient[Answer, Question]

// PluginServer is the server API for Plugin service.
// All implementations must embed UnimplementedPluginServer
// for forward compatibility.
type PluginServer interface {
	// Describe is the first call that a plugin gets.
	Describe(context.Context, *DescribeRequest) (*DescribeReply, error)
	// Build makes a stage. It must be quick and touch nothing outside the process: it is
	// also called to check a pipeline that is never run.
	Build(context.Context, *BuildRequest) (*BuildReply, error)
	// Forecast says what is known of a stage's outputs while a pipeline is checked. Like Build
	// it must be quick.
	Forecast(context.Context, *ForecastRequest) (*ForecastReply, error)
	// Prepare says, before anything is computed, that running will fail, if that is known.
	Prepare(context.Context, *PrepareRequest) (*Empty, error)
	// Run answers with any number of Steps and Logs, then with one Result.
	Run(*RunRequest, grpc.ServerStreamingServer[RunReply]) error
	// Read reads a value that the plugin owns.
	Read(context.Context, *ReadRequest) (*ReadReply, error)
	// Commit makes visible what a stage has written, the whole; Withdraw undoes it, where
	// another stage could not commit.
	Commit(context.Context, *StageRequest) (*Empty, error)
	Withdraw(context.Context, *StageRequest) (*Empty, error)
	// Close ends a stage, which without a Commit before it leaves no trace, or forgets values.
	Close(context.Context, *CloseRequest) (*Empty, error)
	// Ask carries the plugin's questions, and the host's answers in any order.
	Ask(grpc.BidiStreamingServer[Answer, Question]) error
	mustEmbedUnimplementedPluginServer()
}

// UnimplementedPluginServer must be embedded to have
// forward compatible implementations.
//
// NOTE: this should be embedded by value instead of pointer to avoid a nil
// pointer dereference when methods are called.
type UnimplementedPluginServer struct{}

func (UnimplementedPluginServer) Describe(context.Context, *DescribeRequest) (*DescribeReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Describe not implemented")
}
func (UnimplementedPluginServer) Build(context.Context, *BuildRequest) (*BuildReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Build not implemented")
}
func (UnimplementedPluginServer) Forecast(context.Context, *ForecastRequest) (*ForecastReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Forecast not implemented")
}
func (UnimplementedPluginServer) Prepare(context.Context, *PrepareRequest) (*Empty, error) {
	return nil, status.Error(codes.Unimplemented, "method Prepare not implemented")
}
func (UnimplementedPluginServer) Run(*RunRequest, grpc.ServerStreamingServer[RunReply]) error {
	return status.Error(codes.Unimplemented, "method Run not implemented")
}
func (UnimplementedPluginServer) Read(context.Context, *ReadRequest) (*ReadReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Read not implemented")
}
func (UnimplementedPluginServer) Commit(context.Context, *StageRequest) (*Empty, error) {
	return nil, status.Error(codes.Unimplemented, "method Commit not implemented")
}
func (UnimplementedPluginServer) Withdraw(context.Context, *StageRequest) (*Empty, error) {
	return nil, status.Error(codes.Unimplemented, "method Withdraw not implemented")
}
func (UnimplementedPluginServer) Close(context.Context, *CloseRequest) (*Empty, error) {
	return nil, status.Error(codes.Unimplemented, "method Close not implemented")
}
func (UnimplementedPluginServer) Ask(grpc.BidiStreamingServer[Answer, Question]) error {
	return status.Error(codes.Unimplemented, "method Ask not implemented")
}
func (UnimplementedPluginServer) mustEmbedUnimplementedPluginServer() {}
func (UnimplementedPluginServer) testEmbeddedByValue()                {}

// UnsafePluginServer may be embedded to opt out of forward compatibility for this service.
// Use of this interface is not recommended, as added methods to PluginServer will
// result in compilation errors.
type UnsafePluginServer interface {
	mustEmbedUnimplementedPluginServer()
}

func RegisterPluginServer(s grpc.ServiceRegistrar, srv PluginServer) {
	// If the following call panics, it indicates UnimplementedPluginServer was
	// embedded by pointer and is nil.  This will cause panics if an
	// unimplemented method is ever invoked, so we test this at initialization
	// time to prevent it from happening at runtime later due to I/O.
	if t, ok := srv.(interface{ testEmbeddedByValue() }); ok {
		t.testEmbeddedByValue()
	}
	s.RegisterService(&Plugin_ServiceDesc, srv)
}

func _Plugin_Describe_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(DescribeRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Describe(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Describe_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Describe(ctx, req.(*DescribeRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Build_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(BuildRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Build(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Build_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Build(ctx, req.(*BuildRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Forecast_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(ForecastRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Forecast(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Forecast_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Forecast(ctx, req.(*ForecastRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Prepare_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(PrepareRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Prepare(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Prepare_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Prepare(ctx, req.(*PrepareRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Run_Handler(srv interface{}, stream grpc.ServerStream) error {
	m := new(RunRequest)
	if err := stream.RecvMsg(m); err != nil {
		return err
	}
	return srv.(PluginServer).Run(m, &grpc.GenericServerStream[RunRequest, RunReply]{ServerStream: stream})
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Plugin_RunServer = grpc.ServerStreamingServer[RunReply]

func _Plugin_Read_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(ReadRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Read(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Read_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Read(ctx, req.(*ReadRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Commit_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(StageRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Commit(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Commit_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Commit(ctx, req.(*StageRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Withdraw_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(StageRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Withdraw(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Withdraw_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Withdraw(ctx, req.(*StageRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Close_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(CloseRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(PluginServer).Close(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Plugin_Close_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(PluginServer).Close(ctx, req.(*CloseRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Plugin_Ask_Handler(srv interface{}, stream grpc.ServerStream) error {
	return srv.(PluginServer).Ask(&grpc.GenericServerStream[Answer, Question]{ServerStream: stream})
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Plugin_AskServer = grpc.BidiStreamingServer[Answer, Question]

// Plugin_ServiceDesc is the grpc.ServiceDesc for Plugin service.
// It's only intended for direct use with grpc.RegisterService,
// and not to be introspected or modified (even as a copy)
var Plugin_ServiceDesc = grpc.ServiceDesc{
	ServiceName: "audiosep.plugin.v1.Plugin",
	HandlerType: (*PluginServer)(nil),
	Methods: []grpc.MethodDesc{
		{
			MethodName: "Describe",
			Handler:    _Plugin_Describe_Handler,
		},
		{
			MethodName: "Build",
			Handler:    _Plugin_Build_Handler,
		},
		{
			MethodName: "Forecast",
			Handler:    _Plugin_Forecast_Handler,
		},
		{
			MethodName: "Prepare",
			Handler:    _Plugin_Prepare_Handler,
		},
		{
			MethodName: "Read",
			Handler:    _Plugin_Read_Handler,
		},
		{
			MethodName: "Commit",
			Handler:    _Plugin_Commit_Handler,
		},
		{
			MethodName: "Withdraw",
			Handler:    _Plugin_Withdraw_Handler,
		},
		{
			MethodName: "Close",
			Handler:    _Plugin_Close_Handler,
		},
	},
	Streams: []grpc.StreamDesc{
		{
			StreamName:    "Run",
			Handler:       _Plugin_Run_Handler,
			ServerStreams: true,
		},
		{
			StreamName:    "Ask",
			Handler:       _Plugin_Ask_Handler,
			ServerStreams: true,
			ClientStreams: true,
		},
	},
	Metadata: "stage.proto",
}
