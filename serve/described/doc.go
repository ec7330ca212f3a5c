// Package described holds what audiosep serve answers against its OpenAPI description. It is
// a module of its own, so that the program does not depend on what reads one.
package described
