"""Which digit is it? scikit-learn's classifier again, run by ONNX Runtime.

    duet serve digits_onnx.py    # with onnxruntime, skl2onnx and scikit-learn in the environment
"""

import numpy
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

import samples
from duet import blocking

forest = RandomForestClassifier(n_estimators=100, random_state=0)
forest.fit(samples.known, samples.known_labels)
model = to_onnx(forest, samples.known[:1].astype(numpy.float32), options={"zipmap": False})
settings = onnxruntime.SessionOptions()
settings.intra_op_num_threads = 1  # a request, a processor: the next has a thread of its own
session = onnxruntime.InferenceSession(model.SerializeToString(), settings)


def chances_of(image):
    images = numpy.array([image], numpy.float32)
    return session.run(["probabilities"], {"X": images})[0][0]


@blocking
def fetch(request):
    return samples.answer(request, chances_of)
