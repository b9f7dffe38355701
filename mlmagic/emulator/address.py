"""The files by which others find an emulator: where it listens, and what lets them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.spec.noun import Noun
from mlmagic.workspace.processes import ProcessIdentity

ADDRESS = "address.json"
CREDENTIALS = "credentials.json"
LOCK = "lock"
LOG = "emulator.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address(Noun):
    """An emulator that listens, or has listened."""

    port: int
    url: str
    """Where all APIs are. Beam knows an emulator by the word localhost."""
    grpc_address: str
    """Where those APIs are whose clients speak gRPC alone; insecure."""
    token: str
    """What every request needs as `Authorization: Bearer`."""
    project: str
    region: str
    bucket: str
    """A bucket that is there from the start."""
    process: ProcessIdentity
    environment: Mapping[str, str]
    """The variables by which Google's client libraries find this emulator and nothing else."""


def environment(root: Path, *, url: str, token: str, project: str, region: str) -> Mapping[str, str]:
    """Return what `Address.environment` holds.

    With a service account's key, google-auth asks iamcredentials.googleapis.com on a thread where requests may go, with
    the token in its hand, and no variable keeps it from that. The token is of no use but on this machine's loopback.
    """
    return {
        # Clients of storage send no credentials to an emulator, but keep what stands in its address.
        "STORAGE_EMULATOR_HOST": f"{url}/{token}",
        "GOOGLE_APPLICATION_CREDENTIALS": str(root / CREDENTIALS),
        "GOOGLE_CLOUD_PROJECT": project,
        "CLOUD_ML_REGION": region,
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        "NO_GCE_CHECK": "true",
    }
