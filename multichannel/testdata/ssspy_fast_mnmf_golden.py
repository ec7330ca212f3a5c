"""Writes ssspy_fast_mnmf_golden.npz: what ssspy 0.2.0's FastGaussMNMF makes of the mixtures in
ssspy_golden.npz, for golden_test.go.

ssspy's spatial covariances are those of FastMNMF1, free in each bin; here its update sums over
the bins, which makes it FastMNMF2, and comes before that of the diagonalizers. The other
updates are ssspy's. For M = 2 and 3 channels and N = M and M + 1 sources, starts basis (N, F, K),
activation (N, K, T), gains (N, M); for IP1 and IP2 and 1, 3 and 10 iterations the diagonalizers,
projected back on channel 0, (F, M, M, 2), and the objective before and after each iteration. All arrays are flattened.

Run: python3 ssspy_fast_mnmf_golden.py, with ssspy and numpy installed.
"""
import io
import zipfile

import numpy as np
from ssspy.bss.mnmf import FastGaussMNMF

F, T, K = 8, 60, 3
out = {}


class FastMNMF2(FastGaussMNMF):
    def update_once(self, flooring_fn="self"):
        self.update_basis(flooring_fn=flooring_fn)
        self.update_activation(flooring_fn=flooring_fn)
        self.update_spatial()
        self.update_diagonalizer(flooring_fn=flooring_fn)

    def update_spatial(self):
        lam = self.reconstruct_nmf(self.basis, self.activation)  # (N, F, T)
        d = self.spatial  # (F, N, M), the same in each bin
        p = np.abs(self.diagonalizer @ self.input.transpose(1, 0, 2)) ** 2  # (F, M, T)
        y = np.einsum("nft,fnm->fmt", lam, d)
        num, den = np.einsum("nft,fmt->nm", lam, p / y**2), np.einsum("nft,fmt->nm", lam, 1 / y)
        self.spatial = d * np.sqrt(num / den)


mixtures = np.load("ssspy_golden.npz")
for m in (2, 3):
    x = mixtures[f"{m}.x"].reshape(m, F, T, 2)
    x = x[..., 0] + 1j * x[..., 1]
    for n in (m, m + 1):
        rng = np.random.default_rng(10 * m + n)
        start = dict(basis=rng.random((n, F, K)) + 0.1, activation=rng.random((n, K, T)) + 0.1, gains=rng.random((n, m)) + 0.1)
        for name, value in start.items():
            out[f"{m}.{n}.{name}"] = value
        for update in ("IP1", "IP2"):
            for iterations in (1, 3, 10):
                method = FastMNMF2(K, n_sources=n, diagonalizer_algorithm=update, normalization=False)
                method(x.copy(), n_iter=iterations, basis=start["basis"].copy(), activation=start["activation"].copy(),
                       diagonalizer=np.tile(np.eye(m, dtype=complex), (F, 1, 1)), spatial=np.tile(start["gains"], (F, 1, 1)))  # fmt: skip
                q = method.diagonalizer * np.linalg.inv(method.diagonalizer)[:, 0, :, None]
                key = f"{m}.{n}.{update.lower()}.{iterations}"
                out[key + ".w"], out[key + ".loss"] = np.stack([q.real, q.imag], axis=-1), np.array(method.loss)

# As np.savez_compressed, but with a fixed date, so that the file is the same every time.
with zipfile.ZipFile("ssspy_fast_mnmf_golden.npz", "w", zipfile.ZIP_DEFLATED) as z:
    for name, value in out.items():
        b = io.BytesIO()
        np.save(b, np.asarray(value, dtype=np.float64).reshape(-1))
        z.writestr(zipfile.ZipInfo(name + ".npy"), b.getvalue(), zipfile.ZIP_DEFLATED)
