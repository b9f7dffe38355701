"""What a job's process is told, and the files that it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRequest(Noun):
    """`request.json`: the staged pipeline, and the options that it was submitted with."""

    pipeline_url: str
    """Of `pipeline.pb`, in Cloud Storage."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """`sdkPipelineOptions.options` of the job, as Beam's SDK gave them."""
    root: str | None = None
    """The emulator's folder, which tells where Cloud Storage is; None: the environment does."""
    standby: str | None = None
    """The socket of a process that waits for a pipeline, if there is one."""


@dataclass(frozen=True, slots=True)
class PipelineFolder:
    """The folder of a job: every file name in it."""

    root: Path

    @property
    def request(self) -> Path:
        """A `PipelineRequest`."""
        return self.root / "request.json"

    @property
    def messages(self) -> Path:
        """A `Message` a line."""
        return self.root / "messages.jsonl"

    @property
    def metrics(self) -> Path:
        """The metrics of the pipeline so far, as the API tells them."""
        return self.root / "metrics.json"

    @property
    def staged(self) -> Path:
        """The artifacts of the pipeline, under the names that they were staged to."""
        return self.root / "staged"

    @property
    def packages(self) -> Path:
        """What was installed of them."""
        return self.root / "packages"
