"""BentoML with its adaptive batching on."""

import bentoml
import calls


@bentoml.service(workers=1, traffic={"timeout": 60})
class Served:
    def __init__(self):
        self.call = calls.load()

    @bentoml.api(batchable=True, max_batch_size=256, max_latency_ms=1000)
    def predict(self, instances: list) -> list:
        return self.call(instances)
