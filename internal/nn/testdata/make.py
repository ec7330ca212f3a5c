"""Makes layers.npz: inputs, weights and outputs of each layer, computed by NumPy from the
definitions, with nothing of this package. Arrays of more than two dimensions are written as
matrices, with all but the first dimension as one."""
import os

import numpy as np

rng = np.random.default_rng(1)
out = {}


def put(name, x):
    out[name] = x.reshape(len(x), -1) if x.ndim > 2 else x
    return x


def new(name, *shape):
    return put(name, rng.standard_normal(shape))


# Convolutions: name, out, in of a group, rows, columns, groups, step, rows of input, columns.
for name, o, i, k, l, groups, step in (("plain", 5, 3, 3, 1, 1, 1), ("one", 4, 6, 1, 1, 1, 1), ("grouped", 4, 2, 5, 1, 2, 2), ("wide", 3, 2, 3, 5, 1, 1)):
    rows, cols = 9, 8
    x, w, b = new(name + ".x", i * groups, rows, cols), new(name + ".w", o, i, k, l), new(name + ".b", o)
    p = np.pad(x, ((0, 0), (k // 2, k // 2), (l // 2, l // 2)))
    y = np.zeros((o, (rows - 1) // step + 1, cols))
    for a in range(o):
        for r in range(y.shape[1]):
            for n in range(cols):
                g = a // (o // groups) * i
                y[a, r, n] = b[a] + np.sum(w[a] * p[g : g + i, r * step : r * step + k, n : n + l])
    put(name + ".y", y)

x, w, b = new("depth.x", 3, 4, 8), new("depth.w", 3, 3, 3), new("depth.b", 3)
past = new("depth.past", 3, 4, 4)  # dilation 2
p = np.pad(np.concatenate([past, x], 2), ((0, 0), (1, 1), (0, 0)))
put("depth.y", np.array([[[b[c] + sum(w[c, k, l] * p[c, r + l, n + 2 * k] for k in range(3) for l in range(3))
                           for n in range(8)] for r in range(4)] for c in range(3)]))

sigmoid = lambda x: 1 / (1 + np.exp(-x))
for n in (1, 3, 8):  # sequences side by side
    hidden, inputs, steps, name = 5, 4, 6, f"gru{n}"
    wx, wh = new(name + ".wx", 3 * hidden, inputs), new(name + ".wh", 3 * hidden, hidden)
    b, bn, x = new(name + ".b", 3 * hidden), new(name + ".bn", hidden), new(name + ".x", inputs, steps, n)
    h, y = np.zeros((hidden, n)), np.zeros((steps, hidden, n))
    for t in range(steps):
        gx, gh = wx @ x[:, t] + b[:, None], wh @ h
        r, z = sigmoid(gx[:hidden] + gh[:hidden]), sigmoid(gx[hidden : 2 * hidden] + gh[hidden : 2 * hidden])
        c = np.tanh(gx[2 * hidden :] + r * (gh[2 * hidden :] + bn[:, None]))
        h = y[t] = (1 - z) * c + z * h
    put(name + ".y", y)

x, w, b = new("norm.x", 3, 4, 8), new("norm.w", 3, 4), new("norm.b", 3, 4)
mean, var = x.mean((0, 1)), x.var((0, 1))
put("norm.y", (x - mean) / np.sqrt(var + 0.01) * w[:, :, None] + b[:, :, None])

x = put("act.x", np.array([-800, -30, -2, -1e-3, 0, 1e-9, 0.5, 3, 40, 800.0]))
with np.errstate(over="ignore"):
    put("act.sigmoid", sigmoid(x))
put("act.tanh", np.tanh(x))
put("act.relu", np.where(x < 0, 0.25 * x, x))

# The reset gate before the product; units for vectors of every width, and for none.
for hidden in (16, 5):
    inputs, steps, name = 4, 6, f"before{hidden}"
    wx, wh = new(name + ".wx", 3 * hidden, inputs), new(name + ".wh", hidden, 3 * hidden)
    b, x = new(name + ".b", 3 * hidden), new(name + ".x", inputs, steps)
    h, y = np.zeros(hidden), np.zeros((steps, hidden))
    for t in range(steps):
        gx = wx @ x[:, t] + b
        r, z = (sigmoid(gx[i * hidden : (i + 1) * hidden] + h @ wh[:, i * hidden : (i + 1) * hidden]) for i in (0, 1))
        n = np.maximum(0, gx[2 * hidden :] + (r * h) @ wh[:, 2 * hidden :])
        h = y[t] = (1 - z) * n + z * h
    put(name + ".y", y)

np.savez_compressed(os.path.join(os.path.dirname(__file__), "layers.npz"), **out)
