#!/usr/bin/python3
"""Times numpy, scipy and scikit-learn on the arrays of the Go benchmarks.

    OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 python3 docs/peers.py

OPENBLAS_CORETYPE is for AVX-512 machines that OpenBLAS 0.3.21 does not know. Each
figure is that of the fastest call, as in the benchmarks.
"""

import time
import warnings

import numpy as np
import scipy.fft

warnings.filterwarnings("ignore")
rng = np.random.default_rng(1)


def least(f, seconds=0.5, clock=time.perf_counter):
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best == float("inf"):
        start = clock()
        f()
        best = min(best, clock() - start)
    return best


for m, k, n, ta, tb in [
    (200, 200, 1510, 0, 0), (200, 1510, 200, 0, 1), (440, 440, 5419, 0, 0), (440, 5419, 440, 0, 1),
    (1024, 1024, 2600, 0, 0), (1024, 2600, 1024, 0, 1), (513, 2, 2329, 0, 0), (513, 10, 2329, 0, 0),
    (10, 513, 2329, 1, 0), (513, 2329, 10, 0, 1), (513, 100, 2329, 0, 0), (513, 2329, 100, 0, 1),
    (100, 513, 2329, 1, 0),
]:
    a = rng.random((k, m)).T if ta else rng.random((m, k))
    b = rng.random((n, k)).T if tb else rng.random((k, n))
    c = np.empty((m, n))
    t = least(lambda: np.dot(a, b, out=c))
    print(f"numpy.dot {'NT'[ta]}{'NT'[tb]} {m}x{k}x{n}: {2e-9 * m * k * n / t:.1f} GFLOP/s")

for n in (200, 440, 441, 1024, 2048):
    x = rng.random((256, n))
    z = x + 1j * x[::-1]
    half = scipy.fft.rfft(x)
    for name, f in [
        ("real", lambda: scipy.fft.rfft(x)), ("inverse", lambda: scipy.fft.irfft(half, n)),
        ("complex", lambda: scipy.fft.fft(z)), ("dct2", lambda: scipy.fft.dct(x, 2)), ("dct4", lambda: scipy.fft.dct(x, 4)),
    ]:
        print(f"scipy.fft {n} {name}: {least(f, 0.2) / 256e-6:.2f} µs/frame")

try:
    from sklearn.decomposition import NMF
except ImportError:
    raise SystemExit("scikit-learn is not installed: no figures for NMF")
v = rng.random((513, 2329)) + 1e-3
for loss in ("itakura-saito", "kullback-leibler", "frobenius"):
    nmf = NMF(10, init="random", solver="mu", beta_loss=loss, max_iter=200, tol=0, random_state=0)
    wall = least(lambda: nmf.fit_transform(v), 0)
    cpu = least(lambda: nmf.fit_transform(v), 0, time.process_time)
    print(f"sklearn NMF {loss}, 200 iterations: {wall:.2f} s, processor time {cpu:.2f} s")
