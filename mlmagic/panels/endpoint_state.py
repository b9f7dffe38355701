"""The states of an endpoint, and its traffic, as they are shown everywhere."""

from __future__ import annotations

from collections.abc import Mapping

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec, EndpointState, EngineChoice

_STATES: Mapping[EndpointState, tuple[str, str]] = {
    EndpointState.STARTING: ("◔", theme.BLUE),
    EndpointState.READY: ("✓", theme.GREEN),
    EndpointState.UPDATING: ("↻", theme.BLUE),
    EndpointState.IDLE: ("☾", theme.GREY),
    EndpointState.FAILED: ("✗", theme.RED),
    EndpointState.STOPPING: ("◌", theme.AMBER),
    EndpointState.DOWN: ("■", theme.GREY),
}


def icon(state: EndpointState) -> str:
    """Return the sign of a state."""
    return _STATES[state][0]


def badge(state: EndpointState) -> Html:
    """Return a state as a coloured pill."""
    sign, colour = _STATES[state]
    return theme.pill(f"{sign} {state.value}", colour)


def sentence(record: EndpointRecord) -> str:
    """Return what the endpoint does now."""
    spec, status = record.spec, record.status
    if not record.is_local:
        return _in_the_cloud(record)
    match status.state:
        case EndpointState.STARTING:
            return f"{_preparing(record)} Requests wait meanwhile."
        case EndpointState.FAILED:
            return "Cannot serve: requests get 503."
        case EndpointState.STOPPING:
            return "Answers what it has, and ends."
        case EndpointState.DOWN:
            return "Nothing runs."
        case _ if status.generation < spec.generation:
            return f"{_preparing(record)} What was served before answers meanwhile."
        case EndpointState.IDLE:
            return f"Serves {served(spec)}. No worker runs for want of requests; the next one starts it."
        case _:
            count = len(status.workers)
            return f"Serves {served(spec)} with {count} worker{'' if count == 1 else 's'}.{_converting(record)}"


def place(spec: EndpointSpec) -> str | None:
    """Return where it serves; None on this machine."""
    return {"google": "Vertex AI", "emulator": "the emulator"}.get(spec.backend)


def _in_the_cloud(record: EndpointRecord) -> str:
    """Return what an endpoint does that is on Vertex AI; starting takes it minutes, and answers nothing meanwhile."""
    spec, status = record.spec, record.status
    where = place(spec)
    match status.state:
        case EndpointState.STARTING:
            told = f"It starts on {where}, and does not answer yet."
        case EndpointState.UPDATING:
            told = "What was served before answers meanwhile."
        case EndpointState.FAILED:
            told = "It does not serve."
        case EndpointState.STOPPING:
            told = f"It is taken away on {where}."
        case EndpointState.DOWN:
            told = f"Nothing is deployed on {where}."
        case _:
            told = f"Serves {served(spec)} on {where}."
    return f"{status.note[:1].upper()}{status.note[1:].rstrip('.')}. {told}" if status.note else told


def served(spec: EndpointSpec) -> str:
    """Return `taxi@1 90 %, taxi@2 10 %`, of a single version its name alone."""
    sharing = [version for version in spec.deployed if version.traffic]
    if len(sharing) == 1:
        return f"{spec.model}@{sharing[0].number}"
    return ", ".join(f"{spec.model}@{version.number} {version.traffic} %" for version in sharing)


def bar(percent: int) -> Html:
    """Return a share as a bar with its number."""
    full = {"display": "inline-block", "height": "8px", "width": "100px", "border-radius": "4px", "margin-right": "8px"}
    track = {**full, "background": "rgba(128,128,128,.18)", "vertical-align": "baseline", "overflow": "hidden"}
    fill = f"display:block;height:8px;width:{percent}%;background:{theme.BLUE}"
    return element(
        "span",
        element("span", element("span", style=fill), style=track),
        f"{percent} %",
        style="white-space:nowrap;font-variant-numeric:tabular-nums",
    )


def bar_text(percent: int) -> str:
    """Return the same for a terminal."""
    return f"{'█' * round(percent / 10):░<10} {percent:>3} %"


def _preparing(record: EndpointRecord) -> str:
    """Return what has to be done before what was asked for is served; converting takes longer than loading."""
    loaded = {version.number for version in record.status.versions if version.engine}
    new = [version for version in record.spec.deployed if version.number not in loaded]
    if not new:
        return "Changes what it serves."
    names = ", ".join(f"{record.spec.model}@{version.number}" for version in new)
    if any(worker.state == "loading" for worker in record.status.workers):
        return f"Loads {names}."
    may_convert = any(version.engine is EngineChoice.ONNX for version in new)
    return f"Prepares {names}, at first by converting it for ONNX Runtime." if may_convert else f"Prepares {names}."


def _converting(record: EndpointRecord) -> str:
    """Return what is done beside serving, which nobody has to wait for."""
    numbers = [version.number for version in record.status.versions if version.is_converting]
    names = ", ".join(f"{record.spec.model}@{number}" for number in numbers)
    return f" TensorFlow serves {names} until it is converted for ONNX Runtime." if names else ""
