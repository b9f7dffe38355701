"""The ways to call a SavedModel that the peers are given: instances in, predictions out."""

import os

import numpy as np
import tensorflow as tf

FOLDER = os.environ["MODEL_FOLDER"]
CALL = os.environ.get("MODEL_CALL", "signature")


def load():
    """Return the call that MODEL_CALL names."""
    return {"predict": by_predict, "signature": by_signature, "session": by_session}[CALL]()


def by_predict():
    """As tutorials do: Keras's `predict`."""
    import keras

    model = keras.models.load_model(os.path.join(os.path.dirname(FOLDER), "model.keras"))
    names = [tensor.name for tensor in model.inputs]

    def call(instances):
        columns = {name: tf.constant(values) for name, values in columns_of(instances, names).items()}
        return model.predict(columns if len(names) > 1 else columns[names[0]], verbose=0).tolist()

    return call


def by_signature():
    """The loaded model's signature."""
    loaded = tf.saved_model.load(FOLDER)
    function = loaded.signatures["serving_default"]
    names = list(function.structured_input_signature[1])

    def call(instances, loaded=loaded):
        columns = {key: tf.constant(values) for key, values in columns_of(instances, names).items()}
        (output,) = function(**columns).values()
        return output.numpy().tolist()

    return call


def by_session():
    """As those do who know TensorFlow well: a session of version 1, on the caller's thread."""
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        meta = tf.compat.v1.saved_model.load(session, ["serve"], FOLDER)
    definition = meta.signature_def["serving_default"]
    names = list(definition.inputs)
    options = tf.compat.v1.RunOptions(inter_op_thread_pool=-1)
    from tensorflow.core.protobuf import config_pb2

    callable_options = config_pb2.CallableOptions(run_options=options)
    callable_options.feed.extend(definition.inputs[name].name for name in names)
    (output,) = definition.outputs.values()
    callable_options.fetch.append(output.name)
    run = session._make_callable_from_options(callable_options)

    def call(instances):
        columns = columns_of(instances, names)
        return run(*(columns[name] for name in names))[0].tolist()

    return call


def columns_of(instances, names):
    """Return an array for each input."""
    if not isinstance(instances[0], dict):
        return {names[0]: np.asarray(instances, dtype=np.float32)}
    columns = {}
    for name in names:
        values = [[row[name]] for row in instances]
        columns[name] = np.asarray(values, dtype=object if isinstance(values[0][0], str) else np.float32)
    return columns
