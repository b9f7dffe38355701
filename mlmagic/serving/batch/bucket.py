"""What workers on other machines have of a bucket: the model that they load, and where they leave their files."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import weakref
from dataclasses import dataclass
from pathlib import Path

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing import storage
from mlmagic.preprocessing.reading.source import Unit
from mlmagic.serving.batch.asking import Asker
from mlmagic.serving.batch.manifest import Shard
from mlmagic.serving.batch.models import load_artifact
from mlmagic.serving.batch.plan import Plan
from mlmagic.serving.batch.target import Target
from mlmagic.serving.batch.unit import Told, predict_unit
from mlmagic.serving.batch.work import Work
from mlmagic.serving.engines.base import Engine
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.files import is_inside, make_folder

_COPIED = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketModel:
    """A version whose files are in a bucket."""

    address: str
    """The folder that has them: `gs://…/`."""
    version: ModelVersion

    def load(self) -> Engine:
        """Copy the files to the disk of this machine, and load them.

        Raises:
            MlmagicError: they are not there, or cannot be loaded.
        """
        folder = Path(tempfile.mkdtemp(prefix="model-"))
        place = f"{self.address.rstrip('/')}/"
        names = [
            found.path.removeprefix(place)
            for found in FileSystems.match([f"{place}**"])[0].metadata_list
            if not found.path.endswith("/")
        ]
        if not names or not all(map(is_inside, names)):
            raise MlmagicError(f"{self.version} is not in {place} any more.", hint="Run it again: it is uploaded anew.")
        for name in names:
            _fetch(f"{place}{name}", folder / name)
        path = self.version.origin.artifact_path
        is_file = self.version.origin.artifact in {"keras", "onnx"}
        engine = load_artifact(folder / Path(path).name if is_file else folder, self.version)
        # Graphs may read their files later.
        weakref.finalize(engine, shutil.rmtree, folder, ignore_errors=True)
        return engine


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlace:
    """A folder of files with names of their own: of a unit that was tried twice, only one result is taken."""

    parts: str
    units: int

    def predict(self, plan: Plan, unit: Unit, asker: Asker, told: Told) -> Shard:
        """See `Place.predict`: on the disk of the worker first, and then in the bucket."""
        with tempfile.TemporaryDirectory(prefix="shard-") as scratch:
            target = Target(path=Path(scratch))
            work = Work(target, plan.kind, self.units)
            make_folder(target.work)
            record = predict_unit(plan, unit, asker, work, told)
            name = f"{unit.index:06d}-{uuid.uuid4().hex}"
            predictions, errors = f"predictions-{name}", f"errors-{name}" if record.rejected else None
            self._send(work.shard(unit.index), predictions)
            if errors is not None:
                self._send(work.errors(unit.index), errors)
        return Shard(record=record, predictions=predictions, errors=errors)

    def _send(self, path: Path, name: str) -> None:
        with path.open("rb") as source, storage.create(storage.join(self.parts, name)) as target:
            shutil.copyfileobj(source, target, _COPIED)


def _fetch(address: str, path: Path) -> None:
    make_folder(path.parent)
    # As it is: what ends with .gz would be unpacked.
    with (
        FileSystems.open(address, compression_type=CompressionTypes.UNCOMPRESSED) as source,
        path.open("wb") as target,
    ):
        shutil.copyfileobj(source, target, _COPIED)
