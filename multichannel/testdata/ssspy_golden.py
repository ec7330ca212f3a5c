"""Writes ssspy_golden.npz: what ssspy 0.2.0 makes of small mixtures, for golden_test.go.

For M = 2 and 3 channels, a mixture x (M, F, T, 2) whose last axis is real and imaginary part,
starts basis (M, F, K), activation (M, K, T), and for partitioned bases latent (M, L),
shared_basis (F, L), shared_activation (L, T). For each method and 1, 3 and 10 iterations the
demixing matrices after projection back on channel 0, (F, M, M, 2), and the objective before
and after each iteration. All arrays are flattened; F, T, K and L stand below and in the test.

Run: python3 ssspy_golden.py, with ssspy and numpy installed.
"""
import io
import zipfile

import numpy as np
from ssspy.bss.ilrma import GaussILRMA, TILRMA
from ssspy.bss.iva import AuxGaussIVA, AuxLaplaceIVA

F, T, K, L = 8, 60, 3, 5
out = {}


def parts(z):
    return np.stack([z.real, z.imag], axis=-1)


def keep(name, x, method, n, **start):
    y = method(x.copy(), n_iter=n, **{k: v.copy() for k, v in start.items()})
    xf, yf = x.transpose(1, 0, 2), y.transpose(1, 0, 2)
    xh = xf.conj().transpose(0, 2, 1)
    out[f"{name}.{n}.w"] = parts(yf @ xh @ np.linalg.inv(xf @ xh))
    out[f"{name}.{n}.loss"] = np.array(method.loss)


class Kept:
    """The update of the latent variables, which share the bases out, in place of ssspy's: that
    divides them by their sums over the sources and so changes the model, and the objective may
    rise. Here the bases take the scale."""

    def update_latent_mm(self):
        z, b, a = self.latent, self.basis, self.activation
        y = self.output if self.demix_filter is None else self.separate(self.input, demix_filter=self.demix_filter)
        p = np.abs(y) ** 2
        v = np.einsum("nk,fk,kt->nft", z, b, a)
        r = (self.dof * v + 2 * p) / (self.dof + 2) if hasattr(self, "dof") else v
        z = z * np.sqrt(np.einsum("fk,kt,nft->nk", b, a, p / (v * r)) / np.einsum("fk,kt,nft->nk", b, a, 1 / v))
        self.latent, self.basis = z / z.sum(axis=0), b * z.sum(axis=0)


class KeptGaussILRMA(Kept, GaussILRMA):
    pass


class KeptTILRMA(Kept, TILRMA):
    pass


for m in (2, 3):
    rng = np.random.default_rng(m)
    gains = rng.gamma(0.5, size=(m, 1, T)) + 0.05
    s = (rng.standard_normal((m, F, T)) + 1j * rng.standard_normal((m, F, T))) * gains
    a = rng.standard_normal((F, m, m)) + 1j * rng.standard_normal((F, m, m))
    x = (a @ s.transpose(1, 0, 2)).transpose(1, 0, 2)
    own = dict(basis=rng.random((m, F, K)) + 0.1, activation=rng.random((m, K, T)) + 0.1)
    z = rng.random((m, L)) + 0.1
    shared = dict(latent=z / z.sum(axis=0), basis=rng.random((F, L)) + 0.1, activation=rng.random((L, T)) + 0.1)
    out[f"{m}.x"] = parts(x)
    out[f"{m}.basis"], out[f"{m}.activation"] = own["basis"], own["activation"]
    out[f"{m}.latent"], out[f"{m}.shared_basis"], out[f"{m}.shared_activation"] = shared["latent"], shared["basis"], shared["activation"]
    for n in (1, 3, 10):
        for update in ("IP1", "IP2", "ISS1"):
            keep(f"{m}.laplace.{update.lower()}", x, AuxLaplaceIVA(spatial_algorithm=update), n)
            keep(f"{m}.gauss.{update.lower()}", x, AuxGaussIVA(spatial_algorithm=update), n)
        for update in ("IP1", "IP2", "ISS1"):
            for bases, start in (("own", own), ("partitioned", shared)):
                size = start["basis"].shape[-1]
                options = dict(spatial_algorithm=update, partitioning=bases == "partitioned")
                keep(f"{m}.ilrma_gauss.{update.lower()}.{bases}", x, KeptGaussILRMA(size, **options), n, **start)
                keep(f"{m}.ilrma_t.{update.lower()}.{bases}", x, KeptTILRMA(size, dof=4, **options), n, **start)

# As np.savez_compressed, but with a fixed date, so that the file is the same every time.
with zipfile.ZipFile("ssspy_golden.npz", "w", zipfile.ZIP_DEFLATED) as z:
    for name, value in out.items():
        b = io.BytesIO()
        np.save(b, np.asarray(value, dtype=np.float64).reshape(-1))
        z.writestr(zipfile.ZipInfo(name + ".npy"), b.getvalue(), zipfile.ZIP_DEFLATED)
