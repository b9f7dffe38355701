"""The arguments of a deployment, checked together: every one that is wrong is told at once."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

from mlmagic.api.arguments import ArgumentCheck, read_model_reference, read_name, read_timeout, read_whole_number
from mlmagic.api.resources import read_memory
from mlmagic.api.traffic import WHOLE
from mlmagic.errors import UsageError, nearest
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.names import ModelReference
from mlmagic.spec.request_log import LEAST_BUDGET_BYTES

LOWEST_PORT, HIGHEST_PORT = 1024, 65535
_MOST_REPLICAS = 64
BACKENDS = ("local", "google", "emulator")
"""Those that serve."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,299}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a call says of an endpoint. None where it says nothing: then it is as it was, or as by default."""

    reference: ModelReference
    endpoint: str
    traffic: int | None = None
    engine: EngineChoice | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None
    idle_seconds: float | None = None
    host: str | None = None
    port: int | None = None
    needs_token: bool | None = None
    body_bytes: int | None = None
    instances: int | None = None
    queue: int | None = None
    timeout_seconds: float | None = None
    backend: str | None = None
    machine: str | None = None
    image: str | None = None
    log_sample: float | None = None
    """0: requests are logged no more."""
    log_budget: int | None = None
    log_key: str | None = None
    canary: tuple[int, ...] | None = None
    """Percents that the version gets, one step after the other."""
    hold_seconds: float | None = None
    shadow: float | None = None
    """The share of the requests that the version gets a copy of; 0: the shadow that there is ends."""

    @property
    def local_flags(self) -> tuple[str, ...]:
        """What it says that is for endpoints on this machine alone, as it is typed."""
        told = {
            "--engine": self.engine,
            "--idle": self.idle_seconds,
            "--host": self.host,
            "--port": self.port,
            "--no-auth": True if self.needs_token is False else None,
            "--max-body": self.body_bytes,
            "--max-instances": self.instances,
            "--max-queue": self.queue,
            "--timeout": self.timeout_seconds,
            "--log-sample": self.log_sample,
            "--log-budget": self.log_budget,
            "--log-key": self.log_key,
            "--canary": self.canary,
            "--hold": self.hold_seconds,
            "--shadow": self.shadow,
        }
        return tuple(flag for flag, value in told.items() if value is not None)

    @property
    def cloud_flags(self) -> tuple[str, ...]:
        """What it says that is for endpoints on Vertex AI alone."""
        told = {"--machine": self.machine, "--image": self.image}
        return tuple(flag for flag, value in told.items() if value is not None)


def read_wish(
    model_ref: object,
    *,
    endpoint: object = None,
    traffic: object = None,
    engine: object = None,
    min_replicas: object = None,
    max_replicas: object = None,
    idle: object = None,
    host: object = None,
    port: object = None,
    auth: object = None,
    max_body: object = None,
    max_instances: object = None,
    max_queue: object = None,
    timeout: object = None,
    backend: object = None,
    machine: object = None,
    image: object = None,
    log_sample: object = None,
    log_budget: object = None,
    log_key: object = None,
    canary: object = None,
    hold: object = None,
    shadow: object = None,
) -> Wish:
    """Return what the arguments of `deploy` say.

    Raises:
        UsageError: something is wrong with them; all is listed.
    """
    check = ArgumentCheck()
    reference = check.read(read_model_reference, model_ref)
    name = check.read(read_name, endpoint, "endpoint name") if endpoint is not None else None
    low = check.read(_optional_number, min_replicas, "min_replicas", 0, _MOST_REPLICAS)
    high = check.read(_optional_number, max_replicas, "max_replicas", 1, _MOST_REPLICAS)
    if low is not None and high is not None and low > high:
        check.problems.append(f"min_replicas {low} is more than max_replicas {high}.")
    known: dict[str, Any] = {
        "traffic": check.read(_optional_number, traffic, "traffic", 0, 100),
        "engine": check.read(_read_engine, engine),
        "min_replicas": low,
        "max_replicas": high,
        "idle_seconds": check.read(_read_seconds, idle, "idle"),
        "host": check.read(_read_host, host),
        "port": check.read(_optional_number, port, "port", LOWEST_PORT, HIGHEST_PORT),
        "needs_token": check.read(_read_switch, auth, "auth"),
        "body_bytes": check.read(_read_size, max_body, "max_body"),
        "instances": check.read(_optional_number, max_instances, "max_instances", 1, None),
        "queue": check.read(_optional_number, max_queue, "max_queue", 1, None),
        "timeout_seconds": check.read(_read_seconds, timeout, "timeout"),
        "backend": check.read(_read_backend, backend),
        "machine": check.read(_read_word, machine, "machine"),
        "image": check.read(_read_word, image, "image"),
        "log_sample": check.read(_read_share, log_sample, "log_sample"),
        "log_budget": check.read(_read_budget, log_budget),
        "log_key": check.read(_read_text, log_key, "log_key"),
        "canary": check.read(_read_steps, canary),
        "hold_seconds": check.read(_read_seconds, hold, "hold"),
        "shadow": check.read(_read_shadow, shadow),
    }
    if shadow is not None and (told := [name for name, value in _answering(traffic, canary) if value is not None]):
        check.problems.append(f"shadow and {' and '.join(told)} exclude each other: a shadow answers no request.")
    if canary is not None and traffic is not None:
        check.problems.append("canary and traffic exclude each other: the steps of canary are its traffic.")
    if canary is None and hold is not None:
        check.problems.append("hold is how long each step of canary takes: say canary, too, such as 5,25,100.")
    check.finish("deploy")
    if reference is None:
        raise AssertionError("what is wrong with the model has been told")
    return Wish(reference=reference, endpoint=name or reference.model, **known)


def _optional_number(number: object, what: str, least: int, most: int | None) -> int | None:
    if number is None:
        return None
    found = read_whole_number(number, what, least)
    if most is not None and found > most:
        raise UsageError(f"{what} {found} must be {most} or less.")
    return found


def _read_backend(backend: object) -> str | None:
    if backend is None or (isinstance(backend, str) and backend in BACKENDS):
        return backend
    near = nearest(str(backend), BACKENDS) or f"It is one of {', '.join(BACKENDS)}."
    raise UsageError(f"there is no backend {backend!r} that serves. {near}")


def _read_word(value: object, what: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise UsageError(f"{what} {value!r:.80} is none: it has letters, digits and . _ - / : @ alone.")
    return value


def _read_engine(engine: object) -> EngineChoice | None:
    if engine is None or isinstance(engine, EngineChoice):
        return engine
    known = [choice.value for choice in EngineChoice]
    if engine not in known:
        near = nearest(str(engine), known) or f"It is one of {', '.join(known)}."
        raise UsageError(f"there is no engine {engine!r}. {near}")
    return EngineChoice(str(engine))


def _read_seconds(told: object, what: str) -> float | None:
    try:
        return read_timeout(told)
    except UsageError as error:
        raise UsageError(error.message.replace("timeout", what, 1)) from None


def _read_size(told: object, what: str) -> int | None:
    try:
        return read_memory(told)
    except UsageError as error:
        raise UsageError(error.message.replace("memory", what, 1)) from None


def _read_budget(told: object) -> int | None:
    size = _read_size(told, "log_budget")
    if size is not None and size < LEAST_BUDGET_BYTES:
        raise UsageError(f"log_budget {told!r} is too little for a log: give it 10MB or more.")
    return size


def _read_share(told: object, what: str) -> float | None:
    if told is None:
        return None
    try:
        share = float(str(told))
    except ValueError:
        share = -1.0
    if isinstance(told, bool) or not 0 <= share <= 1:
        raise UsageError(f"{what} {told!r} is no share: it is from 0 (nothing) to 1 (every request), such as 0.1.")
    return share


def _answering(traffic: object, canary: object) -> tuple[tuple[str, object], ...]:
    return ("traffic", traffic), ("canary", canary)


def _read_shadow(told: object) -> float | None:
    """Return the share: `True` is all of them, `False` and `off` none any more."""
    if told is None or isinstance(told, bool):
        return None if told is None else float(told)
    if told in {"off", ""}:
        return 0.0 if told else 1.0
    try:
        share = float(str(told))
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(
            f"shadow {told!r:.60} is no share of the requests: it is above 0 and at most 1, such as 0.1, or off."
        )
    return share


def _read_steps(told: object) -> tuple[int, ...] | None:
    if told is None:
        return None
    words = told.split(",") if isinstance(told, str) else list(told) if isinstance(told, list | tuple) else [told]
    texts = [str(word).strip().removesuffix("%").strip() for word in words]
    steps = tuple(int(text) if text.isdecimal() and len(text) < 4 else 0 for text in texts)
    is_rising = all(one < other for one, other in itertools.pairwise(steps))
    if not steps or steps[0] < 1 or steps[-1] != WHOLE or not is_rising:
        raise UsageError(f"canary {told!r:.60} is no list of whole percents that rise to 100, such as 5,25,100.")
    return steps


def _read_text(told: object, what: str) -> str | None:
    if told is None or (isinstance(told, str) and told):
        return told
    raise UsageError(f"{what} must be the name of an input, not {told!r:.60}.")


def _read_host(host: object) -> str | None:
    if host is None:
        return None
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise UsageError(f"host {host!r} is no address to listen on: it is one such as 127.0.0.1 or 0.0.0.0.")
    return host


def _read_switch(value: object, what: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise UsageError(f"{what} must be true or false, not {type(value).__name__} {value!r:.60}.")
