"""Where things stand, and which settings are in force."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlmagic.panels.status import Configuration, Status
    from mlmagic.session import Session


def status(*, session: Session | None = None) -> Status:
    """Return where things stand."""
    from mlmagic import __version__
    from mlmagic.api.idle_endpoints import idle_notices
    from mlmagic.api.jobs import jobs
    from mlmagic.api.models import models
    from mlmagic.panels.status import Status
    from mlmagic.panels.times import utc_now
    from mlmagic.runtime.agent_report import report_agent
    from mlmagic.session import current_session

    session = session or current_session()
    counts = Counter(summary.state for summary in jobs(limit=None, session=session))
    handles = models(session=session)
    served = session.endpoints.list()
    return Status(
        version=__version__,
        workspace=str(session.location.root),
        backend=session.backend_name,
        place=_place(session),
        jobs={state.value: counts[state] for state in sorted(counts)},
        agent=report_agent(session.location) if session.backend_name == "local" else None,
        warm_starts=session.warm_starts,
        models=tuple(str(handle.default) if "default" in handle.record.aliases else handle.name for handle in handles),
        endpoints={record.spec.name: record.status.state.value for record in served},
        idle=idle_notices(served, utc_now()),
    )


def _place(session: Session) -> str | None:
    """Return where in the cloud work runs; None on this machine, and where that is not set up."""
    match session.backend_name:
        case "google":
            known = (session.google.get(f"google_{name}") for name in ("project", "region", "bucket"))
            return ", ".join(filter(None, known)) or "not set up"
        case "emulator":
            from mlmagic.emulator.launch import find_emulator

            found = find_emulator(session.location.emulator)
            told = "not running" if found is None else f"{found.url}, process {found.address.process.pid}"
            return f"{told}; %mlmagic use emulator starts it" if found is None else told
    return None


def configuration(*, session: Session | None = None) -> Configuration:
    """Return the settings in force."""
    from mlmagic.panels.status import Configuration, Setting
    from mlmagic.session import current_session

    session = session or current_session()
    location, file = session.location, session.location.config
    return Configuration(
        settings=(
            Setting(name="backend", value=session.backend_name, set_with="%mlmagic use BACKEND, or MLMAGIC_BACKEND"),
            Setting(
                name="warm starts",
                value="on" if session.warm_starts else "off",
                set_with="%mlmagic config warm-starts on|off, or MLMAGIC_WARM_STARTS",
            ),
            Setting(
                name="budget",
                value=session.budget or "none",
                set_with="%mlmagic config budget 10h, or 20USD with prices.toml; for a job in Google Cloud",
            ),
            Setting(
                name="prices",
                value=str(location.prices) if location.prices.exists() else f"{location.prices} (not there yet)",
                set_with="an editor; its form is in the documentation",
            ),
            Setting(name="workspace", value=str(location.root), set_with="MLMAGIC_HOME, before the kernel starts"),
            Setting(name="notebook", value=session.notebook_path or "not known", set_with="Jupyter"),
            Setting(
                name="settings file",
                value=str(file) if file.exists() else f"{file} (not there yet)",
                set_with="%mlmagic config SETTING VALUE",
            ),
        )
    )
