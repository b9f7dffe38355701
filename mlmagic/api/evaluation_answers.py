"""What a version answers for rows, collected part by part: of many classes no more is kept than metrics need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.api.evaluation_form import Form
from mlmagic.api.evaluation_values import Values, plain
from mlmagic.errors import PredictionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]


class Answers:
    """The answers of one version. `label` and all arrays have the same rows."""

    def __init__(self, name: str, form: Form, labels: Sequence[str]) -> None:
        self.name = name
        self.form = form
        self.labels = tuple(labels)
        """The classes in the order of its outputs, as far as that is known."""
        self.width = 0
        """How many numbers it returns for a row; 0 without any."""
        self.label = Values()
        """The classes that it names."""
        self.is_order_wrong = False
        """It names another class than the one at the place of its highest score."""
        self._has_logits: bool | None = None
        self._parts: dict[str, list[Array]] = {}

    def add(self, outputs: Mapping[str, Any], goal: pd.Series[Any]) -> None:
        """Take the answers for some rows; `goal` is what is so."""
        import pandas as pd

        named = None
        if self.form.label is not None:
            texts = self._output(outputs, self.form.label, len(goal))
            named = pd.Series([plain(text) for text in texts.ravel().tolist()], dtype=object)
            self.label.add(named)
        if self.form.score is None:
            return
        score = self._output(outputs, self.form.score, len(goal)).astype("float64")
        score = score.reshape(len(score), -1)
        self.width = score.shape[1]
        if self.width <= 2:
            self._keep("score", score)
        else:
            self._add_classes(score, goal, named)

    def array(self, name: str) -> Array:
        """Return what was kept of all parts: `score` of one or two numbers; `predicted`, `own` and `rank` of more."""
        import numpy as np

        return np.concatenate(self._parts[name])

    def label_numbers(self) -> Array:
        """Return the named classes as the numbers that they are."""
        import numpy as np

        numbers = np.array([float(text) for text in self.label.texts])
        return numbers[self.label.codes()]

    def probabilities(self) -> Array:
        """Return, of two classes, the probability of the second."""
        import numpy as np

        from mlmagic.evaluation.multiclass import are_probabilities

        score = self.array("score")
        known = score[~np.isnan(score).any(axis=1)]
        if score.shape[1] == 2:
            if are_probabilities(known):
                return score[:, 1]
            score = score[:, 1:] - score[:, :1]
        elif not len(known) or (known.min() >= 0 and known.max() <= 1):
            return score[:, 0]
        with np.errstate(over="ignore"):
            found: Array = 1 / (1 + np.exp(-score[:, 0]))
        return found

    def place_of(self, goal: pd.Series[Any]) -> Array:
        """Return at which place of the outputs the class of each row stands; -1 where it is none of them."""
        import numpy as np
        import pandas as pd

        if pd.api.types.is_numeric_dtype(goal.dtype) or pd.api.types.is_bool_dtype(goal.dtype):
            numbers = goal.to_numpy(dtype="float64")
            fits = (numbers >= 0) & (numbers < self.width) & (numbers == np.trunc(numbers))
            if not self.labels:
                return np.where(fits, numbers, -1).astype(np.int64)
        places = {label: place for place, label in enumerate(self.labels)}
        codes, found = pd.factorize(goal.astype(object))
        return np.array([places.get(plain(text), -1) for text in found] + [-1])[codes]

    def _add_classes(self, score: Array, goal: pd.Series[Any], named: pd.Series[Any] | None) -> None:
        import numpy as np

        from mlmagic.evaluation.multiclass import are_probabilities, ranks

        if self._has_logits is None and len(score):
            self._has_logits = not are_probabilities(score[~np.isnan(score).any(axis=1)])
        if self._has_logits:
            score = _softmax(score)
        place = self.place_of(goal)
        predicted = np.where(np.isnan(score).any(axis=1), -1, np.nan_to_num(score, nan=-1).argmax(axis=1))
        rows = np.arange(len(score))
        is_known = place >= 0
        self._keep("place", place)
        self._keep("predicted", predicted)
        self._keep("own", np.where(is_known, score[rows, place], 0.0))
        self._keep("rank", np.where(is_known, ranks(score, place), self.width))
        if named is not None and len(self.labels) == self.width:
            answered = predicted >= 0
            expected = np.array(self.labels, dtype=object)[predicted[answered]]
            self.is_order_wrong = self.is_order_wrong or bool((expected != named.to_numpy()[answered]).any())

    def _keep(self, name: str, part: Array) -> None:
        self._parts.setdefault(name, []).append(part)

    def _output(self, outputs: Mapping[str, Any], name: str, rows: int) -> Any:
        import numpy as np

        output = outputs[name]
        if isinstance(output, list) or np.ndim(output) == 0 or len(output) != rows:
            raise PredictionError(
                f"the output {name!r} of {self.name} does not have one value for each row, so it cannot be evaluated."
            )
        return output


def _softmax(score: Array) -> Array:
    import numpy as np

    raised = np.exp(score - score.max(axis=1, keepdims=True))
    found: Array = raised / raised.sum(axis=1, keepdims=True)
    return found
