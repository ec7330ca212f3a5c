#!/usr/bin/python3
"""Times numpy, scipy, scikit-learn, librosa, mir_eval, museval, ssspy, nussl and libnmfd beside audiosep, in one run.

    python3 docs/peers.py [--threads N] [--audiosep FILE] [--as-installed] [ROW…]

runs `audiosep bench --json` for every row, then the peer on arrays of the same sizes, and
prints a table of both and their ratio: how many times less audiosep takes, by the clock and
by processor time, which is the steadier of the two on a busy machine. Seconds are those of
the fastest run, processor seconds the mean. A ROW is how a row's name, or what follows a
stroke in it, begins; none means all. What is not installed is left out; Debian has numpy,
scipy, scikit-learn (python3-sklearn) and mir_eval. Without --audiosep the program is built
first.

The peers run at their best: OpenBLAS 0.3.21 does not know the newer AVX-512 machines and is
told that they are SkylakeX, with which it is fastest, and glibc is told to keep freed memory,
as new pages for every temporary array cost a virtual machine up to ten times the arithmetic.
"""

import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("rows", nargs="*")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--audiosep")
parser.add_argument("--time", type=float, default=0.5, help="least seconds for a row and program")
parser.add_argument("--as-installed", action="store_true", help="leave glibc at its defaults")
args = parser.parse_args()

# Before numpy is imported: it reads them once.
os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOMAXPROCS"), str(args.threads)))
os.environ.pop("OPENBLAS_L2_SIZE", None)
if os.path.exists("/proc/cpuinfo") and "avx512f" in open("/proc/cpuinfo").read():
    os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"

if sys.platform == "linux" and not args.as_installed:
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD

import numpy as np
import scipy.fft
import scipy.io.wavfile
import scipy.signal

warnings.filterwarnings("ignore")


def cpu():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


def least(f):
    """The least seconds of runs of f, and the mean of the processor seconds."""
    end, used = time.perf_counter() + args.time, cpu()
    seconds = []
    while not seconds or time.perf_counter() < end:
        start = time.perf_counter()
        f()
        seconds.append(time.perf_counter() - start)
    return min(seconds), (cpu() - used) / len(seconds)


def gemm(transposed, m, k, n):
    a = rng.random((k, m)).T if transposed[0] == "T" else rng.random((m, k))
    b = rng.random((n, k)).T if transposed[1] == "T" else rng.random((k, n))
    c = np.empty((m, n))
    return lambda: np.dot(a, b, out=c)


def transform(kind, n, frames=1024):
    x = rng.random((frames, n))
    half = scipy.fft.rfft(x)
    return {
        "real": lambda: scipy.fft.rfft(x, workers=args.threads),
        "inverse": lambda: scipy.fft.irfft(half, n, workers=args.threads),
        "dct2": lambda: scipy.fft.dct(x, 2, norm="ortho", workers=args.threads),
        "dct4": lambda: scipy.fft.dct(x, 4, norm="ortho", workers=args.threads),
    }[kind]


def sklearn_nmf(loss, dtype=np.float64):
    from sklearn.decomposition import NMF

    v = (rng.random((513, 2329)) + 1e-3).astype(dtype)
    nmf = NMF(10, init="random", solver="mu", beta_loss=loss, max_iter=200, tol=0, random_state=0)
    return lambda: nmf.fit_transform(v)


def same_start(folder, beta, dtype=np.float64, **kind):
    """A run of the peer in numbers of dtype, and V, its start and the divergence of its end in folder."""
    from sklearn.decomposition import NMF

    positive = lambda *shape: np.abs(rng.standard_normal(shape)) + 1
    v = positive(513, 3) @ positive(3, 2329) * (rng.standard_normal((513, 2329)) ** 2 + 1e-3)
    w, h = positive(513, 10), positive(10, 2329)
    w /= w.sum(axis=0)
    h *= v.sum() / h.sum()
    nmf = NMF(10, init="custom", max_iter=200, tol=0, **kind)
    given = [a.astype(dtype) for a in (v, w, h)]
    run = lambda: nmf.fit_transform(given[0], W=given[1].copy(), H=given[2].copy())
    y = v + 1e-10  # eps of the rows
    x = run() @ nmf.components_ + 1e-10
    d = {0: lambda: y / x - np.log(y / x) - 1, 1: lambda: y * np.log(y / x) - y + x, 2: lambda: (y - x) ** 2 / 2}[beta]().sum()
    for name, a in ("v", v), ("w", w), ("h", h), ("d", np.array([[d]])):
        np.save(os.path.join(folder, name), a)
    return run


def masks():
    x = rng.standard_normal((2, 60 * 44100))
    _, _, spectrum = scipy.signal.stft(x, nperseg=2048, noverlap=1536)
    mask = rng.random(spectrum.shape)

    def run():
        _, _, s = scipy.signal.stft(x, nperseg=2048, noverlap=1536)
        for m in (mask, 1 - mask):
            scipy.signal.istft(s * m, nperseg=2048, noverlap=1536)

    return run


def librosa_masks():
    import librosa

    x = rng.standard_normal((2, 60 * 44100))
    mask = rng.random(librosa.stft(x, n_fft=2048, hop_length=512).shape)

    def run():
        s = librosa.stft(x, n_fft=2048, hop_length=512)
        for m in (mask, 1 - mask):
            librosa.istft(s * m, hop_length=512)

    return run


def stems():
    refs = scipy.signal.lfilter([1], [1, -0.6], rng.standard_normal((4, 60 * 44100)))
    return refs, refs + 0.2 * np.roll(refs, 1, axis=0) + 0.05 * rng.standard_normal(refs.shape)


def mir_eval():
    from mir_eval.separation import bss_eval_sources

    refs, ests = stems()
    return lambda: bss_eval_sources(refs, ests)


def museval():
    from museval.metrics import bss_eval

    refs, ests = stems()  # windows of 1 s and the order given, as museval.evaluate has them
    return lambda: bss_eval(refs[..., None], ests[..., None], window=44100, hop=44100)


def ssspy(kind, update):
    """ssspy on the STFT of 4 channels, 30 s at 16 kHz, frames of 2048 every 512: 30 iterations,
    10 of FastMNMF, whose spatial covariances are free in each bin where ours are not."""
    from ssspy.bss.ilrma import GaussILRMA
    from ssspy.bss.iva import AuxGaussIVA
    from ssspy.bss.mnmf import FastGaussMNMF

    _, _, x = scipy.signal.stft(rng.standard_normal((4, 30 * 16000)), nperseg=2048, noverlap=1536)
    options, seed = dict(spatial_algorithm=update, record_loss=False), np.random.default_rng(1)
    return {
        "iva": lambda: AuxGaussIVA(**options)(x, n_iter=30),
        "ilrma": lambda: GaussILRMA(4, rng=seed, **options)(x, n_iter=30),
        "fast_mnmf": lambda: FastGaussMNMF(4, diagonalizer_algorithm=update, record_loss=False, rng=seed)(x, n_iter=10),
    }[kind]


def notes():
    """30 s of notes at 44.1 kHz."""
    rate, n = 44100, 30 * 44100
    x = 1e-3 * rng.standard_normal(n)
    t = np.arange(rate) / rate
    for at in range(0, n - rate, rate // 5):
        pitch = 110 * 2 ** (rng.integers(12) / 6)
        x[at : at + rate] += sum(0.1 / h * np.sin(2 * np.pi * h * pitch * t) for h in range(1, 9)) * np.exp(-4 * t)
    return x


def spectrum(x):
    return scipy.signal.stft(x, nperseg=2048, noverlap=1536)[2]


def two_parts(mask):
    """From the sound to two stems, by scipy's transforms and the mask of one of them."""
    x = notes()

    def run():
        s = spectrum(x)
        m = mask(np.abs(s))
        for part in (m, 1 - m):
            scipy.signal.istft(s * part, nperseg=2048, noverlap=1536)

    return run


def librosa_hpss():
    import librosa

    return two_parts(lambda v: librosa.decompose.hpss(v, mask=True)[0])


def librosa_repet_sim():
    import librosa

    def mask(v):
        w = np.minimum(v, librosa.decompose.nn_filter(v, aggregate=np.median, metric="cosine", k=100, width=86, mode="distance"))
        return librosa.util.softmask(w, v - w, power=1)

    return two_parts(mask)


def nussl_repet():
    from nussl.separation.primitive import Repet

    r = Repet.__new__(Repet)

    def mask(v):
        beat = r.compute_beat_spectrum((v**2).T)
        r.repeating_period = int(r.find_repeating_period_simple(beat, 69, 690))
        return r._compute_repeating_mask(v)

    return two_parts(mask)


def nussl_ft2d():
    from nussl.separation.primitive import FT2D

    f = FT2D.__new__(FT2D)
    f.neighborhood_size = (1, 25)

    def mask(v):
        background, _ = f.filter_local_maxima(np.fft.fft2(v))
        return np.minimum(v, np.abs(np.fft.ifft2(background))) / (v + 1e-7)

    return two_parts(mask)


def nussl_rpca():
    from nussl.separation.factorization import RPCA

    r = RPCA.__new__(RPCA)
    r.num_iterations, r.epsilon = 20, 0

    def mask(v):
        low, sparse = r.decompose(v)
        return np.abs(low) / (np.abs(low) + np.abs(sparse) + 1e-16)

    return two_parts(mask)


def scipy_kam():
    from scipy.ndimage import median_filter

    cross = np.zeros((15, 15), bool)
    cross[7] = cross[:, 7] = True

    def run():
        s = spectrum(x)
        v = np.abs(s) ** 2
        parts = [median_filter(v, (1, 31)), median_filter(v, (31, 1)), median_filter(v, footprint=cross)]
        total = sum(parts) + 1e-300
        for part in parts:
            scipy.signal.istft(s * (part / total), nperseg=2048, noverlap=1536)

    x = notes()
    return run


def scipy_mdct():
    """The MDCT as the DCT-IV of folded frames, and back."""
    m = 1024
    window = np.sin(np.pi * (np.arange(2 * m) + 0.5) / (2 * m))
    x = np.pad(notes(), (m, 2 * m))
    frames = len(x) // m - 1

    def run():
        y = np.lib.stride_tricks.sliding_window_view(x, 2 * m)[: frames * m : m] * window
        a, b, c, d = (y[:, i * m // 2 : (i + 1) * m // 2] for i in range(4))
        z = scipy.fft.dct(np.hstack([-c[:, ::-1] - d, a - b[:, ::-1]]), 4, norm="ortho", workers=args.threads)
        u, v = np.hsplit(scipy.fft.dct(z, 4, norm="ortho", workers=args.threads), 2)
        y = np.hstack([v, -v[:, ::-1], -u[:, ::-1], -u]) * window
        out = np.zeros((frames + 1, m))
        out[:-1] += y[:, :m]
        out[1:] += y[:, m:]
        return out

    assert np.allclose(run()[1:-1], x[m : frames * m].reshape(-1, m))
    return run


def scipy_high_pass():
    x, half = notes(), 4 * 44100 // 100
    taps = scipy.signal.firwin(2 * half + 1, 100, window=("kaiser", scipy.signal.kaiser_beta(120)), fs=44100)
    return lambda: x - scipy.signal.oaconvolve(x, taps, mode="same")


def numpy_ensemble():
    """Medians of 3 separations into 4 stems that correlations match."""
    x = np.stack([notes() for _ in range(4)])
    all = [np.roll(x, -i, axis=0) for i in range(3)]

    def run():
        from scipy.optimize import linear_sum_assignment

        first, others = all[0], all[1:]
        matched = [first] + [y[linear_sum_assignment(-(first @ y.T) / np.outer(np.linalg.norm(first, axis=1), np.linalg.norm(y, axis=1)))[1]] for y in others]
        np.median(matched, axis=0)

    return run


def numpy_nmf2d():
    """The updates of Schmidt and Mørup for the Kullback-Leibler divergence, 2 instruments of 2 columns at 48
    pitches, 30 iterations, on an axis of 24 steps an octave from 55 Hz."""
    steps, pitches, taps = 208, 48, 2
    s = np.abs(spectrum(notes()))
    hz = np.arange(len(s)) * 44100 / 2048
    near = np.maximum(0, 1 - np.abs(24 * np.log2(np.maximum(hz, 1) / 55) - np.arange(steps)[:, None]))
    v = near @ s + 1e-10
    w, h = rng.random((taps, steps, 2)), rng.random((pitches, 2, v.shape[1]))

    def model(w, h):
        y = np.full_like(v, 1e-10)
        for t in range(taps):
            for p in range(pitches):
                y[p:, t:] += w[t][: steps - p] @ h[p][:, : v.shape[1] - t]
        return y

    def run():
        a, b = w.copy(), h.copy()
        for _ in range(30):
            r = v / model(a, b)
            num, den = np.zeros_like(b), np.zeros_like(b)
            for t in range(taps):
                for p in range(pitches):
                    n = v.shape[1] - t
                    num[p][:, :n] += a[t][: steps - p].T @ r[p:, t:]
                    den[p][:, :n] += a[t][: steps - p].sum(axis=0)[:, None]
            b *= num / (den + 1e-300)
            r = v / model(a, b)
            num, den = np.zeros_like(a), np.zeros_like(a)
            for t in range(taps):
                for p in range(pitches):
                    n = v.shape[1] - t
                    num[t][: steps - p] += r[p:, t:] @ b[p][:, :n].T
                    den[t][: steps - p] += b[p][:, :n].sum(axis=1)
            a *= num / (den + 1e-300)

    return run


def libnmfd():
    from libnmfd.core.nmfconv import nmf_conv

    v = np.abs(spectrum(notes()))
    w, h = list(rng.random((3, len(v), 8))), rng.random((3, v.shape[1]))
    return lambda: nmf_conv(v, num_comp=3, num_iter=30, num_template_frames=8, beta=0, init_W=w, init_H=h)


def sklearn_online():
    from sklearn.decomposition import MiniBatchNMF

    v = np.abs(spectrum(notes())).T ** 2 + 1e-10
    nmf = MiniBatchNMF(10, init="random", batch_size=256, beta_loss="itakura-saito", tol=0, max_iter=1, max_no_improvement=None, fresh_restarts=True, fresh_restarts_max_iter=30, random_state=0)
    return lambda: nmf.fit(v)


def sklearn_online_epochs():
    """As many epochs as MiniBatchNMF needs, 32 at most, for a dictionary that fits the recording as well as one pass of
    `audiosep run` does. What is compared is the divergence with the activations that fit each dictionary best."""
    from sklearn.decomposition import MiniBatchNMF

    x = notes()
    window = scipy.signal.get_window("hann", 2048)
    v = np.abs(spectrum(x)) ** 2 * window.sum() ** 2 + 1e-10

    def divergence(w):
        h = np.full((w.shape[1], v.shape[1]), v.mean())
        for _ in range(100):
            r = w @ h + 1e-10
            h *= np.sqrt((w.T @ (v / r**2)) / (w.T @ (1 / r)))
        r = v / (w @ h + 1e-10)
        return np.mean(r - np.log(r) - 1)

    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        scipy.io.wavfile.write(at("x.wav"), 44100, x)
        stages = [("read_audio", {"files": [at("x.wav")]}), ("frame", {"length": 2048, "overlap": 0.75, "window": "hann"}), ("stft", {}),
                  ("online_nmf", {"rank": 10, "batch": 256, "warm": 0})]  # fmt: skip
        stages = [{"use": use, "params": params} for use, params in stages]
        stages.append({"use": "save_model", "params": {"file": at("model.npz")}, "in": {"factors": "online_nmf"}})
        with open(at("spec.json"), "w") as f:
            json.dump({"audiosep": 1, "name": "x", "seed": 1, "stages": stages}, f)
        subprocess.run([program, "run", "--quiet", at("spec.json")], check=True)
        wanted = divergence(np.load(at("model.npz"))["w"])
    for epochs in (1, 2, 4, 8, 16, 32):
        nmf = MiniBatchNMF(10, init="random", batch_size=256, beta_loss="itakura-saito", tol=0, max_iter=epochs, max_no_improvement=None, random_state=0)
        reached = divergence(nmf.fit(v.T).components_.T + 1e-12)
        if reached <= wanted:
            break
    print(f"online_nmf, one pass: divergence {wanted:.3f} an entry; scikit-learn after {epochs} epochs {reached:.3f}")
    return lambda: nmf.fit(v.T)


shapes = [
    ("NN", 200, 200, 1510), ("NT", 200, 1510, 200), ("NN", 440, 440, 5419), ("NT", 440, 5419, 440),
    ("NN", 1024, 1024, 2600), ("NT", 1024, 2600, 1024),
    ("NN", 513, 2, 2329), ("NN", 513, 10, 2329), ("TN", 10, 513, 2329), ("NT", 513, 2329, 10),
    ("NN", 513, 100, 2329), ("TN", 100, 513, 2329), ("NT", 513, 2329, 100),
]  # fmt: skip
peers = [("gemm/%s/%dx%dx%d" % s, "numpy", lambda s=s: gemm(*s)) for s in shapes]
peers += [
    (f"fft/{kind}/{n}", "scipy", lambda kind=kind, n=n: transform(kind, n))
    for n in (200, 440, 441, 1024, 2048)
    for kind in ("real", "inverse", "dct2", "dct4")
]
losses = {0: ("is", "itakura-saito"), 1: ("kl", "kullback-leibler"), 2: ("euclidean", "frobenius")}
peers += [(f"nmf/{name}", "scikit-learn", lambda loss=loss: sklearn_nmf(loss)) for name, loss in losses.values()]
peers += [(f"nmf/{name}/float32", "scikit-learn, float32", lambda loss=loss: sklearn_nmf(loss, np.float32)) for name, loss in losses.values()]
peers += [
    (f"nmf/{name}/{update}", "scikit-learn", lambda beta=beta, loss=loss: same_start(start, beta, solver="mu", beta_loss=loss))
    for update in ("warm", "accelerated")
    for beta, (name, loss) in losses.items()
    if beta or update == "accelerated"  # is_nmf is mm where nothing is said
]
peers += [("nmf/euclidean/accelerated", "scikit-learn's cd", lambda: same_start(start, 2, solver="cd"))]
# In float32 scikit-learn takes half the time, but for Itakura-Saito of powers, where eps is below what it can add.
peers += [
    ("nmf/kl/accelerated/float32", "scikit-learn, float32", lambda: same_start(start, 1, np.float32, solver="mu", beta_loss="kullback-leibler")),
    ("nmf/euclidean/accelerated/float32", "scikit-learn, float32", lambda: same_start(start, 2, np.float32, solver="mu", beta_loss="frobenius")),
    ("nmf/euclidean/accelerated/float32", "scikit-learn's cd, float32", lambda: same_start(start, 2, np.float32, solver="cd")),
]
peers += [
    ("stft", "scipy", masks), ("stft", "librosa", librosa_masks),
    ("eval/v3", "mir_eval", mir_eval), ("eval/v4", "museval", museval),
]  # fmt: skip
peers += [
    (f"{kind}/{update}", "ssspy", lambda kind=kind, update=update: ssspy(kind, update.upper()))
    for kind, updates in [("iva", ("ip1", "ip2", "iss1")), ("ilrma", ("ip1", "iss1")), ("fast_mnmf", ("ip1", "ip2"))]
    for update in updates
]
peers += [
    ("methods/hpss", "librosa", librosa_hpss), ("methods/repet_sim", "librosa", librosa_repet_sim),
    ("methods/repet", "nussl", nussl_repet), ("methods/ft2d", "nussl", nussl_ft2d), ("methods/rpca", "nussl", nussl_rpca),
    ("methods/kam", "scipy", scipy_kam), ("methods/ensemble", "numpy", numpy_ensemble),
    ("methods/mdct", "scipy", scipy_mdct), ("methods/high_pass", "scipy", scipy_high_pass),
    ("methods/nmf2d", "numpy", numpy_nmf2d), ("methods/nmfd", "libnmfd", libnmfd),
    ("methods/online_nmf", "scikit-learn", sklearn_online),
    ("methods/online_nmf", "scikit-learn's epochs", sklearn_online_epochs),
]  # fmt: skip


def version(peer):
    """The version of a peer that has been imported."""
    name = "sklearn" if peer.startswith("scikit-learn") else peer
    if name == "museval":
        from museval.version import _version

        return _version
    return getattr(sys.modules[name], "__version__", "")


def ours(program, row):
    env = dict(os.environ, AUDIOSEP_NMF=start) if "/accelerated" in row or "/warm" in row else None
    out = subprocess.run([program, "bench", "--json", f"--time={args.time}s", row], check=True, capture_output=True, env=env)
    (result,) = (r for r in json.loads(out.stdout)["rows"] if r["name"] == row)
    return result["seconds"], result.get("cpu_seconds", 0)


with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as start:
    program = args.audiosep or os.path.join(folder, "audiosep")
    if not args.audiosep:
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        subprocess.run(["go", "build", "-o", program, "./cmd/audiosep"], cwd=root, check=True)
    print(f"threads {args.threads}, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'row':26}{'ours s':>11}{'processor s':>13}  {'peer':24}{'s':>11}{'processor s':>13}{'ratio':>8}{'processor':>11}")
    for row, peer, prepare in peers:
        if args.rows and not any("/" + part in "/" + row for part in args.rows):
            continue
        rng = np.random.default_rng(1)  # each row's arrays are the same in any company
        try:
            run = prepare()
        except ImportError:
            print(f"{row:26}{peer} is not installed")
            continue
        try:
            s, p = ours(program, row)
        except subprocess.CalledProcessError as e:
            print(f"{row:26}{e.stderr.decode().strip().splitlines()[-1]}")
            continue
        ps, pp = least(run)
        ratio = f"{pp / p:11.2f}" if p else ""
        print(f"{row:26}{s:11.4g}{p:13.4g}  {peer + ' ' + version(peer):24}{ps:11.4g}{pp:13.4g}{ps / s:8.2f}{ratio}")
        sys.stdout.flush()
