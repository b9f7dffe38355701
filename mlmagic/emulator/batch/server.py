"""The model's server without its HTTP: bodies of requests in, bodies of replies out, in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.model import Signature


class RefusedError(Exception):
    """The model gives no prediction for these instances."""


class ModelServer:
    """A SavedModel, loaded into this process."""

    def __init__(self, artifact: Path, label: str, signature: Signature | None) -> None:
        from mlmagic.serving.app.merge import Merging
        from mlmagic.serving.app.request import BodyReader
        from mlmagic.serving.app.served import make_method
        from mlmagic.serving.engines.load import load_engine
        from mlmagic.spec.endpoint import Limits

        self._label = label
        engine = load_engine(artifact, signature=signature, choice=EngineChoice.SESSION)
        methods = {name: make_method(name, named) for name, named in engine.signatures.items()}
        self._reader = BodyReader(label, methods, engine.signature.name, Limits().instances)
        # Instances are asked of the default signature alone.
        self._merging = Merging(lambda _, columns: engine.run(columns), label)

    def predict(self, instances: Sequence[Any], parameters: Mapping[str, Any] | None) -> list[Any]:
        """Return a prediction for each instance.

        Raises:
            RefusedError: one of them does not fit, or the model fails; in the server's words.
        """
        from mlmagic.serving.app.failures import RequestFailed
        from mlmagic.serving.app.reply import encode
        from mlmagic.serving.app.request import Dialect

        body = {"instances": list(instances), **({"parameters": parameters} if parameters else {})}
        try:
            request = self._reader.read(json.dumps(body).encode(), Dialect.VERTEX)
            (outputs,) = self._merging.answer([request])
            if isinstance(outputs, RequestFailed):
                raise outputs
            reply = encode(request, outputs, Dialect.VERTEX, self._label)
        except RequestFailed as failure:
            raise RefusedError(failure.text) from None
        predictions: list[Any] = json.loads(reply)["predictions"]
        return predictions
