"""Makes weights.npz of src/rnn_data.c of RNNoise 0.1.1: see ORIGIN.md.

    python3 make.py rnn_data.c weights.npz

It needs NumPy alone. The numbers stay as they are, bytes that count 1/256 each; only their order
changes. A layer has name.w, [output][input], and name.b. A GRU has name.wx, [gate and
unit][input], name.b, and name.wh, [unit before][gate and unit], with the gates in the order r, z,
n. The inputs of the last GRU, there those of speech, noise and features, are in the order speech,
features, noise.
"""
import re
import sys

import numpy as np

text, out = open(sys.argv[1]).read(), {}
array = {m[1]: np.array([int(x) for x in m[2].split(",")], dtype="|i1")
         for m in re.finditer(r"rnn_weight (\w+)\[\d+\] = \{([^}]*)\}", text)}


def dense(name, origin, inputs):
    out[name + ".w"] = array[origin + "_weights"].reshape(inputs, -1).T
    out[name + ".b"] = array[origin + "_bias"]


def gru(name, inputs, units, order=None):
    gates = lambda x: np.concatenate([x[..., units : 2 * units], x[..., :units], x[..., 2 * units :]], -1)
    wx = gates(array[name + "_gru_weights"].reshape(inputs, 3 * units))
    out[name + ".wx"] = (wx if order is None else wx[order]).T
    out[name + ".wh"] = gates(array[name + "_gru_recurrent_weights"].reshape(units, 3 * units))
    out[name + ".b"] = gates(array[name + "_gru_bias"])


dense("input", "input_dense", 42)
gru("vad", 24, 24)
gru("noise", 90, 48)
gru("denoise", 114, 96, np.r_[0:24, 72:114, 24:72])
dense("gains", "denoise_output", 96)
np.savez_compressed(sys.argv[2], **{k: np.ascontiguousarray(v) for k, v in out.items()})
