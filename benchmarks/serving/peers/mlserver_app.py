"""MLServer with a runtime of one's own, as its documentation has it, and its adaptive batching on."""

import calls
import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Runtime(MLModel):
    async def load(self):
        self.call = calls.load()
        return True

    async def predict(self, payload):
        columns = {}
        for request_input in payload.inputs:
            if request_input.datatype == "BYTES":
                columns[request_input.name] = [
                    value.decode() if isinstance(value, bytes) else value for value in request_input.data
                ]
            else:
                columns[request_input.name] = NumpyCodec.decode_input(request_input).tolist()
        if list(columns) == ["instances"]:
            instances = columns["instances"]
        else:
            # Strings come flat, numbers in their shape.
            flat = {name: [v[0] if isinstance(v, list) else v for v in values] for name, values in columns.items()}
            instances = [dict(zip(flat, row, strict=True)) for row in zip(*flat.values(), strict=True)]
        predictions = np.asarray(self.call(instances))
        output = NumpyCodec.encode_output("predictions", predictions)
        return InferenceResponse(model_name=self.name, outputs=[output])
