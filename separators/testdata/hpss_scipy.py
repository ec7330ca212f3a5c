# Writes hpss_scipy.json: harmonic and percussive parts by scipy.ndimage.median_filter.
# Run with: python3 hpss_scipy.py > hpss_scipy.json   (made with scipy 1.10.1)
import json, sys
import numpy as np
from scipy.ndimage import median_filter

rng = np.random.default_rng(1)
x = rng.standard_normal((40, 24)) * np.exp(rng.standard_normal((40, 24)))  # frames, bins
x[11:14] = 0
mag = np.abs(x)
cases = []
for frames, bins, power, margin in [(7, 5, 2.0, 1.0), (31, 31, 1.0, 1.0), (9, 3, 2.0, 2.5), (101, 1, 3.0, 1.5)]:
    h = median_filter(mag, size=(frames, 1), mode="reflect")
    p = median_filter(mag, size=(1, bins), mode="reflect")

    def mask(a, b):
        top = np.maximum(a, b)
        safe = np.where(top > 0, top, 1)
        a, b = (a / safe) ** power, (b / safe) ** power
        return np.where(top > 0, a / np.where(top > 0, a + b, 1), 0.5)

    cases.append({"frames": frames, "bins": bins, "power": power, "margin": margin,
                  "harmonic": (mask(h, margin * p) * x).ravel().tolist(), "percussive": (mask(p, margin * h) * x).ravel().tolist()})
json.dump({"x": x.ravel().tolist(), "m": 24, "cases": cases}, sys.stdout)
