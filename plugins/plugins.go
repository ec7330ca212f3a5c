// Package plugins lets stages live in processes of their own, in any language.
//
// A plugin is a program called audiosep-plugin-NAME around one or more stages. [Serve]
// is the whole main function of one in Go; the file python/audiosep_plugin.py does the
// same for Python; wire/stage.proto tells how to write one in any other language.
// A [Host] finds plugins, asks them what their stages are, and makes of each stage an
// [audiosep.Definition] that a pipeline uses like any other: its parameters are checked
// by the same rules, and its ports take and make the same values.
//
// Each stage runs in one process, which is started when the stage is first used, by
// github.com/hashicorp/go-plugin, and ended when the stage is closed. What passes between
// stages is read when it is needed: the plugin reads what the host has, the host what the
// plugin has. Requests travel over gRPC on a unix socket, numbers through shared memory
// where the platform and the plugin have it.
package plugins

import (
	"context"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// protocol is the version of wire/stage.proto.
const protocol = 1

var handshake = goplugin.HandshakeConfig{
	MagicCookieKey:   "AUDIOSEP_PLUGIN",
	MagicCookieValue: "4f1d0a6e5cb34c7f",
}

const (
	prefix = "audiosep-plugin-"     // of every plugin's file
	folder = "AUDIOSEP_PLUGINS"     // environment: folders with plugins
	home   = "AUDIOSEP_PLUGIN_HOME" // environment: the user's own

	sharedEnv   = "AUDIOSEP_SHARED_MEMORY" // environment: descriptor and size
	sharedMagic = "AUDIOSEP"               // first bytes of shared memory

	// messageBytes is the most that the host takes at once; a frame must fit.
	messageBytes = 1 << 30
	// windowBytes is how much may be on its way in one call, in either direction.
	windowBytes = 8 << 20
)

// connection is all that go-plugin needs to know of our protocol: nothing.
type connection struct {
	goplugin.NetRPCUnsupportedPlugin
	register func(*grpc.Server)
}

func (c connection) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	c.register(s)
	return nil
}

func (connection) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}
