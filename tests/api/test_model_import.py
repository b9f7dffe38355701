"""Models from elsewhere, as TensorFlow and Keras wrote them."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tensorflow_models import saved_models

from mlmagic.api.model_import import import_model
from mlmagic.errors import PackageError, UsageError, WorkspaceError
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_models(tmp_path_factory)


def test_a_saved_model_becomes_a_version(session: Session, made: Path) -> None:
    page = import_model("houses", made / "houses", session=session)
    assert (str(page.version), page.aliases) == ("houses@1", ("default",))
    assert page.version.origin.source == str(made / "houses")
    assert page.version.signature is not None
    assert {tensor.name for tensor in page.version.signature.inputs} == {"age", "rooms", "city"}
    assert (made / "houses" / "saved_model.pb").exists()


def test_an_old_model_is_no_leftover_of_a_new_workspace(session: Session, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(made / "vector", folder)
    os.utime(folder, (0, 0))
    assert str(import_model("vector", folder, session=session).version) == "vector@1"


def test_a_read_only_model_can_be_deleted_again(session: Session, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    shutil.copytree(made / "vector", folder)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    version = import_model("vector", folder, session=session).version
    place = session.models.path(version)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [place, *place.rglob("*")]}
    assert modes == {0o700, 0o600}


def test_a_later_one_becomes_the_default_only_when_asked(session: Session, made: Path) -> None:
    for _ in range(2):
        import_model("houses", str(made / "houses"), session=session)
    assert session.models.get("houses").aliases == {"default": 1}
    page = import_model("houses", made / "houses", set_default=True, session=session)
    assert (page.version.number, page.default) == (3, 3)


def test_the_model_may_lie_below_the_folder(session: Session, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "vector", tmp_path / "served" / "1")
    assert import_model("vector", tmp_path / "served", session=session).version.number == 1
    shutil.copytree(made / "vector", tmp_path / "served" / "2")
    with pytest.raises(UsageError) as raised:
        import_model("vector", tmp_path / "served", session=session)
    assert str(raised.value) == (
        f"{tmp_path / 'served'} holds 2 models. Name one, such as {tmp_path / 'served' / '2'}."
    )


@pytest.mark.slow
def test_a_keras_file(session: Session, made: Path) -> None:
    page = import_model("dense", made / "dense.keras", session=session)
    origin = page.version.origin
    assert (origin.artifact, origin.artifact_path, origin.framework) == ("keras", "dense.keras", "keras")
    assert (session.models.path(page.version) / "dense.keras").is_file()


@pytest.fixture(scope="session")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file that halves."""
    import onnx
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])]
    two = helper.make_tensor("two", TensorProto.FLOAT, [], [2.0])
    graph = helper.make_graph([helper.make_node("Div", ["x", "two"], ["y"])], "half", inputs, outputs, [two])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path_factory.mktemp("onnx") / "half.onnx"
    onnx.save(model, path)
    return path


def test_an_onnx_file(session: Session, half: Path) -> None:
    page = import_model("half", half, session=session)
    assert (page.version.origin.artifact, page.version.origin.artifact_path) == ("onnx", "half.onnx")
    assert page.version.signature is not None
    assert page.version.signature.inputs == (TensorSpec(name="x", dtype="float32", shape=(None,)),)
    assert page.onnx == "it is an ONNX model, which has no other engine"
    assert str(import_model("half", half.parent, session=session).version) == "half@2"


def test_an_onnx_file_that_is_none(session: Session, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not one")
    with pytest.raises(PackageError, match=r"bad\.onnx cannot be imported: it is not an ONNX model"):
        import_model("bad", tmp_path / "bad.onnx", session=session)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reads", "it runs Python code or touches files while it predicts: ReadFile."),
        ("python", "it runs Python code or touches files while it predicts: EagerPyFunc."),
        ("many", "it has several signatures but no 'serving_default': one, two."),
    ],
)
def test_what_must_not_be_served_is_refused(session: Session, made: Path, name: str, reason: str) -> None:
    path = made / "odd" / name
    with pytest.raises(PackageError) as raised:
        import_model("bad", path, session=session)
    assert str(raised.value) == f"{path} cannot be imported: {reason}"
    assert not session.workspace.model("bad").root.exists()


def test_what_cannot_be_copied_is_told_before(session: Session, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    shutil.copytree(made / "vector", folder)
    os.mkfifo(folder / "pipe")
    with pytest.raises(PackageError, match=r"some of it is neither file nor folder nor link:\n  - '.*/taken/pipe'"):
        import_model("vector", folder, session=session)
    (folder / "pipe").unlink()
    with (folder / "holes").open("wb") as file:
        file.truncate(10**13)
    with pytest.raises(WorkspaceError, match=r"has 10,000,\d\d\d MB, and where its copy goes are [\d,]+ MB left"):
        import_model("vector", folder, session=session)


def test_links_that_lead_out_are_refused(session: Session, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "linked"
    shutil.copytree(made / "vector", folder)
    (folder / "assets" / "secret").parent.mkdir(exist_ok=True)
    (folder / "assets" / "secret").symlink_to("/etc/hostname")
    with pytest.raises(PackageError, match="assets/secret leads out of it by a link"):
        import_model("vector", folder, session=session)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.h5", "{path} is no model that can be imported. Save it anew with Keras 3"),
        (
            "model.keras",
            "{path} is no .keras file, whatever its name: those are zip archives. Save it anew with Keras 3",
        ),
        ("model.pkl", "{path} is no model that can be imported. A pickle runs code when it is read."),
        ("model.pt", "{path} is no model that can be imported. Export it: torch.onnx.export"),
        ("notes.txt", "{path} is no model that can be imported. What can be imported: the folder of a SavedModel"),
    ],
)
def test_other_files_get_advice(session: Session, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UsageError) as raised:
        import_model("taxi", tmp_path / name, session=session)
    assert str(raised.value).startswith(message.format(path=tmp_path / name))


def test_all_that_is_wrong_is_told_at_once(session: Session, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError) as raised:
        import_model("a b", tmp_path / "empty", session=session)
    assert len(raised.value.problems) == 2
    assert "holds no model: it has nothing." in raised.value.problems[1]
    with pytest.raises(UsageError, match="a model's path is text, not int 7"):
        import_model("taxi", 7, session=session)  # type: ignore[arg-type]


def test_a_version_of_another_workspace_keeps_what_may_be_missing(session: Session, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "version"
    shutil.copytree(made / "answer", folder)
    told = Signature(
        inputs=(
            TensorSpec(name="x", dtype="float32", shape=(None,), optional=True),
            TensorSpec(name="s", dtype="int64", shape=(None,), optional=True),
        )
    )
    (folder / "signature.json").write_text(codec.dumps(told))
    (folder / "statistics.json").write_text("not ours")
    page = import_model("answer", folder, session=session)
    assert page.version.signature is not None
    assert [each.name for each in page.version.signature.inputs if each.optional] == ["x"]
    assert not (session.models.path(page.version) / "statistics.json").exists()


def test_a_model_of_that_name_may_be_there(
    session: Session, made: Path, register: Callable[[str], ModelVersion]
) -> None:
    register("vector")
    assert str(import_model("vector", made / "vector", session=session).version) == "vector@2"
