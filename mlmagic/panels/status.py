"""What `%mlmagic` shows: the state of things, the doctor's findings, the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.endpoint_state import badge as endpoint_badge
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import pad
from mlmagic.spec.codec import encode
from mlmagic.spec.endpoint import EndpointState
from mlmagic.spec.job import JobState
from mlmagic.spec.noun import Noun
from mlmagic.spec.report import AgentReport

STATUS_MIME_TYPE = "application/vnd.mlmagic.status+json"
CHECKUP_MIME_TYPE = "application/vnd.mlmagic.checkup+json"
CONFIG_MIME_TYPE = "application/vnd.mlmagic.config+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Noun):
    """Where things stand in a workspace."""

    version: str
    workspace: str
    backend: str
    place: str | None = None
    """Where in the cloud work runs."""
    jobs: Mapping[str, int] = field(default_factory=dict)
    """How many jobs there are in each state that has any."""
    models: tuple[str, ...] = ()
    """The default version of each model, or its name."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """The state of each endpoint."""
    idle: Mapping[str, str] = field(default_factory=dict)
    """What is said of each endpoint in the cloud that nobody asks."""
    agent: AgentReport | None = None
    """What starts jobs, where they run on this machine."""
    warm_starts: bool = True
    """Jobs may begin as copies of a process that has TensorFlow imported."""

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return status_bundle(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Noun):
    """One finding. `mend` says what to do where it is not in order, each on a line of its own."""

    name: str
    is_ok: bool
    found: str
    mend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup(Noun):
    """What the doctor found."""

    checks: tuple[Check, ...]

    @property
    def is_ok(self) -> bool:
        """Everything is in order."""
        return all(check.is_ok for check in self.checks)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return checkup_bundle(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Noun):
    """One setting: its value, and how it is changed."""

    name: str
    value: str
    set_with: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Noun):
    """The settings in force."""

    settings: tuple[Setting, ...]

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return config_bundle(self)


def status_bundle(status: Status) -> Bundle:
    """Return where things stand, and how to begin."""
    heading = theme.heading(theme.title("mlmagic"), theme.faint(status.version))
    jobs = join((_count_html(state, count) for state, count in status.jobs.items()), " ") or "none yet"
    models = join((theme.code(model) for model in status.models), " ") or "none yet"
    engine = _engine(status)
    backend = f"{status.backend}: {status.place}" if status.place else status.backend
    endpoints = join(
        (
            join([theme.code(name), " ", endpoint_badge(EndpointState(state))])
            for name, state in status.endpoints.items()
        ),
        " ",
    )
    known = theme.facts(
        [
            ("Workspace", status.workspace),
            ("Backend", backend),
            ("Jobs", jobs),
            ("Models", models),
            ("Endpoints", endpoints),
            *(("Idle", f"{name}: {notice}") for name, notice in status.idle.items()),
            *engine,
        ]
    )
    text = _pairs_text(
        [
            (f"mlmagic {status.version}", ""),
            ("  Workspace", status.workspace),
            ("  Backend", backend),
            ("  Jobs", ", ".join(f"{n} {s}" for s, n in status.jobs.items()) or "none yet"),
            ("  Models", ", ".join(status.models) or "none yet"),
            *(
                [("  Endpoints", ", ".join(f"{name} {state}" for name, state in status.endpoints.items()))]
                if status.endpoints
                else []
            ),
            *(("  Idle", f"{name}: {notice}") for name, notice in status.idle.items()),
            *((f"  {name}", value) for name, value in engine),
        ]
    )
    html = theme.card(heading, known, theme.hints("Next", _begin(status)))
    return document(STATUS_MIME_TYPE, encode(status), html=html, text=f"{text}\nNext: {'   '.join(_begin(status))}")


def checkup_bundle(checkup: Checkup) -> Bundle:
    """Return what the doctor found, and how to mend what is not in order."""
    bad = [check for check in checkup.checks if not check.is_ok]
    verdict = (
        "Everything is in order."
        if not bad
        else f"{len(bad)} of {len(checkup.checks)} checks need{'s' if len(bad) == 1 else ''} attention."
    )
    rows = [[_mark_html(check), element("strong", check.name), _found_html(check)] for check in checkup.checks]
    html = theme.card(theme.heading(theme.title(verdict)), theme.table(["", "Check", "Found"], rows))
    lines = [verdict]
    for check in checkup.checks:
        lines.append(f"{'✓' if check.is_ok else '✗'} {pad(check.name, 14)} {check.found}")
        lines += [f"  {' ' * 14} → {line}" for line in _mends(check)]
    return document(CHECKUP_MIME_TYPE, encode(checkup), html=html, text="\n".join(lines))


def config_bundle(configuration: Configuration) -> Bundle:
    """Return the settings in force, and how each is changed."""
    rows = [[theme.code(s.name), s.value, theme.faint(s.set_with)] for s in configuration.settings]
    html = theme.card(theme.table(["Setting", "Value", "Set with"], rows, wraps=[1]))
    text = _pairs_text([(s.name, f"{s.value}   ({s.set_with})") for s in configuration.settings])
    return document(CONFIG_MIME_TYPE, encode(configuration), html=html, text=text)


def _engine(status: Status) -> list[tuple[str, str]]:
    """Return what starts jobs, and what that keeps in memory."""
    agent = status.agent
    if agent is None:
        return []
    running = f"runs, process {agent.pid}" if agent.pid is not None else "not running; the next job starts it"
    return [("Agent", f"runs on {agent.host}" if agent.host else running), ("Warm starts", _warmth(agent, status))]


def _warmth(agent: AgentReport, status: Status) -> str:
    if agent.warm_bytes:
        kept = " and ".join(map(size_text, agent.warm_bytes))
        rest = "it ends 15 minutes after its last use, or with %mlmagic config warm-starts off"
        return f"TensorFlow waits in memory for the next job ({kept}); {rest}"
    if not status.warm_starts:
        return "off: each job imports TensorFlow anew. On: %mlmagic config warm-starts on"
    return "on: TensorFlow is imported once, for the next jobs too; nothing is in memory now"


def _begin(status: Status) -> list[str]:
    if not status.jobs:
        return ["%%train NAME", "%mlmagic doctor"]
    return ["%jobs", "%models", *(["%endpoints"] if status.endpoints else []), "%mlmagic doctor"]


def _count_html(state: str, count: int) -> Html:
    return join([theme.badge(JobState(state)), f" {count} "])


def _mark_html(check: Check) -> Html:
    return theme.pill("✓ ok", theme.GREEN) if check.is_ok else theme.pill("✗ mend", theme.RED)


def _found_html(check: Check) -> Html:
    return join([check.found, *(theme.row("→ ", line, top="2px") for line in _mends(check))])


def _mends(check: Check) -> list[str]:
    return [] if check.is_ok or check.mend is None else check.mend.split("\n")


def _pairs_text(pairs: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, value in pairs if value)
    return "\n".join(f"{pad(name, width)}  {value}".rstrip() for name, value in pairs)
