# Writes background_peers.json: what librosa and nussl make of a small spectrogram.
# Run with: python3 background_peers.py > background_peers.json
# (made with librosa 0.11.0, the primitives of nussl at its commit of December 2024, scipy 1.10.1)
import json, sys
import librosa
import numpy as np
from nussl.separation.factorization import RPCA
from nussl.separation.primitive import Repet
from scipy.ndimage import maximum_filter, minimum_filter

rng = np.random.default_rng(1)
frames, bins, period = 61, 17, 7
x = np.tile(rng.exponential(size=(period, bins)), (frames // period + 1, 1))[:frames]
x *= np.exp(0.2 * rng.standard_normal((frames, bins)))
x[rng.random((frames, bins)) < 0.1] += 3
x *= np.where(rng.random((frames, bins)) < 0.5, -1, 1)
x = np.round(x, 4)
v = np.abs(x)
flat = lambda a: [float("%.9g" % y) for y in np.ravel(a)]
out = {"x": flat(x), "bins": bins}

repet = Repet.__new__(Repet)
beat = repet.compute_beat_spectrum(v**2)
repet.repeating_period = int(repet.find_repeating_period_simple(beat, 3, 20))
out["repet"] = {"least": 3, "most": 20, "period": repet.repeating_period, "beat": flat(beat[:21]),
                "background": flat(repet._compute_repeating_mask(v.T).T * x)}

# Without mode="distance" recurrence_matrix keeps, of the k + 2 width nearest frames, not the k
# nearest but those that come first.
similar = np.minimum(v, librosa.decompose.nn_filter(v.T, aggregate=np.median, metric="cosine", k=8, width=3, mode="distance").T)
mask = librosa.util.softmask(similar, v - similar, power=2)
out["repet_sim"] = {"similar": 8, "apart": 3, "power": 2, "background": flat(mask * x)}

# The paper's peaks as nussl has them (filter_local_maxima), but that the axes are circles, as
# they are for the transform; nussl's neighbourhoods end at its edges. It also counts as peaks
# what is one at the opposite rate, one bin beside it where the frames are an even number.
z = np.fft.fft2(v)
size = np.abs(z)
most, least = (f(size, (5, 3), mode="wrap") for f in (maximum_filter, minimum_filter))
back = np.minimum(v, np.abs(np.fft.ifft2(np.where((size == most) & (most - least > np.std(size)), z, 0))))
out["ft2d"] = {"rates": 5, "scales": 3, "background": flat(back / v * x)}

rpca = RPCA.__new__(RPCA)
rpca.num_iterations, rpca.epsilon = 25, 0
low, _ = rpca.decompose(v)
out["rpca"] = {"iterations": 25, "background": flat(np.minimum(np.abs(low), v) / v * x)}

cases = []
for kernel, power, margin in [((7, 5), 2.0, 1.0), ((9, 3), 1.0, 2.5)]:
    h, p = librosa.decompose.hpss(v.T, kernel_size=kernel, power=power, mask=True, margin=margin)
    cases.append({"frames": kernel[0], "bins": kernel[1], "power": power, "margin": margin, "harmonic": flat(h.T * x), "percussive": flat(p.T * x)})
out["hpss"] = cases
json.dump(out, sys.stdout)
