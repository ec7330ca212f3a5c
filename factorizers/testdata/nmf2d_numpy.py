# Writes nmf2d_numpy.json: w and h after iterations of the multiplicative updates of Schmidt and
# Mørup (Nonnegative matrix factor 2-D deconvolution, ICA 2006), written as the paper has them, a
# shift at a time, and from the same start; h is updated first here. The paper's denominator for
# the Kullback-Leibler divergence has ones in all bins and columns; here they are shifted as V is,
# without which the divergence may rise where a shift leaves the edge.
# Run with: python3 nmf2d_numpy.py > nmf2d_numpy.json   (made with numpy 1.24.2)
import json, sys
import numpy as np

rng = np.random.default_rng(1)
bins, cols, rank, taps, shifts = 9, 14, 2, 3, 4
v = rng.random((bins, cols)) + 0.1
w0 = rng.random((taps, bins, rank)) + 0.1  # w[τ] is F×K
h0 = rng.random((shifts, rank, cols)) + 0.1  # h[φ] is K×N


def down(a, n):
    out = np.zeros_like(a)
    out[n:] = a[: len(a) - n]
    return out


def up(a, n):
    out = np.zeros_like(a)
    out[: len(a) - n] = a[n:]
    return out


right = lambda a, n: down(a.T, n).T
left = lambda a, n: up(a.T, n).T


def model(w, h):
    return sum(down(w[t], p) @ right(h[p], t) for t in range(taps) for p in range(shifts))


def iterate(w, h, beta):
    for part in "hw":
        y = model(w, h)
        num, den = (v, y) if beta == 2 else (v / y, np.ones_like(v))
        if part == "h":
            of = lambda x: np.array([sum(down(w[t], p).T @ left(x, t) for t in range(taps)) for p in range(shifts)])
            h = h * of(num) / of(den)
        else:
            of = lambda x: np.array([sum(up(x, p) @ right(h[p], t).T for p in range(shifts)) for t in range(taps)])
            w = w * of(num) / of(den)
    return w, h


flat = lambda a: [float("%.12g" % x) for x in np.ravel(a)]
order_w = lambda w: flat(w.transpose(1, 2, 0))  # F×(K·T)
order_h = lambda h: flat(h.transpose(1, 0, 2))  # (K·P)×N
out = {"bins": bins, "cols": cols, "rank": rank, "taps": taps, "shifts": shifts, "v": flat(v), "w": order_w(w0), "h": order_h(h0), "after": []}
for beta in (1, 2):
    w, h = w0, h0
    for i in range(1, 31):
        w, h = iterate(w, h, beta)
        if i in (1, 30):
            sums = w.sum(axis=(0, 1))  # of each picture, which is to be 1
            y = model(w, h)
            d = ((v - y) ** 2).sum() / 2 if beta == 2 else (v * np.log(v / y) - v + y).sum()
            out["after"].append({"beta": beta, "iterations": i, "objective": d, "w": order_w(w / sums), "h": order_h(h * sums[:, None])})
json.dump(out, sys.stdout)
