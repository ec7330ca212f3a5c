#!/usr/bin/python3
"""Writes nmf_sklearn.json: what scikit-learn's multiplicative updates make of a small V.

scikit-learn updates W before H, this project H before W; so scikit-learn is given the
transposed problem, V' = V.T, W' = H.T, H' = W.T. It has the exponents of
majorisation-minimisation and no floor (V > 0 here).

usage: nmf_sklearn.py > nmf_sklearn.json
"""
import json
import warnings

import numpy as np
import sklearn
from sklearn.decomposition import NMF

warnings.simplefilter("ignore")  # that the iterations do not suffice to converge
rng = np.random.default_rng(20)
F, N, K = 11, 29, 3
V = (rng.random((F, K)) @ rng.random((K, N))) * rng.exponential(size=(F, N)) + 1e-2
W, H = rng.random((F, K)) + 0.1, rng.random((K, N)) + 0.1
cases = []
for beta in (0.0, 1.0, 2.0, 0.5, 3.0):
    nmf = NMF(K, init="custom", solver="mu", beta_loss=beta, max_iter=25, tol=0)
    a = nmf.fit_transform(np.ascontiguousarray(V.T), W=np.ascontiguousarray(H.T), H=np.ascontiguousarray(W.T))
    cases.append({
        "beta": beta,
        "wh": (nmf.components_.T @ a.T).tolist(),
        "divergence": nmf.reconstruction_err_ ** 2 / 2,
    })
json.dump({
    "sklearn": sklearn.__version__, "iterations": 25,
    "v": V.tolist(), "w": W.tolist(), "h": H.tolist(), "cases": cases,
}, open(1, "w"))
