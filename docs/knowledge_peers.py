#!/usr/bin/python3
"""The experiment with halves of docs/knowledge.md, in numpy and, where it is installed, scikit-learn.

    python3 docs/knowledge_peers.py DATA [STARTS]

DATA has recordings as NAME/mix.wav and NAME/stems/*.wav (16 bit). Of each stem's first half
10 spectra are learnt by KL-NMF of the magnitudes (100 iterations); the second half of the mix
is separated with all of them held (100 iterations), by squared magnitudes. Frames are those
of `examples/knowledge`: 92.88 ms, Hann, a quarter's hop. Starts are random, so that decibels
differ a little from ours. It prints SI-SDRi, the mean over stems and over STARTS random starts,
one if not said.
"""

import sys
import wave
from pathlib import Path

import numpy as np

try:
    from sklearn.decomposition import non_negative_factorization
except ImportError:
    non_negative_factorization = None

RANK, ITERATIONS, EPS = 10, 100, 1e-10


def read(path):
    """Samples, channels × n, and the rate."""
    with wave.open(str(path)) as w:
        x = np.frombuffer(w.readframes(w.getnframes()), "<i2") / 32768
        return x.reshape(-1, w.getnchannels()).T, w.getframerate()


def stft(x, m):
    """Bins × frames of each channel; frames begin three hops before the first sample."""
    hop, window = m // 4, np.sqrt(2 / 3) * np.hanning(m + 1)[:-1]
    n = 1 + -(-(x.shape[1] + 2 * (m - hop) - m) // hop)
    padded = np.zeros((len(x), (n - 1) * hop + m))
    padded[:, m - hop : m - hop + x.shape[1]] = x
    frames = np.stack([padded[:, i * hop : i * hop + m] for i in range(n)], axis=1)
    return np.fft.rfft(frames * window).transpose(0, 2, 1)


def istft(spectra, m, samples):
    hop, window = m // 4, np.sqrt(2 / 3) * np.hanning(m + 1)[:-1]
    frames = np.fft.irfft(spectra.transpose(0, 2, 1), m) * window
    out = np.zeros((len(frames), (frames.shape[1] - 1) * hop + m))
    for i in range(frames.shape[1]):
        out[:, i * hop : i * hop + m] += frames[:, i]
    return out[:, m - hop : m - hop + samples]


def magnitude(spectra):
    return np.sqrt((np.abs(spectra) ** 2).mean(axis=0))


def kl(v, w, h, learn):
    for _ in range(ITERATIONS):
        h = h * (w.T @ ((v + EPS) / (w @ h + EPS))) / w.sum(axis=0)[:, None]
        if learn:
            w = w * (((v + EPS) / (w @ h + EPS)) @ h.T) / h.sum(axis=1)
    return w, h


def by_numpy(v, w, rng):
    """W and H of v; w is learnt where it is None."""
    learn = w is None
    if learn:
        w = np.abs(rng.standard_normal((len(v), RANK))) + 1
    h = np.abs(rng.standard_normal((w.shape[1], v.shape[1]))) + 1
    return kl(v, w / w.sum(axis=0), h * v.sum() / h.sum(), learn)


def by_sklearn(v, w, rng):
    options = dict(solver="mu", beta_loss="kullback-leibler", max_iter=ITERATIONS, tol=0, random_state=int(rng.integers(1 << 30)))
    if w is None:
        h, w, _ = non_negative_factorization(v.T, n_components=RANK, init="random", **options)
    else:
        w = np.ascontiguousarray((w / w.sum(axis=0)).T)
        h, w, _ = non_negative_factorization(v.T, H=w, n_components=len(w), init="custom", update_H=False, W=np.full((v.shape[1], len(w)), v.mean()), **options)
    return w.T, h.T


def si_sdr(s, e):
    target = s * (s * e).sum() / (s * s).sum()
    return 10 * np.log10((target**2).sum() / ((e - target) ** 2).sum())


def improvement(folder, factorise, seed):
    rng = np.random.default_rng(seed)
    mix, rate = read(folder / "mix.wav")
    m = int(0.09288 * rate) // 2 * 2
    half = mix.shape[1] // 2
    stems = [read(f)[0] for f in sorted((folder / "stems").glob("*.wav"))]
    learnt = np.hstack([factorise(magnitude(stft(s[:, :half], m)), None, rng)[0] for s in stems])
    x = stft(mix[:, half:], m)
    w, h = factorise(magnitude(x), learnt, rng)
    power = np.stack([(w[:, j * RANK : (j + 1) * RANK] @ h[j * RANK : (j + 1) * RANK]) ** 2 + 1e-20 for j in range(len(stems))])
    masks = power / power.sum(axis=0)
    return np.mean([
        si_sdr(s[:, half:], istft(mask * x, m, mix.shape[1] - half)) - si_sdr(s[:, half:], mix[:, half:]) for s, mask in zip(stems, masks)
    ])


def main():
    methods = [by_numpy] + ([by_sklearn] if non_negative_factorization else [])
    print("| |", " | ".join(f.__name__[3:] for f in methods), "|")
    print("|---" * (1 + len(methods)) + "|")
    seeds = range(1, 1 + (int(sys.argv[2]) if len(sys.argv) > 2 else 1))
    rows = []
    for mix in sorted(Path(sys.argv[1]).glob("*/mix.wav")):
        rows.append([np.mean([improvement(mix.parent, f, seed) for seed in seeds]) for f in methods])
        print(f"| {mix.parent.name} |", " | ".join(f"{x:.1f}" for x in rows[-1]), "|", flush=True)
    print("| **mean** |", " | ".join(f"{x:.1f}" for x in np.mean(rows, axis=0)), "|")


if __name__ == "__main__":
    main()
