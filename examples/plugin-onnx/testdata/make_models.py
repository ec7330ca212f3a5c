"""Makes tiny models to try the plugin with, in the folder that is named: low.onnx takes samples
apart into what a moving average of 31 keeps and the rest; bands.onnx and the two high.onnx and
deep.onnx take magnitudes apart at bin 20. Beside each stands its description. It needs the Python
package onnx (Debian: python3-onnx).

    python3 make_models.py DIR
"""
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


def save(name, nodes, constants, inputs, outputs):
    values = lambda shapes: [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes]
    graph = helper.make_graph(nodes, name, values(inputs), values(outputs), [numpy_helper.from_array(x, n) for n, x in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(folder, name + ".onnx"))


def describe(name, **fields):
    with open(os.path.join(folder, name + ".json"), "w") as f:
        json.dump(fields, f, indent=2)


node = helper.make_node
save("low", [
    node("Conv", ["mix", "w"], ["low"], group=2, pads=[15, 15]),
    node("Sub", ["mix", "low"], ["rest"]),
    node("Unsqueeze", ["low"], ["a"], axes=[1]),
    node("Unsqueeze", ["rest"], ["b"], axes=[1]),
    node("Concat", ["a", "b"], ["stems"], axis=1),
], {"w": np.full((2, 1, 31), 1 / 31, np.float32)}, [("mix", [1, 2, "n"])], [("stems", [1, 2, 2, "n"])])
describe("low", model="low.onnx", kind="waveform", rate=16000, channels=2, chunk=16384, overlap=4096, stems=["low", "rest"])

fft, bins = 1024, 513
below = (np.arange(bins) < 20).astype(np.float32)[:, None]
save("bands", [
    node("Mul", ["magnitude", "below"], ["x"]),
    node("Mul", ["magnitude", "above"], ["y"]),
    node("Unsqueeze", ["x"], ["a"], axes=[1]),
    node("Unsqueeze", ["y"], ["b"], axes=[1]),
    node("Concat", ["a", "b"], ["stems"], axis=1),
], {"below": below, "above": 1 - below}, [("magnitude", [1, 1, bins, "t"])], [("stems", [1, 2, 1, bins, "t"])])
common = dict(kind="magnitude", rate=16000, channels=1, chunk=32768, overlap=8192, stems=["deep", "high"], fft=fft, hop=256)
describe("bands", model="bands.onnx", **common)
for name, mask in (("deep", below), ("high", 1 - below)):
    save(name, [node("Mul", ["magnitude", "mask"], ["stem"])], {"mask": mask}, [("magnitude", [1, 1, bins, "t"])], [("stem", [1, 1, bins, "t"])])
describe("each", models={"deep": "deep.onnx", "high": "high.onnx"}, **common)
