"""LitServe with its batching on."""

import os

import calls
import litserve


class Api(litserve.LitAPI):
    def setup(self, device):
        self.call = calls.load()

    def decode_request(self, request):
        return request["instances"]

    def predict(self, requests):
        # A batch of requests, each with one or more instances.
        predictions = self.call([instance for instances in requests for instance in instances])
        answers, start = [], 0
        for instances in requests:
            answers.append(predictions[start : start + len(instances)])
            start += len(instances)
        return answers

    def encode_response(self, predictions):
        return {"predictions": predictions}


if __name__ == "__main__":
    server = litserve.LitServer(Api(max_batch_size=64, batch_timeout=0.001), accelerator="cpu", workers_per_device=1)
    server.run(port=int(os.environ["PORT"]), num_api_servers=1, generate_client_file=False, log_level="warning")
