#!/usr/bin/env python3
"""Where the processor time of whole jobs goes: by what kind of code, of a recording.

    python3 docs/shares.py SONG.flac [JOB …]

runs each job under perf (Linux) and adds up the samples by the symbols they fell in. Most is what
computes: codecs, products, transforms, medians, networks, element-wise passes. The last three
columns are what a faster program would not have: copying, clearing, looking for what is not finite,
the system. Each job has run once before, so that its memory and files are at hand: on a virtual machine the first touch
of memory may take seconds. With --speedup each job is run three times more in each of three ways, without perf: on one thread, on two, and twice
at the same time on one thread each. The last two columns are how many times faster it is on two threads, by the
clock, fastest run each, and how much more the machine does in two such runs at once than in one after
the other, which is what a second thread can bring at most.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

READ = {"use": "read_audio", "params": {"files": ["song"]}}
FRAME = {"use": "frame", "params": {"length": 2048, "hop": 512, "window": "hann"}}
STFT = [READ, FRAME, {"use": "stft"}]
WRITE = {"use": "write_audio", "params": {"format": "flac"}}
KL = {"use": "kl_nmf", "params": {"rank": 20}}
LEARN = STFT[:1] + [{"use": "crop", "params": {"duration": 20}}] + STFT[1:] + [KL]

JOBS = {  # name: stages, and what must run before it
    "hpss": (STFT + [{"use": "hpss"}, WRITE], None),
    "kl_nmf": (STFT + [KL, {"use": "wiener", "params": {"sources": 4, "cluster": "linkage"}}, WRITE], None),
    "iva": (STFT + [{"use": "iva"}, WRITE], None),
    "activations": (
        STFT
        + [
            {"use": "load_model", "params": {"file": "model.npz"}},
            {"use": "activations", "in": {"power": "stft", "dictionary": "load_model"}},
            {"use": "wiener", "in": {"coefs": "stft", "factors": "activations"}, "params": {"sources": 4, "cluster": "linkage"}},
            WRITE,
        ],
        LEARN + [{"use": "save_model", "in": {"factors": "kl_nmf"}, "params": {"file": "model.npz"}}],
    ),
    "denoise": ([READ, {"use": "denoise"}, WRITE], None),
}

KINDS = [  # the first whose pattern a symbol has
    ("encoding, decoding", r"/internal/flac|/mewkiz|/audio\.|crc|md5|sha256|deflate"),
    ("products, sums, updates", r"kernel\.(gemm|dots|ratio|logs|cross|log|exp|scale|\(\*)|/factorizers\.|/multichannel\.|/internal/jointdiag"),
    ("transforms", r"/internal/fft|kernel\.(transpose|gather|Transpose)"),
    ("networks", r"/internal/nn|/nets"),
    ("masks, medians, joining", r"/separators\.|kernel\.(\w*[mM]ask|share|leave|exchange|most|inverse|add|mul|div|magnitude|power|\w+)|audiosep/audiosep\.\(\*Joiner\)"),
]
# What moves numbers rather than computing with them is no kernel, wherever it stands.
MOVES = r"memmove|memclr|findBad|notFinite|checkBlock|f64\.Sum"


def spec(stages, song):
    text = json.dumps({"audiosep": 1, "seed": 1, "stages": stages})
    return text.replace('"song"', json.dumps(str(song)))


def run(program, stages, song, folder, name, perf=()):
    path = folder / f"{name}.json"
    path.write_text(spec(stages, song))
    subprocess.run([*perf, program, "run", "-q", "--no-cache", "--overwrite", "--out", str(folder), str(path)], check=True, cwd=folder)


def clock(*job, threads, copies=1):
    """Returns the seconds of so many runs at the same time."""
    os.environ["GOMAXPROCS"] = str(threads)
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(copies) as pool:
        program, stages, song, folder, name = job
        list(pool.map(lambda i: run(program, stages, song, folder / str(i), name), range(copies)))
    del os.environ["GOMAXPROCS"]
    return time.perf_counter() - start


def speedup(*job):
    """Returns what stands in the last two columns."""
    for i in range(2):
        (job[3] / str(i)).mkdir()
        for model in job[3].glob("*.npz"):
            (job[3] / str(i) / model.name).symlink_to(model)
    rounds = [(clock(*job, threads=1), clock(*job, threads=2), clock(*job, threads=1, copies=2)) for _ in range(3)]
    one, two, both = map(min, zip(*rounds))
    return [f"{one:.1f} s / {two:.1f} s = {one / two:.2f}", f"{2 * one / both:.2f}"]


def shares(data):
    """Returns {symbol: percent}."""
    out = subprocess.run(["perf", "report", "-i", data, "--no-children", "-g", "none", "--stdio", "--percent-limit", "0"], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in out.splitlines():
        if m := re.match(r"\s+([\d.]+)%\s+\S+\s+(\S+)\s+\[(.)\]\s+(.*)", line):
            symbol = "the system" if m[3] == "k" else m[4].strip()
            found[symbol] = found.get(symbol, 0) + float(m[1])
    return found


def kind(symbol):
    if symbol == "the system":
        return symbol
    if re.search(MOVES, symbol):
        return "copying, clearing, checking"
    return next((k for k, pattern in KINDS if re.search(pattern, symbol)), "other")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="audiosep", help="the audiosep to run")
    parser.add_argument("--speedup", action="store_true", help="also say what a second thread brings")
    parser.add_argument("--symbols", type=int, default=0, help="name so many symbols of each job too")
    parser.add_argument("song", type=pathlib.Path)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"of {', '.join(JOBS)}; all")
    args = parser.parse_args()
    columns = [*(k for k, _ in KINDS), "copying, clearing, checking", "the system", "other"]
    heads = ["job", *columns, *(["two threads", "two runs at once"] if args.speedup else [])]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for job in args.jobs or JOBS:
        stages, before = JOBS[job]
        with tempfile.TemporaryDirectory() as at:
            folder = pathlib.Path(at)
            if before:
                run(args.program, before, args.song.resolve(), folder, "before")
            data = str(folder / "perf.data")
            this = args.program, stages, args.song.resolve(), folder, job
            run(*this)
            run(*this, ["perf", "record", "-q", "-o", data])
            found = shares(data)
            speedups = speedup(*this) if args.speedup else []
        total = dict.fromkeys(columns, 0.0)
        for symbol, percent in found.items():
            total[kind(symbol)] += percent
        cells = [job, *(f"{total[c]:.0f} %" for c in columns), *speedups]
        print("| " + " | ".join(cells) + " |", flush=True)
        for symbol in sorted(found, key=found.get, reverse=True)[: args.symbols]:
            print(f"    {found[symbol]:5.1f} % {symbol}  ({kind(symbol)})")


if __name__ == "__main__":
    main()
