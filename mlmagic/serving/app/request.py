"""The body of a request to checked columns."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import numpy as np
import orjson

from mlmagic.errors import PredictionError, nearest
from mlmagic.serving.app.column_form import Inputs
from mlmagic.serving.app.examples import read_examples
from mlmagic.serving.app.failures import RequestFailed, misfit
from mlmagic.serving.app.validator import MISFITS, Array, Row, Validator
from mlmagic.serving.engines.base import CLASSIFY_METHOD, REGRESS_METHOD
from mlmagic.serving.problems import EnoughError, Problems
from mlmagic.serving.rows import read_rows
from mlmagic.serving.values import told
from mlmagic.spec.model import Signature

_KEYS_TOLD = 10


class Dialect(StrEnum):
    """What the body of a request is, and what its answer is like."""

    PREDICT = "predict"
    """TensorFlow Serving's: `instances` or `inputs`, and perhaps `signature_name`."""
    CLASSIFY = "classify"
    """`examples`, and perhaps `context` and `signature_name`."""
    REGRESS = "regress"
    VERTEX = "vertex"
    """Vertex AI's: `instances`, and perhaps empty `parameters`."""


_KEYS: Mapping[Dialect, frozenset[str]] = {
    Dialect.PREDICT: frozenset({"signature_name", "instances", "inputs"}),
    Dialect.CLASSIFY: frozenset({"signature_name", "context", "examples"}),
    Dialect.REGRESS: frozenset({"signature_name", "context", "examples"}),
    Dialect.VERTEX: frozenset({"instances", "parameters"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One of the things that a version can be asked: a signature of its model."""

    name: str
    tensorflow_method: str
    validator: Validator
    merges: bool
    """Whether the instances of several requests may be asked at once."""
    rows_per_call: int | None
    """How many instances each call has to have, if the model was saved for so many."""
    has_shapes: bool
    """Whether instances may be of different shapes."""
    handed_on: frozenset[str]
    """Outputs that are optional inputs."""

    @property
    def signature(self) -> Signature:
        """What it takes and returns."""
        return self.validator.signature


class Request:
    """Instances that fit, and how they are to be answered. Not a dataclass: frozen ones cost a microsecond each."""

    __slots__ = ("_columns", "count", "group", "look_closer", "method", "row", "wants_columns")

    def __init__(
        self,
        method: Method,
        count: int,
        look_closer: Callable[[], list[Array]],
        *,
        row: Row | None = None,
        columns: list[Array] | None = None,
        wants_columns: bool = False,
    ) -> None:
        self.method = method
        self.count = count
        self.look_closer = look_closer
        """Returns the columns, or raises RequestFailed with all that does not fit."""
        self.row = row
        """Of the one instance. Whether its numbers are in range is not known before they are put into an array."""
        self._columns = columns
        self.wants_columns = wants_columns
        self.group: Hashable = method.name
        """Requests of one group may be answered together."""
        if columns is not None and method.has_shapes:
            self.group = (method.name, *(column.shape[1:] for column in columns))

    def columns(self) -> list[Array]:
        """Return an array for each input.

        Raises:
            RequestFailed: a number is out of range after all.
        """
        if self._columns is not None:
            return self._columns
        try:
            return self.method.validator.to_columns([self.row or ()])
        except MISFITS:
            return self.look_closer()


class CloserLookError(Exception):
    """A body has to be looked at value by value, which takes long if it is large."""


class BodyReader:
    """Reads the bodies of one version's requests."""

    def __init__(self, label: str, methods: Mapping[str, Method], default: str, most_instances: int) -> None:
        self._label = label
        self._methods = methods
        self._default = methods[default]
        self._most_instances = most_instances

    def read(self, body: bytes, dialect: Dialect, *, closely: bool = True) -> Request:
        """Return what is asked.

        Raises:
            RequestFailed: it does not fit; tells everything that does not.
            CloserLookError: it has to be looked at more closely than this may.
        """
        payload = _parse(body)
        if type(payload) is not dict:
            raise _bad(f"the body must be an object such as {_example(dialect)}, not {told(payload)}.")
        if payload.keys() - _KEYS[dialect]:
            raise _bad("the body has keys that are not known:", problems=_unknown_keys(payload, dialect))
        if payload.get("parameters"):
            raise _bad(f"{self._label} takes no parameters.", hint='Leave "parameters" out, or empty.')
        if dialect is Dialect.CLASSIFY or dialect is Dialect.REGRESS:
            if not closely:
                raise CloserLookError
            return self._read_examples(payload, dialect)
        method = self._default if "signature_name" not in payload else self._named(payload["signature_name"])
        if ("instances" in payload) == ("inputs" in payload):
            both = '"instances" (rows) or "inputs" (columns), and not both'
            keys = '"instances"' if dialect is Dialect.VERTEX else both
            raise _bad(f"the body must have {keys}.", hint=f"For example: {_example(dialect)}")
        if "inputs" in payload:
            return self._read_columns(method, payload["inputs"], closely=closely)
        return self._read_rows(method, self._list("instances", payload["instances"]), closely=closely)

    def _read_rows(self, method: Method, instances: list[Any], *, closely: bool) -> Request:
        def look_closer() -> list[Array]:
            try:
                rows = read_rows(_without_b64(instances, method.signature), method.signature, self._label)
            except PredictionError as error:
                raise misfit(error) from None
            return [rows.columns[name] for name in method.validator.names]

        if len(instances) == 1:
            row = method.validator.fit_row(instances[0])
            if row is not None:
                return Request(method, 1, look_closer, row=row)
        columns = method.validator.fit_rows(instances) if instances else None
        if columns is None:
            columns = _looked_at(look_closer, closely=closely)
        return Request(method, len(instances), look_closer, columns=columns)

    def _read_columns(self, method: Method, inputs: Any, *, closely: bool) -> Request:
        read = Inputs(method.validator, inputs)
        self._check_count(read.count)

        def look_closer() -> list[Array]:
            try:
                return read.look_closer(self._label)
            except PredictionError as error:
                raise misfit(error) from None

        columns = read.fit()
        if columns is None:
            columns = _looked_at(look_closer, closely=closely)
        return Request(method, read.count, look_closer, columns=columns, wants_columns=True)

    def _read_examples(self, payload: dict[str, Any], dialect: Dialect) -> Request:
        method = self._for_examples(payload, CLASSIFY_METHOD if dialect is Dialect.CLASSIFY else REGRESS_METHOD)
        if "examples" not in payload:
            raise _bad('the body must have "examples".', hint=f"For example: {_example(dialect)}")
        problems = Problems()
        examples: list[bytes] = []
        given = self._list("examples", payload["examples"])
        with contextlib.suppress(EnoughError):
            examples = read_examples(given, payload.get("context"), problems)
        try:
            problems.finish(self._label, method.signature)
        except PredictionError as error:
            # Which features there are is not in the signature.
            raise _bad(error.message, problems=error.problems) from None
        columns = [np.array(examples, dtype=object)]
        return Request(method, len(examples), lambda: columns, columns=columns)

    def _for_examples(self, payload: dict[str, Any], wanted: str) -> Method:
        """Return the signature that was named, or else the only one of that method."""
        fitting = [method for method in self._methods.values() if method.tensorflow_method == wanted]
        if "signature_name" in payload:
            method = self._named(payload["signature_name"])
        elif len(fitting) == 1 and self._default.tensorflow_method != wanted:
            (method,) = fitting
        else:
            method = self._default
        if method not in fitting:
            known = f"Ask :predict, or one of {_listed(fitting)}." if fitting else "Ask :predict."
            raise _bad(
                f"the signature {method.name!r} of {self._label} has method {method.tensorflow_method}, not {wanted}.",
                hint=known,
            )
        return method

    def _named(self, name: Any) -> Method:
        if name == "":
            return self._default
        method = self._methods.get(name) if isinstance(name, str) else None
        if method is None:
            raise _bad(
                f"{self._label} has no signature {told(name)}.", hint=f"It has {_listed(self._methods.values())}."
            )
        return method

    def _list(self, key: str, value: Any) -> list[Any]:
        if type(value) is not list:
            raise _bad(f'"{key}" must be a list, not {told(value)}.')
        self._check_count(len(value))
        return value

    def _check_count(self, count: int) -> None:
        if count > self._most_instances:
            raise RequestFailed(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the request has {count} instances; {self._label} takes {self._most_instances} at a time.",
                hint="Send them in several requests, or use a batch prediction job.",
            )


def _looked_at(look_closer: Callable[[], list[Array]], *, closely: bool) -> list[Array]:
    if not closely:
        raise CloserLookError
    return look_closer()


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _bad(f"the body is not JSON: {error}.") from None


def _bad(message: str, *, problems: Sequence[str] = (), hint: str | None = None) -> RequestFailed:
    return RequestFailed(HTTPStatus.BAD_REQUEST, message, problems=problems, hint=hint)


def _unknown_keys(payload: dict[str, Any], dialect: Dialect) -> list[str]:
    known = sorted(_KEYS[dialect])
    unknown = itertools.islice((key for key in payload if key not in known), _KEYS_TOLD)
    return [f"{key:.40}: known are {', '.join(known)}. {nearest(key, known)}".rstrip() for key in unknown]


def _example(dialect: Dialect) -> str:
    return '{"examples": [...]}' if dialect in {Dialect.CLASSIFY, Dialect.REGRESS} else '{"instances": [...]}'


def _listed(methods: Iterable[Method]) -> str:
    return ", ".join(sorted(method.name for method in methods))


def _without_b64(instances: list[Any], signature: Signature) -> list[Any]:
    """Name the one input of texts in instances such as `{"b64": "…"}`, which else look like rows of an input b64."""
    if len(signature.inputs) != 1 or signature.inputs[0].dtype != "string" or signature.inputs[0].name == "b64":
        return instances
    if not any(isinstance(instance, dict) and instance.keys() == {"b64"} for instance in instances):
        return instances
    name = signature.inputs[0].name
    return [instance if isinstance(instance, dict) and name in instance else {name: instance} for instance in instances]
