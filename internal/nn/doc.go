// Package nn has the layers of small neural networks, for inference alone: convolutions, gated
// recurrent units, normalisation, activations. Numbers are float64; products are made by
// package kernel, so that each layer has its vector paths and its plain Go. A layer is weights
// and may be used by several goroutines at once; what changes is the caller's. No layer
// allocates memory.
package nn
