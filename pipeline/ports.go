package pipeline

import (
	"strings"

	"github.com/audiosep/audiosep"
)

// Cargo is what passes through a port.
type Cargo string

// What stages hand to each other.
const (
	Audio     Cargo = "audio"     // a recording, read when needed
	Framed    Cargo = "frames"    // its windowed frames, cut when needed
	Coefs     Cargo = "coefs"     // their coefficients, computed when needed
	Power     Cargo = "power"     // V, F×N/S
	Transform Cargo = "transform" // Φ, or any other transform
	Factors   Cargo = "factors"   // W and H
	Sources   Cargo = "sources"   // the separated signals, computed as a sink takes them
)

// Port is one input or output of a stage.
type Port struct {
	Name     string
	Cargo    Cargo
	Optional bool // an input that may be left unwired; it is never wired unasked
}

// Ports are the inputs and outputs of a kind of stage.
type Ports struct{ In, Out []Port }

func need(c ...Cargo) (ports []Port) {
	for _, c := range c {
		ports = append(ports, Port{Name: string(c), Cargo: c})
	}
	return ports
}

func may(name string, c Cargo) Port { return Port{name, c, true} }

// PortsOf is the whole type system of pipelines: the ports of every kind.
var PortsOf = map[audiosep.Kind]Ports{
	audiosep.KindSource:           {nil, need(Audio)},
	audiosep.KindFramer:           {need(Audio), need(Framed)},
	audiosep.KindTransformer:      {need(Framed), need(Coefs, Power, Transform)},
	audiosep.KindTransformLearner: {append(need(Framed), may("init_transform", Transform)), need(Coefs, Power, Transform)},
	audiosep.KindApply:            {need(Framed, Transform), need(Coefs, Power)},
	audiosep.KindFactorizer:       {append(need(Power), may("init_factors", Factors)), need(Factors)},
	audiosep.KindActivator:        {append(need(Power), Port{"dictionary", Factors, false}), need(Factors)},
	audiosep.KindJointLearner: {append(need(Framed), may("init_transform", Transform), may("init_factors", Factors)),
		need(Coefs, Power, Transform, Factors)},
	audiosep.KindSeparator:   {need(Coefs, Factors), need(Sources)},
	audiosep.KindSink:        {need(Sources), nil},
	audiosep.KindModelReader: {nil, need(Transform, Factors)},
	audiosep.KindModelWriter: {[]Port{may("transform", Transform), may("factors", Factors)}, nil},
}

func (p Ports) in(name string) (Port, bool)  { return find(p.In, name) }
func (p Ports) out(name string) (Port, bool) { return find(p.Out, name) }

func find(ports []Port, name string) (Port, bool) {
	for _, p := range ports {
		if p.Name == name {
			return p, true
		}
	}
	return Port{}, false
}

func portNames(ports []Port) string {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// Ref names an output of a stage.
type Ref struct{ Stage, Port string }

func (r Ref) String() string { return r.Stage + "." + r.Port }
