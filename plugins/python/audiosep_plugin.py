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
CtstCgtzdGFnZS5wcm90bxISYXVkaW9zZXAucGx1Z2luLnYxIhEKD0Rlc2NyaWJlUmVxdWVzdCKCAQoNRGVzY3JpYmVSZXBs
eRIgCgtkZWZpbml0aW9ucxgBIAEoCVILZGVmaW5pdGlvbnMSGAoHdmVyc2lvbhgCIAEoCVIHdmVyc2lvbhIQCgNzZGsYAyAB
KAlSA3NkaxIjCg1zaGFyZWRfbWVtb3J5GAQgASgIUgxzaGFyZWRNZW1vcnkiPAoMQnVpbGRSZXF1ZXN0EhQKBXN0YWdlGAEg
ASgJUgVzdGFnZRIWCgZwYXJhbXMYAiABKAlSBnBhcmFtcyJaCgpCdWlsZFJlcGx5EhQKBXN0YWdlGAEgASgEUgVzdGFnZRI2
CgZmYXVsdHMYAiADKAsyHi5hdWRpb3NlcC5wbHVnaW4udjEuUGFyYW1GYXVsdFIGZmF1bHRzIkgKClBhcmFtRmF1bHQSEgoE
bmFtZRgBIAEoCVIEbmFtZRISCgR3aGF0GAIgASgJUgR3aGF0EhIKBGhpbnQYAyABKAlSBGhpbnQiSQoFQXJyYXkSEgoEZGF0
YRgBIAEoDFIEZGF0YRIWCgZvZmZzZXQYAiABKARSBm9mZnNldBIUCgVjb3VudBgDIAEoBFIFY291bnQiJAoMU3RhZ2VSZXF1
ZXN0EhQKBXN0YWdlGAEgASgEUgVzdGFnZSIHCgVFbXB0eSKmAQoESGVhZBISCgRyYXRlGAEgASgEUgRyYXRlEhgKB3NhbXBs
ZXMYAiABKARSB3NhbXBsZXMSGgoIY2hhbm5lbHMYAyABKARSCGNoYW5uZWxzEiIKDHJlYWxpc2F0aW9ucxgEIAEoBFIMcmVh
bGlzYXRpb25zEhQKBW5hbWVzGAUgAygJUgVuYW1lcxIaCghlbmNvZGluZxgGIAEoCVIIZW5jb2RpbmciegoNUmVhZEF0UmVx
dWVzdBIUCgVzdGFnZRgBIAEoBFIFc3RhZ2USDgoCYXQYAiABKBJSAmF0EhgKB3NhbXBsZXMYAyABKARSB3NhbXBsZXMSKQoC
dG8YBCABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXJyYXlSAnRvIkIKC1JlYWRBdFJlcGx5EjMKB3NhbXBsZXMYASABKAsy
GS5hdWRpb3NlcC5wbHVnaW4udjEuQXJyYXlSB3NhbXBsZXMiVAoOUHJlcGFyZVJlcXVlc3QSFAoFc3RhZ2UYASABKARSBXN0
YWdlEiwKBGhlYWQYAiABKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuSGVhZFIEaGVhZCKYAQoNQ3JlYXRlUmVxdWVzdBIUCgVz
dGFnZRgBIAEoBFIFc3RhZ2USKQoDZW52GAIgASgLMhcuYXVkaW9zZXAucGx1Z2luLnYxLkVudlIDZW52EiwKBGhlYWQYAyAB
KAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuSGVhZFIEaGVhZBIYCgdzb3VyY2VzGAQgAygJUgdzb3VyY2VzIocBCgxXcml0ZVJl
cXVlc3QSFAoFc3RhZ2UYASABKARSBXN0YWdlEhYKBnNvdXJjZRgCIAEoBFIGc291cmNlEhgKB3NhbXBsZXMYAyABKARSB3Nh
bXBsZXMSLwoFYmxvY2sYBCABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXJyYXlSBWJsb2NrIsMBCgdGcmFtaW5nEiwKBGhl
YWQYASABKAsyGC5hdWRpb3NlcC5wbHVnaW4udjEuSGVhZFIEaGVhZBIWCgZsZW5ndGgYAiABKARSBmxlbmd0aBIQCgNob3AY
AyABKARSA2hvcBIQCgNwYWQYBCABKARSA3BhZBIUCgVzaGFyZRgFIAEoBFIFc2hhcmUSGgoIYW5hbHlzaXMYBiABKAxSCGFu
YWx5c2lzEhwKCXN5bnRoZXNpcxgHIAEoDFIJc3ludGhlc2lzIlQKDkZyYW1pbmdSZXF1ZXN0EhQKBXN0YWdlGAEgASgEUgVz
dGFnZRIsCgRoZWFkGAIgASgLMhguYXVkaW9zZXAucGx1Z2luLnYxLkhlYWRSBGhlYWQiQAoQVHJhbnNmb3JtUmVxdWVzdBIU
CgVzdGFnZRgBIAEoBFIFc3RhZ2USFgoGbGVuZ3RoGAIgASgEUgZsZW5ndGgicwoNVHJhbnNmb3JtSW5mbxIcCgl0cmFuc2Zv
cm0YASABKARSCXRyYW5zZm9ybRIWCgZsZW5ndGgYAiABKARSBmxlbmd0aBISCgRiaW5zGAMgASgEUgRiaW5zEhgKB2NvbXBs
ZXgYBCABKAhSB2NvbXBsZXgi1wEKDkZvcndhcmRSZXF1ZXN0EhwKCXRyYW5zZm9ybRgBIAEoBFIJdHJhbnNmb3JtEhYKBmZy
YW1lcxgCIAEoBFIGZnJhbWVzEi8KBWZyYW1lGAMgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgVmcmFtZRIuCgVy
ZV90bxgEIAEoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5BcnJheVIEcmVUbxIuCgVpbV90bxgFIAEoCzIZLmF1ZGlvc2VwLnBs
dWdpbi52MS5BcnJheVIEaW1UbyJkCgxGb3J3YXJkUmVwbHkSKQoCcmUYASABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXJy
YXlSAnJlEikKAmltGAIgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgJpbSLSAQoOSW52ZXJzZVJlcXVlc3QSHAoJ
dHJhbnNmb3JtGAEgASgEUgl0cmFuc2Zvcm0SFgoGZnJhbWVzGAIgASgEUgZmcmFtZXMSKQoCcmUYAyABKAsyGS5hdWRpb3Nl
cC5wbHVnaW4udjEuQXJyYXlSAnJlEikKAmltGAQgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgJpbRI0CghmcmFt
ZV90bxgFIAEoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5BcnJheVIHZnJhbWVUbyI/CgxJbnZlcnNlUmVwbHkSLwoFZnJhbWUY
ASABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXJyYXlSBWZyYW1lIukBCg9BY3RpdmF0ZVJlcXVlc3QSFAoFc3RhZ2UYASAB
KARSBXN0YWdlEhIKBGJpbnMYAiABKARSBGJpbnMSEgoEcmFuaxgDIAEoBFIEcmFuaxIYCgdjb2x1bW5zGAQgASgEUgdjb2x1
bW5zEicKAXYYBSABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXJyYXlSAXYSJwoBdxgGIAEoCzIZLmF1ZGlvc2VwLnBsdWdp
bi52MS5BcnJheVIBdxIsCgRoX3RvGAcgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgNoVG8iOAoNQWN0aXZhdGVS
ZXBseRInCgFoGAEgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgFoIlQKBUlucHV0EisKA2pvYhgBIAEoCzIXLmF1
ZGlvc2VwLnBsdWdpbi52MS5Kb2JIAFIDam9iEhYKBWNodW5rGAIgASgMSABSBWNodW5rQgYKBHBhcnQi3gEKA0pvYhIUCgVz
dGFnZRgBIAEoBFIFc3RhZ2USKQoDZW52GAIgASgLMhcuYXVkaW9zZXAucGx1Z2luLnYxLkVudlIDZW52EjUKB2ZyYW1pbmcY
AyABKAsyGy5hdWRpb3NlcC5wbHVnaW4udjEuRnJhbWluZ1IHZnJhbWluZxIUCgVmaXJzdBgEIAEoBFIFZmlyc3QSFgoGZnJh
bWVzGAUgASgEUgZmcmFtZXMSMQoGYXJyYXlzGAYgAygLMhkuYXVkaW9zZXAucGx1Z2luLnYxLlNoYXBlUgZhcnJheXMiSQoF
U2hhcGUSEgoEbmFtZRgBIAEoCVIEbmFtZRISCgRyb3dzGAIgASgEUgRyb3dzEhgKB2NvbHVtbnMYAyABKARSB2NvbHVtbnMi
RwoDRW52EhIKBHNlZWQYASABKARSBHNlZWQSEAoDbG9nGAIgASgIUgNsb2cSGgoIcHJvZ3Jlc3MYAyABKAhSCHByb2dyZXNz
IrsBCgZPdXRwdXQSLgoEc3RlcBgBIAEoCzIYLmF1ZGlvc2VwLnBsdWdpbi52MS5TdGVwSABSBHN0ZXASKwoDbG9nGAIgASgL
MhcuYXVkaW9zZXAucGx1Z2luLnYxLkxvZ0gAUgNsb2cSNAoGcmVzdWx0GAMgASgLMhouYXVkaW9zZXAucGx1Z2luLnYxLlJl
c3VsdEgAUgZyZXN1bHQSFgoFY2h1bmsYBCABKAxIAFIFY2h1bmtCBgoEcGFydCJICgRTdGVwEhIKBGRvbmUYASABKARSBGRv
bmUSDgoCb2YYAiABKARSAm9mEhwKCW9iamVjdGl2ZRgDIAEoAVIJb2JqZWN0aXZlIi8KA0xvZxIUCgVsZXZlbBgBIAEoBVIF
bGV2ZWwSEgoEdGV4dBgCIAEoCVIEdGV4dCLDAQoGUmVzdWx0Ej8KCXRyYW5zZm9ybRgBIAEoCzIhLmF1ZGlvc2VwLnBsdWdp
bi52MS5UcmFuc2Zvcm1JbmZvUgl0cmFuc2Zvcm0SMQoGYXJyYXlzGAIgAygLMhkuYXVkaW9zZXAucGx1Z2luLnYxLlNoYXBl
UgZhcnJheXMSEgoEc3RvcBgDIAEoCVIEc3RvcBIxCgZncm91cHMYBCADKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuR3JvdXBS
Bmdyb3VwcyI7CgVHcm91cBISCgRuYW1lGAEgASgJUgRuYW1lEh4KCmNvbXBvbmVudHMYAiADKARSCmNvbXBvbmVudHMiogMK
D1NlcGFyYXRlUmVxdWVzdBIUCgVzdGFnZRgBIAEoBFIFc3RhZ2USEgoEYmlucxgCIAEoBFIEYmlucxISCgRyYW5rGAMgASgE
UgRyYW5rEhYKBmZyYW1lcxgEIAEoBFIGZnJhbWVzEjEKBmdyb3VwcxgFIAMoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5Hcm91
cFIGZ3JvdXBzEikKAnJlGAYgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgJyZRIpCgJpbRgHIAEoCzIZLmF1ZGlv
c2VwLnBsdWdpbi52MS5BcnJheVICaW0SJwoBdxgIIAEoCzIZLmF1ZGlvc2VwLnBsdWdpbi52MS5BcnJheVIBdxInCgFoGAkg
ASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgFoEi4KBXJlX3RvGAogASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFy
cmF5UgRyZVRvEi4KBWltX3RvGAsgASgLMhkuYXVkaW9zZXAucGx1Z2luLnYxLkFycmF5UgRpbVRvImUKDVNlcGFyYXRlUmVw
bHkSKQoCcmUYASABKAsyGS5hdWRpb3NlcC5wbHVnaW4udjEuQXJyYXlSAnJlEikKAmltGAIgASgLMhkuYXVkaW9zZXAucGx1
Z2luLnYxLkFycmF5UgJpbTKnAQoGUGx1Z2luElIKCERlc2NyaWJlEiMuYXVkaW9zZXAucGx1Z2luLnYxLkRlc2NyaWJlUmVx
dWVzdBohLmF1ZGlvc2VwLnBsdWdpbi52MS5EZXNjcmliZVJlcGx5EkkKBUJ1aWxkEiAuYXVkaW9zZXAucGx1Z2luLnYxLkJ1
aWxkUmVxdWVzdBoeLmF1ZGlvc2VwLnBsdWdpbi52MS5CdWlsZFJlcGx5Mp0BCgZTb3VyY2USRQoHR2V0SGVhZBIgLmF1ZGlv
c2VwLnBsdWdpbi52MS5TdGFnZVJlcXVlc3QaGC5hdWRpb3NlcC5wbHVnaW4udjEuSGVhZBJMCgZSZWFkQXQSIS5hdWRpb3Nl
cC5wbHVnaW4udjEuUmVhZEF0UmVxdWVzdBofLmF1ZGlvc2VwLnBsdWdpbi52MS5SZWFkQXRSZXBseTLuAgoEU2luaxJICgdQ
cmVwYXJlEiIuYXVkaW9zZXAucGx1Z2luLnYxLlByZXBhcmVSZXF1ZXN0GhkuYXVkaW9zZXAucGx1Z2luLnYxLkVtcHR5EkkK
BkNyZWF0ZRIhLmF1ZGlvc2VwLnBsdWdpbi52MS5DcmVhdGVSZXF1ZXN0GhouYXVkaW9zZXAucGx1Z2luLnYxLk91dHB1dDAB
EkQKBVdyaXRlEiAuYXVkaW9zZXAucGx1Z2luLnYxLldyaXRlUmVxdWVzdBoZLmF1ZGlvc2VwLnBsdWdpbi52MS5FbXB0eRJF
CgZDb21taXQSIC5hdWRpb3NlcC5wbHVnaW4udjEuU3RhZ2VSZXF1ZXN0GhkuYXVkaW9zZXAucGx1Z2luLnYxLkVtcHR5EkQK
BUNsb3NlEiAuYXVkaW9zZXAucGx1Z2luLnYxLlN0YWdlUmVxdWVzdBoZLmF1ZGlvc2VwLnBsdWdpbi52MS5FbXB0eTJXCgZG
cmFtZXISTQoKR2V0RnJhbWluZxIiLmF1ZGlvc2VwLnBsdWdpbi52MS5GcmFtaW5nUmVxdWVzdBobLmF1ZGlvc2VwLnBsdWdp
bi52MS5GcmFtaW5nMmYKC1RyYW5zZm9ybWVyElcKDEdldFRyYW5zZm9ybRIkLmF1ZGlvc2VwLnBsdWdpbi52MS5UcmFuc2Zv
cm1SZXF1ZXN0GiEuYXVkaW9zZXAucGx1Z2luLnYxLlRyYW5zZm9ybUluZm8yrQEKCVRyYW5zZm9ybRJPCgdGb3J3YXJkEiIu
YXVkaW9zZXAucGx1Z2luLnYxLkZvcndhcmRSZXF1ZXN0GiAuYXVkaW9zZXAucGx1Z2luLnYxLkZvcndhcmRSZXBseRJPCgdJ
bnZlcnNlEiIuYXVkaW9zZXAucGx1Z2luLnYxLkludmVyc2VSZXF1ZXN0GiAuYXVkaW9zZXAucGx1Z2luLnYxLkludmVyc2VS
ZXBseTJfChBUcmFuc2Zvcm1MZWFybmVyEksKDkxlYXJuVHJhbnNmb3JtEhkuYXVkaW9zZXAucGx1Z2luLnYxLklucHV0Ghou
YXVkaW9zZXAucGx1Z2luLnYxLk91dHB1dCgBMAEyVAoKRmFjdG9yaXplchJGCglGYWN0b3JpemUSGS5hdWRpb3NlcC5wbHVn
aW4udjEuSW5wdXQaGi5hdWRpb3NlcC5wbHVnaW4udjEuT3V0cHV0KAEwATJZCgxKb2ludExlYXJuZXISSQoMTGVhcm5Kb2lu
dGx5EhkuYXVkaW9zZXAucGx1Z2luLnYxLklucHV0GhouYXVkaW9zZXAucGx1Z2luLnYxLk91dHB1dCgBMAEyXwoJQWN0aXZh
dG9yElIKCEFjdGl2YXRlEiMuYXVkaW9zZXAucGx1Z2luLnYxLkFjdGl2YXRlUmVxdWVzdBohLmF1ZGlvc2VwLnBsdWdpbi52
MS5BY3RpdmF0ZVJlcGx5MqcBCglTZXBhcmF0b3ISRgoJR2V0R3JvdXBzEhkuYXVkaW9zZXAucGx1Z2luLnYxLklucHV0Ghou
YXVkaW9zZXAucGx1Z2luLnYxLk91dHB1dCgBMAESUgoIU2VwYXJhdGUSIy5hdWRpb3NlcC5wbHVnaW4udjEuU2VwYXJhdGVS
ZXF1ZXN0GiEuYXVkaW9zZXAucGx1Z2luLnYxLlNlcGFyYXRlUmVwbHlCK1opZ2l0aHViLmNvbS9hdWRpb3NlcC9hdWRpb3Nl
cC9wbHVnaW5zL3dpcmViBnByb3RvMw==
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
