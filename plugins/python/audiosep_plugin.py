"""Write stages of audiosep in Python: one class for each, then serve(Class, ...).

A plugin is an executable file called audiosep-plugin-NAME that imports this one. It needs
numpy, grpcio and protobuf, on Linux, macOS or another Unix. A stage is a class with

    name      lower_snake_case
    params    a list of Param; each becomes a keyword argument of the constructor
    its docstring, of which the first line is the stage's description

and the methods of its kind, by which the kind is known. Arrays are numpy's, float64
unless said otherwise, not to be written to. Symbols: m samples a frame, f bins, n frames,
k components, L layers (channels of all realisations), j sources, s frames that share a
column of V.

    transformer        __init__(self, m, **params)
                       forward(self, y)    (n, m) -> (n, f), real or complex
                       inverse(self, x)    (n, f) -> (n, m)
                       either may take out=None besides, an array of real numbers to write
                       to and return, which saves a copy; None if there is none
    transform learner  learn_transform(self, y, env, phi)    y: (L, n, m); phi: (f, m) or
                       None, to begin with -> (f, m), or an object with forward and inverse
    factorizer         factorize(self, v, env, init)    v: (f, n/s), a power; init: Factors
                       or None, fields may be None -> (w, h) or Factors
    activator          activate(self, v, w)    (f, n/s), (f, k) -> (k, n/s)
    joint learner      learn_jointly(self, y, env, phi, init) -> (phi, w, h) or (phi, Factors)
    separator          group(self, factors, env) -> {name: [component, ...], ...}
                       separate(self, x, w, h, groups)    x: (n, f), h: (k, n) -> (j, n, f)
    framer             framing(self, head)    Head -> Framing
    source             head(self) -> Head;  read(self, at, n) -> (L, n), zeros outside
    sink               create(self, head, sources, env), write(self, source, block) with
                       block (L, n), commit(self), close(self); prepare(self, head) if wanted

Frame-local methods (forward, inverse, activate, separate, read) are called from several
threads at once. Raise ValueError("what is; want what should be") for what cannot be done,
and ParamError in a constructor, or in a static method check(**params) of a transformer,
for parameters that do not suit each other. A result depends on the arguments and on
env.rng(name) only. What is printed goes to the standard error, which is shown when the
plugin fails.
"""

import base64
import collections
import concurrent.futures
import ctypes
import inspect
import json
import mmap
import os
import platform
import queue
import re
import struct
import sys
import tempfile
import threading
import traceback
import zlib

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["Param", "ParamError", "Head", "Framing", "Factors", "serve"]

Head = collections.namedtuple("Head", "rate samples channels realisations names encoding", defaults=(1, 1, (), ""))
Framing = collections.namedtuple("Framing", "length hop pad share analysis synthesis")
Factors = collections.namedtuple("Factors", "w h objective stop restarts", defaults=((), "", ()))


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
CpY9CgtzdGFnZS5wcm90bxISYXVkaW9zZXAucGx1Z2luLnYxIgcKBUVtcHR5IhEKD0Rlc2NyaWJlUmVxdWVzdCKWAQoNRGVz
Y3JpYmVSZXBseRIgCgtkZWZpbml0aW9ucxgBIAEoCVILZGVmaW5pdGlvbnMSGAoHdmVyc2lvbhgCIAEoCVIHdmVyc2lvbhIQ
CgNzZGsYAyABKAlSA3NkaxIjCg1zaGFyZWRfbWVtb3J5GAQgASgIUgxzaGFyZWRNZW1vcnkSEgoEYXNrcxgFIAEoCFIEYXNr
cyJSCgxCdWlsZFJlcXVlc3QSFAoFc3RhZ2UYASABKAlSBXN0YWdlEhYKBnBhcmFtcxgCIAEoCVIGcGFyYW1zEhQKBWNoZWNr
GAMgASgIUgVjaGVjayLkAQoKQnVpbGRSZXBseRIUCgVzdGFnZRgBIAEoBFIFc3RhZ2USNgoGZmF1bHRzGAIgAygLMh4uYXVk
aW9zZXAucGx1Z2luLnYxLlBhcmFtRmF1bHRSBmZhdWx0cxIaCghwcmVwYXJlcxgDIAEoCFIIcHJlcGFyZXMSGAoHY29tbWl0
cxgEIAEoCFIHY29tbWl0cxIcCgl3aXRoZHJhd3MYBSABKAhSCXdpdGhkcmF3cxIWCgZjbG9zZXMYBiABKAhSBmNsb3NlcxIc
Cglmb3JlY2FzdHMYByABKAhSCWZvcmVjYXN0cyJICgpQYXJhbUZhdWx0EhIKBG5hbWUYASABKAlSBG5hbWUSEgoEd2hhdBgC
IAEoCVIEd2hhdBISCgRoaW50GAMgASgJUgRoaW50InUKD0ZvcmVjYXN0UmVxdWVzdBIUCgVzdGFnZRgBIAEoCVIFc3RhZ2US
FgoGcGFyYW1zGAIgASgJUgZwYXJhbXMSNAoGaW5wdXRzGAMgAygLMhwuYXVkaW9zZXAucGx1Z2luLnYxLkZvcmVjYXN0UgZp
bnB1dHMifwoNRm9yZWNhc3RSZXBseRI2CgdvdXRwdXRzGAEgAygLMhwuYXVkaW9zZXAucGx1Z2luLnYxLkZvcmVjYXN0Ugdv
dXRwdXRzEjYKBmZhdWx0cxgCIAMoCzIeLmF1ZGlvc2VwLnBsdWdpbi52MS5QYXJhbUZhdWx0UgZmYXVsdHMiTAoIRm9yZWNh
c3QSEgoEcG9ydBgBIAEoCVIEcG9ydBISCgRyYW5rGAIgASgEUgRyYW5rEhgKB3NvdXJjZXMYAyADKAlSB3NvdXJjZXMitAEK
DlByZXBhcmVSZXF1ZXN0EhQKBXN0YWdlGAEgASgEUgVzdGFnZRIsCgRjYWxsGAIgASgLMhguYXVkaW9zZXAucGx1Z2luLnYx
LkNhbGxSBGNhbGwSLAoEaGVhZBgDIAEoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5IZWFkUgRoZWFkEhgKB3NvdXJjZXMYBCAD
KAlSB3NvdXJjZXMSFgoGaW5wdXRzGAUgAygJUgZpbnB1dHMiLAoEQ2FsbBIOCgJpZBgBIAEoBFICaWQSFAoFYmxvY2sYAiAB
KARSBWJsb2NrIq0BCgpSdW5SZXF1ZXN0EhQKBXN0YWdlGAEgASgEUgVzdGFnZRIsCgRjYWxsGAIgASgLMhguYXVkaW9zZXAu
cGx1Z2luLnYxLkNhbGxSBGNhbGwSKQoDZW52GAMgASgLMhcuYXVkaW9zZXAucGx1Z2luLnYxLkVudlIDZW52EjAKBmlucHV0
cxgEIAMoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5Qb3J0UgZpbnB1dHMieQoDRW52EhIKBHNlZWQYASABKARSBHNlZWQSEAoD
bG9nGAIgASgIUgNsb2cSGgoIcHJvZ3Jlc3MYAyABKAhSCHByb2dyZXNzEjAKBndpcmluZxgEIAMoCzIYLmF1ZGlvc2VwLnBs
dWdpbi52MS5XaXJlUgZ3aXJpbmciMgoEV2lyZRISCgRwb3J0GAEgASgJUgRwb3J0EhYKBnN0YWdlcxgCIAMoCVIGc3RhZ2Vz
Ik0KBFBvcnQSEgoEbmFtZRgBIAEoCVIEbmFtZRIxCgZ2YWx1ZXMYAiADKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuVmFsdWVS
BnZhbHVlcyKlAQoIUnVuUmVwbHkSLgoEc3RlcBgBIAEoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5TdGVwSABSBHN0ZXASKwoD
bG9nGAIgASgLMhcuYXVkaW9zZXAucGx1Z2luLnYxLkxvZ0gAUgNsb2cSNAoGcmVzdWx0GAMgASgLMhouYXVkaW9zZXAucGx1
Z2luLnYxLlJlc3VsdEgAUgZyZXN1bHRCBgoEcGFydCJICgRTdGVwEhIKBGRvbmUYASABKARSBGRvbmUSDgoCb2YYAiABKARS
Am9mEhwKCW9iamVjdGl2ZRgDIAEoAVIJb2JqZWN0aXZlIi8KA0xvZxIUCgVsZXZlbBgBIAEoBVIFbGV2ZWwSEgoEdGV4dBgC
IAEoCVIEdGV4dCI8CgZSZXN1bHQSMgoHb3V0cHV0cxgBIAMoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5Qb3J0UgdvdXRwdXRz
IlIKDFN0YWdlUmVxdWVzdBIUCgVzdGFnZRgBIAEoBFIFc3RhZ2USLAoEY2FsbBgCIAEoCzIYLmF1ZGlvc2VwLnBsdWdpbi52
MS5DYWxsUgRjYWxsIjwKDENsb3NlUmVxdWVzdBIUCgVzdGFnZRgBIAEoBFIFc3RhZ2USFgoGdmFsdWVzGAIgAygEUgZ2YWx1
ZXMixwMKBVZhbHVlEjEKBWF1ZGlvGAEgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkF1ZGlvSABSBWF1ZGlvEjQKBmZyYW1l
cxgCIAEoCzIaLmF1ZGlvc2VwLnBsdWdpbi52MS5GcmFtZXNIAFIGZnJhbWVzEjEKBWNvZWZzGAMgASgLMhkuYXVkaW9zZXAu
cGx1Z2luLnYxLkNvZWZzSABSBWNvZWZzEjEKBXBvd2VyGAQgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLlBvd2VySABSBXBv
d2VyEkMKCXRyYW5zZm9ybRgFIAEoCzIjLmF1ZGlvc2VwLnBsdWdpbi52MS5GaXR0ZWRUcmFuc2Zvcm1IAFIJdHJhbnNmb3Jt
EjcKB2ZhY3RvcnMYBiABKAsyGy5hdWRpb3NlcC5wbHVnaW4udjEuRmFjdG9yc0gAUgdmYWN0b3JzEjEKBW5vdGVzGAcgASgL
MhkuYXVkaW9zZXAucGx1Z2luLnYxLk5vdGVzSABSBW5vdGVzEjUKB3NvdXJjZXMYCCABKAsyGS5hdWRpb3NlcC5wbHVnaW4u
djEuU3RlbXNIAFIHc291cmNlc0IHCgVjYXJnbyKmAQoESGVhZBISCgRyYXRlGAEgASgEUgRyYXRlEhgKB3NhbXBsZXMYAiAB
KARSB3NhbXBsZXMSGgoIY2hhbm5lbHMYAyABKARSCGNoYW5uZWxzEiIKDHJlYWxpc2F0aW9ucxgEIAEoBFIMcmVhbGlzYXRp
b25zEhQKBW5hbWVzGAUgAygJUgVuYW1lcxIaCghlbmNvZGluZxgGIAEoCVIIZW5jb2RpbmciYwoFQXVkaW8SFgoGaGFuZGxl
GAEgASgEUgZoYW5kbGUSFAoFeW91cnMYAiABKAhSBXlvdXJzEiwKBGhlYWQYAyABKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEu
SGVhZFIEaGVhZCLDAQoHRnJhbWluZxIsCgRoZWFkGAEgASgLMhguYXVkaW9zZXAucGx1Z2luLnYxLkhlYWRSBGhlYWQSFgoG
bGVuZ3RoGAIgASgEUgZsZW5ndGgSEAoDaG9wGAMgASgEUgNob3ASEAoDcGFkGAQgASgEUgNwYWQSFAoFc2hhcmUYBSABKARS
BXNoYXJlEhoKCGFuYWx5c2lzGAYgASgMUghhbmFseXNpcxIcCglzeW50aGVzaXMYByABKAxSCXN5bnRoZXNpcyKeAQoGRnJh
bWVzEhYKBmhhbmRsZRgBIAEoBFIGaGFuZGxlEhQKBXlvdXJzGAIgASgIUgV5b3VycxIvCgVhdWRpbxgDIAEoCzIZLmF1ZGlv
c2VwLnBsdWdpbi52MS5BdWRpb1IFYXVkaW8SNQoHZnJhbWluZxgEIAEoCzIbLmF1ZGlvc2VwLnBsdWdpbi52MS5GcmFtaW5n
UgdmcmFtaW5nIs8BCglUcmFuc2Zvcm0SFgoGaGFuZGxlGAEgASgEUgZoYW5kbGUSFAoFeW91cnMYAiABKAhSBXlvdXJzEhYK
Bmxlbmd0aBgDIAEoBFIGbGVuZ3RoEhIKBGJpbnMYBCABKARSBGJpbnMSGAoHY29tcGxleBgFIAEoCFIHY29tcGxleBIgCgtm
cmVxdWVuY2llcxgGIAEoDFILZnJlcXVlbmNpZXMSLAoDcGhpGAcgASgLMhouYXVkaW9zZXAucGx1Z2luLnYxLk1hdHJpeFID
cGhpIrMBCg9GaXR0ZWRUcmFuc2Zvcm0SFgoGaGFuZGxlGAEgASgEUgZoYW5kbGUSFAoFeW91cnMYAiABKAhSBXlvdXJzEjsK
CXRyYW5zZm9ybRgDIAEoCzIdLmF1ZGlvc2VwLnBsdWdpbi52MS5UcmFuc2Zvcm1SCXRyYW5zZm9ybRI1CgdmcmFtaW5nGAQg
ASgLMhsuYXVkaW9zZXAucGx1Z2luLnYxLkZyYW1pbmdSB2ZyYW1pbmci3QEKBUNvZWZzEhYKBmhhbmRsZRgBIAEoBFIGaGFu
ZGxlEhQKBXlvdXJzGAIgASgIUgV5b3VycxI7Cgl0cmFuc2Zvcm0YAyABKAsyHS5hdWRpb3NlcC5wbHVnaW4udjEuVHJhbnNm
b3JtUgl0cmFuc2Zvcm0SMgoGZnJhbWVzGAQgASgLMhouYXVkaW9zZXAucGx1Z2luLnYxLkZyYW1lc1IGZnJhbWVzEjUKB2Zy
YW1pbmcYBSABKAsyGy5hdWRpb3NlcC5wbHVnaW4udjEuRnJhbWluZ1IHZnJhbWluZyLBAQoFUG93ZXISFgoGaGFuZGxlGAEg
ASgEUgZoYW5kbGUSFAoFeW91cnMYAiABKAhSBXlvdXJzEi8KBWNvZWZzGAMgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkNv
ZWZzUgVjb2VmcxI1CgdmcmFtaW5nGAQgASgLMhsuYXVkaW9zZXAucGx1Z2luLnYxLkZyYW1pbmdSB2ZyYW1pbmcSEgoEYmlu
cxgFIAEoBFIEYmlucxIOCgJoehgGIAEoDFICaHoiYgoGTWF0cml4EhIKBHJvd3MYASABKARSBHJvd3MSGAoHY29sdW1ucxgC
IAEoBFIHY29sdW1ucxISCgRkYXRhGAMgASgMUgRkYXRhEhYKBmhhbmRsZRgEIAEoBFIGaGFuZGxlIsUCCgdGYWN0b3JzEhYK
BmhhbmRsZRgBIAEoBFIGaGFuZGxlEhQKBXlvdXJzGAIgASgIUgV5b3VycxIoCgF3GAMgASgLMhouYXVkaW9zZXAucGx1Z2lu
LnYxLk1hdHJpeFIBdxIoCgFoGAQgASgLMhouYXVkaW9zZXAucGx1Z2luLnYxLk1hdHJpeFIBaBIcCglvYmplY3RpdmUYBSAB
KAxSCW9iamVjdGl2ZRIaCghyZXN0YXJ0cxgGIAEoDFIIcmVzdGFydHMSEgoEc3RvcBgHIAEoCVIEc3RvcBIzCgdzb3VyY2Vz
GAggAygLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkdyb3VwUgdzb3VyY2VzEjUKB2ZyYW1pbmcYCSABKAsyGy5hdWRpb3NlcC5w
bHVnaW4udjEuRnJhbWluZ1IHZnJhbWluZyI7CgVHcm91cBISCgRuYW1lGAEgASgJUgRuYW1lEh4KCmNvbXBvbmVudHMYAiAD
KARSCmNvbXBvbmVudHMiNwoFTm90ZXMSLgoFbm90ZXMYASADKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuTm90ZVIFbm90ZXMi
fgoETm90ZRIUCgVvbnNldBgBIAEoAVIFb25zZXQSFgoGb2Zmc2V0GAIgASgBUgZvZmZzZXQSFAoFcGl0Y2gYAyABKAFSBXBp
dGNoEhYKBnNvdXJjZRgEIAEoCVIGc291cmNlEhoKCHZlbG9jaXR5GAUgASgBUgh2ZWxvY2l0eSK2AgoFU3RlbXMSFgoGaGFu
ZGxlGAEgASgEUgZoYW5kbGUSFAoFeW91cnMYAiABKAhSBXlvdXJzEiwKBGhlYWQYAyABKAsyGC5hdWRpb3NlcC5wbHVnaW4u
djEuSGVhZFIEaGVhZBIUCgVuYW1lcxgEIAMoCVIFbmFtZXMSMQoGZ3JvdXBzGAUgAygLMhkuYXVkaW9zZXAucGx1Z2luLnYx
Lkdyb3VwUgZncm91cHMSOwoJc2VwYXJhdGVkGAYgASgLMh0uYXVkaW9zZXAucGx1Z2luLnYxLlNlcGFyYXRlZFIJc2VwYXJh
dGVkEksKD3NlcGFyYXRlZF9hdWRpbxgHIAEoCzIiLmF1ZGlvc2VwLnBsdWdpbi52MS5TZXBhcmF0ZWRBdWRpb1IOc2VwYXJh
dGVkQXVkaW8iUAoJU2VwYXJhdGVkEi8KBWNvZWZzGAEgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkNvZWZzUgVjb2VmcxIS
CgRoYWxvGAIgASgEUgRoYWxvIm0KDlNlcGFyYXRlZEF1ZGlvEi8KBWF1ZGlvGAEgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYx
LkF1ZGlvUgVhdWRpbxIUCgVjaHVuaxgCIAEoBFIFY2h1bmsSFAoFcmVhY2gYAyABKARSBXJlYWNoIkkKBUFycmF5EhIKBGRh
dGEYASABKAxSBGRhdGESFgoGb2Zmc2V0GAIgASgEUgZvZmZzZXQSFAoFY291bnQYAyABKARSBWNvdW50Iv8FCgtSZWFkUmVx
dWVzdBIWCgZoYW5kbGUYASABKARSBmhhbmRsZRIsCgRjYWxsGAIgASgLMhguYXVkaW9zZXAucGx1Z2luLnYxLkNhbGxSBGNh
bGwSLQoEZnJvbRgDIAMoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5BcnJheVIEZnJvbRIpCgJ0bxgEIAMoCzIZLmF1ZGlvc2Vw
LnBsdWdpbi52MS5BcnJheVICdG8SNwoHc2FtcGxlcxgFIAEoCzIbLmF1ZGlvc2VwLnBsdWdpbi52MS5TYW1wbGVzSABSB3Nh
bXBsZXMSOgoIc3BlY3RydW0YBiABKAsyHC5hdWRpb3NlcC5wbHVnaW4udjEuU3BlY3RydW1IAFIIc3BlY3RydW0SNwoHY29s
dW1ucxgHIAEoCzIbLmF1ZGlvc2VwLnBsdWdpbi52MS5Db2x1bW5zSABSB2NvbHVtbnMSNwoHZm9yd2FyZBgIIAEoCzIbLmF1
ZGlvc2VwLnBsdWdpbi52MS5Gb3J3YXJkSABSB2ZvcndhcmQSNwoHaW52ZXJzZRgJIAEoCzIbLmF1ZGlvc2VwLnBsdWdpbi52
MS5JbnZlcnNlSABSB2ludmVyc2USNwoHbnVtYmVycxgKIAEoCzIbLmF1ZGlvc2VwLnBsdWdpbi52MS5OdW1iZXJzSABSB251
bWJlcnMSNwoHaXRlcmF0ZRgLIAEoCzIbLmF1ZGlvc2VwLnBsdWdpbi52MS5JdGVyYXRlSABSB2l0ZXJhdGUSLgoEbmV4dBgM
IAEoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5OZXh0SABSBG5leHQSOgoIc2VwYXJhdGUYDSABKAsyHC5hdWRpb3NlcC5wbHVn
aW4udjEuU2VwYXJhdGVIAFIIc2VwYXJhdGUSSgoOc2VwYXJhdGVfYXVkaW8YDiABKAsyIS5hdWRpb3NlcC5wbHVnaW4udjEu
U2VwYXJhdGVBdWRpb0gAUg1zZXBhcmF0ZUF1ZGlvQgYKBHdoYXQihwEKCVJlYWRSZXBseRIxCgZhcnJheXMYASADKAsyGS5h
dWRpb3NlcC5wbHVnaW4udjEuQXJyYXlSBmFycmF5cxIWCgZoYW5kbGUYAiABKARSBmhhbmRsZRIvCgVibG9jaxgDIAEoCzIZ
LmF1ZGlvc2VwLnBsdWdpbi52MS5CbG9ja1IFYmxvY2siLwoHU2FtcGxlcxIOCgJhdBgBIAEoElICYXQSFAoFY291bnQYAiAB
KARSBWNvdW50IjYKCFNwZWN0cnVtEhQKBWZpcnN0GAEgASgEUgVmaXJzdBIUCgVjb3VudBgCIAEoBFIFY291bnQiRwoHQ29s
dW1ucxIUCgVmaXJzdBgBIAEoBFIFZmlyc3QSFAoFY291bnQYAiABKARSBWNvdW50EhAKA2FsbBgDIAEoCFIDYWxsIh8KB0Zv
cndhcmQSFAoFY291bnQYASABKARSBWNvdW50Ih8KB0ludmVyc2USFAoFY291bnQYASABKARSBWNvdW50Ih8KB051bWJlcnMS
FAoFZmlyc3QYASABKARSBWZpcnN0IgkKB0l0ZXJhdGUiBgoETmV4dCI5CgVCbG9jaxIWCgZzb3VyY2UYASABKARSBnNvdXJj
ZRIYCgdzYW1wbGVzGAIgASgEUgdzYW1wbGVzImIKCFNlcGFyYXRlEhQKBWZpcnN0GAEgASgEUgVmaXJzdBIWCgZmcmFtZXMY
AiABKARSBmZyYW1lcxISCgRza2lwGAMgASgEUgRza2lwEhQKBWNvdW50GAQgASgEUgVjb3VudCI1Cg1TZXBhcmF0ZUF1ZGlv
Eg4KAmF0GAEgASgSUgJhdBIUCgVjb3VudBgCIAEoBFIFY291bnQihAIKCFF1ZXN0aW9uEg4KAmlkGAEgASgEUgJpZBISCgRj
YWxsGAIgASgEUgRjYWxsEjUKBHJlYWQYAyABKAsyHy5hdWRpb3NlcC5wbHVnaW4udjEuUmVhZFJlcXVlc3RIAFIEcmVhZBI4
CgVjbG9zZRgEIAEoCzIgLmF1ZGlvc2VwLnBsdWdpbi52MS5DbG9zZVJlcXVlc3RIAFIFY2xvc2USLgoEc3RlcBgFIAEoCzIY
LmF1ZGlvc2VwLnBsdWdpbi52MS5TdGVwSABSBHN0ZXASKwoDbG9nGAYgASgLMhcuYXVkaW9zZXAucGx1Z2luLnYxLkxvZ0gA
UgNsb2dCBgoEd2hhdCJjCgZBbnN3ZXISDgoCaWQYASABKARSAmlkEjMKBXJlcGx5GAIgASgLMh0uYXVkaW9zZXAucGx1Z2lu
LnYxLlJlYWRSZXBseVIFcmVwbHkSFAoFZXJyb3IYAyABKAlSBWVycm9yMu8FCgZQbHVnaW4SUgoIRGVzY3JpYmUSIy5hdWRp
b3NlcC5wbHVnaW4udjEuRGVzY3JpYmVSZXF1ZXN0GiEuYXVkaW9zZXAucGx1Z2luLnYxLkRlc2NyaWJlUmVwbHkSSQoFQnVp
bGQSIC5hdWRpb3NlcC5wbHVnaW4udjEuQnVpbGRSZXF1ZXN0Gh4uYXVkaW9zZXAucGx1Z2luLnYxLkJ1aWxkUmVwbHkSUgoI
Rm9yZWNhc3QSIy5hdWRpb3NlcC5wbHVnaW4udjEuRm9yZWNhc3RSZXF1ZXN0GiEuYXVkaW9zZXAucGx1Z2luLnYxLkZvcmVj
YXN0UmVwbHkSSAoHUHJlcGFyZRIiLmF1ZGlvc2VwLnBsdWdpbi52MS5QcmVwYXJlUmVxdWVzdBoZLmF1ZGlvc2VwLnBsdWdp
bi52MS5FbXB0eRJFCgNSdW4SHi5hdWRpb3NlcC5wbHVnaW4udjEuUnVuUmVxdWVzdBocLmF1ZGlvc2VwLnBsdWdpbi52MS5S
dW5SZXBseTABEkYKBFJlYWQSHy5hdWRpb3NlcC5wbHVnaW4udjEuUmVhZFJlcXVlc3QaHS5hdWRpb3NlcC5wbHVnaW4udjEu
UmVhZFJlcGx5EkUKBkNvbW1pdBIgLmF1ZGlvc2VwLnBsdWdpbi52MS5TdGFnZVJlcXVlc3QaGS5hdWRpb3NlcC5wbHVnaW4u
djEuRW1wdHkSRwoIV2l0aGRyYXcSIC5hdWRpb3NlcC5wbHVnaW4udjEuU3RhZ2VSZXF1ZXN0GhkuYXVkaW9zZXAucGx1Z2lu
LnYxLkVtcHR5EkQKBUNsb3NlEiAuYXVkaW9zZXAucGx1Z2luLnYxLkNsb3NlUmVxdWVzdBoZLmF1ZGlvc2VwLnBsdWdpbi52
MS5FbXB0eRJDCgNBc2sSGi5hdWRpb3NlcC5wbHVnaW4udjEuQW5zd2VyGhwuYXVkaW9zZXAucGx1Z2luLnYxLlF1ZXN0aW9u
KAEwAUIrWilnaXRodWIuY29tL2F1ZGlvc2VwL2F1ZGlvc2VwL3BsdWdpbnMvd2lyZWIGcHJvdG8z
"""

_PACKAGE = "audiosep.plugin.v1."
_COOKIE = "4f1d0a6e5cb34c7f"
_VERSION = "1"
_CHUNK = 1 << 20
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
    return {name: message(name) for name in names}, files.file[0].service


_MESSAGES, _SERVICES = _messages()


def _new(message, /, **fields):
    return _MESSAGES[message](**fields)



# Whatever the plugin prints must not disturb the handshake.
if os.environ.get("AUDIOSEP_PLUGIN") == _COOKIE:
    _stdout = os.dup(1)
    os.dup2(2, 1)


class Env:
    """What the host lends a running stage."""

    share = 1  # s, frames that share a column of V

    def __init__(self, env, send, context):
        self.seed, self._send, self._context = env.seed, send, context

    def rng(self, name):
        """Returns the stage's stream of random numbers called name, a numpy Generator."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def step(self, done, of, objective=float("nan")):
        """Says how far the stage has come; also a sign of life. Raises if cancelled."""
        self.check()
        self._send(_new("Output", step=_new("Step", done=done, of=of, objective=objective)))

    def log(self, text, level=0):
        """Logs text; level is -4 (debug), 0 (info), 4 (warning) or 8 (error)."""
        self._send(_new("Output", log=_new("Log", level=level, text=text)))

    def check(self):
        """Raises an error if the call has been cancelled; call it in long loops."""
        if not self._context.is_active():
            raise ValueError("the call was cancelled")


class _Memory:
    """Arrays of messages, in them or in the memory shared with the host."""

    def __init__(self):
        self.map, self.touched = None, 0
        found = re.fullmatch(r"(\d+):(\d+)", os.environ.pop("AUDIOSEP_SHARED_MEMORY", ""))
        if not found or sys.byteorder != "little":
            return
        fd, size = int(found[1]), int(found[2])
        try:
            self.map = mmap.mmap(fd, size)
            os.close(fd)
        except (OSError, ValueError):
            self.map = None
        if self.map is not None and self.map[:8] != b"AUDIOSEP":
            self.map = None

    def _shared(self, array, shape):
        count = int(np.prod(shape, dtype=np.int64))
        if self.map is None or array.count != count or array.offset % 8 or array.offset + 8 * count > len(self.map):
            raise ValueError("%d numbers at %d of the shared memory; want %d inside" % (array.count, array.offset, count))
        self._touch(array.offset + 8 * count)
        return np.frombuffer(self.map, _FLOAT, count, array.offset).reshape(shape)

    def _touch(self, end):
        """Has the pages up to there made, all at once: it is far sooner done than one by one."""
        first = self.touched // mmap.PAGESIZE * mmap.PAGESIZE
        if end > self.touched and sys.platform == "linux":
            self.touched = end
            try:
                self.map.madvise(23, first, end - first)  # MADV_POPULATE_WRITE, from Linux 5.14 on
            except (OSError, ValueError):
                pass

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


def _shaped(what, x, *shape):
    """Returns x as an array, which must have that shape; None stands for any size."""
    x = np.asarray(x)
    if x.ndim != len(shape) or any(w is not None and w != s for w, s in zip(shape, x.shape)):
        want = "(%s)" % ", ".join("any" if w is None else str(w) for w in shape)
        raise ValueError("%s has the shape %s; want %s" % (what, x.shape, want))
    return x


def _real(what, x, *shape):
    x = _shaped(what, x, *shape)
    if np.iscomplexobj(x):
        raise ValueError("%s is complex; want real numbers" % what)
    return np.asarray(x, np.float64)


_KINDS = [  # kind, and the method that tells it
    ("transformer", "forward"), ("transform-learner", "learn_transform"), ("factorizer", "factorize"),
    ("activator", "activate"), ("joint-learner", "learn_jointly"), ("separator", "separate"),
    ("framer", "framing"), ("source", "read"), ("sink", "write"),
]


def _kind(stage):
    for kind, method in _KINDS:
        if hasattr(stage, method):
            return kind
    raise TypeError("%s has none of the methods that make a stage" % stage.__name__)


def _definition(stage):
    doc = inspect.cleandoc(stage.__doc__ or "")
    return {"Name": stage.name, "Doc": doc, "Kind": _kind(stage), "Params": [p.json for p in getattr(stage, "params", [])]}


class _Transform:
    """A transform for frames of m samples. Its bins are found by trying it."""

    def __init__(self, impl, m):
        self.m = m
        self.forward, self.inverse = _with_out(impl.forward), _with_out(impl.inverse)
        x = _shaped("what forward makes of one frame of zeros", impl.forward(np.zeros((1, m))), 1, None)
        self.bins, self.complex = x.shape[1], np.iscomplexobj(x)


def _with_out(method):
    """Returns a function of the argument and of out, which method may not know."""
    if "out" in inspect.signature(method).parameters:
        return lambda x, out: method(x, out=out)
    return lambda x, out: method(x)


class _Plugin:
    """The services of wire/stage.proto, a method for each call."""

    def __init__(self, stages, version):
        self.stages, self.version = {s.name: s for s in stages}, version
        self.memory = _Memory()
        self.lock = threading.Lock()
        self.built = {}       # handle -> (class, parameters) of a transformer, or a stage
        self.transforms = {}  # handle -> _Transform
        self.made = {}        # (stage's handle, m) -> handle of a transform

    def _keep(self, table, value):
        with self.lock:
            table[len(table) + 1] = value
            return len(table)

    def Describe(self, request, context):
        definitions = json.dumps([_definition(s) for s in self.stages.values()])
        return _new("DescribeReply", definitions=definitions, version=self.version,
                    sdk="python " + platform.python_version(), shared_memory=self.memory.map is not None)

    def Build(self, request, context):
        stage = self.stages[request.stage]
        params = {p.name: p.default for p in getattr(stage, "params", [])}
        params.update(json.loads(request.params or "{}"))
        for p in getattr(stage, "params", []):
            if p.type == "float" and params[p.name] is not None:
                params[p.name] = float(params[p.name])
        try:
            if _kind(stage) == "transformer":
                getattr(stage, "check", lambda **_: None)(**params)
                built = (stage, params)
            else:
                built = stage(**params)
        except ParamError as e:
            return _new("BuildReply", faults=[_new("ParamFault", name=e.name, what=e.what, hint=e.hint)])
        return _new("BuildReply", stage=self._keep(self.built, built))

    # ---- transforms

    def _info(self, transform):
        return _new("TransformInfo", transform=self._keep(self.transforms, transform),
                    length=transform.m, bins=transform.bins, complex=transform.complex)

    def GetTransform(self, request, context):
        stage, params = self.built[request.stage]
        return self._info(_Transform(stage(request.length, **params), request.length))

    def Forward(self, request, context):
        t = self.transforms[request.transform]
        y = self.memory.get(request.frame, request.frames, t.m)
        room = None if t.complex else self.memory.room(request.re_to, request.frames, t.bins)
        x = _shaped("what forward returned", t.forward(y, room), request.frames, t.bins)
        if np.iscomplexobj(x) != t.complex:
            raise ValueError("forward returned real numbers once and complex ones another time")
        if not t.complex:
            return _new("ForwardReply", re=self.memory.put(request.re_to, x, room))
        return _new("ForwardReply", re=self.memory.put(request.re_to, x.real), im=self.memory.put(request.im_to, x.imag))

    def _coefs(self, re, im, complex, *shape):
        x = self.memory.get(re, *shape)
        if not complex:
            return x
        both = np.empty(shape, np.complex128)
        both.real, both.imag = x, self.memory.get(im, *shape)
        return both

    def Inverse(self, request, context):
        t = self.transforms[request.transform]
        x = self._coefs(request.re, request.im, t.complex, request.frames, t.bins)
        room = self.memory.room(request.frame_to, request.frames, t.m)
        y = _real("what inverse returned", t.inverse(x, room), request.frames, t.m)
        return _new("InverseReply", frame=self.memory.put(request.frame_to, y, room))

    # ---- learners and factorizers

    def LearnTransform(self, job):
        phi = job.stage.learn_transform(job.frames(), job.env, job.arrays.get("phi"))
        return self._learnt(phi, job.m)

    def _learnt(self, phi, m):
        if hasattr(phi, "forward"):
            return {"transform": self._info(_Transform(phi, m))}, {}
        return {}, {"phi": _real("phi", phi, None, m)}

    def LearnJointly(self, job):
        phi, *factors = job.stage.learn_jointly(job.frames(), job.env, job.arrays.get("phi"), job.factors())
        fields, arrays = self._learnt(phi, job.m)
        more, factors = _factors(factors[0] if len(factors) == 1 else factors)
        return {**fields, **more}, {**arrays, **factors}

    def Factorize(self, job):
        return _factors(job.stage.factorize(job.arrays["v"], job.env, job.factors()))

    def Activate(self, request, context):
        v = self.memory.get(request.v, request.bins, request.columns)
        w = self.memory.get(request.w, request.bins, request.rank)
        h = _real("h", self.built[request.stage].activate(v, w), request.rank, request.columns)
        return _new("ActivateReply", h=self.memory.put(request.h_to, h))

    # ---- separation

    def GetGroups(self, job):
        groups = job.stage.group(job.factors(), job.env)
        return {"groups": [_new("Group", name=name, components=c) for name, c in groups.items()]}, {}

    def Separate(self, request, context):
        n, bins = request.frames, request.bins
        x = self._coefs(request.re, request.im, request.HasField("im"), n, bins)
        w = self.memory.get(request.w, bins, request.rank)
        h = self.memory.get(request.h, request.rank, n)
        groups = {g.name: list(g.components) for g in request.groups}
        s = _shaped("what separate returned", self.built[request.stage].separate(x, w, h, groups), len(request.groups), n, bins)
        reply = _new("SeparateReply", re=self.memory.put(request.re_to, s.real))
        if request.HasField("im"):
            reply.im.CopyFrom(self.memory.put(request.im_to, s.imag))
        return reply

    # ---- sound

    def GetFraming(self, request, context):
        f = self.built[request.stage].framing(_head(request.head))
        windows = [_real("a window", w, f.length).astype(_FLOAT).tobytes() for w in (f.analysis, f.synthesis)]
        return _new("Framing", length=f.length, hop=f.hop, pad=f.pad, share=f.share, analysis=windows[0], synthesis=windows[1])

    def GetHead(self, request, context):
        return _new("Head", **self.built[request.stage].head()._asdict())

    def ReadAt(self, request, context):
        layers = request.to.count // max(1, request.samples)
        x = _real("what read returned", self.built[request.stage].read(request.at, request.samples), layers, request.samples)
        return _new("ReadAtReply", samples=self.memory.put(request.to, x))

    def Prepare(self, request, context):
        getattr(self.built[request.stage], "prepare", lambda head: None)(_head(request.head))
        return _new("Empty")

    def Create(self, job):
        job.stage.create(_head(job.request.head), list(job.request.sources), job.env)
        return {}, {}

    def Write(self, request, context):
        layers = request.block.count // max(1, request.samples)
        self.built[request.stage].write(request.source, self.memory.get(request.block, layers, request.samples))
        return _new("Empty")

    def Commit(self, request, context):
        self.built[request.stage].commit()
        return _new("Empty")

    def Close(self, request, context):
        self.built[request.stage].close()
        return _new("Empty")


def _head(h):
    return Head(h.rate, h.samples, h.channels, h.realisations, tuple(h.names), h.encoding)


def _factors(f):
    """Returns the fields and arrays of a Result for Factors or a pair (w, h)."""
    f = f if isinstance(f, Factors) else Factors(*f)
    arrays = {"w": _real("w", f.w, None, None), "h": _real("h", f.h, None, None)}
    for name in ("objective", "restarts"):
        if len(getattr(f, name)):
            arrays[name] = _real(name, getattr(f, name), None)[np.newaxis, :]
    return {"stop": f.stop}, arrays


class _Job:
    """A call that takes long: what was asked, and a queue of what is answered."""

    def __init__(self, plugin, first, requests, context):
        self.request = first.job if first.DESCRIPTOR.name == "Input" else first
        self.out = queue.Queue()
        self.env = Env(self.request.env, self.out.put, context)
        self.stage = plugin.built[self.request.stage]
        self.arrays = {}
        for shape in getattr(self.request, "arrays", []):
            data, size = bytearray(), 8 * shape.rows * shape.columns
            while len(data) < size:
                data += next(requests).chunk
            x = np.frombuffer(bytes(data), _FLOAT).reshape(shape.rows, shape.columns)
            self.arrays[shape.name] = x
        if getattr(self.request, "framing", None):
            self.m, self.env.share = self.request.framing.length, self.request.framing.share

    def frames(self):
        y = self.arrays["frames"]
        return y.reshape(len(y), self.request.frames, self.m)

    def factors(self):
        if "w" not in self.arrays and "h" not in self.arrays:
            return None
        a = self.arrays
        row = lambda name: a[name][0] if name in a else ()
        return Factors(a.get("w"), a.get("h"), row("objective"), "", row("restarts"))

    def run(self, method):
        """Runs method and puts what it makes into the queue; at the end, an error or None."""
        try:
            fields, arrays = method(self)
            shapes = [_new("Shape", name=n, rows=x.shape[0], columns=x.shape[1]) for n, x in arrays.items()]
            self.out.put(_new("Output", result=_new("Result", arrays=shapes, **fields)))
            for x in arrays.values():
                data = np.ascontiguousarray(x, _FLOAT).tobytes()
                for at in range(0, len(data), _CHUNK):
                    self.out.put(_new("Output", chunk=data[at:at + _CHUNK]))
            self.out.put(None)
        except BaseException as e:
            self.out.put(e)


def _fail(context, error):
    """Ends a call with what went wrong, and where unless it was meant."""
    text = str(error)
    if type(error) is not ValueError:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = "%s: %s (%s:%d)" % (type(error).__name__, error, os.path.basename(where.filename), where.lineno)
        traceback.print_exception(type(error), error, error.__traceback__)
    context.abort(grpc.StatusCode.UNKNOWN, text)


def _unary(method):
    def call(request, context):
        try:
            return method(request, context)
        except Exception as e:
            error = e
        _fail(context, error)
    return call


def _stream(plugin, method):
    def call(requests, context):
        try:
            first = requests if hasattr(requests, "DESCRIPTOR") else next(requests)
            job = _Job(plugin, first, requests, context)
            threading.Thread(target=job.run, args=(method,), daemon=True).start()
            out = job.out.get()
        except Exception as e:
            out = e
        while isinstance(out, _MESSAGES["Output"]):
            yield out
            out = job.out.get()
        if out is not None:
            _fail(context, out)
    return call


def _handlers(plugin):
    for service in _SERVICES:
        methods = {}
        for m in service.method:
            take = _MESSAGES[m.input_type.rsplit(".", 1)[1]].FromString
            give = lambda message: message.SerializeToString()
            method = getattr(plugin, m.name)
            if m.client_streaming:
                handler = grpc.stream_stream_rpc_method_handler(_stream(plugin, method), take, give)
            elif m.server_streaming:
                handler = grpc.unary_stream_rpc_method_handler(_stream(plugin, method), take, give)
            else:
                handler = grpc.unary_unary_rpc_method_handler(_unary(method), take, give)
            methods[m.name] = handler
        yield grpc.method_handlers_generic_handler(_PACKAGE + service.name, methods)


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


def serve(*stages, version=""):
    """Serves stages to the program that started this one; does not return."""
    for stage in stages:
        _kind(stage)
    if os.environ.get("AUDIOSEP_PLUGIN") != _COOKIE:
        file = os.path.basename(sys.argv[0])
        print("%s is a plugin of audiosep. It offers" % file, file=sys.stderr)
        for stage in stages:
            print("\t%s\t%s" % (stage.name, _kind(stage)), file=sys.stderr)
        print("Name its folder with audiosep --plugins.", file=sys.stderr)
        sys.exit(2)
    _keep_memory()
    threading.Thread(target=_watch_host, daemon=True).start()

    def shutdown(request, context):
        threading.Timer(0.01, os._exit, [0]).start()
        return b""

    plain = grpc.unary_unary_rpc_method_handler
    # Calls that take long wait for threads of their own; each holds one of these too.
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=16)
    server = grpc.server(pool, options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": plain(lambda request, context: b"\x08\x01")}),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": plain(shutdown)}),
        *_handlers(_Plugin(stages, version)),
    ))
    address = os.path.join(tempfile.mkdtemp(dir=os.environ.get("PLUGIN_UNIX_SOCKET_DIR")), "socket")
    server.add_insecure_port("unix:" + address)
    server.start()
    os.write(_stdout, ("1|%s|unix|%s|grpc|\n" % (_VERSION, address)).encode())
    server.wait_for_termination()
