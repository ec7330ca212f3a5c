"""Makes weights.npz of the model in the npm package @spotify/basic-pitch 1.0.1: see ORIGIN.md.

    python3 make.py package/model/model.json weights.npz

It needs NumPy alone. The kernels of the constant-Q transform are those of the uppermost octave,
[real then imaginary][sample]; the package has a copy for each octave. Convolutions are
[out][in][frame][bin]. Those that take every third bin have three inputs for each, of the bins 3n,
3n+1 and 3n+2, and three taps, n-1, n and n+1. Arrays of more than two dimensions are matrices,
with all but the first as one.
"""
import json
import os
import sys

import numpy as np


def weights(path):
    model, out, at = json.load(open(path)), {}, 0
    data = open(os.path.join(os.path.dirname(path), model["weightsManifest"][0]["paths"][0]), "rb").read()
    for w in model["weightsManifest"][0]["weights"]:
        n = int(np.prod(w["shape"]))
        x = np.frombuffer(data, {"float32": "<f4", "int32": "<i4"}[w["dtype"]], n, at)
        out[w["name"].removeprefix("StatefulPartitionedCall/model_1/")] = x.reshape(w["shape"])
        at += 4 * n
    assert at == len(data)
    return out


def main():
    model, out = weights(sys.argv[1]), {}

    def put(name, x):
        out[name] = np.ascontiguousarray(x, dtype="<f4").reshape(len(x), *([-1] if x.ndim > 1 else []))

    def thirds(w, left):
        """Spreads [out][in][frame][bin] over the three phases of the bins."""
        o, i, frames, bins = w.shape
        y = np.zeros((o, i, 3, frames, 3))
        for k in range(bins):
            q, p = divmod(k - left, 3)
            y[:, :, p, :, q + 1] = w[:, :, :, k]
        return y.reshape(o, 3 * i, frames, 3)

    kernels = [model[f"cq_t2010v2_1/conv1d{k}/ExpandDims_1"][0, :, 0] for k in ("", "_1")]
    for k, x in model.items():
        if x.shape == (1, 256, 1, 36):
            assert any(np.array_equal(x[0, :, 0], y) for y in kernels)
    put("cqt", np.concatenate([k.T for k in kernels]))
    put("lowpass", model["cq_t2010v2_1/conv1d_2/ExpandDims_1"].ravel())
    put("scale", model["cq_t2010v2_1/Sqrt"].ravel())
    put("norm", np.array([model["batch_normalization/FusedBatchNormV3/" + k][0] for k in ("Scaled", "Offset")]))
    for name, w, b, left in (
        ("contour1", "conv2d_1/Conv2D_weights", "conv2d_1/Conv2D_bn_offset", None),
        ("contour2", "contours-reduced/Conv2D/ReadVariableOp", "contours-reduced/BiasAdd/ReadVariableOp", None),
        ("note1", "conv2d_2/Conv2D/ReadVariableOp", "conv2d_2/BiasAdd/ReadVariableOp", 2),
        ("note2", "conv2d_3/Conv2D/ReadVariableOp", "conv2d_3/BiasAdd/ReadVariableOp", None),
        ("onset1", "conv2d_4/Conv2D_weights", "conv2d_4/Conv2D_bn_offset", 1),
        ("onset2", "conv2d_5/Conv2D/ReadVariableOp", "conv2d_5/BiasAdd/ReadVariableOp", None),
    ):
        x = model[w].transpose(3, 2, 0, 1)
        put(name + ".w", x if left is None else thirds(x, left))
        put(name + ".b", model[b])
    np.savez_compressed(sys.argv[2], **out)
    print(sum(x.size for x in out.values()), "numbers")


main()
