"""Writes fdica_overiva_golden.npz: what ssspy 0.2.0's AuxFDICA, without alignment, and
pyroomacoustics' auxiva with fewer sources than channels (OverIVA) make of the mixtures in
ssspy_golden.npz, for golden_test.go.

For M = 2 and 3 channels and 1, 3 and 10 iterations: fdica, the demixing matrices after
projection back on channel 0, (F, M, M, 2), and the objective before and after each iteration;
N.laplace and N.gauss, the first N = 1 … M - 1 rows of OverIVA's matrices, each bin and row over
its first number, (F, N, M, 2). All arrays are flattened.

Run: python3 fdica_overiva_golden.py, with ssspy, pyroomacoustics and numpy installed.
"""
import io
import zipfile

import numpy as np
from pyroomacoustics.bss.auxiva import auxiva
from ssspy.bss.fdica import AuxFDICA

F, T = 8, 60
out = {}


def parts(z):
    return np.stack([z.real, z.imag], axis=-1)


mixtures = np.load("ssspy_golden.npz")
for m in (2, 3):
    x = mixtures[f"{m}.x"].reshape(m, F, T, 2)
    x = x[..., 0] + 1j * x[..., 1]
    for n in (1, 3, 10):
        method = AuxFDICA(
            spatial_algorithm="IP1", contrast_fn=lambda y: 2 * np.abs(y), d_contrast_fn=lambda y: 2 * np.ones_like(y), permutation_alignment=False
        )
        y = method(x.copy(), n_iter=n)
        xf, yf = x.transpose(1, 0, 2), y.transpose(1, 0, 2)
        xh = xf.conj().transpose(0, 2, 1)
        out[f"{m}.fdica.{n}.w"], out[f"{m}.fdica.{n}.loss"] = parts(yf @ xh @ np.linalg.inv(xf @ xh)), np.array(method.loss)
        for sources in range(1, m):
            for model in ("laplace", "gauss"):
                w = auxiva(x.transpose(2, 1, 0), n_src=sources, n_iter=n, proj_back=False, model=model, return_filters=True)[1]
                out[f"{m}.{sources}.{model}.{n}.w"] = parts(w / w[:, :, :1])

# As np.savez_compressed, but with a fixed date, so that the file is the same every time.
with zipfile.ZipFile("fdica_overiva_golden.npz", "w", zipfile.ZIP_DEFLATED) as z:
    for name, value in out.items():
        b = io.BytesIO()
        np.save(b, np.asarray(value, dtype=np.float64).reshape(-1))
        z.writestr(zipfile.ZipInfo(name + ".npy"), b.getvalue(), zipfile.ZIP_DEFLATED)
