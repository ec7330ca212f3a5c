"""Makes weights.npz of the checkpoint model_trained_on_dns3.tar of GTCRN: see ORIGIN.md.

    python3 make.py model_trained_on_dns3.tar weights.npz

It needs NumPy alone. Batch normalisation is folded into the convolution before it; transposed
convolutions are written as plain ones: with stride 1 the kernel is reversed, with stride 2 the
even and the odd outputs have a convolution each. Convolutions are [out][in][tap], depthwise ones
[channel][frame][bin], GRUs have the gates r, z, n in this order with the two biases of r and z
added up. Arrays of three dimensions are matrices here, with the last two as one.
"""
import collections
import pickle
import sys
import zipfile

import numpy as np


def checkpoint(path):
    """Reads the tensors of a file that torch.save wrote, without torch."""
    z = zipfile.ZipFile(path)
    root = z.namelist()[0].split("/")[0]

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            if name == "OrderedDict":
                return collections.OrderedDict
            if name == "_rebuild_tensor_v2":
                return lambda storage, offset, size, stride, *rest: np.lib.stride_tricks.as_strided(
                    storage[offset:], size, [s * storage.itemsize for s in stride]).copy()
            if name.endswith("Storage"):
                return {"FloatStorage": "<f4", "LongStorage": "<i8"}[name]
            raise ValueError(f"{module}.{name} is in the checkpoint")

        def persistent_load(self, pid):
            return np.frombuffer(z.read(f"{root}/data/{pid[2]}"), pid[1])

    return Unpickler(z.open(f"{root}/data.pkl")).load()["model"]


def main():
    model, out = checkpoint(sys.argv[1]), {}
    get = lambda name: model[name].astype(np.float64)

    def put(name, x):
        out[name] = np.ascontiguousarray(x, dtype="<f4").reshape(len(x), *([-1] if x.ndim > 1 else []))

    def conv(name, w, conv, bn, act=None):
        scale = get(bn + ".weight") / np.sqrt(get(bn + ".running_var") + 1e-5)
        put(name + ".w", w * scale[:, None, None])
        put(name + ".b", (get(conv + ".bias") - get(bn + ".running_mean")) * scale + get(bn + ".bias"))
        if act:
            put(name + ".a", get(act + ".weight"))
        return scale

    def gru(name, path, suffix=""):
        wx, wh, bx, bh = (get(f"{path}.{k}_l0{suffix}") for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        h = wh.shape[1]
        put(name + ".wx", wx)
        put(name + ".wh", wh)
        put(name + ".b", bx + np.concatenate([bh[: 2 * h], np.zeros(h)]))
        put(name + ".bn", bh[2 * h :])

    put("erb", get("erb.erb_fc.weight"))
    assert np.array_equal(get("erb.ierb_fc.weight"), get("erb.erb_fc.weight").T)

    for i in range(2):
        p = f"encoder.en_convs.{i}"
        conv(f"encoder{i}", get(p + ".conv.weight")[:, :, 0], p + ".conv", p + ".bn", p + ".act")
    for side, name, blocks in (("encoder", "en_convs", (2, 3, 4)), ("decoder", "de_convs", (0, 1, 2))):
        for i in blocks:
            p = f"{side}.{name}.{i}"
            a, d, b = (get(f"{p}.{k}.weight") for k in ("point_conv1", "depth_conv", "point_conv2"))
            a, d, b = a[:, :, 0, 0], d[:, 0], b[:, :, 0, 0]
            if side == "decoder":
                a, d, b = a.T, d[:, ::-1, ::-1], b.T
            conv(f"{side}{i}.point1", a.reshape(16, 8, 3), p + ".point_conv1", p + ".point_bn1", p + ".point_act")
            conv(f"{side}{i}.depth", d, p + ".depth_conv", p + ".depth_bn", p + ".depth_act")
            conv(f"{side}{i}.point2", b.reshape(8, 16, 1), p + ".point_conv2", p + ".point_bn2")
            gru(f"{side}{i}.gru", p + ".tra.att_gru")
            put(f"{side}{i}.fc.w", get(p + ".tra.att_fc.weight")[:, :, None])
            put(f"{side}{i}.fc.b", get(p + ".tra.att_fc.bias"))
    for i, groups, act in ((3, 2, True), (4, 1, False)):
        p = f"decoder.de_convs.{i}"
        w = get(p + ".conv.weight")[:, :, 0]  # [in][out of a group][tap]
        w = np.concatenate([g.transpose(1, 0, 2) for g in np.split(w, groups)])
        # Output 2g takes tap 4 of input g-1, tap 2 of g and tap 0 of g+1; output 2g+1 taps 3 and
        # 1 of g and g+1.
        conv(f"decoder{i}.even", w[:, :, [4, 2, 0]], p + ".conv", p + ".bn", p + ".act" if act else None)
        conv(f"decoder{i}.odd", w[:, :, [3, 1]], p + ".conv", p + ".bn")
    for i in (1, 2):
        p = f"dpgrnn{i}"
        for g in (1, 2):
            gru(f"dual{i}.intra{g}.ahead", f"{p}.intra_rnn.rnn{g}")
            gru(f"dual{i}.intra{g}.back", f"{p}.intra_rnn.rnn{g}", "_reverse")
            gru(f"dual{i}.inter{g}", f"{p}.inter_rnn.rnn{g}")
        for k in ("intra", "inter"):
            put(f"dual{i}.{k}.fc.w", get(f"{p}.{k}_fc.weight")[:, :, None])
            put(f"dual{i}.{k}.fc.b", get(f"{p}.{k}_fc.bias"))
            put(f"dual{i}.{k}.ln.w", get(f"{p}.{k}_ln.weight").T)  # [channel][band]
            put(f"dual{i}.{k}.ln.b", get(f"{p}.{k}_ln.bias").T)
    np.savez_compressed(sys.argv[2], **out)
    print(sum(x.size for x in out.values()), "numbers")


main()
