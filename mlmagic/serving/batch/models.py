"""The version that is asked: found in the workspace, and loaded there or from a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import MissingDependencyError, MlmagicError
from mlmagic.runtime.signature import RefusedError
from mlmagic.serving.batch.arguments import Arguments
from mlmagic.serving.engines.base import Engine
from mlmagic.serving.engines.conversion import convert, known_conversion
from mlmagic.serving.engines.load import load_engine
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.model import ModelVersion, Signature
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.version_folder import read_version

_OTHER_ENGINE = "Leave --engine out, or use --engine session."


def find_version(workspace: Workspace, arguments: Arguments) -> tuple[ModelVersion, Signature]:
    """Return the version that is asked, and what it takes.

    Raises:
        MlmagicError: there is none, or nobody knows that.
    """
    number = arguments.model.version
    if number is None:
        raise MlmagicError(f"--model {arguments.model}: a version is needed, such as {arguments.model.model}@1.")
    version = read_version(workspace.version(arguments.model.model, number))
    if version.signature is None:
        raise MlmagicError(f"{version} has no signature, so nobody knows which columns it takes.")
    return version, version.signature


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceModel:
    """A version of a workspace of this machine."""

    workspace: Path
    version: ModelVersion
    engine: EngineChoice

    def load(self) -> Engine:
        """Load the version; what it is converted to, where that is asked for, or is there already and faster.

        Raises:
            MlmagicError: it cannot be loaded, and why.
        """
        workspace, version, choice = Workspace(self.workspace), self.version, self.engine
        folder = workspace.version(version.model, version.number).root
        conversion = None
        if choice is EngineChoice.ONNX:
            conversion = convert(workspace, version, folder)
        elif choice is EngineChoice.AUTO and version.signature is not None:
            # With texts, TensorFlow is three times as fast at thousands of rows at a time; with images, the reverse.
            has_texts = any(spec.dtype == "string" for spec in version.signature.inputs)
            conversion = None if has_texts else known_conversion(workspace, version, folder)
        if choice is EngineChoice.ONNX and conversion is not None and conversion.path is None:
            raise MlmagicError(
                f"{version} cannot be computed by ONNX Runtime: {conversion.reason}.", hint=_OTHER_ENGINE
            )
        converted = None if conversion is None else conversion.path
        return load_artifact(folder / version.origin.artifact_path, version, choice, converted)


def load_artifact(
    artifact: Path, version: ModelVersion, choice: EngineChoice = EngineChoice.AUTO, converted: Path | None = None
) -> Engine:
    """Load the files of a version, wherever they are.

    Raises:
        MlmagicError: it must not be served, or something is missing here.
    """
    try:
        return load_engine(artifact, signature=version.signature, choice=choice, converted=converted)
    except RefusedError as error:
        raise MlmagicError(f"{version} cannot be served: {error}") from error
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{version} needs the package {error.name}, which is not installed here.",
            hint="Install it: pip install 'mlmagic[serve,tensorflow]'",
        ) from error
