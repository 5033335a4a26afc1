"""The model in scikit-learn: the same each time."""

import warnings

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

SEED = 1


def trained():
    digits = load_digits()
    network = MLPClassifier(hidden_layer_sizes=(64,), max_iter=30, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        return network.fit(digits.data / 16, digits.target)
