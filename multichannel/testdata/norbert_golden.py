"""Writes norbert_golden.npz: what norbert 0.2.1's expectation_maximization makes of small random
estimates, for mwf_em_test.go.

For C = 2 and 3 channels, a mixture x (T, F, C, 2) whose last axis is real and imaginary part,
estimates y (T, F, C, J, 2), and after 1 and 3 iterations the sources, (T, F, C, J, 2). The
regularisation, √eps, is 1e-12. All arrays are flattened; T, F and J stand below and in the test.

Run: python3 norbert_golden.py, with norbert and numpy installed.
"""
import io
import zipfile

import norbert
import numpy as np

T, F, J = 12, 3, 3
out = {}


def parts(z):
    return np.stack([z.real, z.imag], axis=-1)


for c in (2, 3):
    rng = np.random.default_rng(c)
    y = rng.standard_normal((T, F, c, J)) + 1j * rng.standard_normal((T, F, c, J))
    y *= rng.gamma(0.5, size=(T, F, 1, J)) + 0.05
    y *= rng.standard_normal((1, F, c, J)) + 1j * rng.standard_normal((1, F, c, J))
    x = y.sum(axis=-1) + 0.1 * (rng.standard_normal((T, F, c)) + 1j * rng.standard_normal((T, F, c)))
    out[f"{c}.x"], out[f"{c}.y"] = parts(x), parts(y)
    for n in (1, 3):
        out[f"{c}.{n}"] = parts(norbert.expectation_maximization(y.copy(), x, n, eps=1e-24)[0])

# As np.savez_compressed, but with a fixed date, so that the file is the same every time.
with zipfile.ZipFile("norbert_golden.npz", "w", zipfile.ZIP_DEFLATED) as z:
    for name, value in out.items():
        b = io.BytesIO()
        np.save(b, np.asarray(value, dtype=np.float64).reshape(-1))
        z.writestr(zipfile.ZipInfo(name + ".npy"), b.getvalue(), zipfile.ZIP_DEFLATED)
