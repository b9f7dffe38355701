"""`%mlmagic`: where things stand, which backend is in use, what is not in order."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension
    from mlmagic.panels.status import Configuration, Status
    from mlmagic.session import Session

MLMAGIC = Magic(
    name="mlmagic",
    default="status",
    command=Command(
        summary=(
            "From a cell to a served model. %%preprocess, %datasets, %%train, %jobs, %models, %deploy, %endpoints and "
            "%predict have help of their own: --help."
        ),
        examples=(
            ("%mlmagic", "where the workspace is, and what is in it"),
            ("%mlmagic doctor", "something does not work: what is it?"),
        ),
    ),
    subcommands={
        "status": Command(summary="show version, workspace, backend, jobs, models and endpoints"),
        "use": Command(
            summary="choose where work runs from now on",
            arguments=(
                Argument(
                    name="backend",
                    metavar="BACKEND",
                    help="local, which is this machine; google, which is Vertex AI; emulator, which plays it here",
                ),
            ),
            options=(
                Option(name="project", metavar="PROJECT", kind=Kind.TEXT, help="of Google Cloud"),
                Option(name="region", metavar="REGION", kind=Kind.TEXT, help="where jobs run, such as us-central1"),
                Option(name="bucket", metavar="gs://BUCKET", kind=Kind.TEXT, help="for packages, and what jobs write"),
                Option(name="save", help="for all later kernels of this workspace too"),
            ),
            examples=(
                (
                    "%mlmagic use google --project my-project --region us-central1 --bucket gs://my-bucket --save",
                    "jobs run on Vertex AI from now on",
                ),
                ("%mlmagic use emulator", "the same on this machine, without an account"),
            ),
        ),
        "stop": Command(
            summary="end the emulator of this workspace; what it holds stays, and jobs go on",
            arguments=(Argument(name="what", metavar="emulator", help="what to end"),),
            examples=(("%mlmagic stop emulator", "free the memory that it takes"),),
        ),
        "doctor": Command(summary="check that all is in order, and say how to mend what is not"),
        "config": Command(
            summary="show the settings in force, or change one for this workspace",
            arguments=(
                Argument(
                    name="key",
                    metavar="SETTING",
                    help="backend, warm-starts, budget, google-image, …",
                    is_required=False,
                ),
                Argument(name="value", metavar="VALUE", help="what it is to be", is_required=False),
            ),
            examples=(
                ("%mlmagic config", "what is set, and where"),
                ("%mlmagic config warm-starts off", "keep no process with TensorFlow in memory for the next job"),
                ("%mlmagic config budget 10h", "let no job in the cloud take more than ten machine-hours"),
            ),
        ),
    },
)


def mlmagic(extension: Extension, line: Parsed) -> Any:  # noqa: ARG001 - all magics are called alike
    """Do what the subcommand says."""
    from mlmagic.api.status import status
    from mlmagic.session import current_session

    session = current_session()
    match line.subcommand:
        case "use":
            return _use(session, line)
        case "stop":
            return _stop(session, line["what"])
        case "doctor":
            from mlmagic.magics.doctor import examine

            return examine(session)
        case "config":
            return _config(session, line["key"], line["value"])
        case _:
            return status(session=session)


def _use(session: Session, line: Parsed) -> Status:
    from mlmagic.api.arguments import read_backend
    from mlmagic.api.status import status

    read_backend(line["backend"])
    google = {f"google_{name}": line[name] for name in ("project", "region", "bucket") if line[name] is not None}
    session.use(line["backend"], save=line["save"], google=google)
    return status(session=session)


def _stop(session: Session, what: str) -> Status:
    from mlmagic.api.emulator import stop_emulator
    from mlmagic.api.status import status

    if what != "emulator":
        raise UsageError(
            f"%mlmagic stop ends the emulator alone, not {what!r}.",
            hint="%mlmagic stop emulator. Jobs: %jobs cancel JOB; endpoints: %endpoints stop ENDPOINT.",
        )
    if not stop_emulator(session=session):
        sys.stdout.write("No emulator was running.\n")
    return status(session=session)


def _config(session: Session, key: str | None, value: str | None) -> Configuration:
    from mlmagic.api.status import configuration

    if key is not None and value is None:
        raise UsageError(
            f"%mlmagic config {key} needs a value, as in %mlmagic config warm-starts off.",
            hint="Without words it shows what is set.",
        )
    if key is not None and value is not None:
        session.configure(key.replace("-", "_"), value)
    return configuration(session=session)
