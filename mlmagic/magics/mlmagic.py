"""`%mlmagic`: where things stand, which backend is in use, what is not in order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mlmagic.magics.tables import Argument, Command, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension
    from mlmagic.panels.status import Configuration, Status
    from mlmagic.session import Session

MLMAGIC = Magic(
    name="mlmagic",
    default="status",
    command=Command(
        summary="From a cell to a served model. %%train, %jobs, %models and %predict have help of their own: --help.",
        examples=(
            ("%mlmagic", "where the workspace is, and what is in it"),
            ("%mlmagic doctor", "something does not work: what is it?"),
        ),
    ),
    subcommands={
        "status": Command(summary="show version, workspace, backend, jobs and models"),
        "use": Command(
            summary="choose where work runs from now on",
            arguments=(Argument(name="backend", metavar="BACKEND", help="local, which is this machine"),),
            options=(Option(name="save", help="for all later kernels of this workspace too"),),
        ),
        "doctor": Command(summary="check that all is in order, and say how to mend what is not"),
        "config": Command(summary="show the settings in force, and how to change them"),
    },
)


def mlmagic(extension: Extension, line: Parsed) -> Any:  # noqa: ARG001 - all magics are called alike
    """Do what the subcommand says."""
    from mlmagic.session import current_session

    session = current_session()
    match line.subcommand:
        case "use":
            return _use(session, line["backend"], save=line["save"])
        case "doctor":
            from mlmagic.magics.doctor import examine

            return examine(session)
        case "config":
            return configuration(session)
        case _:
            return status(session)


def status(session: Session) -> Status:
    """Return where things stand."""
    from mlmagic import __version__
    from mlmagic.api.jobs import jobs
    from mlmagic.api.models import models
    from mlmagic.panels.status import Status

    counts = Counter(summary.state for summary in jobs(limit=None, session=session))
    handles = models(session=session)
    return Status(
        version=__version__,
        workspace=str(session.location.root),
        backend=session.backend_name,
        jobs={state.value: counts[state] for state in sorted(counts)},
        models=tuple(str(handle.default) if "default" in handle.record.aliases else handle.name for handle in handles),
    )


def configuration(session: Session) -> Configuration:
    """Return the settings in force."""
    from mlmagic.panels.status import Configuration, Setting

    location, file = session.location, session.location.config
    return Configuration(
        settings=(
            Setting(name="backend", value=session.backend_name, set_with="%mlmagic use BACKEND, or MLMAGIC_BACKEND"),
            Setting(name="workspace", value=str(location.root), set_with="MLMAGIC_HOME, before the kernel starts"),
            Setting(name="notebook", value=session.notebook_path or "not known", set_with="Jupyter"),
            Setting(
                name="settings file",
                value=str(file) if file.exists() else f"{file} (not there yet)",
                set_with="%mlmagic use BACKEND --save",
            ),
        )
    )


def _use(session: Session, backend: str, *, save: bool) -> Status:
    from mlmagic.api.arguments import read_backend

    read_backend(backend)
    session.use(backend, save=save)
    return status(session)
