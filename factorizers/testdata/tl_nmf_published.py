#!/usr/bin/python3
"""Writes tl_nmf_published.json: the objective of the published TL-NMF codes on 100 small problems.

The codes are github.com/sixin-zh/tlnmf-gcm at 4ff1d61 (gcm objective, one and ten recordings) and
github.com/pierreablin/tlnmf at c67d7da (is objective, one recording, with L1 and without), with five
steps of Φ an iteration, their default, and tol 1e-7. Problems and starts are drawn by the generator
below, which tl_nmf_published_test.go has too, so that nothing but C is stored: after each of AFTER
iterations, the last of which are the most.

usage: tl_nmf_published.py TLNMF_GCM TLNMF > tl_nmf_published.json, with the two folders
"""
import contextlib
import importlib
import io
import json
import sys
import warnings

import numpy as np
import scipy

PROBLEMS, AFTER, EPS, L1 = 100, (1, 2, 5, 10, 20, 30, 50), 5e-7, 0.1
MASK = (1 << 64) - 1


class Draws:
    """Uniform numbers of Knuth's linear congruential generator, and sums of twelve for normal ones."""

    def __init__(self, seed):
        self.x = seed

    def uniform(self):
        self.x = (self.x * 6364136223846793005 + 1442695040888963407) & MASK
        return (self.x >> 11) * 2.0**-53

    def normal(self):
        total = -6.0
        for _ in range(12):
            total += self.uniform()
        return total

    def matrix(self, draw, rows, cols):
        return np.array([[draw() for _ in range(cols)] for _ in range(rows)])


def orthonormal(a):
    """Rows made orthonormal by Gram-Schmidt, each twice."""
    a = a.copy()
    for i in range(len(a)):
        for _ in range(2):
            for j in range(i):
                a[i] -= (a[i] @ a[j]) * a[j]
        a[i] /= np.sqrt(a[i] @ a[i])
    return a


def problem(seed, layers):
    """Frames L×M×N of a Gaussian composite model, and Φ, W, H to start from: Φ from the truth to chance."""
    d = Draws(seed)
    for _ in range(8):
        d.uniform()
    m, n, k = 8 + int(9 * d.uniform()), 30 + int(31 * d.uniform()), 2 + int(3 * d.uniform())
    truth = orthonormal(d.matrix(d.normal, m, m))
    v = d.matrix(lambda: d.uniform() ** 4, m, k) @ d.matrix(lambda: d.uniform() ** 4, k, n)
    far = (0.0, 0.1, 0.3, 30.0)[seed % 4]
    phi = orthonormal(truth + far * d.matrix(d.normal, m, m))
    w, h = d.matrix(lambda: 1 + d.uniform(), m, k), d.matrix(lambda: 1 + d.uniform(), k, n)
    w /= w.sum(axis=0)
    y = np.array([truth.T @ (np.sqrt(v) * d.matrix(d.normal, m, n)) for _ in range(layers)])
    return y, phi, w, h


def load(folder, name):
    for loaded in [x for x in sys.modules if x.split(".")[0] == "tlnmf"]:
        del sys.modules[loaded]
    sys.path.insert(0, folder)
    module = getattr(importlib.import_module("tlnmf"), name)
    sys.path.pop(0)
    np.seterr(all="warn")  # importing it makes underflow an error
    return module


def at(objective):
    return [float("%.12g" % objective[min(i, len(objective)) - 1]) for i in AFTER]


def main():
    warnings.simplefilter("ignore")
    gcm, divergence = load(sys.argv[1], "tl_nmf_batch"), load(sys.argv[2], "tl_nmf")
    out = {"numpy": np.__version__, "scipy": scipy.__version__, "after": AFTER, "eps": EPS, "l1": L1,
           "gcm_1": [], "gcm_10": [], "is_1": [], "is_l1_1": []}
    with contextlib.redirect_stdout(io.StringIO()):
        for seed in range(PROBLEMS):
            for layers in (1, 10):
                y, phi, w, h = problem(seed, layers)
                *_, info = gcm(y, w.shape[1], Phi=phi, W=w.copy(), H=h.copy(), regul=0, max_iter=AFTER[-1], tol=1e-7, eps_nmf=EPS)
                out["gcm_%d" % layers].append(at(info["obj_list"]))
            for name, l1 in (("is_1", 0), ("is_l1_1", L1)):
                y, phi, w, h = problem(seed, 1)
                *_, info = divergence(y[0], w.shape[1], Phi=phi, W=w.copy(), H=h.copy(), regul=l1, max_iter=AFTER[-1], tol=1e-7)
                out[name].append(at(info["obj_list"]))
            print(seed, file=sys.stderr)
    rows = ",\n".join('"%s": %s' % (key, json.dumps(value)) for key, value in out.items())
    sys.stdout.write("{\n%s\n}\n" % rows)


main()
