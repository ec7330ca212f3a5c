# Writes nmfd_libnmfd.json: an update of w, and one of h, by libnmfd, from the same start.
# Run with: python3 nmfd_libnmfd.py > nmfd_libnmfd.json   (made with libnmfd at its newest commit)
import json, sys
import numpy as np
from libnmfd.core.nmfconv import nmf_conv, nmfd

rng = np.random.default_rng(1)
bins, rank, taps, cols = 6, 2, 3, 17
w = rng.random((rank, bins, taps)) + 0.1
h = rng.random((rank, cols)) + 0.1
v = rng.random((bins, cols)) + 0.1
v /= v.sum()  # as libnmfd does
flat = lambda a: [float("%.12g" % x) for x in np.ravel(a)]
out = {"bins": bins, "rank": rank, "taps": taps, "v": flat(v), "w": flat(w.transpose(1, 0, 2)), "h": flat(h), "updates": []}
for beta in (0, 1, 2):  # nmf_conv's less 1; it leaves each picture with the sum 1
    new, _, _, _ = nmf_conv(v, num_comp=rank, num_iter=1, num_template_frames=taps, beta=beta - 1, init_W=list(w), init_H=h)
    out["updates"].append({"beta": beta, "w": flat(np.stack(new, axis=1))})
# The update of h by nmfd is a mean over taps of ratios; it is that of majorisation-minimisation,
# a ratio of sums over taps, where all columns of a picture have the same sum, but in the last
# taps-1 columns, where fewer taps are left.
even = w / w.sum(axis=1, keepdims=True)
_, new, _, _, _ = nmfd(v, num_comp=rank, num_iter=1, num_template_frames=taps, init_W=list(even), init_H=h, func_preprocess=None, fix_W=True)
out["even"], out["h_of_even"] = flat(even.transpose(1, 0, 2)), flat(new[:, : cols - taps + 1])
json.dump(out, sys.stdout)
