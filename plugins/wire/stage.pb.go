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

// Code generated by protoc-gen-go. DO NOT EDIT.
// versions:
// 	protoc-gen-go v1.36.10
// source: stage.proto

package wire

import (
	protoreflect "google.golang.org/protobuf/reflect/protoreflect"
	protoimpl "google.golang.org/protobuf/runtime/protoimpl"
	reflect "reflect"
	sync "sync"
	unsafe "unsafe"
)

const (
	// Verify that this generated code is sufficiently up-to-date.
	_ = protoimpl.EnforceVersion(20 - protoimpl.MinVersion)
	// Verify that runtime/protoimpl is sufficiently up-to-date.
	_ = protoimpl.EnforceVersion(protoimpl.MaxVersion - 20)
)

type Empty struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Empty) Reset() {
	*x = Empty{}
	mi := &file_stage_proto_msgTypes[0]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Empty) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Empty) ProtoMessage() {}

func (x *Empty) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[0]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Empty.ProtoReflect.Descriptor instead.
func (*Empty) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{0}
}

type DescribeRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *DescribeRequest) Reset() {
	*x = DescribeRequest{}
	mi := &file_stage_proto_msgTypes[1]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *DescribeRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*DescribeRequest) ProtoMessage() {}

func (x *DescribeRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[1]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use DescribeRequest.ProtoReflect.Descriptor instead.
func (*DescribeRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{1}
}

type DescribeReply struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	// JSON: a list with an object for each stage. Required are Name (lower_snake_case), Doc (a
	// sentence) and one port at least, in In or Out, lists of
	//
	//	Name      lower_snake_case
	//	Cargo     audio, frames, coefs, power, transform, factors, notes or sources
	//	Optional  true for an input that may be left unwired, or an output that may be missing
	//	Many      true for an input that takes one or more outputs, in order
	//
	// Optional are Promises, a list of lazy (running only says what is to be done), sums (the
	// sources sum to the recording) and local (a frame comes out the same whatever is beside
	// it), and Params, a list of
	//
	//	Name     lower_snake_case
	//	Type     int, uint, float, bool or string, with [] before it for each level of list
	//	Doc      one sentence
	//	Default  a value of that type, or null if it may be left open
	//	Unit     optional: what the number counts
	//	Min Max  optional: range of a number, or of each number in a list; of a list of
	//	         texts or of lists, the range of its length
	//	OneOf    optional: the texts allowed
	//	File     optional: in or out, for the name of a file that is read or written
	Definitions  string `protobuf:"bytes,1,opt,name=definitions,proto3" json:"definitions,omitempty"`
	Version      string `protobuf:"bytes,2,opt,name=version,proto3" json:"version,omitempty"`                                // the plugin's, as its author writes it; may be empty
	Sdk          string `protobuf:"bytes,3,opt,name=sdk,proto3" json:"sdk,omitempty"`                                        // what it was made with, for bug reports: "go 1.26", "python 3.11"
	SharedMemory bool   `protobuf:"varint,4,opt,name=shared_memory,json=sharedMemory,proto3" json:"shared_memory,omitempty"` // whether the plugin has mapped the memory it was given
	Asks         bool   `protobuf:"varint,5,opt,name=asks,proto3" json:"asks,omitempty"`                                     // whether it serves Ask
	// Whether one process may serve all stages of a pipeline that are the plugin's, so that what
	// they share is loaded once. Else each stage has a process of its own.
	OneProcess    bool `protobuf:"varint,6,opt,name=one_process,json=oneProcess,proto3" json:"one_process,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *DescribeReply) Reset() {
	*x = DescribeReply{}
	mi := &file_stage_proto_msgTypes[2]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *DescribeReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*DescribeReply) ProtoMessage() {}

func (x *DescribeReply) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[2]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use DescribeReply.ProtoReflect.Descriptor instead.
func (*DescribeReply) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{2}
}

func (x *DescribeReply) GetDefinitions() string {
	if x != nil {
		return x.Definitions
	}
	return ""
}

func (x *DescribeReply) GetVersion() string {
	if x != nil {
		return x.Version
	}
	return ""
}

func (x *DescribeReply) GetSdk() string {
	if x != nil {
		return x.Sdk
	}
	return ""
}

func (x *DescribeReply) GetSharedMemory() bool {
	if x != nil {
		return x.SharedMemory
	}
	return false
}

func (x *DescribeReply) GetAsks() bool {
	if x != nil {
		return x.Asks
	}
	return false
}

func (x *DescribeReply) GetOneProcess() bool {
	if x != nil {
		return x.OneProcess
	}
	return false
}

type BuildRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stage         string                 `protobuf:"bytes,1,opt,name=stage,proto3" json:"stage,omitempty"`   // a Name from Describe
	Params        string                 `protobuf:"bytes,2,opt,name=params,proto3" json:"params,omitempty"` // JSON object. Checked against Describe; those left out have their defaults
	Check         bool                   `protobuf:"varint,3,opt,name=check,proto3" json:"check,omitempty"`  // it will not be used: the handle may be 0
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *BuildRequest) Reset() {
	*x = BuildRequest{}
	mi := &file_stage_proto_msgTypes[3]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *BuildRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*BuildRequest) ProtoMessage() {}

func (x *BuildRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[3]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use BuildRequest.ProtoReflect.Descriptor instead.
func (*BuildRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{3}
}

func (x *BuildRequest) GetStage() string {
	if x != nil {
		return x.Stage
	}
	return ""
}

func (x *BuildRequest) GetParams() string {
	if x != nil {
		return x.Params
	}
	return ""
}

func (x *BuildRequest) GetCheck() bool {
	if x != nil {
		return x.Check
	}
	return false
}

type BuildReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stage         uint64                 `protobuf:"varint,1,opt,name=stage,proto3" json:"stage,omitempty"`         // handle
	Faults        []*ParamFault          `protobuf:"bytes,2,rep,name=faults,proto3" json:"faults,omitempty"`        // if any, no stage was built
	Prepares      bool                   `protobuf:"varint,3,opt,name=prepares,proto3" json:"prepares,omitempty"`   // whether the stage wants a Prepare,
	Commits       bool                   `protobuf:"varint,4,opt,name=commits,proto3" json:"commits,omitempty"`     // a Commit,
	Withdraws     bool                   `protobuf:"varint,5,opt,name=withdraws,proto3" json:"withdraws,omitempty"` // a Withdraw,
	Closes        bool                   `protobuf:"varint,6,opt,name=closes,proto3" json:"closes,omitempty"`       // a Close,
	Forecasts     bool                   `protobuf:"varint,7,opt,name=forecasts,proto3" json:"forecasts,omitempty"` // a Forecast
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *BuildReply) Reset() {
	*x = BuildReply{}
	mi := &file_stage_proto_msgTypes[4]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *BuildReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*BuildReply) ProtoMessage() {}

func (x *BuildReply) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[4]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use BuildReply.ProtoReflect.Descriptor instead.
func (*BuildReply) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{4}
}

func (x *BuildReply) GetStage() uint64 {
	if x != nil {
		return x.Stage
	}
	return 0
}

func (x *BuildReply) GetFaults() []*ParamFault {
	if x != nil {
		return x.Faults
	}
	return nil
}

func (x *BuildReply) GetPrepares() bool {
	if x != nil {
		return x.Prepares
	}
	return false
}

func (x *BuildReply) GetCommits() bool {
	if x != nil {
		return x.Commits
	}
	return false
}

func (x *BuildReply) GetWithdraws() bool {
	if x != nil {
		return x.Withdraws
	}
	return false
}

func (x *BuildReply) GetCloses() bool {
	if x != nil {
		return x.Closes
	}
	return false
}

func (x *BuildReply) GetForecasts() bool {
	if x != nil {
		return x.Forecasts
	}
	return false
}

// ParamFault is a wrong parameter that the description could not tell: "parameter NAME
// WHAT; HINT", as in "parameter hop is 512; want at most the length, 400".
type ParamFault struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Name          string                 `protobuf:"bytes,1,opt,name=name,proto3" json:"name,omitempty"`
	What          string                 `protobuf:"bytes,2,opt,name=what,proto3" json:"what,omitempty"` // "is …; want …"
	Hint          string                 `protobuf:"bytes,3,opt,name=hint,proto3" json:"hint,omitempty"` // a way out; may be empty
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ParamFault) Reset() {
	*x = ParamFault{}
	mi := &file_stage_proto_msgTypes[5]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ParamFault) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ParamFault) ProtoMessage() {}

func (x *ParamFault) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[5]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ParamFault.ProtoReflect.Descriptor instead.
func (*ParamFault) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{5}
}

func (x *ParamFault) GetName() string {
	if x != nil {
		return x.Name
	}
	return ""
}

func (x *ParamFault) GetWhat() string {
	if x != nil {
		return x.What
	}
	return ""
}

func (x *ParamFault) GetHint() string {
	if x != nil {
		return x.Hint
	}
	return ""
}

type ForecastRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stage         string                 `protobuf:"bytes,1,opt,name=stage,proto3" json:"stage,omitempty"` // as in BuildRequest
	Params        string                 `protobuf:"bytes,2,opt,name=params,proto3" json:"params,omitempty"`
	Inputs        []*Forecast            `protobuf:"bytes,3,rep,name=inputs,proto3" json:"inputs,omitempty"` // what is known of them
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ForecastRequest) Reset() {
	*x = ForecastRequest{}
	mi := &file_stage_proto_msgTypes[6]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ForecastRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ForecastRequest) ProtoMessage() {}

func (x *ForecastRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[6]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ForecastRequest.ProtoReflect.Descriptor instead.
func (*ForecastRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{6}
}

func (x *ForecastRequest) GetStage() string {
	if x != nil {
		return x.Stage
	}
	return ""
}

func (x *ForecastRequest) GetParams() string {
	if x != nil {
		return x.Params
	}
	return ""
}

func (x *ForecastRequest) GetInputs() []*Forecast {
	if x != nil {
		return x.Inputs
	}
	return nil
}

type ForecastReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Outputs       []*Forecast            `protobuf:"bytes,1,rep,name=outputs,proto3" json:"outputs,omitempty"`
	Faults        []*ParamFault          `protobuf:"bytes,2,rep,name=faults,proto3" json:"faults,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ForecastReply) Reset() {
	*x = ForecastReply{}
	mi := &file_stage_proto_msgTypes[7]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ForecastReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ForecastReply) ProtoMessage() {}

func (x *ForecastReply) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[7]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ForecastReply.ProtoReflect.Descriptor instead.
func (*ForecastReply) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{7}
}

func (x *ForecastReply) GetOutputs() []*Forecast {
	if x != nil {
		return x.Outputs
	}
	return nil
}

func (x *ForecastReply) GetFaults() []*ParamFault {
	if x != nil {
		return x.Faults
	}
	return nil
}

type Forecast struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Port          string                 `protobuf:"bytes,1,opt,name=port,proto3" json:"port,omitempty"`
	Rank          uint64                 `protobuf:"varint,2,opt,name=rank,proto3" json:"rank,omitempty"`      // K, of factors; 0: not known
	Sources       []string               `protobuf:"bytes,3,rep,name=sources,proto3" json:"sources,omitempty"` // names: of sources, or of those whose the components are; none: not known
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Forecast) Reset() {
	*x = Forecast{}
	mi := &file_stage_proto_msgTypes[8]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Forecast) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Forecast) ProtoMessage() {}

func (x *Forecast) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[8]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Forecast.ProtoReflect.Descriptor instead.
func (*Forecast) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{8}
}

func (x *Forecast) GetPort() string {
	if x != nil {
		return x.Port
	}
	return ""
}

func (x *Forecast) GetRank() uint64 {
	if x != nil {
		return x.Rank
	}
	return 0
}

func (x *Forecast) GetSources() []string {
	if x != nil {
		return x.Sources
	}
	return nil
}

type PrepareRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stage         uint64                 `protobuf:"varint,1,opt,name=stage,proto3" json:"stage,omitempty"`
	Call          *Call                  `protobuf:"bytes,2,opt,name=call,proto3" json:"call,omitempty"`
	Head          *Head                  `protobuf:"bytes,3,opt,name=head,proto3" json:"head,omitempty"`       // of the recording; zeros if nothing is known of it yet
	Sources       []string               `protobuf:"bytes,4,rep,name=sources,proto3" json:"sources,omitempty"` // names; none if they are not known yet
	Inputs        []string               `protobuf:"bytes,5,rep,name=inputs,proto3" json:"inputs,omitempty"`   // the files that the run reads
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PrepareRequest) Reset() {
	*x = PrepareRequest{}
	mi := &file_stage_proto_msgTypes[9]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PrepareRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PrepareRequest) ProtoMessage() {}

func (x *PrepareRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[9]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PrepareRequest.ProtoReflect.Descriptor instead.
func (*PrepareRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{9}
}

func (x *PrepareRequest) GetStage() uint64 {
	if x != nil {
		return x.Stage
	}
	return 0
}

func (x *PrepareRequest) GetCall() *Call {
	if x != nil {
		return x.Call
	}
	return nil
}

func (x *PrepareRequest) GetHead() *Head {
	if x != nil {
		return x.Head
	}
	return nil
}

func (x *PrepareRequest) GetSources() []string {
	if x != nil {
		return x.Sources
	}
	return nil
}

func (x *PrepareRequest) GetInputs() []string {
	if x != nil {
		return x.Inputs
	}
	return nil
}

// Call says what the host asks a plugin in the course of. The questions that come of it
// carry its id, so that they are answered on its behalf, and end with it.
type Call struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Id            uint64                 `protobuf:"varint,1,opt,name=id,proto3" json:"id,omitempty"`
	Block         uint64                 `protobuf:"varint,2,opt,name=block,proto3" json:"block,omitempty"` // how many frames to work on at a time; 0: choose. Results are the same
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Call) Reset() {
	*x = Call{}
	mi := &file_stage_proto_msgTypes[10]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Call) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Call) ProtoMessage() {}

func (x *Call) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[10]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Call.ProtoReflect.Descriptor instead.
func (*Call) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{10}
}

func (x *Call) GetId() uint64 {
	if x != nil {
		return x.Id
	}
	return 0
}

func (x *Call) GetBlock() uint64 {
	if x != nil {
		return x.Block
	}
	return 0
}

type RunRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stage         uint64                 `protobuf:"varint,1,opt,name=stage,proto3" json:"stage,omitempty"`
	Call          *Call                  `protobuf:"bytes,2,opt,name=call,proto3" json:"call,omitempty"`
	Env           *Env                   `protobuf:"bytes,3,opt,name=env,proto3" json:"env,omitempty"`
	Inputs        []*Port                `protobuf:"bytes,4,rep,name=inputs,proto3" json:"inputs,omitempty"` // those that are wired
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *RunRequest) Reset() {
	*x = RunRequest{}
	mi := &file_stage_proto_msgTypes[11]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *RunRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*RunRequest) ProtoMessage() {}

func (x *RunRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[11]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use RunRequest.ProtoReflect.Descriptor instead.
func (*RunRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{11}
}

func (x *RunRequest) GetStage() uint64 {
	if x != nil {
		return x.Stage
	}
	return 0
}

func (x *RunRequest) GetCall() *Call {
	if x != nil {
		return x.Call
	}
	return nil
}

func (x *RunRequest) GetEnv() *Env {
	if x != nil {
		return x.Env
	}
	return nil
}

func (x *RunRequest) GetInputs() []*Port {
	if x != nil {
		return x.Inputs
	}
	return nil
}

// Env is what the host lends a running stage. A result depends on nothing but the
// arguments and the seed: draw random numbers from generators seeded with it.
type Env struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Seed          uint64                 `protobuf:"varint,1,opt,name=seed,proto3" json:"seed,omitempty"`
	Log           bool                   `protobuf:"varint,2,opt,name=log,proto3" json:"log,omitempty"`           // whether Logs are wanted
	Progress      bool                   `protobuf:"varint,3,opt,name=progress,proto3" json:"progress,omitempty"` // whether Steps are shown; send them anyway, as signs of life
	Wiring        []*Wire                `protobuf:"bytes,4,rep,name=wiring,proto3" json:"wiring,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Env) Reset() {
	*x = Env{}
	mi := &file_stage_proto_msgTypes[12]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Env) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Env) ProtoMessage() {}

func (x *Env) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[12]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Env.ProtoReflect.Descriptor instead.
func (*Env) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{12}
}

func (x *Env) GetSeed() uint64 {
	if x != nil {
		return x.Seed
	}
	return 0
}

func (x *Env) GetLog() bool {
	if x != nil {
		return x.Log
	}
	return false
}

func (x *Env) GetProgress() bool {
	if x != nil {
		return x.Progress
	}
	return false
}

func (x *Env) GetWiring() []*Wire {
	if x != nil {
		return x.Wiring
	}
	return nil
}

// Wire has the ids of the stages that feed an input, in order.
type Wire struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Port          string                 `protobuf:"bytes,1,opt,name=port,proto3" json:"port,omitempty"`
	Stages        []string               `protobuf:"bytes,2,rep,name=stages,proto3" json:"stages,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Wire) Reset() {
	*x = Wire{}
	mi := &file_stage_proto_msgTypes[13]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Wire) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Wire) ProtoMessage() {}

func (x *Wire) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[13]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Wire.ProtoReflect.Descriptor instead.
func (*Wire) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{13}
}

func (x *Wire) GetPort() string {
	if x != nil {
		return x.Port
	}
	return ""
}

func (x *Wire) GetStages() []string {
	if x != nil {
		return x.Stages
	}
	return nil
}

type Port struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Name          string                 `protobuf:"bytes,1,opt,name=name,proto3" json:"name,omitempty"`
	Values        []*Value               `protobuf:"bytes,2,rep,name=values,proto3" json:"values,omitempty"` // one, or those of an input that takes many
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Port) Reset() {
	*x = Port{}
	mi := &file_stage_proto_msgTypes[14]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Port) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Port) ProtoMessage() {}

func (x *Port) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[14]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Port.ProtoReflect.Descriptor instead.
func (*Port) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{14}
}

func (x *Port) GetName() string {
	if x != nil {
		return x.Name
	}
	return ""
}

func (x *Port) GetValues() []*Value {
	if x != nil {
		return x.Values
	}
	return nil
}

type RunReply struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	// Types that are valid to be assigned to Part:
	//
	//	*RunReply_Step
	//	*RunReply_Log
	//	*RunReply_Result
	Part          isRunReply_Part `protobuf_oneof:"part"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *RunReply) Reset() {
	*x = RunReply{}
	mi := &file_stage_proto_msgTypes[15]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *RunReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*RunReply) ProtoMessage() {}

func (x *RunReply) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[15]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use RunReply.ProtoReflect.Descriptor instead.
func (*RunReply) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{15}
}

func (x *RunReply) GetPart() isRunReply_Part {
	if x != nil {
		return x.Part
	}
	return nil
}

func (x *RunReply) GetStep() *Step {
	if x != nil {
		if x, ok := x.Part.(*RunReply_Step); ok {
			return x.Step
		}
	}
	return nil
}

func (x *RunReply) GetLog() *Log {
	if x != nil {
		if x, ok := x.Part.(*RunReply_Log); ok {
			return x.Log
		}
	}
	return nil
}

func (x *RunReply) GetResult() *Result {
	if x != nil {
		if x, ok := x.Part.(*RunReply_Result); ok {
			return x.Result
		}
	}
	return nil
}

type isRunReply_Part interface {
	isRunReply_Part()
}

type RunReply_Step struct {
	Step *Step `protobuf:"bytes,1,opt,name=step,proto3,oneof"`
}

type RunReply_Log struct {
	Log *Log `protobuf:"bytes,2,opt,name=log,proto3,oneof"`
}

type RunReply_Result struct {
	Result *Result `protobuf:"bytes,3,opt,name=result,proto3,oneof"`
}

func (*RunReply_Step) isRunReply_Part() {}

func (*RunReply_Log) isRunReply_Part() {}

func (*RunReply_Result) isRunReply_Part() {}

type Step struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Done          uint64                 `protobuf:"varint,1,opt,name=done,proto3" json:"done,omitempty"`
	Of            uint64                 `protobuf:"varint,2,opt,name=of,proto3" json:"of,omitempty"`
	Objective     float64                `protobuf:"fixed64,3,opt,name=objective,proto3" json:"objective,omitempty"` // NaN where there is none
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Step) Reset() {
	*x = Step{}
	mi := &file_stage_proto_msgTypes[16]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Step) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Step) ProtoMessage() {}

func (x *Step) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[16]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Step.ProtoReflect.Descriptor instead.
func (*Step) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{16}
}

func (x *Step) GetDone() uint64 {
	if x != nil {
		return x.Done
	}
	return 0
}

func (x *Step) GetOf() uint64 {
	if x != nil {
		return x.Of
	}
	return 0
}

func (x *Step) GetObjective() float64 {
	if x != nil {
		return x.Objective
	}
	return 0
}

type Log struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Level         int32                  `protobuf:"varint,1,opt,name=level,proto3" json:"level,omitempty"` // -4 debug, 0 info, 4 warning, 8 error
	Text          string                 `protobuf:"bytes,2,opt,name=text,proto3" json:"text,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Log) Reset() {
	*x = Log{}
	mi := &file_stage_proto_msgTypes[17]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Log) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Log) ProtoMessage() {}

func (x *Log) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[17]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Log.ProtoReflect.Descriptor instead.
func (*Log) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{17}
}

func (x *Log) GetLevel() int32 {
	if x != nil {
		return x.Level
	}
	return 0
}

func (x *Log) GetText() string {
	if x != nil {
		return x.Text
	}
	return ""
}

type Result struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Outputs       []*Port                `protobuf:"bytes,1,rep,name=outputs,proto3" json:"outputs,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Result) Reset() {
	*x = Result{}
	mi := &file_stage_proto_msgTypes[18]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Result) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Result) ProtoMessage() {}

func (x *Result) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[18]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Result.ProtoReflect.Descriptor instead.
func (*Result) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{18}
}

func (x *Result) GetOutputs() []*Port {
	if x != nil {
		return x.Outputs
	}
	return nil
}

type StageRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stage         uint64                 `protobuf:"varint,1,opt,name=stage,proto3" json:"stage,omitempty"`
	Call          *Call                  `protobuf:"bytes,2,opt,name=call,proto3" json:"call,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *StageRequest) Reset() {
	*x = StageRequest{}
	mi := &file_stage_proto_msgTypes[19]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *StageRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*StageRequest) ProtoMessage() {}

func (x *StageRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[19]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use StageRequest.ProtoReflect.Descriptor instead.
func (*StageRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{19}
}

func (x *StageRequest) GetStage() uint64 {
	if x != nil {
		return x.Stage
	}
	return 0
}

func (x *StageRequest) GetCall() *Call {
	if x != nil {
		return x.Call
	}
	return nil
}

type CloseRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stage         uint64                 `protobuf:"varint,1,opt,name=stage,proto3" json:"stage,omitempty"`          // 0: none
	Values        []uint64               `protobuf:"varint,2,rep,packed,name=values,proto3" json:"values,omitempty"` // handles that are not needed any more
	Kept          []uint64               `protobuf:"varint,3,rep,packed,name=kept,proto3" json:"kept,omitempty"`     // handles of the host's matrices with keep = true that will not come again
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *CloseRequest) Reset() {
	*x = CloseRequest{}
	mi := &file_stage_proto_msgTypes[20]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *CloseRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*CloseRequest) ProtoMessage() {}

func (x *CloseRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[20]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use CloseRequest.ProtoReflect.Descriptor instead.
func (*CloseRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{20}
}

func (x *CloseRequest) GetStage() uint64 {
	if x != nil {
		return x.Stage
	}
	return 0
}

func (x *CloseRequest) GetValues() []uint64 {
	if x != nil {
		return x.Values
	}
	return nil
}

func (x *CloseRequest) GetKept() []uint64 {
	if x != nil {
		return x.Kept
	}
	return nil
}

type Value struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	// Types that are valid to be assigned to Cargo:
	//
	//	*Value_Audio
	//	*Value_Frames
	//	*Value_Coefs
	//	*Value_Power
	//	*Value_Transform
	//	*Value_Factors
	//	*Value_Notes
	//	*Value_Sources
	Cargo         isValue_Cargo `protobuf_oneof:"cargo"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Value) Reset() {
	*x = Value{}
	mi := &file_stage_proto_msgTypes[21]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Value) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Value) ProtoMessage() {}

func (x *Value) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[21]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Value.ProtoReflect.Descriptor instead.
func (*Value) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{21}
}

func (x *Value) GetCargo() isValue_Cargo {
	if x != nil {
		return x.Cargo
	}
	return nil
}

func (x *Value) GetAudio() *Audio {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Audio); ok {
			return x.Audio
		}
	}
	return nil
}

func (x *Value) GetFrames() *Frames {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Frames); ok {
			return x.Frames
		}
	}
	return nil
}

func (x *Value) GetCoefs() *Coefs {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Coefs); ok {
			return x.Coefs
		}
	}
	return nil
}

func (x *Value) GetPower() *Power {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Power); ok {
			return x.Power
		}
	}
	return nil
}

func (x *Value) GetTransform() *FittedTransform {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Transform); ok {
			return x.Transform
		}
	}
	return nil
}

func (x *Value) GetFactors() *Factors {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Factors); ok {
			return x.Factors
		}
	}
	return nil
}

func (x *Value) GetNotes() *Notes {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Notes); ok {
			return x.Notes
		}
	}
	return nil
}

func (x *Value) GetSources() *Stems {
	if x != nil {
		if x, ok := x.Cargo.(*Value_Sources); ok {
			return x.Sources
		}
	}
	return nil
}

type isValue_Cargo interface {
	isValue_Cargo()
}

type Value_Audio struct {
	Audio *Audio `protobuf:"bytes,1,opt,name=audio,proto3,oneof"`
}

type Value_Frames struct {
	Frames *Frames `protobuf:"bytes,2,opt,name=frames,proto3,oneof"`
}

type Value_Coefs struct {
	Coefs *Coefs `protobuf:"bytes,3,opt,name=coefs,proto3,oneof"`
}

type Value_Power struct {
	Power *Power `protobuf:"bytes,4,opt,name=power,proto3,oneof"`
}

type Value_Transform struct {
	Transform *FittedTransform `protobuf:"bytes,5,opt,name=transform,proto3,oneof"`
}

type Value_Factors struct {
	Factors *Factors `protobuf:"bytes,6,opt,name=factors,proto3,oneof"`
}

type Value_Notes struct {
	Notes *Notes `protobuf:"bytes,7,opt,name=notes,proto3,oneof"`
}

type Value_Sources struct {
	Sources *Stems `protobuf:"bytes,8,opt,name=sources,proto3,oneof"`
}

func (*Value_Audio) isValue_Cargo() {}

func (*Value_Frames) isValue_Cargo() {}

func (*Value_Coefs) isValue_Cargo() {}

func (*Value_Power) isValue_Cargo() {}

func (*Value_Transform) isValue_Cargo() {}

func (*Value_Factors) isValue_Cargo() {}

func (*Value_Notes) isValue_Cargo() {}

func (*Value_Sources) isValue_Cargo() {}

// Head says what a recording is.
type Head struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Rate          uint64                 `protobuf:"varint,1,opt,name=rate,proto3" json:"rate,omitempty"`       // Hz
	Samples       uint64                 `protobuf:"varint,2,opt,name=samples,proto3" json:"samples,omitempty"` // of each layer
	Channels      uint64                 `protobuf:"varint,3,opt,name=channels,proto3" json:"channels,omitempty"`
	Realisations  uint64                 `protobuf:"varint,4,opt,name=realisations,proto3" json:"realisations,omitempty"` // recordings of the same scene
	Names         []string               `protobuf:"bytes,5,rep,name=names,proto3" json:"names,omitempty"`                // none, or a short one for each realisation
	Encoding      string                 `protobuf:"bytes,6,opt,name=encoding,proto3" json:"encoding,omitempty"`          // int16, int24, float32, …; empty if never stored
	Speakers      uint32                 `protobuf:"varint,7,opt,name=speakers,proto3" json:"speakers,omitempty"`         // of the channels, as dwChannelMask of WAVE_FORMAT_EXTENSIBLE; 0: not known
	Tags          []*Tags                `protobuf:"bytes,8,rep,name=tags,proto3" json:"tags,omitempty"`                  // none, or those of each realisation
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Head) Reset() {
	*x = Head{}
	mi := &file_stage_proto_msgTypes[22]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Head) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Head) ProtoMessage() {}

func (x *Head) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[22]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Head.ProtoReflect.Descriptor instead.
func (*Head) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{22}
}

func (x *Head) GetRate() uint64 {
	if x != nil {
		return x.Rate
	}
	return 0
}

func (x *Head) GetSamples() uint64 {
	if x != nil {
		return x.Samples
	}
	return 0
}

func (x *Head) GetChannels() uint64 {
	if x != nil {
		return x.Channels
	}
	return 0
}

func (x *Head) GetRealisations() uint64 {
	if x != nil {
		return x.Realisations
	}
	return 0
}

func (x *Head) GetNames() []string {
	if x != nil {
		return x.Names
	}
	return nil
}

func (x *Head) GetEncoding() string {
	if x != nil {
		return x.Encoding
	}
	return ""
}

func (x *Head) GetSpeakers() uint32 {
	if x != nil {
		return x.Speakers
	}
	return 0
}

func (x *Head) GetTags() []*Tags {
	if x != nil {
		return x.Tags
	}
	return nil
}

// Tags is what a recording says about itself, such as its TITLE; names and values stand in
// pairs.
type Tags struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Names         []string               `protobuf:"bytes,1,rep,name=names,proto3" json:"names,omitempty"`
	Values        []string               `protobuf:"bytes,2,rep,name=values,proto3" json:"values,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Tags) Reset() {
	*x = Tags{}
	mi := &file_stage_proto_msgTypes[23]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Tags) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Tags) ProtoMessage() {}

func (x *Tags) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[23]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Tags.ProtoReflect.Descriptor instead.
func (*Tags) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{23}
}

func (x *Tags) GetNames() []string {
	if x != nil {
		return x.Names
	}
	return nil
}

func (x *Tags) GetValues() []string {
	if x != nil {
		return x.Values
	}
	return nil
}

// Audio is a recording. It is read by Samples.
type Audio struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Handle        uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"`
	Yours         bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	Head          *Head                  `protobuf:"bytes,3,opt,name=head,proto3" json:"head,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Audio) Reset() {
	*x = Audio{}
	mi := &file_stage_proto_msgTypes[24]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Audio) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Audio) ProtoMessage() {}

func (x *Audio) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[24]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Audio.ProtoReflect.Descriptor instead.
func (*Audio) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{24}
}

func (x *Audio) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Audio) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *Audio) GetHead() *Head {
	if x != nil {
		return x.Head
	}
	return nil
}

// Framing says how a signal is cut: frame n covers samples n*hop-pad … n*hop-pad+length-1.
// There are 1+ceil((samples+2*pad-length)/hop) frames, at least 1, rounded up to a multiple
// of share.
type Framing struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Head          *Head                  `protobuf:"bytes,1,opt,name=head,proto3" json:"head,omitempty"`
	Length        uint64                 `protobuf:"varint,2,opt,name=length,proto3" json:"length,omitempty"`      // M
	Hop           uint64                 `protobuf:"varint,3,opt,name=hop,proto3" json:"hop,omitempty"`            // 1 … length
	Pad           uint64                 `protobuf:"varint,4,opt,name=pad,proto3" json:"pad,omitempty"`            // zeros before sample 0, less than length
	Share         uint64                 `protobuf:"varint,5,opt,name=share,proto3" json:"share,omitempty"`        // S ≥ 1 frames to one activation
	Analysis      []byte                 `protobuf:"bytes,6,opt,name=analysis,proto3" json:"analysis,omitempty"`   // M numbers: the window put on when cutting
	Synthesis     []byte                 `protobuf:"bytes,7,opt,name=synthesis,proto3" json:"synthesis,omitempty"` // M numbers: the window put on when joining
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Framing) Reset() {
	*x = Framing{}
	mi := &file_stage_proto_msgTypes[25]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Framing) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Framing) ProtoMessage() {}

func (x *Framing) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[25]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Framing.ProtoReflect.Descriptor instead.
func (*Framing) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{25}
}

func (x *Framing) GetHead() *Head {
	if x != nil {
		return x.Head
	}
	return nil
}

func (x *Framing) GetLength() uint64 {
	if x != nil {
		return x.Length
	}
	return 0
}

func (x *Framing) GetHop() uint64 {
	if x != nil {
		return x.Hop
	}
	return 0
}

func (x *Framing) GetPad() uint64 {
	if x != nil {
		return x.Pad
	}
	return 0
}

func (x *Framing) GetShare() uint64 {
	if x != nil {
		return x.Share
	}
	return 0
}

func (x *Framing) GetAnalysis() []byte {
	if x != nil {
		return x.Analysis
	}
	return nil
}

func (x *Framing) GetSynthesis() []byte {
	if x != nil {
		return x.Synthesis
	}
	return nil
}

// Frames are a recording and how it is cut. Whoever wants them cuts them.
type Frames struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Handle        uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"`
	Yours         bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	Audio         *Audio                 `protobuf:"bytes,3,opt,name=audio,proto3" json:"audio,omitempty"`
	Framing       *Framing               `protobuf:"bytes,4,opt,name=framing,proto3" json:"framing,omitempty"` // without a head: it is the audio's
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Frames) Reset() {
	*x = Frames{}
	mi := &file_stage_proto_msgTypes[26]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Frames) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Frames) ProtoMessage() {}

func (x *Frames) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[26]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Frames.ProtoReflect.Descriptor instead.
func (*Frames) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{26}
}

func (x *Frames) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Frames) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *Frames) GetAudio() *Audio {
	if x != nil {
		return x.Audio
	}
	return nil
}

func (x *Frames) GetFraming() *Framing {
	if x != nil {
		return x.Framing
	}
	return nil
}

// Transform maps each frame of M samples to F coefficients and back, each by itself: the
// result for a frame does not depend on its neighbours. It is read by Forward and Inverse.
type Transform struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Handle        uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"` // 0: it is just the matrix phi
	Yours         bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	Length        uint64                 `protobuf:"varint,3,opt,name=length,proto3" json:"length,omitempty"` // M
	Bins          uint64                 `protobuf:"varint,4,opt,name=bins,proto3" json:"bins,omitempty"`     // F
	Complex       bool                   `protobuf:"varint,5,opt,name=complex,proto3" json:"complex,omitempty"`
	Frequencies   []byte                 `protobuf:"bytes,6,opt,name=frequencies,proto3" json:"frequencies,omitempty"` // of each bin, F numbers, as part of the sample rate; none if bins have none
	Phi           *Matrix                `protobuf:"bytes,7,opt,name=phi,proto3" json:"phi,omitempty"`                 // F × M, of a real one: X = phi*Y; may be missing
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Transform) Reset() {
	*x = Transform{}
	mi := &file_stage_proto_msgTypes[27]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Transform) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Transform) ProtoMessage() {}

func (x *Transform) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[27]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Transform.ProtoReflect.Descriptor instead.
func (*Transform) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{27}
}

func (x *Transform) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Transform) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *Transform) GetLength() uint64 {
	if x != nil {
		return x.Length
	}
	return 0
}

func (x *Transform) GetBins() uint64 {
	if x != nil {
		return x.Bins
	}
	return 0
}

func (x *Transform) GetComplex() bool {
	if x != nil {
		return x.Complex
	}
	return false
}

func (x *Transform) GetFrequencies() []byte {
	if x != nil {
		return x.Frequencies
	}
	return nil
}

func (x *Transform) GetPhi() *Matrix {
	if x != nil {
		return x.Phi
	}
	return nil
}

type FittedTransform struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Handle        uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"`
	Yours         bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	Transform     *Transform             `protobuf:"bytes,3,opt,name=transform,proto3" json:"transform,omitempty"`
	Framing       *Framing               `protobuf:"bytes,4,opt,name=framing,proto3" json:"framing,omitempty"` // of the frames that it is for; may be missing
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *FittedTransform) Reset() {
	*x = FittedTransform{}
	mi := &file_stage_proto_msgTypes[28]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *FittedTransform) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*FittedTransform) ProtoMessage() {}

func (x *FittedTransform) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[28]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use FittedTransform.ProtoReflect.Descriptor instead.
func (*FittedTransform) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{28}
}

func (x *FittedTransform) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *FittedTransform) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *FittedTransform) GetTransform() *Transform {
	if x != nil {
		return x.Transform
	}
	return nil
}

func (x *FittedTransform) GetFraming() *Framing {
	if x != nil {
		return x.Framing
	}
	return nil
}

// Coefs are the coefficients of all frames of a recording: either those of frames under a
// transform, or such as are read by Spectrum.
type Coefs struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Handle        uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"` // 0: those of the frames
	Yours         bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	Transform     *Transform             `protobuf:"bytes,3,opt,name=transform,proto3" json:"transform,omitempty"`
	Frames        *Frames                `protobuf:"bytes,4,opt,name=frames,proto3" json:"frames,omitempty"`
	Framing       *Framing               `protobuf:"bytes,5,opt,name=framing,proto3" json:"framing,omitempty"` // where there are no frames
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Coefs) Reset() {
	*x = Coefs{}
	mi := &file_stage_proto_msgTypes[29]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Coefs) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Coefs) ProtoMessage() {}

func (x *Coefs) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[29]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Coefs.ProtoReflect.Descriptor instead.
func (*Coefs) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{29}
}

func (x *Coefs) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Coefs) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *Coefs) GetTransform() *Transform {
	if x != nil {
		return x.Transform
	}
	return nil
}

func (x *Coefs) GetFrames() *Frames {
	if x != nil {
		return x.Frames
	}
	return nil
}

func (x *Coefs) GetFraming() *Framing {
	if x != nil {
		return x.Framing
	}
	return nil
}

// Power is V, F × N/S: the mean of |X|² over the layers and the S frames of a column. It is
// either that of coefs, or read by Columns.
type Power struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Handle        uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"` // 0: that of coefs
	Yours         bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	Coefs         *Coefs                 `protobuf:"bytes,3,opt,name=coefs,proto3" json:"coefs,omitempty"`
	Framing       *Framing               `protobuf:"bytes,4,opt,name=framing,proto3" json:"framing,omitempty"`
	Bins          uint64                 `protobuf:"varint,5,opt,name=bins,proto3" json:"bins,omitempty"` // F
	Hz            []byte                 `protobuf:"bytes,6,opt,name=hz,proto3" json:"hz,omitempty"`      // the frequency of each bin, F numbers; none if bins have none
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Power) Reset() {
	*x = Power{}
	mi := &file_stage_proto_msgTypes[30]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Power) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Power) ProtoMessage() {}

func (x *Power) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[30]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Power.ProtoReflect.Descriptor instead.
func (*Power) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{30}
}

func (x *Power) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Power) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *Power) GetCoefs() *Coefs {
	if x != nil {
		return x.Coefs
	}
	return nil
}

func (x *Power) GetFraming() *Framing {
	if x != nil {
		return x.Framing
	}
	return nil
}

func (x *Power) GetBins() uint64 {
	if x != nil {
		return x.Bins
	}
	return 0
}

func (x *Power) GetHz() []byte {
	if x != nil {
		return x.Hz
	}
	return nil
}

// Matrix is one that does not change. It is read by Numbers, or in the message if it is small.
type Matrix struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Rows          uint64                 `protobuf:"varint,1,opt,name=rows,proto3" json:"rows,omitempty"`
	Columns       uint64                 `protobuf:"varint,2,opt,name=columns,proto3" json:"columns,omitempty"`
	Data          []byte                 `protobuf:"bytes,3,opt,name=data,proto3" json:"data,omitempty"` // all numbers, when handle is 0
	Handle        uint64                 `protobuf:"varint,4,opt,name=handle,proto3" json:"handle,omitempty"`
	Keep          bool                   `protobuf:"varint,5,opt,name=keep,proto3" json:"keep,omitempty"` // the host's, with a handle: what was read of it may be kept for later Runs
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Matrix) Reset() {
	*x = Matrix{}
	mi := &file_stage_proto_msgTypes[31]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Matrix) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Matrix) ProtoMessage() {}

func (x *Matrix) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[31]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Matrix.ProtoReflect.Descriptor instead.
func (*Matrix) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{31}
}

func (x *Matrix) GetRows() uint64 {
	if x != nil {
		return x.Rows
	}
	return 0
}

func (x *Matrix) GetColumns() uint64 {
	if x != nil {
		return x.Columns
	}
	return 0
}

func (x *Matrix) GetData() []byte {
	if x != nil {
		return x.Data
	}
	return nil
}

func (x *Matrix) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Matrix) GetKeep() bool {
	if x != nil {
		return x.Keep
	}
	return false
}

// Factors are V ≈ W H, both ≥ 0; one may be missing.
type Factors struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Handle        uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"`
	Yours         bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	W             *Matrix                `protobuf:"bytes,3,opt,name=w,proto3" json:"w,omitempty"`                 // F × K
	H             *Matrix                `protobuf:"bytes,4,opt,name=h,proto3" json:"h,omitempty"`                 // K × N/S
	Objective     []byte                 `protobuf:"bytes,5,opt,name=objective,proto3" json:"objective,omitempty"` // a number for each iteration, never rising
	Restarts      []byte                 `protobuf:"bytes,6,opt,name=restarts,proto3" json:"restarts,omitempty"`   // the last objective of each start, if there were several
	Stop          string                 `protobuf:"bytes,7,opt,name=stop,proto3" json:"stop,omitempty"`           // why the iterations ended, in a few words
	Sources       []*Group               `protobuf:"bytes,8,rep,name=sources,proto3" json:"sources,omitempty"`     // whose the components are; none if nobody has said
	Framing       *Framing               `protobuf:"bytes,9,opt,name=framing,proto3" json:"framing,omitempty"`     // of the frames that they are of; may be missing
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Factors) Reset() {
	*x = Factors{}
	mi := &file_stage_proto_msgTypes[32]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Factors) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Factors) ProtoMessage() {}

func (x *Factors) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[32]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Factors.ProtoReflect.Descriptor instead.
func (*Factors) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{32}
}

func (x *Factors) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Factors) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *Factors) GetW() *Matrix {
	if x != nil {
		return x.W
	}
	return nil
}

func (x *Factors) GetH() *Matrix {
	if x != nil {
		return x.H
	}
	return nil
}

func (x *Factors) GetObjective() []byte {
	if x != nil {
		return x.Objective
	}
	return nil
}

func (x *Factors) GetRestarts() []byte {
	if x != nil {
		return x.Restarts
	}
	return nil
}

func (x *Factors) GetStop() string {
	if x != nil {
		return x.Stop
	}
	return ""
}

func (x *Factors) GetSources() []*Group {
	if x != nil {
		return x.Sources
	}
	return nil
}

func (x *Factors) GetFraming() *Framing {
	if x != nil {
		return x.Framing
	}
	return nil
}

type Group struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Name          string                 `protobuf:"bytes,1,opt,name=name,proto3" json:"name,omitempty"`
	Components    []uint64               `protobuf:"varint,2,rep,packed,name=components,proto3" json:"components,omitempty"` // 0 … K-1
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Group) Reset() {
	*x = Group{}
	mi := &file_stage_proto_msgTypes[33]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Group) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Group) ProtoMessage() {}

func (x *Group) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[33]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Group.ProtoReflect.Descriptor instead.
func (*Group) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{33}
}

func (x *Group) GetName() string {
	if x != nil {
		return x.Name
	}
	return ""
}

func (x *Group) GetComponents() []uint64 {
	if x != nil {
		return x.Components
	}
	return nil
}

type Notes struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Notes         []*Note                `protobuf:"bytes,1,rep,name=notes,proto3" json:"notes,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Notes) Reset() {
	*x = Notes{}
	mi := &file_stage_proto_msgTypes[34]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Notes) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Notes) ProtoMessage() {}

func (x *Notes) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[34]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Notes.ProtoReflect.Descriptor instead.
func (*Notes) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{34}
}

func (x *Notes) GetNotes() []*Note {
	if x != nil {
		return x.Notes
	}
	return nil
}

type Note struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Onset         float64                `protobuf:"fixed64,1,opt,name=onset,proto3" json:"onset,omitempty"`   // s
	Offset        float64                `protobuf:"fixed64,2,opt,name=offset,proto3" json:"offset,omitempty"` // s
	Pitch         float64                `protobuf:"fixed64,3,opt,name=pitch,proto3" json:"pitch,omitempty"`   // MIDI number, fractions allowed; NaN has none
	Source        string                 `protobuf:"bytes,4,opt,name=source,proto3" json:"source,omitempty"`
	Velocity      float64                `protobuf:"fixed64,5,opt,name=velocity,proto3" json:"velocity,omitempty"` // 0 to 1
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Note) Reset() {
	*x = Note{}
	mi := &file_stage_proto_msgTypes[35]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Note) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Note) ProtoMessage() {}

func (x *Note) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[35]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Note.ProtoReflect.Descriptor instead.
func (*Note) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{35}
}

func (x *Note) GetOnset() float64 {
	if x != nil {
		return x.Onset
	}
	return 0
}

func (x *Note) GetOffset() float64 {
	if x != nil {
		return x.Offset
	}
	return 0
}

func (x *Note) GetPitch() float64 {
	if x != nil {
		return x.Pitch
	}
	return 0
}

func (x *Note) GetSource() string {
	if x != nil {
		return x.Source
	}
	return ""
}

func (x *Note) GetVelocity() float64 {
	if x != nil {
		return x.Velocity
	}
	return 0
}

// Stems are the separated sources of a recording. They are read by Iterate and Next, unless
// they are separated or separated_audio.
type Stems struct {
	state          protoimpl.MessageState `protogen:"open.v1"`
	Handle         uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"`
	Yours          bool                   `protobuf:"varint,2,opt,name=yours,proto3" json:"yours,omitempty"`
	Head           *Head                  `protobuf:"bytes,3,opt,name=head,proto3" json:"head,omitempty"` // of each
	Names          []string               `protobuf:"bytes,4,rep,name=names,proto3" json:"names,omitempty"`
	Groups         []*Group               `protobuf:"bytes,5,rep,name=groups,proto3" json:"groups,omitempty"` // the components of each, where sources are made of them
	Separated      *Separated             `protobuf:"bytes,6,opt,name=separated,proto3" json:"separated,omitempty"`
	SeparatedAudio *SeparatedAudio        `protobuf:"bytes,7,opt,name=separated_audio,json=separatedAudio,proto3" json:"separated_audio,omitempty"`
	unknownFields  protoimpl.UnknownFields
	sizeCache      protoimpl.SizeCache
}

func (x *Stems) Reset() {
	*x = Stems{}
	mi := &file_stage_proto_msgTypes[36]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Stems) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Stems) ProtoMessage() {}

func (x *Stems) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[36]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Stems.ProtoReflect.Descriptor instead.
func (*Stems) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{36}
}

func (x *Stems) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *Stems) GetYours() bool {
	if x != nil {
		return x.Yours
	}
	return false
}

func (x *Stems) GetHead() *Head {
	if x != nil {
		return x.Head
	}
	return nil
}

func (x *Stems) GetNames() []string {
	if x != nil {
		return x.Names
	}
	return nil
}

func (x *Stems) GetGroups() []*Group {
	if x != nil {
		return x.Groups
	}
	return nil
}

func (x *Stems) GetSeparated() *Separated {
	if x != nil {
		return x.Separated
	}
	return nil
}

func (x *Stems) GetSeparatedAudio() *SeparatedAudio {
	if x != nil {
		return x.SeparatedAudio
	}
	return nil
}

// Separated are stems made of coefs by Separate, run by run, by whoever owns the handle.
// Whoever has them transforms back and overlap-adds.
type Separated struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	Coefs *Coefs                 `protobuf:"bytes,1,opt,name=coefs,proto3" json:"coefs,omitempty"`
	Halo  uint64                 `protobuf:"varint,2,opt,name=halo,proto3" json:"halo,omitempty"` // how many frames before and after a run Separate wants
	// Whether the sources sum to coefs. Where these are those of frames, the last of several sources
	// is then what the others leave of the audio, which takes no Inverse, and Separate is asked for
	// the others alone. It must still make all of them when it is asked to. Only of two sources or more.
	Rest          bool `protobuf:"varint,3,opt,name=rest,proto3" json:"rest,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Separated) Reset() {
	*x = Separated{}
	mi := &file_stage_proto_msgTypes[37]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Separated) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Separated) ProtoMessage() {}

func (x *Separated) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[37]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Separated.ProtoReflect.Descriptor instead.
func (*Separated) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{37}
}

func (x *Separated) GetCoefs() *Coefs {
	if x != nil {
		return x.Coefs
	}
	return nil
}

func (x *Separated) GetHalo() uint64 {
	if x != nil {
		return x.Halo
	}
	return 0
}

func (x *Separated) GetRest() bool {
	if x != nil {
		return x.Rest
	}
	return false
}

// SeparatedAudio are stems made of a recording by SeparateAudio, chunk by chunk.
type SeparatedAudio struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Audio         *Audio                 `protobuf:"bytes,1,opt,name=audio,proto3" json:"audio,omitempty"`
	Chunk         uint64                 `protobuf:"varint,2,opt,name=chunk,proto3" json:"chunk,omitempty"` // samples at a time
	Reach         uint64                 `protobuf:"varint,3,opt,name=reach,proto3" json:"reach,omitempty"` // how many samples before and after a chunk SeparateAudio wants
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *SeparatedAudio) Reset() {
	*x = SeparatedAudio{}
	mi := &file_stage_proto_msgTypes[38]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *SeparatedAudio) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*SeparatedAudio) ProtoMessage() {}

func (x *SeparatedAudio) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[38]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use SeparatedAudio.ProtoReflect.Descriptor instead.
func (*SeparatedAudio) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{38}
}

func (x *SeparatedAudio) GetAudio() *Audio {
	if x != nil {
		return x.Audio
	}
	return nil
}

func (x *SeparatedAudio) GetChunk() uint64 {
	if x != nil {
		return x.Chunk
	}
	return 0
}

func (x *SeparatedAudio) GetReach() uint64 {
	if x != nil {
		return x.Reach
	}
	return 0
}

// Array is a run of numbers, either in the message or in shared memory.
type Array struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Data          []byte                 `protobuf:"bytes,1,opt,name=data,proto3" json:"data,omitempty"`      // the numbers, 8 bytes each, when offset is 0
	Offset        uint64                 `protobuf:"varint,2,opt,name=offset,proto3" json:"offset,omitempty"` // bytes from the beginning of the shared memory; ≥ 64
	Count         uint64                 `protobuf:"varint,3,opt,name=count,proto3" json:"count,omitempty"`   // how many numbers
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Array) Reset() {
	*x = Array{}
	mi := &file_stage_proto_msgTypes[39]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Array) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Array) ProtoMessage() {}

func (x *Array) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[39]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Array.ProtoReflect.Descriptor instead.
func (*Array) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{39}
}

func (x *Array) GetData() []byte {
	if x != nil {
		return x.Data
	}
	return nil
}

func (x *Array) GetOffset() uint64 {
	if x != nil {
		return x.Offset
	}
	return 0
}

func (x *Array) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

// ReadRequest asks the owner of a handle for numbers. Where numbers are given besides they
// are in from; to says, for each array of the answer, how many numbers there will be and, if
// they are to be written to shared memory, at which offset. The answer then has the same
// offset and count and no data. With offset 0 it has the data.
type ReadRequest struct {
	state  protoimpl.MessageState `protogen:"open.v1"`
	Handle uint64                 `protobuf:"varint,1,opt,name=handle,proto3" json:"handle,omitempty"`
	Call   *Call                  `protobuf:"bytes,2,opt,name=call,proto3" json:"call,omitempty"` // the host's; in questions, see Question.call
	From   []*Array               `protobuf:"bytes,3,rep,name=from,proto3" json:"from,omitempty"`
	To     []*Array               `protobuf:"bytes,4,rep,name=to,proto3" json:"to,omitempty"`
	// Types that are valid to be assigned to What:
	//
	//	*ReadRequest_Samples
	//	*ReadRequest_Spectrum
	//	*ReadRequest_Columns
	//	*ReadRequest_Forward
	//	*ReadRequest_Inverse
	//	*ReadRequest_Numbers
	//	*ReadRequest_Iterate
	//	*ReadRequest_Next
	//	*ReadRequest_Separate
	//	*ReadRequest_SeparateAudio
	What          isReadRequest_What `protobuf_oneof:"what"`
	Place         *Place             `protobuf:"bytes,15,opt,name=place,proto3" json:"place,omitempty"` // of Forward and Inverse, where it is known
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ReadRequest) Reset() {
	*x = ReadRequest{}
	mi := &file_stage_proto_msgTypes[40]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ReadRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ReadRequest) ProtoMessage() {}

func (x *ReadRequest) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[40]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ReadRequest.ProtoReflect.Descriptor instead.
func (*ReadRequest) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{40}
}

func (x *ReadRequest) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *ReadRequest) GetCall() *Call {
	if x != nil {
		return x.Call
	}
	return nil
}

func (x *ReadRequest) GetFrom() []*Array {
	if x != nil {
		return x.From
	}
	return nil
}

func (x *ReadRequest) GetTo() []*Array {
	if x != nil {
		return x.To
	}
	return nil
}

func (x *ReadRequest) GetWhat() isReadRequest_What {
	if x != nil {
		return x.What
	}
	return nil
}

func (x *ReadRequest) GetSamples() *Samples {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Samples); ok {
			return x.Samples
		}
	}
	return nil
}

func (x *ReadRequest) GetSpectrum() *Spectrum {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Spectrum); ok {
			return x.Spectrum
		}
	}
	return nil
}

func (x *ReadRequest) GetColumns() *Columns {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Columns); ok {
			return x.Columns
		}
	}
	return nil
}

func (x *ReadRequest) GetForward() *Forward {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Forward); ok {
			return x.Forward
		}
	}
	return nil
}

func (x *ReadRequest) GetInverse() *Inverse {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Inverse); ok {
			return x.Inverse
		}
	}
	return nil
}

func (x *ReadRequest) GetNumbers() *Numbers {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Numbers); ok {
			return x.Numbers
		}
	}
	return nil
}

func (x *ReadRequest) GetIterate() *Iterate {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Iterate); ok {
			return x.Iterate
		}
	}
	return nil
}

func (x *ReadRequest) GetNext() *Next {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Next); ok {
			return x.Next
		}
	}
	return nil
}

func (x *ReadRequest) GetSeparate() *Separate {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_Separate); ok {
			return x.Separate
		}
	}
	return nil
}

func (x *ReadRequest) GetSeparateAudio() *SeparateAudio {
	if x != nil {
		if x, ok := x.What.(*ReadRequest_SeparateAudio); ok {
			return x.SeparateAudio
		}
	}
	return nil
}

func (x *ReadRequest) GetPlace() *Place {
	if x != nil {
		return x.Place
	}
	return nil
}

type isReadRequest_What interface {
	isReadRequest_What()
}

type ReadRequest_Samples struct {
	Samples *Samples `protobuf:"bytes,5,opt,name=samples,proto3,oneof"`
}

type ReadRequest_Spectrum struct {
	Spectrum *Spectrum `protobuf:"bytes,6,opt,name=spectrum,proto3,oneof"`
}

type ReadRequest_Columns struct {
	Columns *Columns `protobuf:"bytes,7,opt,name=columns,proto3,oneof"`
}

type ReadRequest_Forward struct {
	Forward *Forward `protobuf:"bytes,8,opt,name=forward,proto3,oneof"`
}

type ReadRequest_Inverse struct {
	Inverse *Inverse `protobuf:"bytes,9,opt,name=inverse,proto3,oneof"`
}

type ReadRequest_Numbers struct {
	Numbers *Numbers `protobuf:"bytes,10,opt,name=numbers,proto3,oneof"`
}

type ReadRequest_Iterate struct {
	Iterate *Iterate `protobuf:"bytes,11,opt,name=iterate,proto3,oneof"`
}

type ReadRequest_Next struct {
	Next *Next `protobuf:"bytes,12,opt,name=next,proto3,oneof"`
}

type ReadRequest_Separate struct {
	Separate *Separate `protobuf:"bytes,13,opt,name=separate,proto3,oneof"`
}

type ReadRequest_SeparateAudio struct {
	SeparateAudio *SeparateAudio `protobuf:"bytes,14,opt,name=separate_audio,json=separateAudio,proto3,oneof"`
}

func (*ReadRequest_Samples) isReadRequest_What() {}

func (*ReadRequest_Spectrum) isReadRequest_What() {}

func (*ReadRequest_Columns) isReadRequest_What() {}

func (*ReadRequest_Forward) isReadRequest_What() {}

func (*ReadRequest_Inverse) isReadRequest_What() {}

func (*ReadRequest_Numbers) isReadRequest_What() {}

func (*ReadRequest_Iterate) isReadRequest_What() {}

func (*ReadRequest_Next) isReadRequest_What() {}

func (*ReadRequest_Separate) isReadRequest_What() {}

func (*ReadRequest_SeparateAudio) isReadRequest_What() {}

// Place says which frames Forward and Inverse are given: runs of frames first … first+count-1 of the
// recording, one for each layer or, where they are of separated sources, for each source of each
// layer: layer after layer, in each source after source. Frame i of all these is frame
// first + i%count of source (i/count)%sources in layer i/count/sources. A request has those from
// i = at on. No result may depend on it.
type Place struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	First         uint64                 `protobuf:"varint,1,opt,name=first,proto3" json:"first,omitempty"`
	Count         uint64                 `protobuf:"varint,2,opt,name=count,proto3" json:"count,omitempty"`
	Layers        uint64                 `protobuf:"varint,3,opt,name=layers,proto3" json:"layers,omitempty"`   // layer r*channels+c is channel c of realisation r
	Sources       uint64                 `protobuf:"varint,4,opt,name=sources,proto3" json:"sources,omitempty"` // 1 where the frames are of the recording itself
	At            uint64                 `protobuf:"varint,5,opt,name=at,proto3" json:"at,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Place) Reset() {
	*x = Place{}
	mi := &file_stage_proto_msgTypes[41]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Place) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Place) ProtoMessage() {}

func (x *Place) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[41]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Place.ProtoReflect.Descriptor instead.
func (*Place) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{41}
}

func (x *Place) GetFirst() uint64 {
	if x != nil {
		return x.First
	}
	return 0
}

func (x *Place) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

func (x *Place) GetLayers() uint64 {
	if x != nil {
		return x.Layers
	}
	return 0
}

func (x *Place) GetSources() uint64 {
	if x != nil {
		return x.Sources
	}
	return 0
}

func (x *Place) GetAt() uint64 {
	if x != nil {
		return x.At
	}
	return 0
}

type ReadReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Arrays        []*Array               `protobuf:"bytes,1,rep,name=arrays,proto3" json:"arrays,omitempty"`  // one for each of to
	Handle        uint64                 `protobuf:"varint,2,opt,name=handle,proto3" json:"handle,omitempty"` // of Iterate
	Block         *Block                 `protobuf:"bytes,3,opt,name=block,proto3" json:"block,omitempty"`    // of Next; missing at the end
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ReadReply) Reset() {
	*x = ReadReply{}
	mi := &file_stage_proto_msgTypes[42]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ReadReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ReadReply) ProtoMessage() {}

func (x *ReadReply) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[42]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ReadReply.ProtoReflect.Descriptor instead.
func (*ReadReply) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{42}
}

func (x *ReadReply) GetArrays() []*Array {
	if x != nil {
		return x.Arrays
	}
	return nil
}

func (x *ReadReply) GetHandle() uint64 {
	if x != nil {
		return x.Handle
	}
	return 0
}

func (x *ReadReply) GetBlock() *Block {
	if x != nil {
		return x.Block
	}
	return nil
}

// Samples of audio. To: L × count samples, layer after layer; zeros outside the recording.
type Samples struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	At            int64                  `protobuf:"zigzag64,1,opt,name=at,proto3" json:"at,omitempty"`     // index of the first sample; may be negative or past the end
	Count         uint64                 `protobuf:"varint,2,opt,name=count,proto3" json:"count,omitempty"` // how many of each layer
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Samples) Reset() {
	*x = Samples{}
	mi := &file_stage_proto_msgTypes[43]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Samples) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Samples) ProtoMessage() {}

func (x *Samples) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[43]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Samples.ProtoReflect.Descriptor instead.
func (*Samples) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{43}
}

func (x *Samples) GetAt() int64 {
	if x != nil {
		return x.At
	}
	return 0
}

func (x *Samples) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

// Spectrum of coefs. To: L × count × F real and, if they are complex, as many imaginary parts.
type Spectrum struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	First         uint64                 `protobuf:"varint,1,opt,name=first,proto3" json:"first,omitempty"` // frame
	Count         uint64                 `protobuf:"varint,2,opt,name=count,proto3" json:"count,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Spectrum) Reset() {
	*x = Spectrum{}
	mi := &file_stage_proto_msgTypes[44]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Spectrum) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Spectrum) ProtoMessage() {}

func (x *Spectrum) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[44]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Spectrum.ProtoReflect.Descriptor instead.
func (*Spectrum) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{44}
}

func (x *Spectrum) GetFirst() uint64 {
	if x != nil {
		return x.First
	}
	return 0
}

func (x *Spectrum) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

// Columns of power. To: F × count.
type Columns struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	First         uint64                 `protobuf:"varint,1,opt,name=first,proto3" json:"first,omitempty"`
	Count         uint64                 `protobuf:"varint,2,opt,name=count,proto3" json:"count,omitempty"`
	All           bool                   `protobuf:"varint,3,opt,name=all,proto3" json:"all,omitempty"` // the others will be wanted too
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Columns) Reset() {
	*x = Columns{}
	mi := &file_stage_proto_msgTypes[45]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Columns) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Columns) ProtoMessage() {}

func (x *Columns) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[45]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Columns.ProtoReflect.Descriptor instead.
func (*Columns) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{45}
}

func (x *Columns) GetFirst() uint64 {
	if x != nil {
		return x.First
	}
	return 0
}

func (x *Columns) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

func (x *Columns) GetAll() bool {
	if x != nil {
		return x.All
	}
	return false
}

// Forward of a transform. From: count × M samples. To: count × F, real and perhaps imaginary.
type Forward struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Count         uint64                 `protobuf:"varint,1,opt,name=count,proto3" json:"count,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Forward) Reset() {
	*x = Forward{}
	mi := &file_stage_proto_msgTypes[46]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Forward) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Forward) ProtoMessage() {}

func (x *Forward) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[46]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Forward.ProtoReflect.Descriptor instead.
func (*Forward) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{46}
}

func (x *Forward) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

// Inverse of a transform. From: count × F, real and perhaps imaginary. To: count × M.
type Inverse struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Count         uint64                 `protobuf:"varint,1,opt,name=count,proto3" json:"count,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Inverse) Reset() {
	*x = Inverse{}
	mi := &file_stage_proto_msgTypes[47]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Inverse) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Inverse) ProtoMessage() {}

func (x *Inverse) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[47]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Inverse.ProtoReflect.Descriptor instead.
func (*Inverse) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{47}
}

func (x *Inverse) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

// Numbers of a matrix, row by row. To: as many as wanted.
type Numbers struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	First         uint64                 `protobuf:"varint,1,opt,name=first,proto3" json:"first,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Numbers) Reset() {
	*x = Numbers{}
	mi := &file_stage_proto_msgTypes[48]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Numbers) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Numbers) ProtoMessage() {}

func (x *Numbers) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[48]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Numbers.ProtoReflect.Descriptor instead.
func (*Numbers) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{48}
}

func (x *Numbers) GetFirst() uint64 {
	if x != nil {
		return x.First
	}
	return 0
}

// Iterate begins to go through stems. The reply has a handle for Next, to be closed in the end.
type Iterate struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Iterate) Reset() {
	*x = Iterate{}
	mi := &file_stage_proto_msgTypes[49]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Iterate) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Iterate) ProtoMessage() {}

func (x *Iterate) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[49]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Iterate.ProtoReflect.Descriptor instead.
func (*Iterate) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{49}
}

// Next gives the next block of one source: all sources come as far before any goes on. To:
// room, which the block may leave a part of unused; if it has not enough the reply has no
// array but says how much is needed, and the block stays the next.
type Next struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Next) Reset() {
	*x = Next{}
	mi := &file_stage_proto_msgTypes[50]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Next) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Next) ProtoMessage() {}

func (x *Next) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[50]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Next.ProtoReflect.Descriptor instead.
func (*Next) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{50}
}

type Block struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Source        uint64                 `protobuf:"varint,1,opt,name=source,proto3" json:"source,omitempty"`   // index into names
	Samples       uint64                 `protobuf:"varint,2,opt,name=samples,proto3" json:"samples,omitempty"` // of each layer; the array has L × samples numbers, layer after layer
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Block) Reset() {
	*x = Block{}
	mi := &file_stage_proto_msgTypes[51]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Block) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Block) ProtoMessage() {}

func (x *Block) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[51]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Block.ProtoReflect.Descriptor instead.
func (*Block) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{51}
}

func (x *Block) GetSource() uint64 {
	if x != nil {
		return x.Source
	}
	return 0
}

func (x *Block) GetSamples() uint64 {
	if x != nil {
		return x.Samples
	}
	return 0
}

// Separate shares the coefficients of frames skip … skip+count-1 of those given out among
// the sources. What it makes of a frame depends on at most halo frames on either side; at
// the ends of the recording there are fewer. From: L × frames × F, real and perhaps
// imaginary. To: L × J × count × F: layer after layer, in each source after source. With rest the
// last source is left out: L × (J-1) × count × F.
type Separate struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	First         uint64                 `protobuf:"varint,1,opt,name=first,proto3" json:"first,omitempty"`   // index of the first frame given
	Frames        uint64                 `protobuf:"varint,2,opt,name=frames,proto3" json:"frames,omitempty"` // how many are given
	Skip          uint64                 `protobuf:"varint,3,opt,name=skip,proto3" json:"skip,omitempty"`
	Count         uint64                 `protobuf:"varint,4,opt,name=count,proto3" json:"count,omitempty"`
	Rest          bool                   `protobuf:"varint,5,opt,name=rest,proto3" json:"rest,omitempty"` // only of stems that say Separated.rest, and have two sources or more
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Separate) Reset() {
	*x = Separate{}
	mi := &file_stage_proto_msgTypes[52]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Separate) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Separate) ProtoMessage() {}

func (x *Separate) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[52]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Separate.ProtoReflect.Descriptor instead.
func (*Separate) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{52}
}

func (x *Separate) GetFirst() uint64 {
	if x != nil {
		return x.First
	}
	return 0
}

func (x *Separate) GetFrames() uint64 {
	if x != nil {
		return x.Frames
	}
	return 0
}

func (x *Separate) GetSkip() uint64 {
	if x != nil {
		return x.Skip
	}
	return 0
}

func (x *Separate) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

func (x *Separate) GetRest() bool {
	if x != nil {
		return x.Rest
	}
	return false
}

// SeparateAudio makes the sources of count samples. From: L × (reach + count + reach), zeros
// outside the recording. To: J × L × count: source after source, in each layer after layer.
type SeparateAudio struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	At            int64                  `protobuf:"zigzag64,1,opt,name=at,proto3" json:"at,omitempty"` // index of the first of the count samples
	Count         uint64                 `protobuf:"varint,2,opt,name=count,proto3" json:"count,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *SeparateAudio) Reset() {
	*x = SeparateAudio{}
	mi := &file_stage_proto_msgTypes[53]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *SeparateAudio) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*SeparateAudio) ProtoMessage() {}

func (x *SeparateAudio) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[53]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use SeparateAudio.ProtoReflect.Descriptor instead.
func (*SeparateAudio) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{53}
}

func (x *SeparateAudio) GetAt() int64 {
	if x != nil {
		return x.At
	}
	return 0
}

func (x *SeparateAudio) GetCount() uint64 {
	if x != nil {
		return x.Count
	}
	return 0
}

type Question struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	Id    uint64                 `protobuf:"varint,1,opt,name=id,proto3" json:"id,omitempty"`     // the plugin's; 0 where no answer is wanted
	Call  uint64                 `protobuf:"varint,2,opt,name=call,proto3" json:"call,omitempty"` // the id of the host's call in the course of which it is asked; 0: none
	// Types that are valid to be assigned to What:
	//
	//	*Question_Read
	//	*Question_Close
	//	*Question_Step
	//	*Question_Log
	//	*Question_Alive
	What          isQuestion_What `protobuf_oneof:"what"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Question) Reset() {
	*x = Question{}
	mi := &file_stage_proto_msgTypes[54]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Question) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Question) ProtoMessage() {}

func (x *Question) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[54]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Question.ProtoReflect.Descriptor instead.
func (*Question) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{54}
}

func (x *Question) GetId() uint64 {
	if x != nil {
		return x.Id
	}
	return 0
}

func (x *Question) GetCall() uint64 {
	if x != nil {
		return x.Call
	}
	return 0
}

func (x *Question) GetWhat() isQuestion_What {
	if x != nil {
		return x.What
	}
	return nil
}

func (x *Question) GetRead() *ReadRequest {
	if x != nil {
		if x, ok := x.What.(*Question_Read); ok {
			return x.Read
		}
	}
	return nil
}

func (x *Question) GetClose() *CloseRequest {
	if x != nil {
		if x, ok := x.What.(*Question_Close); ok {
			return x.Close
		}
	}
	return nil
}

func (x *Question) GetStep() *Step {
	if x != nil {
		if x, ok := x.What.(*Question_Step); ok {
			return x.Step
		}
	}
	return nil
}

func (x *Question) GetLog() *Log {
	if x != nil {
		if x, ok := x.What.(*Question_Log); ok {
			return x.Log
		}
	}
	return nil
}

func (x *Question) GetAlive() *Empty {
	if x != nil {
		if x, ok := x.What.(*Question_Alive); ok {
			return x.Alive
		}
	}
	return nil
}

type isQuestion_What interface {
	isQuestion_What()
}

type Question_Read struct {
	Read *ReadRequest `protobuf:"bytes,3,opt,name=read,proto3,oneof"`
}

type Question_Close struct {
	Close *CloseRequest `protobuf:"bytes,4,opt,name=close,proto3,oneof"` // without an answer; values only
}

type Question_Step struct {
	Step *Step `protobuf:"bytes,5,opt,name=step,proto3,oneof"` // without an answer: of a Run that is over, what it made being read
}

type Question_Log struct {
	Log *Log `protobuf:"bytes,6,opt,name=log,proto3,oneof"` // likewise
}

type Question_Alive struct {
	Alive *Empty `protobuf:"bytes,7,opt,name=alive,proto3,oneof"` // without an answer: a sign of life, of all calls that are open
}

func (*Question_Read) isQuestion_What() {}

func (*Question_Close) isQuestion_What() {}

func (*Question_Step) isQuestion_What() {}

func (*Question_Log) isQuestion_What() {}

func (*Question_Alive) isQuestion_What() {}

// Answer answers a Question. A call that fails because a question did says so: its status has
// the error's text, and its trailing metadata the question's id as audiosep-question. Then
// the host knows whose fault it is.
type Answer struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Id            uint64                 `protobuf:"varint,1,opt,name=id,proto3" json:"id,omitempty"`
	Reply         *ReadReply             `protobuf:"bytes,2,opt,name=reply,proto3" json:"reply,omitempty"`
	Error         string                 `protobuf:"bytes,3,opt,name=error,proto3" json:"error,omitempty"` // if not empty, what went wrong
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Answer) Reset() {
	*x = Answer{}
	mi := &file_stage_proto_msgTypes[55]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Answer) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Answer) ProtoMessage() {}

func (x *Answer) ProtoReflect() protoreflect.Message {
	mi := &file_stage_proto_msgTypes[55]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Answer.ProtoReflect.Descriptor instead.
func (*Answer) Descriptor() ([]byte, []int) {
	return file_stage_proto_rawDescGZIP(), []int{55}
}

func (x *Answer) GetId() uint64 {
	if x != nil {
		return x.Id
	}
	return 0
}

func (x *Answer) GetReply() *ReadReply {
	if x != nil {
		return x.Reply
	}
	return nil
}

func (x *Answer) GetError() string {
	if x != nil {
		return x.Error
	}
	return ""
}

var File_stage_proto protoreflect.FileDescriptor

const file_stage_proto_rawDesc = "" +
	"\n" +
	"\vstage.proto\x12\x12audiosep.plugin.v1\"\a\n" +
	"\x05Empty\"\x11\n" +
	"\x0fDescribeRequest\"\xb7\x01\n" +
	"\rDescribeReply\x12 \n" +
	"\vdefinitions\x18\x01 \x01(\tR\vdefinitions\x12\x18\n" +
	"\aversion\x18\x02 \x01(\tR\aversion\x12\x10\n" +
	"\x03sdk\x18\x03 \x01(\tR\x03sdk\x12#\n" +
	"\rshared_memory\x18\x04 \x01(\bR\fsharedMemory\x12\x12\n" +
	"\x04asks\x18\x05 \x01(\bR\x04asks\x12\x1f\n" +
	"\vone_process\x18\x06 \x01(\bR\n" +
	"oneProcess\"R\n" +
	"\fBuildRequest\x12\x14\n" +
	"\x05stage\x18\x01 \x01(\tR\x05stage\x12\x16\n" +
	"\x06params\x18\x02 \x01(\tR\x06params\x12\x14\n" +
	"\x05check\x18\x03 \x01(\bR\x05check\"\xe4\x01\n" +
	"\n" +
	"BuildReply\x12\x14\n" +
	"\x05stage\x18\x01 \x01(\x04R\x05stage\x126\n" +
	"\x06faults\x18\x02 \x03(\v2\x1e.audiosep.plugin.v1.ParamFaultR\x06faults\x12\x1a\n" +
	"\bprepares\x18\x03 \x01(\bR\bprepares\x12\x18\n" +
	"\acommits\x18\x04 \x01(\bR\acommits\x12\x1c\n" +
	"\twithdraws\x18\x05 \x01(\bR\twithdraws\x12\x16\n" +
	"\x06closes\x18\x06 \x01(\bR\x06closes\x12\x1c\n" +
	"\tforecasts\x18\a \x01(\bR\tforecasts\"H\n" +
	"\n" +
	"ParamFault\x12\x12\n" +
	"\x04name\x18\x01 \x01(\tR\x04name\x12\x12\n" +
	"\x04what\x18\x02 \x01(\tR\x04what\x12\x12\n" +
	"\x04hint\x18\x03 \x01(\tR\x04hint\"u\n" +
	"\x0fForecastRequest\x12\x14\n" +
	"\x05stage\x18\x01 \x01(\tR\x05stage\x12\x16\n" +
	"\x06params\x18\x02 \x01(\tR\x06params\x124\n" +
	"\x06inputs\x18\x03 \x03(\v2\x1c.audiosep.plugin.v1.ForecastR\x06inputs\"\x7f\n" +
	"\rForecastReply\x126\n" +
	"\aoutputs\x18\x01 \x03(\v2\x1c.audiosep.plugin.v1.ForecastR\aoutputs\x126\n" +
	"\x06faults\x18\x02 \x03(\v2\x1e.audiosep.plugin.v1.ParamFaultR\x06faults\"L\n" +
	"\bForecast\x12\x12\n" +
	"\x04port\x18\x01 \x01(\tR\x04port\x12\x12\n" +
	"\x04rank\x18\x02 \x01(\x04R\x04rank\x12\x18\n" +
	"\asources\x18\x03 \x03(\tR\asources\"\xb4\x01\n" +
	"\x0ePrepareRequest\x12\x14\n" +
	"\x05stage\x18\x01 \x01(\x04R\x05stage\x12,\n" +
	"\x04call\x18\x02 \x01(\v2\x18.audiosep.plugin.v1.CallR\x04call\x12,\n" +
	"\x04head\x18\x03 \x01(\v2\x18.audiosep.plugin.v1.HeadR\x04head\x12\x18\n" +
	"\asources\x18\x04 \x03(\tR\asources\x12\x16\n" +
	"\x06inputs\x18\x05 \x03(\tR\x06inputs\",\n" +
	"\x04Call\x12\x0e\n" +
	"\x02id\x18\x01 \x01(\x04R\x02id\x12\x14\n" +
	"\x05block\x18\x02 \x01(\x04R\x05block\"\xad\x01\n" +
	"\n" +
	"RunRequest\x12\x14\n" +
	"\x05stage\x18\x01 \x01(\x04R\x05stage\x12,\n" +
	"\x04call\x18\x02 \x01(\v2\x18.audiosep.plugin.v1.CallR\x04call\x12)\n" +
	"\x03env\x18\x03 \x01(\v2\x17.audiosep.plugin.v1.EnvR\x03env\x120\n" +
	"\x06inputs\x18\x04 \x03(\v2\x18.audiosep.plugin.v1.PortR\x06inputs\"y\n" +
	"\x03Env\x12\x12\n" +
	"\x04seed\x18\x01 \x01(\x04R\x04seed\x12\x10\n" +
	"\x03log\x18\x02 \x01(\bR\x03log\x12\x1a\n" +
	"\bprogress\x18\x03 \x01(\bR\bprogress\x120\n" +
	"\x06wiring\x18\x04 \x03(\v2\x18.audiosep.plugin.v1.WireR\x06wiring\"2\n" +
	"\x04Wire\x12\x12\n" +
	"\x04port\x18\x01 \x01(\tR\x04port\x12\x16\n" +
	"\x06stages\x18\x02 \x03(\tR\x06stages\"M\n" +
	"\x04Port\x12\x12\n" +
	"\x04name\x18\x01 \x01(\tR\x04name\x121\n" +
	"\x06values\x18\x02 \x03(\v2\x19.audiosep.plugin.v1.ValueR\x06values\"\xa5\x01\n" +
	"\bRunReply\x12.\n" +
	"\x04step\x18\x01 \x01(\v2\x18.audiosep.plugin.v1.StepH\x00R\x04step\x12+\n" +
	"\x03log\x18\x02 \x01(\v2\x17.audiosep.plugin.v1.LogH\x00R\x03log\x124\n" +
	"\x06result\x18\x03 \x01(\v2\x1a.audiosep.plugin.v1.ResultH\x00R\x06resultB\x06\n" +
	"\x04part\"H\n" +
	"\x04Step\x12\x12\n" +
	"\x04done\x18\x01 \x01(\x04R\x04done\x12\x0e\n" +
	"\x02of\x18\x02 \x01(\x04R\x02of\x12\x1c\n" +
	"\tobjective\x18\x03 \x01(\x01R\tobjective\"/\n" +
	"\x03Log\x12\x14\n" +
	"\x05level\x18\x01 \x01(\x05R\x05level\x12\x12\n" +
	"\x04text\x18\x02 \x01(\tR\x04text\"<\n" +
	"\x06Result\x122\n" +
	"\aoutputs\x18\x01 \x03(\v2\x18.audiosep.plugin.v1.PortR\aoutputs\"R\n" +
	"\fStageRequest\x12\x14\n" +
	"\x05stage\x18\x01 \x01(\x04R\x05stage\x12,\n" +
	"\x04call\x18\x02 \x01(\v2\x18.audiosep.plugin.v1.CallR\x04call\"P\n" +
	"\fCloseRequest\x12\x14\n" +
	"\x05stage\x18\x01 \x01(\x04R\x05stage\x12\x16\n" +
	"\x06values\x18\x02 \x03(\x04R\x06values\x12\x12\n" +
	"\x04kept\x18\x03 \x03(\x04R\x04kept\"\xc7\x03\n" +
	"\x05Value\x121\n" +
	"\x05audio\x18\x01 \x01(\v2\x19.audiosep.plugin.v1.AudioH\x00R\x05audio\x124\n" +
	"\x06frames\x18\x02 \x01(\v2\x1a.audiosep.plugin.v1.FramesH\x00R\x06frames\x121\n" +
	"\x05coefs\x18\x03 \x01(\v2\x19.audiosep.plugin.v1.CoefsH\x00R\x05coefs\x121\n" +
	"\x05power\x18\x04 \x01(\v2\x19.audiosep.plugin.v1.PowerH\x00R\x05power\x12C\n" +
	"\ttransform\x18\x05 \x01(\v2#.audiosep.plugin.v1.FittedTransformH\x00R\ttransform\x127\n" +
	"\afactors\x18\x06 \x01(\v2\x1b.audiosep.plugin.v1.FactorsH\x00R\afactors\x121\n" +
	"\x05notes\x18\a \x01(\v2\x19.audiosep.plugin.v1.NotesH\x00R\x05notes\x125\n" +
	"\asources\x18\b \x01(\v2\x19.audiosep.plugin.v1.StemsH\x00R\asourcesB\a\n" +
	"\x05cargo\"\xf0\x01\n" +
	"\x04Head\x12\x12\n" +
	"\x04rate\x18\x01 \x01(\x04R\x04rate\x12\x18\n" +
	"\asamples\x18\x02 \x01(\x04R\asamples\x12\x1a\n" +
	"\bchannels\x18\x03 \x01(\x04R\bchannels\x12\"\n" +
	"\frealisations\x18\x04 \x01(\x04R\frealisations\x12\x14\n" +
	"\x05names\x18\x05 \x03(\tR\x05names\x12\x1a\n" +
	"\bencoding\x18\x06 \x01(\tR\bencoding\x12\x1a\n" +
	"\bspeakers\x18\a \x01(\rR\bspeakers\x12,\n" +
	"\x04tags\x18\b \x03(\v2\x18.audiosep.plugin.v1.TagsR\x04tags\"4\n" +
	"\x04Tags\x12\x14\n" +
	"\x05names\x18\x01 \x03(\tR\x05names\x12\x16\n" +
	"\x06values\x18\x02 \x03(\tR\x06values\"c\n" +
	"\x05Audio\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12,\n" +
	"\x04head\x18\x03 \x01(\v2\x18.audiosep.plugin.v1.HeadR\x04head\"\xc3\x01\n" +
	"\aFraming\x12,\n" +
	"\x04head\x18\x01 \x01(\v2\x18.audiosep.plugin.v1.HeadR\x04head\x12\x16\n" +
	"\x06length\x18\x02 \x01(\x04R\x06length\x12\x10\n" +
	"\x03hop\x18\x03 \x01(\x04R\x03hop\x12\x10\n" +
	"\x03pad\x18\x04 \x01(\x04R\x03pad\x12\x14\n" +
	"\x05share\x18\x05 \x01(\x04R\x05share\x12\x1a\n" +
	"\banalysis\x18\x06 \x01(\fR\banalysis\x12\x1c\n" +
	"\tsynthesis\x18\a \x01(\fR\tsynthesis\"\x9e\x01\n" +
	"\x06Frames\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12/\n" +
	"\x05audio\x18\x03 \x01(\v2\x19.audiosep.plugin.v1.AudioR\x05audio\x125\n" +
	"\aframing\x18\x04 \x01(\v2\x1b.audiosep.plugin.v1.FramingR\aframing\"\xcf\x01\n" +
	"\tTransform\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12\x16\n" +
	"\x06length\x18\x03 \x01(\x04R\x06length\x12\x12\n" +
	"\x04bins\x18\x04 \x01(\x04R\x04bins\x12\x18\n" +
	"\acomplex\x18\x05 \x01(\bR\acomplex\x12 \n" +
	"\vfrequencies\x18\x06 \x01(\fR\vfrequencies\x12,\n" +
	"\x03phi\x18\a \x01(\v2\x1a.audiosep.plugin.v1.MatrixR\x03phi\"\xb3\x01\n" +
	"\x0fFittedTransform\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12;\n" +
	"\ttransform\x18\x03 \x01(\v2\x1d.audiosep.plugin.v1.TransformR\ttransform\x125\n" +
	"\aframing\x18\x04 \x01(\v2\x1b.audiosep.plugin.v1.FramingR\aframing\"\xdd\x01\n" +
	"\x05Coefs\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12;\n" +
	"\ttransform\x18\x03 \x01(\v2\x1d.audiosep.plugin.v1.TransformR\ttransform\x122\n" +
	"\x06frames\x18\x04 \x01(\v2\x1a.audiosep.plugin.v1.FramesR\x06frames\x125\n" +
	"\aframing\x18\x05 \x01(\v2\x1b.audiosep.plugin.v1.FramingR\aframing\"\xc1\x01\n" +
	"\x05Power\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12/\n" +
	"\x05coefs\x18\x03 \x01(\v2\x19.audiosep.plugin.v1.CoefsR\x05coefs\x125\n" +
	"\aframing\x18\x04 \x01(\v2\x1b.audiosep.plugin.v1.FramingR\aframing\x12\x12\n" +
	"\x04bins\x18\x05 \x01(\x04R\x04bins\x12\x0e\n" +
	"\x02hz\x18\x06 \x01(\fR\x02hz\"v\n" +
	"\x06Matrix\x12\x12\n" +
	"\x04rows\x18\x01 \x01(\x04R\x04rows\x12\x18\n" +
	"\acolumns\x18\x02 \x01(\x04R\acolumns\x12\x12\n" +
	"\x04data\x18\x03 \x01(\fR\x04data\x12\x16\n" +
	"\x06handle\x18\x04 \x01(\x04R\x06handle\x12\x12\n" +
	"\x04keep\x18\x05 \x01(\bR\x04keep\"\xc5\x02\n" +
	"\aFactors\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12(\n" +
	"\x01w\x18\x03 \x01(\v2\x1a.audiosep.plugin.v1.MatrixR\x01w\x12(\n" +
	"\x01h\x18\x04 \x01(\v2\x1a.audiosep.plugin.v1.MatrixR\x01h\x12\x1c\n" +
	"\tobjective\x18\x05 \x01(\fR\tobjective\x12\x1a\n" +
	"\brestarts\x18\x06 \x01(\fR\brestarts\x12\x12\n" +
	"\x04stop\x18\a \x01(\tR\x04stop\x123\n" +
	"\asources\x18\b \x03(\v2\x19.audiosep.plugin.v1.GroupR\asources\x125\n" +
	"\aframing\x18\t \x01(\v2\x1b.audiosep.plugin.v1.FramingR\aframing\";\n" +
	"\x05Group\x12\x12\n" +
	"\x04name\x18\x01 \x01(\tR\x04name\x12\x1e\n" +
	"\n" +
	"components\x18\x02 \x03(\x04R\n" +
	"components\"7\n" +
	"\x05Notes\x12.\n" +
	"\x05notes\x18\x01 \x03(\v2\x18.audiosep.plugin.v1.NoteR\x05notes\"~\n" +
	"\x04Note\x12\x14\n" +
	"\x05onset\x18\x01 \x01(\x01R\x05onset\x12\x16\n" +
	"\x06offset\x18\x02 \x01(\x01R\x06offset\x12\x14\n" +
	"\x05pitch\x18\x03 \x01(\x01R\x05pitch\x12\x16\n" +
	"\x06source\x18\x04 \x01(\tR\x06source\x12\x1a\n" +
	"\bvelocity\x18\x05 \x01(\x01R\bvelocity\"\xb6\x02\n" +
	"\x05Stems\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12\x14\n" +
	"\x05yours\x18\x02 \x01(\bR\x05yours\x12,\n" +
	"\x04head\x18\x03 \x01(\v2\x18.audiosep.plugin.v1.HeadR\x04head\x12\x14\n" +
	"\x05names\x18\x04 \x03(\tR\x05names\x121\n" +
	"\x06groups\x18\x05 \x03(\v2\x19.audiosep.plugin.v1.GroupR\x06groups\x12;\n" +
	"\tseparated\x18\x06 \x01(\v2\x1d.audiosep.plugin.v1.SeparatedR\tseparated\x12K\n" +
	"\x0fseparated_audio\x18\a \x01(\v2\".audiosep.plugin.v1.SeparatedAudioR\x0eseparatedAudio\"d\n" +
	"\tSeparated\x12/\n" +
	"\x05coefs\x18\x01 \x01(\v2\x19.audiosep.plugin.v1.CoefsR\x05coefs\x12\x12\n" +
	"\x04halo\x18\x02 \x01(\x04R\x04halo\x12\x12\n" +
	"\x04rest\x18\x03 \x01(\bR\x04rest\"m\n" +
	"\x0eSeparatedAudio\x12/\n" +
	"\x05audio\x18\x01 \x01(\v2\x19.audiosep.plugin.v1.AudioR\x05audio\x12\x14\n" +
	"\x05chunk\x18\x02 \x01(\x04R\x05chunk\x12\x14\n" +
	"\x05reach\x18\x03 \x01(\x04R\x05reach\"I\n" +
	"\x05Array\x12\x12\n" +
	"\x04data\x18\x01 \x01(\fR\x04data\x12\x16\n" +
	"\x06offset\x18\x02 \x01(\x04R\x06offset\x12\x14\n" +
	"\x05count\x18\x03 \x01(\x04R\x05count\"\xb0\x06\n" +
	"\vReadRequest\x12\x16\n" +
	"\x06handle\x18\x01 \x01(\x04R\x06handle\x12,\n" +
	"\x04call\x18\x02 \x01(\v2\x18.audiosep.plugin.v1.CallR\x04call\x12-\n" +
	"\x04from\x18\x03 \x03(\v2\x19.audiosep.plugin.v1.ArrayR\x04from\x12)\n" +
	"\x02to\x18\x04 \x03(\v2\x19.audiosep.plugin.v1.ArrayR\x02to\x127\n" +
	"\asamples\x18\x05 \x01(\v2\x1b.audiosep.plugin.v1.SamplesH\x00R\asamples\x12:\n" +
	"\bspectrum\x18\x06 \x01(\v2\x1c.audiosep.plugin.v1.SpectrumH\x00R\bspectrum\x127\n" +
	"\acolumns\x18\a \x01(\v2\x1b.audiosep.plugin.v1.ColumnsH\x00R\acolumns\x127\n" +
	"\aforward\x18\b \x01(\v2\x1b.audiosep.plugin.v1.ForwardH\x00R\aforward\x127\n" +
	"\ainverse\x18\t \x01(\v2\x1b.audiosep.plugin.v1.InverseH\x00R\ainverse\x127\n" +
	"\anumbers\x18\n" +
	" \x01(\v2\x1b.audiosep.plugin.v1.NumbersH\x00R\anumbers\x127\n" +
	"\aiterate\x18\v \x01(\v2\x1b.audiosep.plugin.v1.IterateH\x00R\aiterate\x12.\n" +
	"\x04next\x18\f \x01(\v2\x18.audiosep.plugin.v1.NextH\x00R\x04next\x12:\n" +
	"\bseparate\x18\r \x01(\v2\x1c.audiosep.plugin.v1.SeparateH\x00R\bseparate\x12J\n" +
	"\x0eseparate_audio\x18\x0e \x01(\v2!.audiosep.plugin.v1.SeparateAudioH\x00R\rseparateAudio\x12/\n" +
	"\x05place\x18\x0f \x01(\v2\x19.audiosep.plugin.v1.PlaceR\x05placeB\x06\n" +
	"\x04what\"u\n" +
	"\x05Place\x12\x14\n" +
	"\x05first\x18\x01 \x01(\x04R\x05first\x12\x14\n" +
	"\x05count\x18\x02 \x01(\x04R\x05count\x12\x16\n" +
	"\x06layers\x18\x03 \x01(\x04R\x06layers\x12\x18\n" +
	"\asources\x18\x04 \x01(\x04R\asources\x12\x0e\n" +
	"\x02at\x18\x05 \x01(\x04R\x02at\"\x87\x01\n" +
	"\tReadReply\x121\n" +
	"\x06arrays\x18\x01 \x03(\v2\x19.audiosep.plugin.v1.ArrayR\x06arrays\x12\x16\n" +
	"\x06handle\x18\x02 \x01(\x04R\x06handle\x12/\n" +
	"\x05block\x18\x03 \x01(\v2\x19.audiosep.plugin.v1.BlockR\x05block\"/\n" +
	"\aSamples\x12\x0e\n" +
	"\x02at\x18\x01 \x01(\x12R\x02at\x12\x14\n" +
	"\x05count\x18\x02 \x01(\x04R\x05count\"6\n" +
	"\bSpectrum\x12\x14\n" +
	"\x05first\x18\x01 \x01(\x04R\x05first\x12\x14\n" +
	"\x05count\x18\x02 \x01(\x04R\x05count\"G\n" +
	"\aColumns\x12\x14\n" +
	"\x05first\x18\x01 \x01(\x04R\x05first\x12\x14\n" +
	"\x05count\x18\x02 \x01(\x04R\x05count\x12\x10\n" +
	"\x03all\x18\x03 \x01(\bR\x03all\"\x1f\n" +
	"\aForward\x12\x14\n" +
	"\x05count\x18\x01 \x01(\x04R\x05count\"\x1f\n" +
	"\aInverse\x12\x14\n" +
	"\x05count\x18\x01 \x01(\x04R\x05count\"\x1f\n" +
	"\aNumbers\x12\x14\n" +
	"\x05first\x18\x01 \x01(\x04R\x05first\"\t\n" +
	"\aIterate\"\x06\n" +
	"\x04Next\"9\n" +
	"\x05Block\x12\x16\n" +
	"\x06source\x18\x01 \x01(\x04R\x06source\x12\x18\n" +
	"\asamples\x18\x02 \x01(\x04R\asamples\"v\n" +
	"\bSeparate\x12\x14\n" +
	"\x05first\x18\x01 \x01(\x04R\x05first\x12\x16\n" +
	"\x06frames\x18\x02 \x01(\x04R\x06frames\x12\x12\n" +
	"\x04skip\x18\x03 \x01(\x04R\x04skip\x12\x14\n" +
	"\x05count\x18\x04 \x01(\x04R\x05count\x12\x12\n" +
	"\x04rest\x18\x05 \x01(\bR\x04rest\"5\n" +
	"\rSeparateAudio\x12\x0e\n" +
	"\x02at\x18\x01 \x01(\x12R\x02at\x12\x14\n" +
	"\x05count\x18\x02 \x01(\x04R\x05count\"\xb7\x02\n" +
	"\bQuestion\x12\x0e\n" +
	"\x02id\x18\x01 \x01(\x04R\x02id\x12\x12\n" +
	"\x04call\x18\x02 \x01(\x04R\x04call\x125\n" +
	"\x04read\x18\x03 \x01(\v2\x1f.audiosep.plugin.v1.ReadRequestH\x00R\x04read\x128\n" +
	"\x05close\x18\x04 \x01(\v2 .audiosep.plugin.v1.CloseRequestH\x00R\x05close\x12.\n" +
	"\x04step\x18\x05 \x01(\v2\x18.audiosep.plugin.v1.StepH\x00R\x04step\x12+\n" +
	"\x03log\x18\x06 \x01(\v2\x17.audiosep.plugin.v1.LogH\x00R\x03log\x121\n" +
	"\x05alive\x18\a \x01(\v2\x19.audiosep.plugin.v1.EmptyH\x00R\x05aliveB\x06\n" +
	"\x04what\"c\n" +
	"\x06Answer\x12\x0e\n" +
	"\x02id\x18\x01 \x01(\x04R\x02id\x123\n" +
	"\x05reply\x18\x02 \x01(\v2\x1d.audiosep.plugin.v1.ReadReplyR\x05reply\x12\x14\n" +
	"\x05error\x18\x03 \x01(\tR\x05error2\xef\x05\n" +
	"\x06Plugin\x12R\n" +
	"\bDescribe\x12#.audiosep.plugin.v1.DescribeRequest\x1a!.audiosep.plugin.v1.DescribeReply\x12I\n" +
	"\x05Build\x12 .audiosep.plugin.v1.BuildRequest\x1a\x1e.audiosep.plugin.v1.BuildReply\x12R\n" +
	"\bForecast\x12#.audiosep.plugin.v1.ForecastRequest\x1a!.audiosep.plugin.v1.ForecastReply\x12H\n" +
	"\aPrepare\x12\".audiosep.plugin.v1.PrepareRequest\x1a\x19.audiosep.plugin.v1.Empty\x12E\n" +
	"\x03Run\x12\x1e.audiosep.plugin.v1.RunRequest\x1a\x1c.audiosep.plugin.v1.RunReply0\x01\x12F\n" +
	"\x04Read\x12\x1f.audiosep.plugin.v1.ReadRequest\x1a\x1d.audiosep.plugin.v1.ReadReply\x12E\n" +
	"\x06Commit\x12 .audiosep.plugin.v1.StageRequest\x1a\x19.audiosep.plugin.v1.Empty\x12G\n" +
	"\bWithdraw\x12 .audiosep.plugin.v1.StageRequest\x1a\x19.audiosep.plugin.v1.Empty\x12D\n" +
	"\x05Close\x12 .audiosep.plugin.v1.CloseRequest\x1a\x19.audiosep.plugin.v1.Empty\x12C\n" +
	"\x03Ask\x12\x1a.audiosep.plugin.v1.Answer\x1a\x1c.audiosep.plugin.v1.Question(\x010\x01B+Z)github.com/audiosep/audiosep/plugins/wireb\x06proto3"

var (
	file_stage_proto_rawDescOnce sync.Once
	file_stage_proto_rawDescData []byte
)

func file_stage_proto_rawDescGZIP() []byte {
	file_stage_proto_rawDescOnce.Do(func() {
		file_stage_proto_rawDescData = protoimpl.X.CompressGZIP(unsafe.Slice(unsafe.StringData(file_stage_proto_rawDesc), len(file_stage_proto_rawDesc)))
	})
	return file_stage_proto_rawDescData
}

var file_stage_proto_msgTypes = make([]protoimpl.MessageInfo, 56)
var file_stage_proto_goTypes = []any{
	(*Empty)(nil),           // 0: audiosep.plugin.v1.Empty
	(*DescribeRequest)(nil), // 1: audiosep.plugin.v1.DescribeRequest
	(*DescribeReply)(nil),   // 2: audiosep.plugin.v1.DescribeReply
	(*BuildRequest)(nil),    // 3: audiosep.plugin.v1.BuildRequest
	(*BuildReply)(nil),      // 4: audiosep.plugin.v1.BuildReply
	(*ParamFault)(nil),      // 5: audiosep.plugin.v1.ParamFault
	(*ForecastRequest)(nil), // 6: audiosep.plugin.v1.ForecastRequest
	(*ForecastReply)(nil),   // 7: audiosep.plugin.v1.ForecastReply
	(*Forecast)(nil),        // 8: audiosep.plugin.v1.Forecast
	(*PrepareRequest)(nil),  // 9: audiosep.plugin.v1.PrepareRequest
	(*Call)(nil),            // 10: audiosep.plugin.v1.Call
	(*RunRequest)(nil),      // 11: audiosep.plugin.v1.RunRequest
	(*Env)(nil),             // 12: audiosep.plugin.v1.Env
	(*Wire)(nil),            // 13: audiosep.plugin.v1.Wire
	(*Port)(nil),            // 14: audiosep.plugin.v1.Port
	(*RunReply)(nil),        // 15: audiosep.plugin.v1.RunReply
	(*Step)(nil),            // 16: audiosep.plugin.v1.Step
	(*Log)(nil),             // 17: audiosep.plugin.v1.Log
	(*Result)(nil),          // 18: audiosep.plugin.v1.Result
	(*StageRequest)(nil),    // 19: audiosep.plugin.v1.StageRequest
	(*CloseRequest)(nil),    // 20: audiosep.plugin.v1.CloseRequest
	(*Value)(nil),           // 21: audiosep.plugin.v1.Value
	(*Head)(nil),            // 22: audiosep.plugin.v1.Head
	(*Tags)(nil),            // 23: audiosep.plugin.v1.Tags
	(*Audio)(nil),           // 24: audiosep.plugin.v1.Audio
	(*Framing)(nil),         // 25: audiosep.plugin.v1.Framing
	(*Frames)(nil),          // 26: audiosep.plugin.v1.Frames
	(*Transform)(nil),       // 27: audiosep.plugin.v1.Transform
	(*FittedTransform)(nil), // 28: audiosep.plugin.v1.FittedTransform
	(*Coefs)(nil),           // 29: audiosep.plugin.v1.Coefs
	(*Power)(nil),           // 30: audiosep.plugin.v1.Power
	(*Matrix)(nil),          // 31: audiosep.plugin.v1.Matrix
	(*Factors)(nil),         // 32: audiosep.plugin.v1.Factors
	(*Group)(nil),           // 33: audiosep.plugin.v1.Group
	(*Notes)(nil),           // 34: audiosep.plugin.v1.Notes
	(*Note)(nil),            // 35: audiosep.plugin.v1.Note
	(*Stems)(nil),           // 36: audiosep.plugin.v1.Stems
	(*Separated)(nil),       // 37: audiosep.plugin.v1.Separated
	(*SeparatedAudio)(nil),  // 38: audiosep.plugin.v1.SeparatedAudio
	(*Array)(nil),           // 39: audiosep.plugin.v1.Array
	(*ReadRequest)(nil),     // 40: audiosep.plugin.v1.ReadRequest
	(*Place)(nil),           // 41: audiosep.plugin.v1.Place
	(*ReadReply)(nil),       // 42: audiosep.plugin.v1.ReadReply
	(*Samples)(nil),         // 43: audiosep.plugin.v1.Samples
	(*Spectrum)(nil),        // 44: audiosep.plugin.v1.Spectrum
	(*Columns)(nil),         // 45: audiosep.plugin.v1.Columns
	(*Forward)(nil),         // 46: audiosep.plugin.v1.Forward
	(*Inverse)(nil),         // 47: audiosep.plugin.v1.Inverse
	(*Numbers)(nil),         // 48: audiosep.plugin.v1.Numbers
	(*Iterate)(nil),         // 49: audiosep.plugin.v1.Iterate
	(*Next)(nil),            // 50: audiosep.plugin.v1.Next
	(*Block)(nil),           // 51: audiosep.plugin.v1.Block
	(*Separate)(nil),        // 52: audiosep.plugin.v1.Separate
	(*SeparateAudio)(nil),   // 53: audiosep.plugin.v1.SeparateAudio
	(*Question)(nil),        // 54: audiosep.plugin.v1.Question
	(*Answer)(nil),          // 55: audiosep.plugin.v1.Answer
}
var file_stage_proto_depIdxs = []int32{
	5,  // 0: audiosep.plugin.v1.BuildReply.faults:type_name -> audiosep.plugin.v1.ParamFault
	8,  // 1: audiosep.plugin.v1.ForecastRequest.inputs:type_name -> audiosep.plugin.v1.Forecast
	8,  // 2: audiosep.plugin.v1.ForecastReply.outputs:type_name -> audiosep.plugin.v1.Forecast
	5,  // 3: audiosep.plugin.v1.ForecastReply.faults:type_name -> audiosep.plugin.v1.ParamFault
	10, // 4: audiosep.plugin.v1.PrepareRequest.call:type_name -> audiosep.plugin.v1.Call
	22, // 5: audiosep.plugin.v1.PrepareRequest.head:type_name -> audiosep.plugin.v1.Head
	10, // 6: audiosep.plugin.v1.RunRequest.call:type_name -> audiosep.plugin.v1.Call
	12, // 7: audiosep.plugin.v1.RunRequest.env:type_name -> audiosep.plugin.v1.Env
	14, // 8: audiosep.plugin.v1.RunRequest.inputs:type_name -> audiosep.plugin.v1.Port
	13, // 9: audiosep.plugin.v1.Env.wiring:type_name -> audiosep.plugin.v1.Wire
	21, // 10: audiosep.plugin.v1.Port.values:type_name -> audiosep.plugin.v1.Value
	16, // 11: audiosep.plugin.v1.RunReply.step:type_name -> audiosep.plugin.v1.Step
	17, // 12: audiosep.plugin.v1.RunReply.log:type_name -> audiosep.plugin.v1.Log
	18, // 13: audiosep.plugin.v1.RunReply.result:type_name -> audiosep.plugin.v1.Result
	14, // 14: audiosep.plugin.v1.Result.outputs:type_name -> audiosep.plugin.v1.Port
	10, // 15: audiosep.plugin.v1.StageRequest.call:type_name -> audiosep.plugin.v1.Call
	24, // 16: audiosep.plugin.v1.Value.audio:type_name -> audiosep.plugin.v1.Audio
	26, // 17: audiosep.plugin.v1.Value.frames:type_name -> audiosep.plugin.v1.Frames
	29, // 18: audiosep.plugin.v1.Value.coefs:type_name -> audiosep.plugin.v1.Coefs
	30, // 19: audiosep.plugin.v1.Value.power:type_name -> audiosep.plugin.v1.Power
	28, // 20: audiosep.plugin.v1.Value.transform:type_name -> audiosep.plugin.v1.FittedTransform
	32, // 21: audiosep.plugin.v1.Value.factors:type_name -> audiosep.plugin.v1.Factors
	34, // 22: audiosep.plugin.v1.Value.notes:type_name -> audiosep.plugin.v1.Notes
	36, // 23: audiosep.plugin.v1.Value.sources:type_name -> audiosep.plugin.v1.Stems
	23, // 24: audiosep.plugin.v1.Head.tags:type_name -> audiosep.plugin.v1.Tags
	22, // 25: audiosep.plugin.v1.Audio.head:type_name -> audiosep.plugin.v1.Head
	22, // 26: audiosep.plugin.v1.Framing.head:type_name -> audiosep.plugin.v1.Head
	24, // 27: audiosep.plugin.v1.Frames.audio:type_name -> audiosep.plugin.v1.Audio
	25, // 28: audiosep.plugin.v1.Frames.framing:type_name -> audiosep.plugin.v1.Framing
	31, // 29: audiosep.plugin.v1.Transform.phi:type_name -> audiosep.plugin.v1.Matrix
	27, // 30: audiosep.plugin.v1.FittedTransform.transform:type_name -> audiosep.plugin.v1.Transform
	25, // 31: audiosep.plugin.v1.FittedTransform.framing:type_name -> audiosep.plugin.v1.Framing
	27, // 32: audiosep.plugin.v1.Coefs.transform:type_name -> audiosep.plugin.v1.Transform
	26, // 33: audiosep.plugin.v1.Coefs.frames:type_name -> audiosep.plugin.v1.Frames
	25, // 34: audiosep.plugin.v1.Coefs.framing:type_name -> audiosep.plugin.v1.Framing
	29, // 35: audiosep.plugin.v1.Power.coefs:type_name -> audiosep.plugin.v1.Coefs
	25, // 36: audiosep.plugin.v1.Power.framing:type_name -> audiosep.plugin.v1.Framing
	31, // 37: audiosep.plugin.v1.Factors.w:type_name -> audiosep.plugin.v1.Matrix
	31, // 38: audiosep.plugin.v1.Factors.h:type_name -> audiosep.plugin.v1.Matrix
	33, // 39: audiosep.plugin.v1.Factors.sources:type_name -> audiosep.plugin.v1.Group
	25, // 40: audiosep.plugin.v1.Factors.framing:type_name -> audiosep.plugin.v1.Framing
	35, // 41: audiosep.plugin.v1.Notes.notes:type_name -> audiosep.plugin.v1.Note
	22, // 42: audiosep.plugin.v1.Stems.head:type_name -> audiosep.plugin.v1.Head
	33, // 43: audiosep.plugin.v1.Stems.groups:type_name -> audiosep.plugin.v1.Group
	37, // 44: audiosep.plugin.v1.Stems.separated:type_name -> audiosep.plugin.v1.Separated
	38, // 45: audiosep.plugin.v1.Stems.separated_audio:type_name -> audiosep.plugin.v1.SeparatedAudio
	29, // 46: audiosep.plugin.v1.Separated.coefs:type_name -> audiosep.plugin.v1.Coefs
	24, // 47: audiosep.plugin.v1.SeparatedAudio.audio:type_name -> audiosep.plugin.v1.Audio
	10, // 48: audiosep.plugin.v1.ReadRequest.call:type_name -> audiosep.plugin.v1.Call
	39, // 49: audiosep.plugin.v1.ReadRequest.from:type_name -> audiosep.plugin.v1.Array
	39, // 50: audiosep.plugin.v1.ReadRequest.to:type_name -> audiosep.plugin.v1.Array
	43, // 51: audiosep.plugin.v1.ReadRequest.samples:type_name -> audiosep.plugin.v1.Samples
	44, // 52: audiosep.plugin.v1.ReadRequest.spectrum:type_name -> audiosep.plugin.v1.Spectrum
	45, // 53: audiosep.plugin.v1.ReadRequest.columns:type_name -> audiosep.plugin.v1.Columns
	46, // 54: audiosep.plugin.v1.ReadRequest.forward:type_name -> audiosep.plugin.v1.Forward
	47, // 55: audiosep.plugin.v1.ReadRequest.inverse:type_name -> audiosep.plugin.v1.Inverse
	48, // 56: audiosep.plugin.v1.ReadRequest.numbers:type_name -> audiosep.plugin.v1.Numbers
	49, // 57: audiosep.plugin.v1.ReadRequest.iterate:type_name -> audiosep.plugin.v1.Iterate
	50, // 58: audiosep.plugin.v1.ReadRequest.next:type_name -> audiosep.plugin.v1.Next
	52, // 59: audiosep.plugin.v1.ReadRequest.separate:type_name -> audiosep.plugin.v1.Separate
	53, // 60: audiosep.plugin.v1.ReadRequest.separate_audio:type_name -> audiosep.plugin.v1.SeparateAudio
	41, // 61: audiosep.plugin.v1.ReadRequest.place:type_name -> audiosep.plugin.v1.Place
	39, // 62: audiosep.plugin.v1.ReadReply.arrays:type_name -> audiosep.plugin.v1.Array
	51, // 63: audiosep.plugin.v1.ReadReply.block:type_name -> audiosep.plugin.v1.Block
	40, // 64: audiosep.plugin.v1.Question.read:type_name -> audiosep.plugin.v1.ReadRequest
	20, // 65: audiosep.plugin.v1.Question.close:type_name -> audiosep.plugin.v1.CloseRequest
	16, // 66: audiosep.plugin.v1.Question.step:type_name -> audiosep.plugin.v1.Step
	17, // 67: audiosep.plugin.v1.Question.log:type_name -> audiosep.plugin.v1.Log
	0,  // 68: audiosep.plugin.v1.Question.alive:type_name -> audiosep.plugin.v1.Empty
	42, // 69: audiosep.plugin.v1.Answer.reply:type_name -> audiosep.plugin.v1.ReadReply
	1,  // 70: audiosep.plugin.v1.Plugin.Describe:input_type -> audiosep.plugin.v1.DescribeRequest
	3,  // 71: audiosep.plugin.v1.Plugin.Build:input_type -> audiosep.plugin.v1.BuildRequest
	6,  // 72: audiosep.plugin.v1.Plugin.Forecast:input_type -> audiosep.plugin.v1.ForecastRequest
	9,  // 73: audiosep.plugin.v1.Plugin.Prepare:input_type -> audiosep.plugin.v1.PrepareRequest
	11, // 74: audiosep.plugin.v1.Plugin.Run:input_type -> audiosep.plugin.v1.RunRequest
	40, // 75: audiosep.plugin.v1.Plugin.Read:input_type -> audiosep.plugin.v1.ReadRequest
	19, // 76: audiosep.plugin.v1.Plugin.Commit:input_type -> audiosep.plugin.v1.StageRequest
	19, // 77: audiosep.plugin.v1.Plugin.Withdraw:input_type -> audiosep.plugin.v1.StageRequest
	20, // 78: audiosep.plugin.v1.Plugin.Close:input_type -> audiosep.plugin.v1.CloseRequest
	55, // 79: audiosep.plugin.v1.Plugin.Ask:input_type -> audiosep.plugin.v1.Answer
	2,  // 80: audiosep.plugin.v1.Plugin.Describe:output_type -> audiosep.plugin.v1.DescribeReply
	4,  // 81: audiosep.plugin.v1.Plugin.Build:output_type -> audiosep.plugin.v1.BuildReply
	7,  // 82: audiosep.plugin.v1.Plugin.Forecast:output_type -> audiosep.plugin.v1.ForecastReply
	0,  // 83: audiosep.plugin.v1.Plugin.Prepare:output_type -> audiosep.plugin.v1.Empty
	15, // 84: audiosep.plugin.v1.Plugin.Run:output_type -> audiosep.plugin.v1.RunReply
	42, // 85: audiosep.plugin.v1.Plugin.Read:output_type -> audiosep.plugin.v1.ReadReply
	0,  // 86: audiosep.plugin.v1.Plugin.Commit:output_type -> audiosep.plugin.v1.Empty
	0,  // 87: audiosep.plugin.v1.Plugin.Withdraw:output_type -> audiosep.plugin.v1.Empty
	0,  // 88: audiosep.plugin.v1.Plugin.Close:output_type -> audiosep.plugin.v1.Empty
	54, // 89: audiosep.plugin.v1.Plugin.Ask:output_type -> audiosep.plugin.v1.Question
	80, // [80:90] is the sub-list for method output_type
	70, // [70:80] is the sub-list for method input_type
	70, // [70:70] is the sub-list for extension type_name
	70, // [70:70] is the sub-list for extension extendee
	0,  // [0:70] is the sub-list for field type_name
}

func init() { file_stage_proto_init() }
func file_stage_proto_init() {
	if File_stage_proto != nil {
		return
	}
	file_stage_proto_msgTypes[15].OneofWrappers = []any{
		(*RunReply_Step)(nil),
		(*RunReply_Log)(nil),
		(*RunReply_Result)(nil),
	}
	file_stage_proto_msgTypes[21].OneofWrappers = []any{
		(*Value_Audio)(nil),
		(*Value_Frames)(nil),
		(*Value_Coefs)(nil),
		(*Value_Power)(nil),
		(*Value_Transform)(nil),
		(*Value_Factors)(nil),
		(*Value_Notes)(nil),
		(*Value_Sources)(nil),
	}
	file_stage_proto_msgTypes[40].OneofWrappers = []any{
		(*ReadRequest_Samples)(nil),
		(*ReadRequest_Spectrum)(nil),
		(*ReadRequest_Columns)(nil),
		(*ReadRequest_Forward)(nil),
		(*ReadRequest_Inverse)(nil),
		(*ReadRequest_Numbers)(nil),
		(*ReadRequest_Iterate)(nil),
		(*ReadRequest_Next)(nil),
		(*ReadRequest_Separate)(nil),
		(*ReadRequest_SeparateAudio)(nil),
	}
	file_stage_proto_msgTypes[54].OneofWrappers = []any{
		(*Question_Read)(nil),
		(*Question_Close)(nil),
		(*Question_Step)(nil),
		(*Question_Log)(nil),
		(*Question_Alive)(nil),
	}
	type x struct{}
	out := protoimpl.TypeBuilder{
		File: protoimpl.DescBuilder{
			GoPackagePath: reflect.TypeOf(x{}).PkgPath(),
			RawDescriptor: unsafe.Slice(unsafe.StringData(file_stage_proto_rawDesc), len(file_stage_proto_rawDesc)),
			NumEnums:      0,
			NumMessages:   56,
			NumExtensions: 0,
			NumServices:   1,
		},
		GoTypes:           file_stage_proto_goTypes,
		DependencyIndexes: file_stage_proto_depIdxs,
		MessageInfos:      file_stage_proto_msgTypes,
	}.Build()
	File_stage_proto = out.File
	file_stage_proto_goTypes = nil
	file_stage_proto_depIdxs = nil
}
