"""make_model.py: trains the model that all arms ask, and writes digits.onnx.

A network of one hidden layer that reads handwritten digits of 8 x 8 points (scikit-learn's own
data), with a fixed seed. Needs what requirements.txt has, and skl2onnx (1.20.0).
"""

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

from model import trained

network = trained()
model = to_onnx(network, initial_types=[("x", FloatTensorType([None, 64]))],
                options={id(network): {"zipmap": False}}, target_opset=17)
with open("digits.onnx", "wb") as file:
    file.write(model.SerializeToString())
