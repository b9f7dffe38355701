"""The backend `google`, which costs money, with the emulator in Google's place: one yes, one job, ended in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from mlmagic.api.training import train
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import ConsentError
from mlmagic.session import Session
from mlmagic.spec.job import JobState

pytestmark = pytest.mark.slow


def requests_of(emulator: Emulator, rpc: str) -> list[dict[str, Any]]:
    """Return the requests of an RPC that came."""
    headers = {"authorization": f"Bearer {emulator.token}"}
    answer = httpx.get(f"{emulator.url}/emulator/requests", params={"rpc": rpc}, headers=headers, timeout=60)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["requests"]
    return found


def test_a_job_is_sent_after_a_yes_with_the_timeout_of_its_budget(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    session = Session(environ={"MLMAGIC_BACKEND": "google"}, start=tmp_path)
    settings = {"project": emulator.project, "region": emulator.region, "bucket": f"gs://{emulator.bucket}"}
    addresses = {"endpoint": emulator.url, "storage_endpoint": f"{emulator.url}/{emulator.token}"}
    addresses |= {"logging_endpoint": emulator.url, "monitoring_endpoint": emulator.url}
    for key, value in (settings | addresses).items():
        session.configure(f"google_{key}", value)
    said: list[str] = []
    session.tell = said.append
    with pytest.raises(ConsentError, match="nobody can be asked here"):
        train("taxi", source="print('EPOCHS')", budget="0.5h", session=session)
    job = train("taxi", source="print('EPOCHS')", budget="0.5h", yes=True, session=session)
    assert job.wait(timeout=300).state is JobState.SUCCEEDED
    assert said == ["BASIC: 1 × n1-standard-4 for up to 30 min (timeout) = 0.5 machine-hours"]
    (sent,) = requests_of(emulator, "CreateCustomJob")
    assert "1800s" in str(sent)
    session.close()
