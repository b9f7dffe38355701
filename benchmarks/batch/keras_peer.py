"""pandas and `model.predict`, as tutorials do it: `python keras_peer.py MODEL csv|parquet OUTPUT FILE…`."""

import sys

import keras
import pandas as pd
import tensorflow as tf

model_file, kind, output, *files = sys.argv[1:]
read = pd.read_csv if kind == "csv" else pd.read_parquet
model = keras.models.load_model(model_file)
rows = pd.concat([read(file) for file in files], ignore_index=True)
inputs = {}
for tensor in model.inputs:
    column = rows[tensor.name].to_numpy()
    values = column.astype("float32") if column.dtype.kind in "if" else column.astype(object)
    inputs[tensor.name] = tf.constant(values.reshape(-1, 1))
rows["prediction"] = model.predict(inputs, batch_size=4096, verbose=0)[:, 0]
if kind == "csv":
    rows.to_csv(output, index=False)
else:
    rows.to_parquet(output)
