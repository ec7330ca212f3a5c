"""Write stages of audiosep in Python: one class for each, then serve(Class, ...).

A plugin is an executable file called audiosep-plugin-NAME that imports this one. It needs
numpy, grpcio and protobuf, on Linux, macOS or another Unix. A stage is a class with

    name      lower_snake_case
    params    a list of Param; each becomes a keyword argument of the constructor or, where the
              class has none, an attribute
    its docstring, of which the first line is the stage's description

Arrays are numpy's, float64 unless said otherwise, not to be written to. Symbols: m samples a
frame, f bins, n frames, k components, L layers (channels of all realisations), j sources, s
frames that share a column of V.

Stages of any shape

    inputs    {"name": "cargo", ...}; behind the cargo ",optional" or ",many" if it is so
    outputs   likewise
    promises  a list of "lazy", "sums", "local"; see wire/stage.proto
    run(self, env, **inputs)    -> {output: value, ...}, or the value if there is one output

What is given is read when it is wanted, from any thread; what is made may be what was given.

    cargo       given                                     made by
    audio       Audio: head, read(at, n) -> (L, n)        audio_of(head, read)
    frames      Frames: audio, framing, count (n),        Frames(audio, framing)
                read(first, n) -> (L, n, m)
    transform   Transform: m, bins, complex, frequencies, an array (f, m), or transform_of(m, object)
                phi (f, m) or None, forward, inverse,     with forward and inverse
                framing or None
    coefs       Coefs: framing, transform, count,         coefs_of(frames, transform), or
                read(first, n) -> (L, n, f)               coefs_like(coefs, read)
    power       Power: framing, bins, hz or None, v(),    power_of(coefs), or
                columns(first, n) -> (f, n)               power_of(framing, v, hz)
    factors     Factors                                   Factors(w, h, ...)
    notes       a list of Note                            the same
    sources     Stems: head, names, groups or None; iterating gives (source, block (L, n)), of all
                sources as far before any goes on
                made by separated(coefs, names, halo, separate), masks and the like:
                    separate(x, skip, n), x (L, up to halo + n + up to halo, f) -> (j, L, n, f)
                    or, with rest=True, (j - 1, L, n, f): the last source is what they leave
                or by separated_audio(audio, names, chunk, reach, separate):
                    separate(x, at), x (L, reach + n + reach) -> (j, L, n)
                or by stems_of(head, names, blocks), of which blocks() gives what iterating does

Common shapes are known by their methods, without inputs, outputs and run

    transformer        __init__(self, m, **params)
                       forward(self, y)    (n, m) -> (n, f), real or complex
                       inverse(self, x)    (n, f) -> (n, m)
                       either may take out=None besides, an array of real numbers to write
                       to and return, which saves a copy; None if there is none; and place=None,
                       a Place, which frames of the recording these are, where that is known:
                       frame i is frame first + (at+i)%count, (at+i)//count//sources its layer
    transform learner  learn_transform(self, y, env, phi)    y: (L, n, m); phi: (f, m) or
                       None, to begin with -> (f, m), or an object with forward and inverse
    factorizer         factorize(self, v, env, init)    v: (f, n/s), a power; init: Factors
                       or None, fields may be None -> (w, h) or Factors
    activator          activate(self, v, w)    (f, n/s), (f, k) -> (k, n/s)
    joint learner      learn_jointly(self, y, env, phi, init) -> (phi, w, h) or (phi, Factors)
    separator          group(self, factors, env) -> {name: [component, ...], ...}
                       separate(self, x, w, h, groups)    x: (n, f), h: (k, n) -> (j, n, f)
                       or, where the class says leaves_rest = True, -> (j - 1, n, f), of all
                       groups but the last, whose source is what the others leave
    framer             framing(self, head)    Head -> Framing
    source             head(self) -> Head;  read(self, at, n) -> (L, n), zeros outside
    sink               create(self, head, sources, env), write(self, source, block) with
                       block (L, n), commit(self), close(self); prepare(self, head) if wanted

Any stage that writes may have commit, close, withdraw and prepare; what is closed without
commit leaves no trace. forecast(self, inputs) -> {port: Forecast} tells what is known before
it runs.

Frame-local methods (forward, inverse, activate, separate, read) are called from several
threads at once. Raise ValueError("what is; want what should be") for what cannot be done,
and ParamError in a constructor, or in a static method check(**params) of a transformer,
for parameters that do not suit each other. A result depends on the arguments and on
env.rng(name) only. What is printed goes to the standard error, which is shown when the
plugin fails, and with audiosep run --plugin-log.

The host ends a plugin that gives no sign of life for some minutes. A method that is given env
reports env.step while it works; for the others the SDK gives signs for as long as the process
uses its processor, so one that waits for ever is still found out.

serve(A, B, one_process=True) allows that all stages of a pipeline, and each as often as it is
used, share one process: what they load, such as a network, is then loaded once, by a function
with functools.cache. version="1.2.0" is what pipelines can ask for.
"""

import base64
import collections
import concurrent.futures
import contextlib
import contextvars
import ctypes
import inspect
import json
import mmap
import os
import platform
import queue
import re
import sys
import tempfile
import threading
import time
import traceback
import zlib

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["Param", "ParamError", "Head", "Framing", "Factors", "Note", "Forecast", "Frames", "audio_of", "transform_of",
           "coefs_of", "coefs_like", "power_of", "separated", "separated_audio", "stems_of", "serve"]

Head = collections.namedtuple("Head", "rate samples channels realisations names encoding speakers tags",
                              defaults=(1, 1, (), "", 0, ()))
Head.layers = property(lambda h: h.channels * h.realisations)
Factors = collections.namedtuple("Factors", "w h objective stop restarts sources framing", defaults=((), "", (), None, None))
Place = collections.namedtuple("Place", "first count layers sources at")
Note = collections.namedtuple("Note", "onset offset pitch source velocity", defaults=("", 1.0))
Forecast = collections.namedtuple("Forecast", "rank sources", defaults=(0, ()))


class Framing(collections.namedtuple("Framing", "length hop pad share analysis synthesis head", defaults=(None,))):
    """How a signal is cut: frame n covers samples n*hop-pad to n*hop-pad+length-1."""
    __slots__ = ()

    @property
    def frames(self):
        """Their number, n."""
        if not self.head.samples:
            return 0
        n = 1 + max(0, self.head.samples + 2 * self.pad - self.length + self.hop - 1) // self.hop
        return -(-n // self.share) * self.share

    @property
    def columns(self):
        """The number of columns of V, n/s."""
        return self.frames // self.share


class Param:
    """A parameter, checked by the host: type is int, uint, float, bool or string, with []
    before it for a list of them; default may be None if the parameter may be left open."""

    def __init__(self, name, type, default, doc, unit="", min=None, max=None, oneof=None, file=""):
        self.name, self.type, self.default = name, type, default
        self.json = {"Name": name, "Type": type, "Doc": doc, "Unit": unit, "Default": default,
                     "Min": min, "Max": max, "OneOf": oneof, "File": file}


class ParamError(ValueError):
    """A wrong parameter: ParamError("hop", "is 512; want at most the length, 400", hint)."""

    def __init__(self, name, what, hint=""):
        super().__init__("parameter %s %s" % (name, what))
        self.name, self.what, self.hint = name, what, hint


# What protoc makes of wire/stage.proto; go generate keeps it fresh.
_DESCRIPTOR = """
CuJACgtzdGFnZS5wcm90bxISYXVkaW9zZXAucGx1Z2luLnYxIgcKBUVtcHR5IhEKD0Rlc2NyaWJlUmVxdWVzdCK3AQoNRGVz
Y3JpYmVSZXBseRIgCgtkZWZpbml0aW9ucxgBIAEoCVILZGVmaW5pdGlvbnMSGAoHdmVyc2lvbhgCIAEoCVIHdmVyc2lvbhIQ
CgNzZGsYAyABKAlSA3NkaxIjCg1zaGFyZWRfbWVtb3J5GAQgASgIUgxzaGFyZWRNZW1vcnkSEgoEYXNrcxgFIAEoCFIEYXNr
cxIfCgtvbmVfcHJvY2VzcxgGIAEoCFIKb25lUHJvY2VzcyJSCgxCdWlsZFJlcXVlc3QSFAoFc3RhZ2UYASABKAlSBXN0YWdl
EhYKBnBhcmFtcxgCIAEoCVIGcGFyYW1zEhQKBWNoZWNrGAMgASgIUgVjaGVjayLkAQoKQnVpbGRSZXBseRIUCgVzdGFnZRgB
IAEoBFIFc3RhZ2USNgoGZmF1bHRzGAIgAygLMh4uYXVkaW9zZXAucGx1Z2luLnYxLlBhcmFtRmF1bHRSBmZhdWx0cxIaCghw
cmVwYXJlcxgDIAEoCFIIcHJlcGFyZXMSGAoHY29tbWl0cxgEIAEoCFIHY29tbWl0cxIcCgl3aXRoZHJhd3MYBSABKAhSCXdp
dGhkcmF3cxIWCgZjbG9zZXMYBiABKAhSBmNsb3NlcxIcCglmb3JlY2FzdHMYByABKAhSCWZvcmVjYXN0cyJICgpQYXJhbUZh
dWx0EhIKBG5hbWUYASABKAlSBG5hbWUSEgoEd2hhdBgCIAEoCVIEd2hhdBISCgRoaW50GAMgASgJUgRoaW50InUKD0ZvcmVj
YXN0UmVxdWVzdBIUCgVzdGFnZRgBIAEoCVIFc3RhZ2USFgoGcGFyYW1zGAIgASgJUgZwYXJhbXMSNAoGaW5wdXRzGAMgAygL
MhwuYXVkaW9zZXAucGx1Z2luLnYxLkZvcmVjYXN0UgZpbnB1dHMifwoNRm9yZWNhc3RSZXBseRI2CgdvdXRwdXRzGAEgAygL
MhwuYXVkaW9zZXAucGx1Z2luLnYxLkZvcmVjYXN0UgdvdXRwdXRzEjYKBmZhdWx0cxgCIAMoCzIeLmF1ZGlvc2VwLnBsdWdp
bi52MS5QYXJhbUZhdWx0UgZmYXVsdHMiTAoIRm9yZWNhc3QSEgoEcG9ydBgBIAEoCVIEcG9ydBISCgRyYW5rGAIgASgEUgRy
YW5rEhgKB3NvdXJjZXMYAyADKAlSB3NvdXJjZXMitAEKDlByZXBhcmVSZXF1ZXN0EhQKBXN0YWdlGAEgASgEUgVzdGFnZRIs
CgRjYWxsGAIgASgLMhguYXVkaW9zZXAucGx1Z2luLnYxLkNhbGxSBGNhbGwSLAoEaGVhZBgDIAEoCzIYLmF1ZGlvc2VwLnBs
dWdpbi52MS5IZWFkUgRoZWFkEhgKB3NvdXJjZXMYBCADKAlSB3NvdXJjZXMSFgoGaW5wdXRzGAUgAygJUgZpbnB1dHMiLAoE
Q2FsbBIOCgJpZBgBIAEoBFICaWQSFAoFYmxvY2sYAiABKARSBWJsb2NrIq0BCgpSdW5SZXF1ZXN0EhQKBXN0YWdlGAEgASgE
UgVzdGFnZRIsCgRjYWxsGAIgASgLMhguYXVkaW9zZXAucGx1Z2luLnYxLkNhbGxSBGNhbGwSKQoDZW52GAMgASgLMhcuYXVk
aW9zZXAucGx1Z2luLnYxLkVudlIDZW52EjAKBmlucHV0cxgEIAMoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5Qb3J0UgZpbnB1
dHMieQoDRW52EhIKBHNlZWQYASABKARSBHNlZWQSEAoDbG9nGAIgASgIUgNsb2cSGgoIcHJvZ3Jlc3MYAyABKAhSCHByb2dy
ZXNzEjAKBndpcmluZxgEIAMoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5XaXJlUgZ3aXJpbmciMgoEV2lyZRISCgRwb3J0GAEg
ASgJUgRwb3J0EhYKBnN0YWdlcxgCIAMoCVIGc3RhZ2VzIk0KBFBvcnQSEgoEbmFtZRgBIAEoCVIEbmFtZRIxCgZ2YWx1ZXMY
AiADKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuVmFsdWVSBnZhbHVlcyKlAQoIUnVuUmVwbHkSLgoEc3RlcBgBIAEoCzIYLmF1
ZGlvc2VwLnBsdWdpbi52MS5TdGVwSABSBHN0ZXASKwoDbG9nGAIgASgLMhcuYXVkaW9zZXAucGx1Z2luLnYxLkxvZ0gAUgNs
b2cSNAoGcmVzdWx0GAMgASgLMhouYXVkaW9zZXAucGx1Z2luLnYxLlJlc3VsdEgAUgZyZXN1bHRCBgoEcGFydCJICgRTdGVw
EhIKBGRvbmUYASABKARSBGRvbmUSDgoCb2YYAiABKARSAm9mEhwKCW9iamVjdGl2ZRgDIAEoAVIJb2JqZWN0aXZlIi8KA0xv
ZxIUCgVsZXZlbBgBIAEoBVIFbGV2ZWwSEgoEdGV4dBgCIAEoCVIEdGV4dCI8CgZSZXN1bHQSMgoHb3V0cHV0cxgBIAMoCzIY
LmF1ZGlvc2VwLnBsdWdpbi52MS5Qb3J0UgdvdXRwdXRzIlIKDFN0YWdlUmVxdWVzdBIUCgVzdGFnZRgBIAEoBFIFc3RhZ2US
LAoEY2FsbBgCIAEoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5DYWxsUgRjYWxsIlAKDENsb3NlUmVxdWVzdBIUCgVzdGFnZRgB
IAEoBFIFc3RhZ2USFgoGdmFsdWVzGAIgAygEUgZ2YWx1ZXMSEgoEa2VwdBgDIAMoBFIEa2VwdCLHAwoFVmFsdWUSMQoFYXVk
aW8YASABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXVkaW9IAFIFYXVkaW8SNAoGZnJhbWVzGAIgASgLMhouYXVkaW9zZXAu
cGx1Z2luLnYxLkZyYW1lc0gAUgZmcmFtZXMSMQoFY29lZnMYAyABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQ29lZnNIAFIF
Y29lZnMSMQoFcG93ZXIYBCABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuUG93ZXJIAFIFcG93ZXISQwoJdHJhbnNmb3JtGAUg
ASgLMiMuYXVkaW9zZXAucGx1Z2luLnYxLkZpdHRlZFRyYW5zZm9ybUgAUgl0cmFuc2Zvcm0SNwoHZmFjdG9ycxgGIAEoCzIb
LmF1ZGlvc2VwLnBsdWdpbi52MS5GYWN0b3JzSABSB2ZhY3RvcnMSMQoFbm90ZXMYByABKAsyGS5hdWRpb3NlcC5wbHVnaW4u
djEuTm90ZXNIAFIFbm90ZXMSNQoHc291cmNlcxgIIAEoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5TdGVtc0gAUgdzb3VyY2Vz
QgcKBWNhcmdvIvABCgRIZWFkEhIKBHJhdGUYASABKARSBHJhdGUSGAoHc2FtcGxlcxgCIAEoBFIHc2FtcGxlcxIaCghjaGFu
bmVscxgDIAEoBFIIY2hhbm5lbHMSIgoMcmVhbGlzYXRpb25zGAQgASgEUgxyZWFsaXNhdGlvbnMSFAoFbmFtZXMYBSADKAlS
BW5hbWVzEhoKCGVuY29kaW5nGAYgASgJUghlbmNvZGluZxIaCghzcGVha2VycxgHIAEoDVIIc3BlYWtlcnMSLAoEdGFncxgI
IAMoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5UYWdzUgR0YWdzIjQKBFRhZ3MSFAoFbmFtZXMYASADKAlSBW5hbWVzEhYKBnZh
bHVlcxgCIAMoCVIGdmFsdWVzImMKBUF1ZGlvEhYKBmhhbmRsZRgBIAEoBFIGaGFuZGxlEhQKBXlvdXJzGAIgASgIUgV5b3Vy
cxIsCgRoZWFkGAMgASgLMhguYXVkaW9zZXAucGx1Z2luLnYxLkhlYWRSBGhlYWQiwwEKB0ZyYW1pbmcSLAoEaGVhZBgBIAEo
CzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5IZWFkUgRoZWFkEhYKBmxlbmd0aBgCIAEoBFIGbGVuZ3RoEhAKA2hvcBgDIAEoBFID
aG9wEhAKA3BhZBgEIAEoBFIDcGFkEhQKBXNoYXJlGAUgASgEUgVzaGFyZRIaCghhbmFseXNpcxgGIAEoDFIIYW5hbHlzaXMS
HAoJc3ludGhlc2lzGAcgASgMUglzeW50aGVzaXMingEKBkZyYW1lcxIWCgZoYW5kbGUYASABKARSBmhhbmRsZRIUCgV5b3Vy
cxgCIAEoCFIFeW91cnMSLwoFYXVkaW8YAyABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXVkaW9SBWF1ZGlvEjUKB2ZyYW1p
bmcYBCABKAsyGy5hdWRpb3NlcC5wbHVnaW4udjEuRnJhbWluZ1IHZnJhbWluZyLPAQoJVHJhbnNmb3JtEhYKBmhhbmRsZRgB
IAEoBFIGaGFuZGxlEhQKBXlvdXJzGAIgASgIUgV5b3VycxIWCgZsZW5ndGgYAyABKARSBmxlbmd0aBISCgRiaW5zGAQgASgE
UgRiaW5zEhgKB2NvbXBsZXgYBSABKAhSB2NvbXBsZXgSIAoLZnJlcXVlbmNpZXMYBiABKAxSC2ZyZXF1ZW5jaWVzEiwKA3Bo
aRgHIAEoCzIaLmF1ZGlvc2VwLnBsdWdpbi52MS5NYXRyaXhSA3BoaSKzAQoPRml0dGVkVHJhbnNmb3JtEhYKBmhhbmRsZRgB
IAEoBFIGaGFuZGxlEhQKBXlvdXJzGAIgASgIUgV5b3VycxI7Cgl0cmFuc2Zvcm0YAyABKAsyHS5hdWRpb3NlcC5wbHVnaW4u
djEuVHJhbnNmb3JtUgl0cmFuc2Zvcm0SNQoHZnJhbWluZxgEIAEoCzIbLmF1ZGlvc2VwLnBsdWdpbi52MS5GcmFtaW5nUgdm
cmFtaW5nIt0BCgVDb2VmcxIWCgZoYW5kbGUYASABKARSBmhhbmRsZRIUCgV5b3VycxgCIAEoCFIFeW91cnMSOwoJdHJhbnNm
b3JtGAMgASgLMh0uYXVkaW9zZXAucGx1Z2luLnYxLlRyYW5zZm9ybVIJdHJhbnNmb3JtEjIKBmZyYW1lcxgEIAEoCzIaLmF1
ZGlvc2VwLnBsdWdpbi52MS5GcmFtZXNSBmZyYW1lcxI1CgdmcmFtaW5nGAUgASgLMhsuYXVkaW9zZXAucGx1Z2luLnYxLkZy
YW1pbmdSB2ZyYW1pbmciwQEKBVBvd2VyEhYKBmhhbmRsZRgBIAEoBFIGaGFuZGxlEhQKBXlvdXJzGAIgASgIUgV5b3VycxIv
CgVjb2VmcxgDIAEoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5Db2Vmc1IFY29lZnMSNQoHZnJhbWluZxgEIAEoCzIbLmF1ZGlv
c2VwLnBsdWdpbi52MS5GcmFtaW5nUgdmcmFtaW5nEhIKBGJpbnMYBSABKARSBGJpbnMSDgoCaHoYBiABKAxSAmh6InYKBk1h
dHJpeBISCgRyb3dzGAEgASgEUgRyb3dzEhgKB2NvbHVtbnMYAiABKARSB2NvbHVtbnMSEgoEZGF0YRgDIAEoDFIEZGF0YRIW
CgZoYW5kbGUYBCABKARSBmhhbmRsZRISCgRrZWVwGAUgASgIUgRrZWVwIsUCCgdGYWN0b3JzEhYKBmhhbmRsZRgBIAEoBFIG
aGFuZGxlEhQKBXlvdXJzGAIgASgIUgV5b3VycxIoCgF3GAMgASgLMhouYXVkaW9zZXAucGx1Z2luLnYxLk1hdHJpeFIBdxIo
CgFoGAQgASgLMhouYXVkaW9zZXAucGx1Z2luLnYxLk1hdHJpeFIBaBIcCglvYmplY3RpdmUYBSABKAxSCW9iamVjdGl2ZRIa
CghyZXN0YXJ0cxgGIAEoDFIIcmVzdGFydHMSEgoEc3RvcBgHIAEoCVIEc3RvcBIzCgdzb3VyY2VzGAggAygLMhkuYXVkaW9z
ZXAucGx1Z2luLnYxLkdyb3VwUgdzb3VyY2VzEjUKB2ZyYW1pbmcYCSABKAsyGy5hdWRpb3NlcC5wbHVnaW4udjEuRnJhbWlu
Z1IHZnJhbWluZyI7CgVHcm91cBISCgRuYW1lGAEgASgJUgRuYW1lEh4KCmNvbXBvbmVudHMYAiADKARSCmNvbXBvbmVudHMi
NwoFTm90ZXMSLgoFbm90ZXMYASADKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuTm90ZVIFbm90ZXMifgoETm90ZRIUCgVvbnNl
dBgBIAEoAVIFb25zZXQSFgoGb2Zmc2V0GAIgASgBUgZvZmZzZXQSFAoFcGl0Y2gYAyABKAFSBXBpdGNoEhYKBnNvdXJjZRgE
IAEoCVIGc291cmNlEhoKCHZlbG9jaXR5GAUgASgBUgh2ZWxvY2l0eSK2AgoFU3RlbXMSFgoGaGFuZGxlGAEgASgEUgZoYW5k
bGUSFAoFeW91cnMYAiABKAhSBXlvdXJzEiwKBGhlYWQYAyABKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuSGVhZFIEaGVhZBIU
CgVuYW1lcxgEIAMoCVIFbmFtZXMSMQoGZ3JvdXBzGAUgAygLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkdyb3VwUgZncm91cHMS
OwoJc2VwYXJhdGVkGAYgASgLMh0uYXVkaW9zZXAucGx1Z2luLnYxLlNlcGFyYXRlZFIJc2VwYXJhdGVkEksKD3NlcGFyYXRl
ZF9hdWRpbxgHIAEoCzIiLmF1ZGlvc2VwLnBsdWdpbi52MS5TZXBhcmF0ZWRBdWRpb1IOc2VwYXJhdGVkQXVkaW8iZAoJU2Vw
YXJhdGVkEi8KBWNvZWZzGAEgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkNvZWZzUgVjb2VmcxISCgRoYWxvGAIgASgEUgRo
YWxvEhIKBHJlc3QYAyABKAhSBHJlc3QibQoOU2VwYXJhdGVkQXVkaW8SLwoFYXVkaW8YASABKAsyGS5hdWRpb3NlcC5wbHVn
aW4udjEuQXVkaW9SBWF1ZGlvEhQKBWNodW5rGAIgASgEUgVjaHVuaxIUCgVyZWFjaBgDIAEoBFIFcmVhY2giSQoFQXJyYXkS
EgoEZGF0YRgBIAEoDFIEZGF0YRIWCgZvZmZzZXQYAiABKARSBm9mZnNldBIUCgVjb3VudBgDIAEoBFIFY291bnQisAYKC1Jl
YWRSZXF1ZXN0EhYKBmhhbmRsZRgBIAEoBFIGaGFuZGxlEiwKBGNhbGwYAiABKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuQ2Fs
bFIEY2FsbBItCgRmcm9tGAMgAygLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgRmcm9tEikKAnRvGAQgAygLMhkuYXVk
aW9zZXAucGx1Z2luLnYxLkFycmF5UgJ0bxI3CgdzYW1wbGVzGAUgASgLMhsuYXVkaW9zZXAucGx1Z2luLnYxLlNhbXBsZXNI
AFIHc2FtcGxlcxI6CghzcGVjdHJ1bRgGIAEoCzIcLmF1ZGlvc2VwLnBsdWdpbi52MS5TcGVjdHJ1bUgAUghzcGVjdHJ1bRI3
Cgdjb2x1bW5zGAcgASgLMhsuYXVkaW9zZXAucGx1Z2luLnYxLkNvbHVtbnNIAFIHY29sdW1ucxI3Cgdmb3J3YXJkGAggASgL
MhsuYXVkaW9zZXAucGx1Z2luLnYxLkZvcndhcmRIAFIHZm9yd2FyZBI3CgdpbnZlcnNlGAkgASgLMhsuYXVkaW9zZXAucGx1
Z2luLnYxLkludmVyc2VIAFIHaW52ZXJzZRI3CgdudW1iZXJzGAogASgLMhsuYXVkaW9zZXAucGx1Z2luLnYxLk51bWJlcnNI
AFIHbnVtYmVycxI3CgdpdGVyYXRlGAsgASgLMhsuYXVkaW9zZXAucGx1Z2luLnYxLkl0ZXJhdGVIAFIHaXRlcmF0ZRIuCgRu
ZXh0GAwgASgLMhguYXVkaW9zZXAucGx1Z2luLnYxLk5leHRIAFIEbmV4dBI6CghzZXBhcmF0ZRgNIAEoCzIcLmF1ZGlvc2Vw
LnBsdWdpbi52MS5TZXBhcmF0ZUgAUghzZXBhcmF0ZRJKCg5zZXBhcmF0ZV9hdWRpbxgOIAEoCzIhLmF1ZGlvc2VwLnBsdWdp
bi52MS5TZXBhcmF0ZUF1ZGlvSABSDXNlcGFyYXRlQXVkaW8SLwoFcGxhY2UYDyABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEu
UGxhY2VSBXBsYWNlQgYKBHdoYXQidQoFUGxhY2USFAoFZmlyc3QYASABKARSBWZpcnN0EhQKBWNvdW50GAIgASgEUgVjb3Vu
dBIWCgZsYXllcnMYAyABKARSBmxheWVycxIYCgdzb3VyY2VzGAQgASgEUgdzb3VyY2VzEg4KAmF0GAUgASgEUgJhdCKHAQoJ
UmVhZFJlcGx5EjEKBmFycmF5cxgBIAMoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5BcnJheVIGYXJyYXlzEhYKBmhhbmRsZRgC
IAEoBFIGaGFuZGxlEi8KBWJsb2NrGAMgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkJsb2NrUgVibG9jayIvCgdTYW1wbGVz
Eg4KAmF0GAEgASgSUgJhdBIUCgVjb3VudBgCIAEoBFIFY291bnQiNgoIU3BlY3RydW0SFAoFZmlyc3QYASABKARSBWZpcnN0
EhQKBWNvdW50GAIgASgEUgVjb3VudCJHCgdDb2x1bW5zEhQKBWZpcnN0GAEgASgEUgVmaXJzdBIUCgVjb3VudBgCIAEoBFIF
Y291bnQSEAoDYWxsGAMgASgIUgNhbGwiHwoHRm9yd2FyZBIUCgVjb3VudBgBIAEoBFIFY291bnQiHwoHSW52ZXJzZRIUCgVj
b3VudBgBIAEoBFIFY291bnQiHwoHTnVtYmVycxIUCgVmaXJzdBgBIAEoBFIFZmlyc3QiCQoHSXRlcmF0ZSIGCgROZXh0IjkK
BUJsb2NrEhYKBnNvdXJjZRgBIAEoBFIGc291cmNlEhgKB3NhbXBsZXMYAiABKARSB3NhbXBsZXMidgoIU2VwYXJhdGUSFAoF
Zmlyc3QYASABKARSBWZpcnN0EhYKBmZyYW1lcxgCIAEoBFIGZnJhbWVzEhIKBHNraXAYAyABKARSBHNraXASFAoFY291bnQY
BCABKARSBWNvdW50EhIKBHJlc3QYBSABKAhSBHJlc3QiNQoNU2VwYXJhdGVBdWRpbxIOCgJhdBgBIAEoElICYXQSFAoFY291
bnQYAiABKARSBWNvdW50IrcCCghRdWVzdGlvbhIOCgJpZBgBIAEoBFICaWQSEgoEY2FsbBgCIAEoBFIEY2FsbBI1CgRyZWFk
GAMgASgLMh8uYXVkaW9zZXAucGx1Z2luLnYxLlJlYWRSZXF1ZXN0SABSBHJlYWQSOAoFY2xvc2UYBCABKAsyIC5hdWRpb3Nl
cC5wbHVnaW4udjEuQ2xvc2VSZXF1ZXN0SABSBWNsb3NlEi4KBHN0ZXAYBSABKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuU3Rl
cEgAUgRzdGVwEisKA2xvZxgGIAEoCzIXLmF1ZGlvc2VwLnBsdWdpbi52MS5Mb2dIAFIDbG9nEjEKBWFsaXZlGAcgASgLMhku
YXVkaW9zZXAucGx1Z2luLnYxLkVtcHR5SABSBWFsaXZlQgYKBHdoYXQiYwoGQW5zd2VyEg4KAmlkGAEgASgEUgJpZBIzCgVy
ZXBseRgCIAEoCzIdLmF1ZGlvc2VwLnBsdWdpbi52MS5SZWFkUmVwbHlSBXJlcGx5EhQKBWVycm9yGAMgASgJUgVlcnJvcjLv
BQoGUGx1Z2luElIKCERlc2NyaWJlEiMuYXVkaW9zZXAucGx1Z2luLnYxLkRlc2NyaWJlUmVxdWVzdBohLmF1ZGlvc2VwLnBs
dWdpbi52MS5EZXNjcmliZVJlcGx5EkkKBUJ1aWxkEiAuYXVkaW9zZXAucGx1Z2luLnYxLkJ1aWxkUmVxdWVzdBoeLmF1ZGlv
c2VwLnBsdWdpbi52MS5CdWlsZFJlcGx5ElIKCEZvcmVjYXN0EiMuYXVkaW9zZXAucGx1Z2luLnYxLkZvcmVjYXN0UmVxdWVz
dBohLmF1ZGlvc2VwLnBsdWdpbi52MS5Gb3JlY2FzdFJlcGx5EkgKB1ByZXBhcmUSIi5hdWRpb3NlcC5wbHVnaW4udjEuUHJl
cGFyZVJlcXVlc3QaGS5hdWRpb3NlcC5wbHVnaW4udjEuRW1wdHkSRQoDUnVuEh4uYXVkaW9zZXAucGx1Z2luLnYxLlJ1blJl
cXVlc3QaHC5hdWRpb3NlcC5wbHVnaW4udjEuUnVuUmVwbHkwARJGCgRSZWFkEh8uYXVkaW9zZXAucGx1Z2luLnYxLlJlYWRS
ZXF1ZXN0Gh0uYXVkaW9zZXAucGx1Z2luLnYxLlJlYWRSZXBseRJFCgZDb21taXQSIC5hdWRpb3NlcC5wbHVnaW4udjEuU3Rh
Z2VSZXF1ZXN0GhkuYXVkaW9zZXAucGx1Z2luLnYxLkVtcHR5EkcKCFdpdGhkcmF3EiAuYXVkaW9zZXAucGx1Z2luLnYxLlN0
YWdlUmVxdWVzdBoZLmF1ZGlvc2VwLnBsdWdpbi52MS5FbXB0eRJECgVDbG9zZRIgLmF1ZGlvc2VwLnBsdWdpbi52MS5DbG9z
ZVJlcXVlc3QaGS5hdWRpb3NlcC5wbHVnaW4udjEuRW1wdHkSQwoDQXNrEhouYXVkaW9zZXAucGx1Z2luLnYxLkFuc3dlchoc
LmF1ZGlvc2VwLnBsdWdpbi52MS5RdWVzdGlvbigBMAFCK1opZ2l0aHViLmNvbS9hdWRpb3NlcC9hdWRpb3NlcC9wbHVnaW5z
L3dpcmViBnByb3RvMw==
"""

_PACKAGE = "audiosep.plugin.v1."
_COOKIE = "4f1d0a6e5cb34c7f"
_VERSION = "1"
_PART = 1 << 19  # how many numbers are read at once
_FLOAT = np.dtype("<f8")


def _messages():
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(_DESCRIPTOR))
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())

    def message(name):
        descriptor = pool.FindMessageTypeByName(_PACKAGE + name)
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(descriptor)
        return message_factory.MessageFactory(pool).GetPrototype(descriptor)

    names = [m.name for file in files.file for m in file.message_type]
    return {name: message(name) for name in names}, files.file[0].service[0]


_MESSAGES, _SERVICE = _messages()


def _new(message, /, **fields):
    return _MESSAGES[message](**fields)


# Whatever the plugin prints must not disturb the handshake.
if os.environ.get("AUDIOSEP_PLUGIN") == _COOKIE:
    _stdout = os.dup(1)
    os.dup2(2, 1)


class Env:
    """What the host lends a running stage."""

    share = 1  # s, frames that share a column of V

    def __init__(self, request, send, context):
        self.seed, self._send, self._context = request.env.seed, send, context
        self.wiring = {w.port: list(w.stages) for w in request.env.wiring}
        self.block = request.call.block  # how many frames to work on at a time; 0: choose

    def rng(self, name):
        """Returns the stage's stream of random numbers called name, a numpy Generator."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def step(self, done, of, objective=float("nan")):
        """Says how far the stage has come; also a sign of life. Raises if cancelled."""
        self.check()
        self._send(step=_new("Step", done=done, of=of, objective=objective))

    def log(self, text, level=0):
        """Logs text; level is -4 (debug), 0 (info), 4 (warning) or 8 (error)."""
        self._send(log=_new("Log", level=level, text=text))

    def check(self):
        """Raises an error if the run has been cancelled; call it in long loops."""
        if self._context is not None and not self._context.is_active():
            raise ValueError("the call was cancelled")


# ---- numbers


def _shaped(what, x, *shape, note=""):
    """Returns x as an array, which must have that shape; None stands for any size. note says why."""
    want = "(%s)" % ", ".join("any" if w is None else str(w) for w in shape)
    if x is None:
        raise ValueError("%s is None; want numbers of the shape %s%s: does it end without return?" % (what, want, note))
    x = np.asarray(x)
    if x.ndim != len(shape) or any(w is not None and w != s for w, s in zip(shape, x.shape)):
        raise ValueError("%s has the shape %s; want %s%s" % (what, x.shape, want, note))
    return x


def _real(what, x, *shape):
    x = _shaped(what, x, *shape)
    if np.iscomplexobj(x):
        raise ValueError("%s is complex; want real numbers" % what)
    return np.asarray(x, np.float64)


def _planes(what, x, complex, *shape):
    """Returns the real and, if it is to be complex, the imaginary part of x."""
    if complex:
        x = _shaped(what, x, *shape)
        return [x.real, x.imag]
    return [_real(what, x, *shape)]


def _joined(planes):
    if len(planes) == 1:
        return planes[0]
    both = np.empty(planes[0].shape, np.complex128)
    both.real, both.imag = planes
    return both


class _Memory:
    """Arrays of messages, in them or in the memory shared with the host, of which the second
    half is for what is asked from here."""

    def __init__(self):
        self.map, self.lock, self.free = None, threading.Lock(), []
        found = re.fullmatch(r"(\d+):(\d+)", os.environ.pop("AUDIOSEP_SHARED_MEMORY", ""))
        if not found or sys.byteorder != "little":
            return
        fd, size = int(found[1]), int(found[2])
        try:
            self.map = mmap.mmap(fd, size)
            os.close(fd)
        except (OSError, ValueError):
            return
        if self.map[:8] != b"AUDIOSEP":
            self.map = None
            return
        half = size // 2 // 4096 * 4096
        self.free = [(half, size - half)]           # offset and length, in order
        self.touched = {0: 0, half: half}           # half -> where pages begin that were not used

    def _numbers(self, offset, shape):
        count = int(np.prod(shape, dtype=np.int64))
        end = offset + 8 * count
        half = max(h for h in self.touched if h <= offset)
        if end > self.touched[half]:
            self._touch(self.touched[half], end)
            self.touched[half] = end
        return np.frombuffer(self.map, _FLOAT, count, offset).reshape(shape)

    def _touch(self, start, end):
        """Has pages made, all at once: it is far sooner done than one by one."""
        first = start // mmap.PAGESIZE * mmap.PAGESIZE
        if sys.platform == "linux":
            try:
                self.map.madvise(23, first, end - first)  # MADV_POPULATE_WRITE, from Linux 5.14 on
            except (OSError, ValueError):
                pass

    def _shared(self, array, shape):
        count = int(np.prod(shape, dtype=np.int64))
        if self.map is None or array.count != count or array.offset % 8 or array.offset + 8 * count > len(self.map):
            raise ValueError("%d numbers at %d of the shared memory; want %d inside" % (array.count, array.offset, count))
        return self._numbers(array.offset, shape)

    def room(self, to, *shape):
        """Returns where an answer is to be written; None if it goes into the message."""
        return self._shared(to, shape) if to.offset else None

    def get(self, array, *shape):
        """Returns the numbers of array, not to be written to."""
        if array.offset:
            x = self._shared(array, shape)
            x.flags.writeable = False
            return x
        return np.frombuffer(array.data, _FLOAT).reshape(shape)

    def put(self, to, x, room=None):
        """Answers with x, which has the right shape: writes it where the request says, unless
        x is that room."""
        if to.offset:
            if x is not room:
                self._shared(to, x.shape)[...] = x
            return _new("Array", offset=to.offset, count=to.count)
        return _new("Array", data=np.ascontiguousarray(x, _FLOAT).tobytes(), count=x.size)

    def take(self, count):
        """Returns the offset of room for count numbers; 0 if there is none."""
        size = (8 * count + 63) // 64 * 64
        with self.lock:
            for i, (at, length) in enumerate(self.free):
                if length >= size > 0:
                    self.free[i] = (at + size, length - size)
                    return at
        return 0

    def give_back(self, offset, count):
        size = (8 * count + 63) // 64 * 64
        with self.lock:
            parts = sorted(self.free + [(offset, size)])
            self.free = parts[:1]
            for at, length in parts[1:]:
                last, before = self.free[-1]
                if last + before == at:
                    self.free[-1] = (last, before + length)
                else:
                    self.free.append((at, length))


# ---- asking the host

_call = contextvars.ContextVar("call", default=0)  # the host's, in the course of which something is asked


class _Asked(ValueError):
    """What the host answers when it has no answer."""

    def __init__(self, text, question):
        super().__init__(text)
        self.question = question


class _Asker:
    """Asks the host for what the host owns."""

    def __init__(self, memory):
        self.memory, self.out, self.lock = memory, queue.SimpleQueue(), threading.Lock()
        self.waiting, self.last, self.gone = {}, 0, False

    def serve(self, answers, context):
        def listen():
            try:
                for answer in answers:
                    with self.lock:
                        waiting = self.waiting.pop(answer.id, None)
                    if waiting is not None:
                        waiting.put(answer)
            except Exception:  # the stream has ended
                pass
            with self.lock:
                self.gone = True
                for waiting in self.waiting.values():
                    waiting.put(None)
            self.out.put(None)

        threading.Thread(target=listen, daemon=True).start()
        return iter(self.out.get, None)

    def say(self, **what):
        self.out.put(_new("Question", **what))

    def read(self, request):
        waiting = queue.SimpleQueue()
        with self.lock:
            if self.gone:
                raise ValueError("the host does not listen any more")
            self.last += 1
            number = self.last
            self.waiting[number] = waiting
        self.out.put(_new("Question", id=number, call=_call.get(), read=request))
        answer = waiting.get()
        if answer is None:
            raise ValueError("the host does not listen any more")
        if answer.error:
            raise _Asked(answer.error, number)
        return answer.reply

    def ask(self, handle, give, *shapes, **what):
        """Asks for arrays of these shapes; give has those that go with the question."""
        taken, arrays = [], []

        def place(count):
            offset = self.memory.take(count)
            if offset:
                taken.append((offset, count))
            return offset

        try:
            request = _new("ReadRequest", handle=handle, **what)
            for x in give:
                offset = place(x.size)
                request.to  # the same message
                getattr(request, "from").append(self.memory.put(_new("Array", offset=offset, count=x.size), x))
            request.to.extend(_new("Array", offset=place(n), count=n) for n in (int(np.prod(s, dtype=np.int64)) for s in shapes))
            reply = self.read(request)
            for array, to, shape in zip(reply.arrays, request.to, shapes):
                arrays.append(self.memory.get(array, *shape).copy() if to.offset else self.memory.get(array, *shape))
        finally:
            for offset, count in taken:
                self.memory.give_back(offset, count)
        return arrays

    def next(self, handle, room):
        """Returns source and numbers of the next block, or how much room it needs, or None."""
        offset = self.memory.take(room)
        try:
            request = _new("ReadRequest", handle=handle, next=_new("Next"), to=[_new("Array", offset=offset, count=room)])
            reply = self.read(request)
            if not reply.HasField("block"):
                return None
            b = reply.block
            if not reply.arrays:
                return b.source, b.samples, None
            return b.source, b.samples, self.memory.get(reply.arrays[0], reply.arrays[0].count).copy()
        finally:
            if offset:
                self.memory.give_back(offset, room)


class _Pulse:
    """Tells the host that methods which cannot report are at work: as long as the process uses
    its processor, which one that waits for ever does not."""

    EVERY, LEAST = 0.2, 0.01  # s, and s of processor time in it

    def __init__(self, asker):
        self.asker, self.lock, self.at_work = asker, threading.Lock(), 0
        threading.Thread(target=self.beat, daemon=True).start()

    @contextlib.contextmanager
    def during(self):
        with self.lock:
            self.at_work += 1
        try:
            yield
        finally:
            with self.lock:
                self.at_work -= 1

    def beat(self):
        used = time.process_time()
        while True:
            time.sleep(self.EVERY)
            before, used = used, time.process_time()
            if self.at_work and used - before >= self.LEAST:
                self.asker.say(alive=_new("Empty"))


def _parts(n, each):
    """Cuts n of something with so many numbers each into runs that are asked for at once."""
    size = max(1, _PART // max(1, each))
    return [(first, min(size, n - first)) for first in range(0, n, size)]


# ---- values


class Audio:
    """A recording of the host."""

    def __init__(self, plugin, handle, head):
        self._plugin, self._handle, self.head = plugin, handle, head

    def read(self, at, n):
        """Returns n samples of every layer, (L, n), from sample at on; zeros outside."""
        layers = self.head.layers
        runs = [self._plugin.asker.ask(self._handle, (), (layers, count), samples=_new("Samples", at=at + first, count=count))[0]
                for first, count in _parts(n, layers)]
        return runs[0] if len(runs) == 1 else np.concatenate(runs or [np.zeros((layers, 0))], axis=1)


class _OwnAudio:
    def __init__(self, head, read):
        self.head, self._read = head, read

    def read(self, at, n):
        return _real("what read returned", self._read(at, n), self.head.layers, n)


def audio_of(head, read):
    """Returns a recording of which read(at, n) gives samples, (L, n); zeros outside."""
    return _OwnAudio(head, read)


class Frames:
    """A recording and how it is cut into frames, which are cut when they are read."""

    def __init__(self, audio, framing):
        self.audio, self.framing = audio, framing._replace(head=audio.head)

    @property
    def count(self):
        return self.framing.frames

    def read(self, first, n):
        """Returns n windowed frames of every layer, (L, n, m), from frame first on."""
        f = self.framing
        y = self.audio.read(first * f.hop - f.pad, (n - 1) * f.hop + f.length)
        if not np.isfinite(y).all():
            raise ValueError("the recording has samples that are not finite numbers")
        return np.lib.stride_tricks.sliding_window_view(y, f.length, axis=1)[:, ::f.hop] * f.analysis


class Transform:
    """A transform of the host."""

    def __init__(self, plugin, message):
        self._plugin, self._message, self._phi = plugin, message, None
        self.m, self.bins, self.complex = message.length, message.bins, message.complex
        self.frequencies = np.frombuffer(message.frequencies, _FLOAT) if message.frequencies else None
        self.framing = None  # of the frames that it is for, if that is known

    @property
    def phi(self):
        """The matrix, (f, m), of a real transform that has one, else None."""
        if self._phi is None and self._message.HasField("phi"):
            self._phi = self._plugin.matrix(self._message.phi)
        return self._phi

    def forward(self, y):
        """Returns the coefficients, (n, f), of frames, (n, m)."""
        y = _real("the frames", y, None, self.m)
        shapes = [(len(y), self.bins)] * (1 + self.complex)
        return _joined(self._plugin.asker.ask(self._message.handle, [y], *shapes, forward=_new("Forward", count=len(y))))

    def inverse(self, x):
        """Returns the frames, (n, m), of coefficients, (n, f)."""
        planes = _planes("the coefficients", x, self.complex, None, self.bins)
        return self._plugin.asker.ask(self._message.handle, planes, (len(x), self.m), inverse=_new("Inverse", count=len(x)))[0]


class _OwnTransform:
    """A transform for frames of m samples. Its bins are found by trying it."""
    frequencies = phi = framing = None

    def __init__(self, impl, m):
        self.m = m
        self.forward, self.inverse = _with_more(impl.forward), _with_more(impl.inverse)
        x = _shaped("what forward makes of one frame of zeros", impl.forward(np.zeros((1, m))), 1, None)
        self.bins, self.complex = x.shape[1], np.iscomplexobj(x)


def _with_more(method):
    """Returns a function of the argument, and of out and place, which method may not know."""
    known = {"out", "place"} & set(inspect.signature(method).parameters)

    def call(x, out=None, place=None):
        return method(x, **{name: value for name, value in (("out", out), ("place", place)) if name in known})
    return call


class _Phi:
    """A transform that is no more than its matrix."""

    complex, frequencies, framing = False, None, None

    def __init__(self, phi):
        self.phi = _real("phi", phi, None, None)
        self.bins, self.m = self.phi.shape

    # A product of all frames at once would give a frame other bits in another run.
    def forward(self, y):
        return np.array([self.phi @ frame for frame in y]).reshape(len(y), -1)

    def inverse(self, x):
        back = np.linalg.pinv(self.phi)
        return np.array([back @ frame for frame in x]).reshape(len(x), -1)


def transform_of(m, impl):
    """Returns the transform of frames of m samples that impl's forward and inverse are."""
    return _OwnTransform(impl, m)


class Coefs:
    """Coefficients of the host."""

    def __init__(self, plugin, handle, framing, transform):
        self._plugin, self._handle, self.framing, self.transform = plugin, handle, framing, transform

    @property
    def count(self):
        return self.framing.frames

    def read(self, first, n):
        """Returns n frames of every layer, (L, n, f), from frame first on."""
        layers, t = self.framing.head.layers, self.transform
        runs = [_joined(self._plugin.asker.ask(self._handle, (), *[(layers, count, t.bins)] * (1 + t.complex),
                                               spectrum=_new("Spectrum", first=first + at, count=count)))
                for at, count in _parts(n, layers * t.bins * (1 + t.complex))]
        return runs[0] if len(runs) == 1 else np.concatenate(runs, axis=1)


class _FramedCoefs:
    def __init__(self, frames, transform):
        self.frames, self.framing = frames, frames.framing
        self.transform = transform if hasattr(transform, "phi") else _Phi(transform)

    count = Coefs.count

    def read(self, first, n):
        y = self.frames.read(first, n)
        return self.transform.forward(y.reshape(-1, self.transform.m)).reshape(len(y), n, -1)


class _OwnCoefs:
    def __init__(self, like, read):
        self.framing, self.transform, self._read = like.framing, like.transform, read

    count = Coefs.count

    def read(self, first, n):
        return _shaped("what read returned", self._read(first, n), self.framing.head.layers, n, self.transform.bins)


def coefs_of(frames, transform):
    """Returns the coefficients of frames under a transform."""
    return _FramedCoefs(frames, transform)


def coefs_like(coefs, read):
    """Returns coefficients of which read(first, n) gives frames, (L, n, f), with the framing
    and the transform of others."""
    return _OwnCoefs(coefs, read)


class Power:
    """A power of the host."""

    def __init__(self, plugin, handle, framing, bins, hz):
        self._plugin, self._handle, self.framing, self.bins, self.hz = plugin, handle, framing, bins, hz

    def _columns(self, first, n, all):
        v = np.empty((self.bins, n))
        for at, count in _parts(n, self.bins):
            v[:, at:at + count] = self._plugin.asker.ask(self._handle, (), (self.bins, count),
                                                         columns=_new("Columns", first=first + at, count=count, all=all))[0]
        return v

    def v(self):
        """Returns all of it, (f, n/s)."""
        return self._columns(0, self.framing.columns, True)

    def columns(self, first, n):
        """Returns n columns, (f, n), from column first on, without computing the others."""
        return self._columns(first, n, False)


class _PowerOfCoefs:
    hz = None

    def __init__(self, coefs):
        self.coefs, self.framing, self.bins = coefs, coefs.framing, coefs.transform.bins

    def v(self):
        return self.columns(0, self.framing.columns)

    def columns(self, first, n):
        v, share = np.empty((self.bins, n)), self.framing.share
        for at, count in _parts(n, share * self.bins * self.framing.head.layers):
            x = self.coefs.read((first + at) * share, count * share)
            power = (x.real ** 2 + x.imag ** 2).reshape(len(x), count, share, self.bins)
            v[:, at:at + count] = power.mean(axis=(0, 2)).T
        return v


class _OwnPower:
    def __init__(self, framing, v, hz):
        self.framing, self.hz, self._v = framing, hz, _real("v", v, None, framing.columns)
        self.bins = len(self._v)

    def v(self):
        return self._v

    def columns(self, first, n):
        return self._v[:, first:first + n]


def power_of(of, v=None, hz=None):
    """Returns the power of coefs, or v, (f, n/s), of frames cut as a Framing says, as one."""
    return _PowerOfCoefs(of) if v is None else _OwnPower(of, v, hz)


class Stems:
    """Separated sources of the host."""

    def __init__(self, plugin, handle, head, names, groups):
        self._plugin, self._handle, self.head, self.names, self.groups = plugin, handle, head, names, groups

    def __iter__(self):
        asker = self._plugin.asker
        handle = asker.read(_new("ReadRequest", handle=self._handle, iterate=_new("Iterate"))).handle
        room = 4096 * self.head.layers
        try:
            while True:
                got = asker.next(handle, room)
                if got is None:
                    return
                source, samples, block = got
                if block is None:
                    room = samples * self.head.layers
                else:
                    yield source, block.reshape(self.head.layers, samples)
        finally:
            asker.say(close=_new("CloseRequest", values=[handle]))


class _OwnStems:
    groups = None

    def __init__(self, head, names, blocks):
        self.head, self.names, self.blocks = head, list(names), blocks


def stems_of(head, names, blocks):
    """Returns stems of which blocks() gives (source, block (L, n)), of all sources as far
    before any goes on."""
    return _OwnStems(head, names, blocks)


class _Separated:
    def __init__(self, coefs, names, halo, separate, groups=None, rest=False):
        self.coefs, self.names, self.halo, self.separate, self.groups, self.rest = coefs, list(names), halo, separate, groups, rest
        self.head = coefs.framing.head

    def shares(self, x, what):
        """Returns what separate makes of frames, (j, L, n, f), without the last source where that is not asked for."""
        if what.rest and not (self.rest and len(self.names) > 1):
            raise ValueError("the last of %d sources is to be left out; want that of stems with rest, and two or more" % len(self.names))
        mix = x[:, what.skip:what.skip + what.count]
        if self.rest and not what.rest:
            mix = mix.copy()  # what is given to separate it may overwrite
        made = len(self.names) - bool(self.rest)
        if made == 0:  # of one source, which is all
            return mix[None]
        more = {"first": what.first} if getattr(self.separate, "wants_first", False) else {}
        y = _shaped("what separate returned", self.separate(x, what.skip, what.count, **more), made, *mix.shape, note=_but_last(self.rest))
        if what.rest or not self.rest:
            return y
        left = mix.astype(np.result_type(mix, y))  # wanted where nobody has the samples that it is left of
        for part in y:
            left -= part
        return np.concatenate([y, left[None]])


def _but_last(rest):
    """Says why separate is to return a source less, for errors."""
    return ", all sources but the last, which is what they leave" if rest else ""


def separated(coefs, names, halo, separate, rest=False):
    """Returns the stems that separate makes of coefs, run by run: separate(x, skip, n) is given
    frames x, (L, n', f), of which n from frame skip on are asked for, and returns (j, L, n, f).
    What it makes of a frame may depend on at most halo frames on either side. At the ends of
    the recording there are fewer: skip < halo, or fewer than halo behind the n.

    With rest=True the last source is what the others leave of coefs, and separate returns these
    alone, (j - 1, L, n, f): where coefs are those of a recording's frames, the last is taken from
    its samples, and is neither sent nor transformed back. Of one name it is all, and separate
    is not called."""
    if rest and not len(names):
        raise ValueError("there are no names; want one for each source")
    return _Separated(coefs, names, halo, separate, rest=rest)


class _SeparatedAudio:
    groups = None

    def __init__(self, audio, names, chunk, reach, separate):
        self.audio, self.names, self.chunk, self.reach, self.separate = audio, list(names), chunk, reach, separate
        self.head = audio.head


def separated_audio(audio, names, chunk, reach, separate):
    """Returns the stems that separate makes of a recording, chunk samples at a time:
    separate(x, at) is given x, (L, reach + n + reach), the n samples from sample at on with
    reach before and after, zeros outside the recording, and returns (j, L, n)."""
    return _SeparatedAudio(audio, names, chunk, reach, separate)


# ---- values on the wire: a pair of functions for each cargo


class _Values:
    """Sends values and takes those that came."""

    def __init__(self, plugin):
        self.plugin, self.lock = plugin, threading.Lock()
        self.owned, self.last, self.handles, self.came = {}, 0, {}, {}

    def own(self, value, alone=False):
        """Gives value a handle: that which it has, if it has one."""
        with self.lock:
            if not alone and id(value) in self.handles:
                return self.handles[id(value)]
            self.last += 1
            self.owned[self.last] = value
            if not alone:
                self.handles[id(value)] = self.last
            return self.last

    def forget(self, handles):
        with self.lock:
            for h in handles:
                self.handles.pop(id(self.owned.pop(h, None)), None)

    def get(self, handle):
        with self.lock:
            if handle not in self.owned:
                raise ValueError("there is no value with the handle %d" % handle)
            return self.owned[handle]

    def yours(self, cargo, value):
        """Returns the handle of what came from the host, else None."""
        return self.came.get((cargo, id(value)), (None,))[0]

    def remember(self, cargo, value, handle):
        self.came[cargo, id(value)] = (handle, value)
        return value

    def send(self, cargo, value):
        handle = self.yours(cargo, value)
        if handle is not None:
            return _new("Value", **{cargo: _new(_CARGOES[cargo], handle=handle, yours=True)})
        return _new("Value", **{cargo: getattr(self, "send_" + cargo)(value)})

    def take(self, cargo, value):
        if value.WhichOneof("cargo") != cargo:
            raise ValueError("the value is %s; want %s" % (value.WhichOneof("cargo"), cargo))
        message = getattr(value, cargo)
        if getattr(message, "yours", False):
            return self.get(message.handle)
        made = getattr(self, "take_" + cargo)(message)
        return made if cargo == "notes" else self.remember(cargo, made, message.handle)

    def send_inner(self, cargo, value):
        """Sends a value that is part of another."""
        return getattr(self.send(cargo, value), cargo)

    def take_inner(self, cargo, message):
        return self.take(cargo, _new("Value", **{cargo: message}))

    def send_audio(self, audio):
        return _new("Audio", handle=self.own(audio), head=_new("Head", **audio.head._asdict()))

    def take_audio(self, m):
        return Audio(self.plugin, m.handle, _head(m.head))

    def send_frames(self, frames):
        return _new("Frames", handle=self.own(frames), audio=self.send_inner("audio", frames.audio), framing=_framing_to(frames.framing, False))

    def take_frames(self, m):
        return Frames(self.take_inner("audio", m.audio), _framing(m.framing))

    def send_bare(self, t):
        """Sends a transform without the framing that it is for."""
        handle = self.yours("bare", t)
        if handle is not None:
            return _new("Transform", handle=handle, yours=True)
        if isinstance(t, _Phi):
            return _new("Transform", phi=self.send_matrix("phi", t.phi))
        return _new("Transform", handle=self.own(t), length=t.m, bins=t.bins, complex=t.complex)

    def take_bare(self, m):
        return self.get(m.handle) if m.yours else self.remember("bare", Transform(self.plugin, m), m.handle)

    def send_transform(self, t):
        t = t if hasattr(t, "phi") else _Phi(t)
        return _new("FittedTransform", handle=self.own([t], alone=True), transform=self.send_bare(t),
                    framing=_framing_to(t.framing, True) if t.framing else None)

    def take_transform(self, m):
        t = self.take_bare(m.transform)
        if m.HasField("framing"):
            t.framing = _framing(m.framing)
        return t

    def send_coefs(self, x):
        transform = self.send_bare(x.transform)
        if isinstance(x, _FramedCoefs):
            return _new("Coefs", frames=self.send_inner("frames", x.frames), transform=transform)
        return _new("Coefs", handle=self.own(x), framing=_framing_to(x.framing, True), transform=transform)

    def take_coefs(self, m):
        return Coefs(self.plugin, m.handle, _framing(m.framing), self.take_bare(m.transform))

    def send_power(self, p):
        if isinstance(p, _PowerOfCoefs):
            return _new("Power", coefs=self.send_inner("coefs", p.coefs))
        hz = b"" if p.hz is None else _real("hz", p.hz, p.bins).astype(_FLOAT).tobytes()
        return _new("Power", handle=self.own(p), framing=_framing_to(p.framing, True), bins=p.bins, hz=hz)

    def take_power(self, m):
        return Power(self.plugin, m.handle, _framing(m.framing), m.bins, np.frombuffer(m.hz, _FLOAT) if m.hz else None)

    def send_matrix(self, what, x):
        if x is None:
            return None
        x = _real(what, x, None, None)
        if x.size <= 1024:
            return _new("Matrix", rows=x.shape[0], columns=x.shape[1], data=np.ascontiguousarray(x, _FLOAT).tobytes())
        return _new("Matrix", rows=x.shape[0], columns=x.shape[1], handle=self.own(np.ascontiguousarray(x, _FLOAT).reshape(-1), alone=True))

    def send_factors(self, f):
        f = f if isinstance(f, Factors) else Factors(*f)
        row = lambda name: _real(name, getattr(f, name), None).astype(_FLOAT).tobytes() if len(getattr(f, name)) else b""
        sources = [_new("Group", name=name, components=c) for name, c in (f.sources or {}).items()]
        return _new("Factors", handle=self.own(f), w=self.send_matrix("w", f.w), h=self.send_matrix("h", f.h), objective=row("objective"),
                    restarts=row("restarts"), stop=f.stop, sources=sources, framing=_framing_to(f.framing, True) if f.framing else None)

    def take_factors(self, m):
        matrix = lambda name: self.plugin.matrix(getattr(m, name)) if m.HasField(name) else None
        return Factors(matrix("w"), matrix("h"), np.frombuffer(m.objective, _FLOAT), m.stop, np.frombuffer(m.restarts, _FLOAT),
                       {g.name: list(g.components) for g in m.sources} or None, _framing(m.framing) if m.HasField("framing") else None)

    def send_notes(self, notes):
        return _new("Notes", notes=[_new("Note", **Note(*n)._asdict()) for n in notes])

    def take_notes(self, m):
        return [Note(n.onset, n.offset, n.pitch, n.source, n.velocity) for n in m.notes]

    def send_sources(self, s):
        w = _new("Stems", handle=self.own(s), head=_new("Head", **s.head._asdict()), names=s.names,
                 groups=[_new("Group", name=name, components=c) for name, c in (s.groups or {}).items()])
        if isinstance(s, _Separated):
            w.separated.coefs.CopyFrom(self.send_inner("coefs", s.coefs))
            w.separated.halo, w.separated.rest = s.halo, bool(s.rest) and len(s.names) > 1
        elif isinstance(s, _SeparatedAudio):
            w.separated_audio.audio.CopyFrom(self.send_inner("audio", s.audio))
            w.separated_audio.chunk, w.separated_audio.reach = s.chunk, s.reach
        return w

    def take_sources(self, m):
        return Stems(self.plugin, m.handle, _head(m.head), list(m.names), {g.name: list(g.components) for g in m.groups} or None)


# Cargoes, and their messages.
_CARGOES = {"audio": "Audio", "frames": "Frames", "coefs": "Coefs", "power": "Power", "transform": "FittedTransform",
            "factors": "Factors", "notes": "Notes", "sources": "Stems"}


def _head(h):
    return Head(h.rate, h.samples, h.channels, h.realisations, tuple(h.names), h.encoding, h.speakers, tuple(h.tags))


def _framing(f):
    windows = [np.frombuffer(w, _FLOAT) for w in (f.analysis, f.synthesis)]
    return Framing(f.length, f.hop, f.pad, f.share, *windows, _head(f.head))


def _framing_to(f, with_head):
    windows = [_real("a window", w, f.length).astype(_FLOAT).tobytes() for w in (f.analysis, f.synthesis)]
    head = _new("Head", **f.head._asdict()) if with_head else None
    return _new("Framing", head=head, length=f.length, hop=f.hop, pad=f.pad, share=f.share, analysis=windows[0], synthesis=windows[1])


# ---- stages of the common shapes: their ports, their promises, and how they are run


def _transformed(frames, transform):
    coefs = coefs_of(frames, transform)
    transform.framing = frames.framing
    return {"coefs": coefs, "power": power_of(coefs), "transform": transform}


def _phi(transform):
    """Returns the matrix of a transform, as learners take it: None for None."""
    if transform is None or transform.phi is not None:
        return transform and transform.phi
    if transform.complex:
        raise ValueError("the initial transform is complex; this stage can start from a real one only")
    return transform.forward(np.eye(transform.m)).T


def _run_source(stage, env):
    return {"audio": audio_of(stage.head(), stage.read)}


def _run_framer(stage, env, audio):
    return {"frames": Frames(audio, stage.framing(audio.head))}


def _run_transformer(stage, env, frames):
    make, params = stage
    return _transformed(frames, transform_of(frames.framing.length, make(frames.framing.length, **params)))


def _learnt(frames, phi):
    m = frames.framing.length
    return _transformed(frames, transform_of(m, phi) if hasattr(phi, "forward") else _Phi(_real("phi", phi, None, m)))


def _run_transform_learner(stage, env, frames, init_transform=None):
    return _learnt(frames, stage.learn_transform(frames.read(0, frames.count), env, _phi(init_transform)))


def _run_joint_learner(stage, env, frames, init_transform=None, init_factors=None):
    phi, *f = stage.learn_jointly(frames.read(0, frames.count), env, _phi(init_transform), init_factors)
    return {**_learnt(frames, phi), "factors": _factors(f[0] if len(f) == 1 else f, frames.framing, init_factors)}


def _factors(f, framing, init):
    """Says what factors are of, and whose the components are if those of init are theirs."""
    f = f if isinstance(f, Factors) else Factors(*f)
    sources = f.sources
    if sources is None and init is not None and init.w is not None and np.shape(init.w) == np.shape(f.w):
        sources = init.sources
    return f._replace(framing=framing, sources=sources)


def _run_factorizer(stage, env, power, init_factors=None):
    return {"factors": _factors(stage.factorize(power.v(), env, init_factors), power.framing, init_factors)}


def _run_activator(stage, env, power, dictionary):
    w, framing = dictionary.w, power.framing
    if w is None:
        raise ValueError("the model has no dictionary W")
    _real("W", w, power.bins, None)
    h = np.empty((w.shape[1], framing.columns))
    size = max(1, env.block // framing.share) if env.block else min(max((1 << 17) // power.bins, 16), 1024)

    def part(first):
        v = power.columns(first, min(size, framing.columns - first))
        h[:, first:first + size] = _real("h", stage.activate(v, w), w.shape[1], v.shape[1])

    _each(part, range(0, framing.columns, size))
    return {"factors": Factors(w, h, sources=dictionary.sources, framing=framing)}


def _each(do, items):
    """Calls do with items, a few at a time, so that both processes work at once."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        for future in [pool.submit(contextvars.copy_context().run, do, item) for item in items]:
            future.result()


def _activations(h, share, first, n):
    """Returns the activations of n frames, (k, n). Where s frames share a column it stands for
    the middle of them, and in between H is interpolated linearly."""
    if share == 1:
        return h[:, first:first + n]
    at = (np.arange(first, first + n) - (share - 1) / 2) / share
    at = np.clip(at, 0, h.shape[1] - 1)
    left = np.minimum(at.astype(int), max(h.shape[1] - 2, 0))
    right = np.minimum(left + 1, h.shape[1] - 1)
    w = at - left
    return (1 - w) * h[:, left] + w * h[:, right]


def _run_separator(stage, env, coefs, factors):
    w, h, share = factors.w, factors.h, coefs.framing.share
    rest = bool(getattr(type(stage), "leaves_rest", False))  # of the class: a parameter may be called so
    if w is None or h is None:
        raise ValueError("the factors lack W or H; want both, such as those of an activator")
    _real("W", w, coefs.transform.bins, None)
    _real("H", h, w.shape[1], coefs.framing.columns)
    groups = stage.group(factors, env)
    if sorted(c for g in groups.values() for c in g) != list(range(w.shape[1])):
        raise ValueError("the groups are %s; want each of %d components in one" % (groups, w.shape[1]))

    def separate(x, skip, n, first):
        a = _activations(h, share, first + skip, n)
        parts = [_shaped("what separate returned", stage.separate(layer[skip:skip + n], w, a, groups), len(groups) - rest, n, x.shape[2], note=_but_last(rest)) for layer in x]
        return np.stack(parts, axis=1)

    separate.wants_first = True
    return {"sources": _Separated(coefs, groups, 0, separate, groups, rest)}


def _run_sink(stage, env, sources):
    stage.create(sources.head, list(sources.names), env)
    done = 0
    for source, block in sources:
        stage.write(source, block)
        if source == len(sources.names) - 1:
            done += block.shape[1]
            env.step(done, sources.head.samples)
    return {}


_TRANSFORMED = {"coefs": "coefs", "power": "power", "transform": "transform"}
_INIT = {"init_transform": "transform,optional", "init_factors": "factors,optional"}
_COMMON = [  # the method that tells the shape, inputs, outputs, promises, how it is run
    ("forward", {"frames": "frames"}, _TRANSFORMED, ["lazy", "local"], _run_transformer),
    ("learn_transform", {"frames": "frames", "init_transform": _INIT["init_transform"]}, _TRANSFORMED, [], _run_transform_learner),
    ("factorize", {"power": "power", "init_factors": _INIT["init_factors"]}, {"factors": "factors"}, [], _run_factorizer),
    ("activate", {"power": "power", "dictionary": "factors"}, {"factors": "factors"}, ["local"], _run_activator),
    ("learn_jointly", {"frames": "frames", **_INIT}, {**_TRANSFORMED, "factors": "factors"}, [], _run_joint_learner),
    ("separate", {"coefs": "coefs", "factors": "factors"}, {"sources": "sources"}, ["sums", "local"], _run_separator),
    ("framing", {"audio": "audio"}, {"frames": "frames"}, ["lazy"], _run_framer),
    ("read", {}, {"audio": "audio"}, ["lazy"], _run_source),
    ("write", {"sources": "sources"}, {}, [], _run_sink),
]


# Those whose methods are not given env.
_MUTE = (_run_source, _run_framer, _run_transformer, _run_activator)


def _run_any(stage, env, **inputs):
    made = stage.run(env, **inputs)
    outputs = getattr(stage, "outputs", {})
    ports = ", ".join(outputs)
    if made is None or not outputs:
        return {}
    if isinstance(made, dict):
        if not set(made) <= set(outputs):
            raise ValueError("run returned a dict with %s; want none but its outputs, %s" % (", ".join(map(repr, made)), ports))
        return made
    if len(outputs) > 1:
        raise ValueError("run returned %s; want a dict with its outputs, %s" % (type(made).__name__, ports))
    if isinstance(made, (int, float, complex, str, bytes, np.generic)):  # no port carries these
        raise ValueError("run returned %s; want its output %s, %s" % (type(made).__name__, ports, outputs[ports]))
    return {ports: made}


class _Stage:
    """What is known of a class of stages."""

    def __init__(self, make):
        self.make, self.name, self.params = make, make.name, getattr(make, "params", [])
        if hasattr(make, "run"):
            self.inputs, self.outputs = getattr(make, "inputs", {}), getattr(make, "outputs", {})
            self.promises, self.run = list(getattr(make, "promises", [])), _run_any
        else:
            for method, self.inputs, self.outputs, promises, self.run in _COMMON:
                if hasattr(make, method):
                    self.promises = promises + list(getattr(make, "promises", []))
                    break
            else:
                raise TypeError("%s has none of the methods that make a stage" % make.__name__)
        for cargo in [*self.inputs.values(), *self.outputs.values()]:
            if cargo.split(",")[0] not in _CARGOES:
                raise TypeError("%s has a port for %s; want one of %s" % (make.__name__, cargo, ", ".join(_CARGOES)))

    def definition(self):
        def ports(declared):
            for name, cargo in declared.items():
                cargo, *options = cargo.split(",")
                yield {"Name": name, "Cargo": cargo, "Optional": "optional" in options, "Many": "many" in options}
        return {"Name": self.name, "Doc": inspect.cleandoc(self.make.__doc__ or ""), "In": list(ports(self.inputs)), "Out": list(ports(self.outputs)),
                "Promises": self.promises, "Params": [p.json for p in self.params]}

    def build(self, text):
        params = {p.name: p.default for p in self.params}
        params.update(json.loads(text or "{}"))
        for p in self.params:
            if p.type == "float" and params[p.name] is not None:
                params[p.name] = float(params[p.name])
        if self.run is _run_transformer:
            getattr(self.make, "check", lambda **_: None)(**params)
            return self.make, params
        if self.make.__init__ is not object.__init__:
            return self.make(**params)
        stage = self.make()
        for name, value in params.items():
            setattr(stage, name, value)
        return stage


# ---- the service


class _Plugin:
    """The service of wire/stage.proto, a method for each call."""

    def __init__(self, stages, version, one_process):
        self.stages, self.version, self.one_process = {}, version, one_process
        for make in stages:
            other = self.stages.get(make.name)
            if other is not None:
                raise ValueError("two stages are called %r: the classes %s and %s; want a name of its own for each"
                                 % (make.name, other.make.__name__, make.__name__))
            self.stages[make.name] = _Stage(make)
        self.memory = _Memory()
        self.asker = _Asker(self.memory)
        self.pulse = _Pulse(self.asker)
        self.values = _Values(self)
        self.lock = threading.Lock()
        self.built, self.last = {}, 0  # handle -> (_Stage, stage)
        self.kept = {}  # the host's handle -> a lock, and the matrix once it was read

    def Describe(self, request, context):
        definitions = json.dumps([s.definition() for s in self.stages.values()])
        return _new("DescribeReply", definitions=definitions, version=self.version, sdk="python " + platform.python_version(),
                    shared_memory=self.memory.map is not None, asks=True, one_process=self.one_process)

    def Build(self, request, context):
        shape = self.stages[request.stage]
        try:
            stage = shape.build(request.params)
        except ParamError as e:
            return _new("BuildReply", faults=[_fault(e)])
        can = {flag: hasattr(stage, method) for flag, method in
               (("prepares", "prepare"), ("commits", "commit"), ("withdraws", "withdraw"), ("closes", "close"), ("forecasts", "forecast"))}
        if request.check:
            return _new("BuildReply", **can)
        with self.lock:
            self.last += 1
            self.built[self.last] = (shape, stage)
            return _new("BuildReply", stage=self.last, **can)

    def Forecast(self, request, context):
        stage = self.stages[request.stage].build(request.params)
        try:
            made = stage.forecast({f.port: Forecast(f.rank, tuple(f.sources)) for f in request.inputs})
        except ParamError as e:
            return _new("ForecastReply", faults=[_fault(e)])
        return _new("ForecastReply", outputs=[_new("Forecast", port=port, rank=f.rank, sources=f.sources) for port, f in (made or {}).items()])

    def Prepare(self, request, context):
        prepare = self.built[request.stage][1].prepare
        known = {"sources": list(request.sources), "inputs": list(request.inputs)}
        prepare(_head(request.head), **{k: v for k, v in known.items() if k in inspect.signature(prepare).parameters})
        return _new("Empty")

    def Commit(self, request, context):
        self.built[request.stage][1].commit()
        return _new("Empty")

    def Withdraw(self, request, context):
        self.built[request.stage][1].withdraw()
        return _new("Empty")

    def Close(self, request, context):
        self.values.forget(request.values)
        with self.lock:
            for handle in request.kept:
                self.kept.pop(handle, None)
        if request.stage:
            _, stage = self.built.pop(request.stage)
            getattr(stage, "close", lambda: None)()
        return _new("Empty")

    def Ask(self, requests, context):
        return self.asker.serve(requests, context)

    def Run(self, request, context):
        """Runs a stage in a thread of its own; yields what it says, then what it made."""
        out = queue.Queue()
        over = threading.Event()

        def say(**what):
            if over.is_set():
                self.asker.say(call=request.call.id, **what)
            else:
                out.put(_new("RunReply", **what))

        def run():
            _call.set(request.call.id)
            try:
                env = Env(request, say, context)
                result = self.run(request, env)
                env._context = None
                out.put(_new("RunReply", result=result))
                over.set()
                out.put(None)
            except BaseException as e:
                over.set()
                out.put(e)

        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
        said = out.get()
        while isinstance(said, _MESSAGES["RunReply"]):
            yield said
            said = out.get()
        if said is not None:
            _fail(context, said)

    def run(self, request, env):
        shape, stage = self.built[request.stage]
        inputs = {}
        for port in request.inputs:
            cargo, *options = shape.inputs[port.name].split(",")
            values = [self.values.take(cargo, v) for v in port.values]
            inputs[port.name] = values if "many" in options else values[0]
            framing = getattr(values[0], "framing", None)
            if framing is not None:
                env.share = framing.share
        if shape.run is _run_any:  # what is not wired is None
            inputs = {**dict.fromkeys(shape.inputs), **inputs}
        with self.pulse.during() if shape.run in _MUTE else contextlib.nullcontext():
            made = shape.run(stage, env, **inputs)
        ports = []
        for name, cargo in shape.outputs.items():
            if made.get(name) is not None:
                ports.append(_new("Port", name=name, values=[self.values.send(cargo.split(",")[0], made[name])]))
        return _new("Result", outputs=ports)

    def matrix(self, m):
        """Returns a matrix of the host. One that comes again is read once."""
        if not m.handle:
            return np.frombuffer(m.data, _FLOAT).reshape(m.rows, m.columns)
        if not m.keep:
            return self.read_matrix(m)
        with self.lock:
            lock, kept = self.kept.setdefault(m.handle, (threading.Lock(), []))
        with lock:
            if not kept:
                kept.append(self.read_matrix(m))
            return kept[0]

    def read_matrix(self, m):
        x = np.empty(m.rows * m.columns)
        for first, n in _parts(len(x), 1):
            x[first:first + n] = self.asker.ask(m.handle, (), (n,), numbers=_new("Numbers", first=first))[0]
        x.flags.writeable = False
        return x.reshape(m.rows, m.columns)

    def Read(self, request, context):
        _call.set(request.call.id)
        what = request.WhichOneof("what")
        if what is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "the request is not known; want a newer audiosep_plugin.py")
        return getattr(self, "read_" + what)(self.values.get(request.handle), request, getattr(request, what))

    def reply(self, request, *arrays):
        return _new("ReadReply", arrays=[self.memory.put(to, x) for to, x in zip(request.to, arrays)])

    def read_samples(self, audio, request, what):
        return self.reply(request, audio.read(what.at, what.count))

    def read_spectrum(self, coefs, request, what):
        x = coefs.read(what.first, what.count)
        return self.reply(request, *_planes("what read returned", x, coefs.transform.complex, None, what.count, coefs.transform.bins))

    def read_columns(self, power, request, what):
        return self.reply(request, power.columns(what.first, what.count))

    def read_forward(self, t, request, what):
        y = self.memory.get(getattr(request, "from")[0], what.count, t.m)
        room = None if t.complex else self.memory.room(request.to[0], what.count, t.bins)
        x = _shaped("what forward returned", t.forward(y, room, _where(request)), what.count, t.bins)
        if np.iscomplexobj(x) != t.complex:
            raise ValueError("forward returned real numbers once and complex ones another time")
        if t.complex:
            return self.reply(request, x.real, x.imag)
        return _new("ReadReply", arrays=[self.memory.put(request.to[0], x, room)])

    def coefs(self, request, complex, *shape):
        return _joined([self.memory.get(array, *shape) for array in getattr(request, "from")[:1 + complex]])

    def read_inverse(self, t, request, what):
        x = self.coefs(request, t.complex, what.count, t.bins)
        room = self.memory.room(request.to[0], what.count, t.m)
        y = _real("what inverse returned", t.inverse(x, room, _where(request)), what.count, t.m)
        return _new("ReadReply", arrays=[self.memory.put(request.to[0], y, room)])

    def read_numbers(self, x, request, what):
        return self.reply(request, x[what.first:what.first + request.to[0].count])

    def read_iterate(self, s, request, what):
        return _new("ReadReply", handle=self.values.own(_Iteration(s.blocks()), alone=True))

    def read_next(self, iteration, request, what):
        with iteration.lock:
            got = iteration.peek()
            if got is None:
                return _new("ReadReply")
            source, block = got
            reply = _new("ReadReply", block=_new("Block", source=source, samples=block.shape[1]))
            if request.to and request.to[0].count >= block.size:
                request.to[0].count = block.size
                reply.arrays.append(self.memory.put(request.to[0], block))
                iteration.pending = None
            return reply

    def read_separate(self, s, request, what):
        t, layers = s.coefs.transform, s.head.layers
        x = self.coefs(request, t.complex, layers, what.frames, t.bins)
        y = s.shares(x, what)
        planes = _planes("what separate returned", y, t.complex, len(s.names) - what.rest, layers, what.count, t.bins)
        return self.reply(request, *[p.swapaxes(0, 1) for p in planes])

    def read_separate_audio(self, s, request, what):
        x = self.memory.get(getattr(request, "from")[0], s.head.layers, what.count + 2 * s.reach)
        return self.reply(request, _real("what separate returned", s.separate(x, what.at), len(s.names), s.head.layers, what.count))


def _where(request):
    """Returns which frames a transform is given, None if that is not known."""
    if not request.HasField("place"):
        return None
    p = request.place
    return Place(p.first, p.count, p.layers, p.sources, p.at)


class _Iteration:
    """Goes through stems for the host."""

    def __init__(self, blocks):
        self.lock, self.blocks, self.pending = threading.Lock(), iter(blocks), None

    def peek(self):
        """Returns the next block; None at the end."""
        if self.pending is None:
            got = next(self.blocks, None)
            self.pending = got and (got[0], _real("a block", got[1], None, None))
        return self.pending


def _fault(e):
    return _new("ParamFault", name=e.name, what=e.what, hint=e.hint)


def _place(error):
    """Returns where an exception comes from: the last line of the plugin's own files, those in the
    folder of the program that are of no installed package, or else the innermost."""
    own = os.path.dirname(os.path.realpath(getattr(sys.modules["__main__"], "__file__", ""))) + os.sep
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        file = os.path.realpath(frame.filename)
        packaged = re.search(r"[\\/](site|dist)-packages[\\/]", file[len(own) - 1:])
        if file.startswith(own) and file != os.path.realpath(__file__) and not packaged:
            return frame
    return frames[-1]


def _fail(context, error):
    """Ends a call with what went wrong, and where unless it was meant."""
    text, cause = str(error), error
    while cause is not None and not isinstance(cause, _Asked):
        cause = cause.__cause__
    if cause is not None:
        context.set_trailing_metadata((("audiosep-question", str(cause.question)),))
    elif type(error) is not ValueError:
        if isinstance(error, SystemExit):
            text = "the stage has called sys.exit(%s); want an exception such as ValueError" % ("" if error.code is None else repr(error.code))
        where = _place(error)
        text = "%s: %s (%s:%d)" % (type(error).__name__, text, os.path.basename(where.filename), where.lineno)
        if isinstance(error, ModuleNotFoundError):
            text += "; want its package for %s, or a virtual environment that has it" % sys.executable
        traceback.print_exception(type(error), error, error.__traceback__)
    context.abort(grpc.StatusCode.UNKNOWN, text)


def _unary(method, pulse):
    def call(request, context):
        try:
            with pulse.during():
                return method(request, context)
        except BaseException as e:  # SystemExit too: the thread that answers must not end
            if context.code() is not None:  # by abort
                raise
            error = e
        _fail(context, error)
    return call


def _handlers(plugin):
    for m in _SERVICE.method:
        take = _MESSAGES[m.input_type.rsplit(".", 1)[1]].FromString
        give = lambda message: message.SerializeToString()
        method = getattr(plugin, m.name)
        if m.client_streaming:
            yield m.name, grpc.stream_stream_rpc_method_handler(method, take, give)
        elif m.server_streaming:
            yield m.name, grpc.unary_stream_rpc_method_handler(method, take, give)
        else:
            yield m.name, grpc.unary_unary_rpc_method_handler(_unary(method, plugin.pulse), take, give)


def _watch_host():
    """Ends the process when the host is gone: nobody writes to standard input."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def _keep_memory():
    """Has the C library keep what arrays leave for those to come: blocks are large, and fresh
    memory from the kernel costs more than many a transform of what is put there."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    for option, value in ((-3, 32 << 20), (-1, 1 << 30), (-8, 2)):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX
        mallopt(option, value)


def serve(*stages, version="", one_process=False):
    """Serves stages to the program that started this one; does not return."""
    plugin = _Plugin(stages, version, one_process)
    if os.environ.get("AUDIOSEP_PLUGIN") != _COOKIE:
        file = os.path.basename(sys.argv[0])
        print("%s is a plugin of audiosep. It offers" % file, file=sys.stderr)
        for stage in plugin.stages.values():
            print("\t%s\t(%s) -> (%s)" % (stage.name, ", ".join(stage.inputs), ", ".join(stage.outputs)), file=sys.stderr)
        print("Name its folder with audiosep --plugins.", file=sys.stderr)
        sys.exit(2)
    _keep_memory()
    threading.Thread(target=_watch_host, daemon=True).start()

    def shutdown(request, context):
        threading.Timer(0.01, os._exit, [0]).start()
        return b""

    plain = grpc.unary_unary_rpc_method_handler
    # Threads are made as they are needed: a call that waits for an answer must not keep
    # from being answered the one that the answer needs.
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=512)
    server = grpc.server(pool, options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": plain(lambda request, context: b"\x08\x01")}),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": plain(shutdown)}),
        grpc.method_handlers_generic_handler(_PACKAGE + _SERVICE.name, dict(_handlers(plugin))),
    ))
    address = os.path.join(tempfile.mkdtemp(dir=os.environ.get("PLUGIN_UNIX_SOCKET_DIR")), "socket")
    server.add_insecure_port("unix:" + address)
    server.start()
    os.write(_stdout, ("1|%s|unix|%s|grpc|\n" % (_VERSION, address)).encode())
    server.wait_for_termination()
