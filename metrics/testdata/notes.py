"""Writes notes.json: made-up notes and what mir_eval.transcription says of them.

    PYTHONPATH=mir_eval python3 notes.py > notes.json

with mir_eval's sources, github.com/mir-evaluation/mir_eval at commit fe73b3533737814f83dbd9739f06e90f5f82f758 (MIT)."""
import json

import mir_eval.transcription as t
import numpy as np

rng = np.random.default_rng(3)


def notes(n, spread):
    onset = np.round(rng.random(n) * spread, 4)
    return [[float(o), float(np.round(o + d, 4)), float(p)] for o, d, p in
            zip(onset, 0.05 + rng.random(n), rng.integers(50, 62, n))]


cases = []
for n, spread, jitter in ((0, 1, 0), (30, 10, 0.03), (60, 4, 0.05), (200, 8, 0.02), (40, 40, 0.2)):
    ref = notes(n, spread)
    est = []
    for o, f, p in ref:
        if rng.random() < 0.85:
            a, b = rng.normal(0, jitter, 2)
            o = max(0, round(o + a, 4))
            est.append([o, max(o + 0.01, round(f + 3 * b, 4)), p + float(rng.choice([0, 0, 0, 0.49, -0.51, 1]))])
    est += notes(n // 4, spread)
    split = lambda x: (np.array([y[:2] for y in x]).reshape(-1, 2), 440 * 2 ** ((np.array([y[2] for y in x]) - 69) / 12))
    (ri, rp), (ei, ep) = split(ref), split(est)
    cases.append({
        "reference": ref, "estimate": est,
        "onset": list(t.onset_precision_recall_f1(ri, ei)),
        "note": list(t.precision_recall_f1_overlap(ri, rp, ei, ep, offset_ratio=None)),
        "offset": list(t.precision_recall_f1_overlap(ri, rp, ei, ep)),
    })
print(json.dumps(cases, separators=(",", ":")))
