"""digits.onnx by onnxruntime."""

import pathlib

import onnxruntime

from pictures import pictures

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(str(pathlib.Path(__file__).parent / "digits.onnx"), options)


def fetch(request):
    rows = int(request.query["rows"])
    (label,) = session.run(["label"], {"x": pictures(rows)})
    return {"rows": rows, "first": int(label[0]), "last": int(label[-1])}
