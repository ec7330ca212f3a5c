#!/usr/bin/python3
"""Prints what PROJET gains on panned stems, beside `go test ./multichannel -run PannedStems -v`.

    python3 docs/projet.py DIR

DIR has recordings as DIR/NAME/stems/*.wav. Five seconds of each stem, mono, are panned evenly
from -30° to 20° and separated by PROJET (Fitzgerald, Liutkus and Badeau, Projection-based
demixing of spatial audio, 2016): projections to 10 angles, 30 panning positions, 40 iterations
of KL; it begins at the true positions. Gain in SI-SDR, dB, mean over stems, left channel.
"""

import glob
import itertools
import os
import sys

import numpy as np
import scipy.io.wavfile
import scipy.signal


def read(file):
    rate, x = scipy.io.wavfile.read(file)
    x = x / np.iinfo(x.dtype).max if x.dtype.kind == "i" else x
    x = (x if x.ndim == 1 else x.mean(axis=1))[: 5 * rate]
    return rate, np.pad(x, (0, 5 * rate - len(x)))


def si_sdr(estimate, reference):
    p = estimate @ reference
    target = p * p / (reference @ reference)
    return 10 * np.log10(target / (estimate @ estimate - target))


def projet(x, positions, angles=10, places=30, iterations=40):
    """x: (2, F, T); returns the sources' images."""
    to = np.linspace(-np.pi / 2, np.pi / 2, angles, endpoint=False)
    projections = np.stack([np.cos(to), np.sin(to)], axis=1)
    place = np.linspace(0, np.pi / 2, places)
    kernel = np.abs(projections @ np.stack([np.cos(place), np.sin(place)]))
    c = np.tensordot(projections, x, 1)
    v = np.abs(c).reshape(angles, -1)
    q = np.stack([np.exp(-(((place - p) / 0.1) ** 2) / 2) + 1e-3 for p in positions], axis=1)
    s = np.tile(v.mean(axis=0), (len(positions), 1)) + 1e-9
    for _ in range(iterations):
        a = kernel @ q
        s *= a.T @ (v / (a @ s + 1e-12)) / (a.sum(axis=0)[:, None] + 1e-12)
        q *= kernel.T @ (v / (a @ s + 1e-12) @ s.T) / (kernel.sum(axis=0)[:, None] * s.sum(axis=1) + 1e-12)
        n = q.sum(axis=0)
        q, s = q / n, s * n[:, None]
    a = kernel @ q
    back, model = np.linalg.pinv(projections), a @ s + 1e-12
    return [(back @ (a[:, [j]] * s[j] / model * c.reshape(angles, -1))).reshape(x.shape) for j in range(len(positions))]


gains = []
for folder in sorted(glob.glob(os.path.join(sys.argv[1], "*", "stems"))):
    stems = [read(f) for f in sorted(glob.glob(os.path.join(folder, "*.wav")))]
    rate, count = stems[0][0], len(stems)
    positions = np.deg2rad(np.linspace(15, 65, count))
    images = np.stack([np.stack([np.cos(p) * x, np.sin(p) * x]) for p, (_, x) in zip(positions, stems)])
    mix, length = images.sum(axis=0), rate * 93 // 1000 // 2 * 2
    frames = dict(nperseg=length, noverlap=length * 3 // 4)
    sources = projet(scipy.signal.stft(mix, **frames)[2], positions)
    left = [scipy.signal.istft(y[0], **frames)[1][: mix.shape[1]] for y in sources]
    best = max(np.mean([si_sdr(left[j], images[i, 0]) for i, j in enumerate(order)]) for order in itertools.permutations(range(count)))
    gains.append(best - np.mean([si_sdr(mix[0], im[0]) for im in images]))
    print(f"{os.path.basename(os.path.dirname(folder)):28} projet {gains[-1]:5.1f} dB", flush=True)
print(f"{'mean':28} projet {np.mean(gains):5.1f} dB")
