// Package factorizers has the stages that find a model of a spectrogram V, F×N and ≥ 0: the dictionary W, F×K, and the
// activations H, K×N, of V ≈ WH. NMF for the β-divergences, with penalties, restarts and fixed factors; of a stream; with
// components of several frames (NMFD) or that move in pitch (NMF2D); of a score or of painted regions; TL-NMF and
// ILRTA, which learn the transform with the factors.
//
// In Go they are functions, such as [ISNMF], of parameters whose defaults [DefaultISNMF] has.
package factorizers
