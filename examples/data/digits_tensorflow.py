"""Which digit is it? A network of TensorFlow, trained at start.

    duet serve digits_tensorflow.py    # with tensorflow and scikit-learn in the environment
"""

import tensorflow as tf

import samples
from duet import blocking

# A request, a processor: the next request has a thread of its own.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.keras.utils.set_random_seed(0)
network = tf.keras.Sequential([
    tf.keras.Input((64,)), tf.keras.layers.Rescaling(1 / 16),
    tf.keras.layers.Dense(64, activation="relu"), tf.keras.layers.Dense(10, activation="softmax")])
network.compile(tf.keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
network.fit(samples.known, samples.known_labels, batch_size=64, epochs=10, verbose=0)


@tf.function(input_signature=[tf.TensorSpec((1, 64), tf.float32)])
def predict(images):
    return network(images)


@blocking
def fetch(request):
    return samples.answer(request, lambda image: predict([image])[0].numpy())
