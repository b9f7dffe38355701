"""pandas and `model.predict`, as tutorials do it: `python keras_peer.py MODEL csv|parquet OUTPUT FILE…`."""

import sys

import keras
import pandas as pd

model_file, kind, output, *files = sys.argv[1:]
read = pd.read_csv if kind == "csv" else pd.read_parquet
model = keras.models.load_model(model_file)
rows = pd.concat([read(file) for file in files], ignore_index=True)
inputs = {layer.name: rows[layer.name].to_numpy() for layer in model.inputs}
rows["prediction"] = model.predict(
    {
        name: column.astype("float32") if column.dtype.kind == "f" else column.astype(str)
        for name, column in inputs.items()
    },
    batch_size=4096,
    verbose=0,
)[:, 0]
if kind == "csv":
    rows.to_csv(output, index=False)
else:
    rows.to_parquet(output)
