"""A model of MLflow's with a call of one's own, which `mlflow models serve` then serves."""

import os
import sys
from pathlib import Path

import mlflow


class Served(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        sys.path.insert(0, os.environ["PEERS_FOLDER"])
        import calls

        self.call = calls.load()

    def predict(self, context, model_input, params=None):
        if hasattr(model_input, "to_dict"):
            return self.call(model_input.to_dict("records"))
        return self.call(model_input)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    mlflow.pyfunc.save_model(target, python_model=Served(), pip_requirements=[])
