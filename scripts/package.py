"""Packs programs: an archive and a wheel for each platform, and an npm package that holds all; and
the SDK of plugins in Python, as a wheel.

    package.py VERSION PROGRAMS SHARE OUT
    package.py VERSION --sdk OUT

PROGRAMS has a folder OS-ARCH for each platform with the program in it, SHARE what goes beside it.
The first does what the second does, too. The same programs give the same bytes: times are fixed,
and names in order.
"""

import base64
import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile
import zipfile

SUMMARY = "Takes recordings apart: audio source separation in one program"
# Tags of wheels (PEP 425), whose programs are static and need no C library.
TAGS = {
    "linux-amd64": "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    "linux-arm64": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    "darwin-amd64": "macosx_12_0_x86_64",
    "darwin-arm64": "macosx_12_0_arm64",
    "windows-amd64": "win_amd64",
    "windows-arm64": "win_arm64",
}
TIME = (2020, 1, 1, 0, 0, 0)


def zipped(path, files):
    """Writes a zip of files, name -> (bytes, whether they are a program)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, (data, program) in files.items():
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # so that modes count
            info.external_attr = (0o100755 if program else 0o100644) << 16
            z.writestr(info, data)


def tarred(path, files):
    """Writes a tar.gz of files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as t:
        for name, (data, program) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755 if program else 0o644
            t.addfile(info, io.BytesIO(data))
    with open(path, "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
        z.write(raw.getvalue())


def wheel(out, name, version, tag, files, headers, readme):
    """Writes a wheel of files for a platform; headers are more of its METADATA."""
    info = f"{name}-{version}.dist-info"
    pure = "true" if tag == "any" else "false"
    files = dict(files)
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\nLicense: MIT\nRequires-Python: >=3.8\n{headers}"
        "Description-Content-Type: text/markdown\n\n".encode() + readme, False)
    tags = "".join(f"Tag: py3-none-{t}\n" for t in tag.split("."))
    files[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: audiosep\nRoot-Is-Purelib: {pure}\n{tags}".encode(), False)
    record = ""
    for path, (content, _) in files.items():
        sum = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={sum},{len(content)}\n"
    files[f"{info}/RECORD"] = ((record + f"{info}/RECORD,,\n").encode(), False)
    zipped(out / f"{name}-{version}-py3-none-{tag}.whl", files)


def sdk(out, version):
    """Writes the wheel of the SDK: one module, whatever the platform. Debian 12 has the oldest versions
    of what it needs that it is tried with."""
    module = pathlib.Path(__file__).parent.parent / "plugins/python/audiosep_plugin.py"
    readme = "Stages of audiosep in Python: see the head of the module `audiosep_plugin`.\n"
    headers = "Summary: Write plugins of audiosep in Python\n" + "".join(f"Requires-Dist: {n}\n" for n in ("numpy>=1.24", "grpcio>=1.51", "protobuf>=4.21"))
    wheel(out, "audiosep_plugin", version, "any", {"audiosep_plugin.py": (module.read_bytes(), False)}, headers, readme.encode())


# The project's, those of the networks' weights, and those of the Go modules in the program.
LICENCES = ("LICENSE", "LICENSE.weights", "LICENSE.modules")

LAUNCHER = """#!/usr/bin/env node
// Runs the program of this platform, with what it is given and returns.
const { spawnSync } = require("child_process");
const path = require("path");
const os = { win32: "windows" }[process.platform] || process.platform;
const arch = { x64: "amd64" }[process.arch] || process.arch;
const program = path.join(__dirname, `${os}-${arch}`, os === "windows" ? "audiosep.exe" : "audiosep");
const done = spawnSync(program, process.argv.slice(2), { stdio: "inherit" });
if (done.error) {
  const none = done.error.code === "ENOENT" ? `there is no program for ${os} on ${arch}` : done.error.message;
  console.error(`audiosep: ${none}`);
  process.exit(1);
}
if (done.signal) process.kill(process.pid, done.signal);
process.exit(done.status);
"""


def npm(out, version, programs, share):
    """Writes an npm package, as npm pack lays it out, with the programs of all platforms."""
    about = {
        "name": "audiosep", "version": version, "description": SUMMARY, "license": "MIT",
        "bin": {"audiosep": "bin/audiosep.js"}, "man": "audiosep.1",
        "os": ["linux", "darwin", "win32"], "cpu": ["x64", "arm64"],
    }
    files = {
        "package/package.json": (json.dumps(about, indent=2).encode(), False),
        "package/bin/audiosep.js": (LAUNCHER.encode(), True),
    }
    for name in ("README.md", *LICENCES, "audiosep.1"):
        files[f"package/{name}"] = (share[name], False)
    for platform, (program, data) in programs.items():
        files[f"package/bin/{platform}/{program}"] = (data, True)
    tarred(out / f"audiosep-{version}.tgz", files)


def main():
    if sys.argv[2] == "--sdk":
        return sdk(pathlib.Path(sys.argv[3]), sys.argv[1])
    version, programs, share, out = sys.argv[1], *map(pathlib.Path, sys.argv[2:5])
    beside = {p.name: p.read_bytes() for p in sorted(share.iterdir())}
    built = {}
    for platform in TAGS:
        [program] = (programs / platform).iterdir()
        built[platform] = program.name, program.read_bytes()
    for platform, (program, data) in built.items():
        top = f"audiosep-{version}/"
        files = {top + program: (data, True), **{top + name: (text, False) for name, text in beside.items()}}
        name = f"audiosep-{version}-{platform}"
        if platform.startswith("windows"):
            zipped(out / (name + ".zip"), files)
        else:
            tarred(out / (name + ".tar.gz"), files)
        texts = {f"audiosep-{version}.dist-info/{name}": (beside[name], False) for name in LICENCES}
        wheel(out, "audiosep", version, TAGS[platform], {f"audiosep-{version}.data/scripts/{program}": (data, True), **texts},
              f"Summary: {SUMMARY}\n", beside["README.md"])
    sdk(out, version)
    npm(out, version, built, beside)


main()
