// Package wire is the protocol between audiosep and its plugins: stage.proto, which
// documents it, and what protoc makes of that.
package wire

//go:generate go run generate.go
