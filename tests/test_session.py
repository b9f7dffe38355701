"""Where the settings of a process come from, and what it shares."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlmagic
from mlmagic.errors import UsageError, WorkspaceError
from mlmagic.session import NotebookContext, Session, current_session, reset_session
from mlmagic.source.history import Cell
from mlmagic.workspace.config import read_config, with_setting

_AMOUNTS = "such as 10h, which is machines times hours; in money it is such as 20USD"
_GOOGLES = (
    "google-project, google-region, google-bucket, google-image, google-service-account, google-network, google-spot, "
    "google-endpoint, google-storage-endpoint, google-logging-endpoint, google-monitoring-endpoint."
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(environ={}, start=tmp_path)
    yield session
    session.close()


@pytest.fixture
def own_session(folder: Path) -> Iterator[Path]:
    reset_session()
    yield folder
    reset_session()


def test_a_session_makes_no_folder_until_it_is_used(session: Session, tmp_path: Path) -> None:
    assert session.backend_name == "local"
    assert session.context() == NotebookContext()
    assert session.location.root == tmp_path / ".mlmagic"
    assert list(tmp_path.iterdir()) == []
    assert session.workspace.root.is_dir()


def test_the_backend_is_what_use_says_then_the_environment_then_the_file(tmp_path: Path) -> None:
    (tmp_path / ".mlmagic").mkdir()
    (tmp_path / ".mlmagic" / "config.toml").write_text('backend = "memory"\n')
    assert Session(environ={}, start=tmp_path).backend_name == "memory"
    session = Session(environ={"MLMAGIC_BACKEND": "local"}, start=tmp_path)
    assert session.backend_name == "local"
    session.use("memory")
    assert session.backend_name == "memory"
    assert session.backend() is session.backend("memory")


def test_a_saved_backend_is_there_for_the_next_process(session: Session, tmp_path: Path) -> None:
    session.use("memory", save=True)
    assert Session(environ={}, start=tmp_path).backend_name == "memory"


def test_an_unknown_backend_changes_nothing(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        session.use("lokal", save=True)
    assert (
        str(caught.value)
        == "there is no backend 'lokal'. Did you mean local?\nBackends: emulator, google, local, memory."
    )
    assert session.backend_name == "local"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'backend = "x"\n'),
        ("# mine\n", '# mine\nbackend = "x"\n'),
        ('backend = "y" # old\nother = 1\n', 'backend = "x"\nother = 1\n'),
        ('[local]\nbackend = "y"\n', 'backend = "x"\n\n[local]\nbackend = "y"\n'),
        ("a = 1\n\n[t]\n", 'a = 1\nbackend = "x"\n\n[t]\n'),
    ],
)
def test_a_setting_leaves_the_rest_of_the_file_as_it_is(before: str, after: str) -> None:
    assert with_setting(before, "backend", "x") == after


@pytest.mark.parametrize("value", ['a"b', r"a\1\n", "a\nb", "ü\U0001f600"])
def test_any_value_is_read_as_it_was_set(tmp_path: Path, value: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(with_setting(with_setting("", "google_image", "x"), "google_image", value), "utf-8")
    assert read_config(path) == {"google_image": value}


def test_a_broken_file_is_one_clear_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# settings\nbackend = local\n")
    with pytest.raises(
        WorkspaceError, match=r"config.toml cannot be read: .*line 2.*\nMend it, or delete it"
    ) as caught:
        read_config(path)
    assert str(path) in caught.value.message


def test_a_setting_of_the_wrong_type_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("backend = 3\n")
    with pytest.raises(WorkspaceError, match=r"settings of the wrong type:\n  - backend = 3: expected a string"):
        read_config(tmp_path / "config.toml")


def test_an_unknown_setting_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('backnd = "local"\n')
    with pytest.warns(UserWarning, match=r"unknown setting 'backnd'. Did you mean backend\?"):
        assert read_config(tmp_path / "config.toml") == {}


@pytest.mark.parametrize(("environ", "is_on"), [({}, True), ({"MLMAGIC_WARM_STARTS": "Off"}, False)])
def test_starts_are_warm_unless_the_environment_says_otherwise(
    tmp_path: Path, environ: dict[str, str], *, is_on: bool
) -> None:
    assert Session(environ=environ, start=tmp_path).warm_starts is is_on


def test_a_setting_holds_for_later_processes_too(session: Session, tmp_path: Path) -> None:
    session.configure("warm_starts", "off")
    assert not session.warm_starts
    assert not Session(environ={}, start=tmp_path).warm_starts


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        (
            "warm_start",
            "off",
            "there is no setting 'warm-start'. Did you mean warm-starts?\nSettings: backend, warm-starts, budget, "
            + _GOOGLES,
        ),
        ("warm_starts", "cold", "warm-starts is on or off, not 'cold'."),
        ("budget", "a lot", f"budget 'a lot' is no amount, {_AMOUNTS}."),
    ],
)
def test_a_setting_that_cannot_be(session: Session, key: str, value: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        session.configure(key, value)
    assert str(caught.value) == text


def test_placing_a_job_in_the_cloud_asks_nobody_and_imports_nothing(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom mlmagic.session import Session\n"
        "from mlmagic.spec.job import JobSpec, PackageReference\n"
        "session = Session(environ={'GOOGLE_CLOUD_PROJECT': 'my-project'}, start=Path())\n"
        "session.use('google', google={'google_region': 'us-west1', 'google_bucket': 'gs://my-bucket'})\n"
        "placed = session.backend().place(JobSpec(display_name='taxi', package=PackageReference(digest='d')))\n"
        "print(placed.backend, *(set(sys.modules) & {'google.api_core', 'google.auth', 'requests'}))"
    )
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert result.stdout.split() == ["google"]


def test_googles_variables_give_way_to_what_was_chosen(tmp_path: Path) -> None:
    session = Session(environ={"GOOGLE_CLOUD_PROJECT": "outer-project"}, start=tmp_path)
    chosen = {"google_project": "my-project", "google_region": "us-west1", "google_bucket": "gs://my-bucket"}
    assert session.google == {"google_project": "outer-project"}
    session.use("google", google=chosen, save=True)
    assert session.google == chosen
    assert Session(environ={"GOOGLE_CLOUD_PROJECT": "outer-project"}, start=tmp_path).google == chosen


def test_a_workspace_that_hides_a_nearer_one_is_told(tmp_path: Path) -> None:
    (tmp_path / ".mlmagic").mkdir()
    session = Session(environ={"MLMAGIC_HOME": str(tmp_path / "other")}, start=tmp_path)
    with pytest.warns(UserWarning, match=r"is nearer and is not used"):
        assert session.location.root == tmp_path / "other"
    assert session.location.root == tmp_path / "other"


def test_a_deleted_working_directory_is_told(folder: Path) -> None:
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    with pytest.raises(WorkspaceError, match=r"the working directory was deleted.*\nChange to another folder: %cd ~"):
        _ = Session(environ={}).location
    os.chdir(folder)


def test_the_extension_says_what_the_notebook_holds(session: Session) -> None:
    cells = (Cell(source="a = 1", number=1),)
    session.notebook = lambda: NotebookContext(cells=cells, notebook="n.ipynb")
    assert session.context().cells == cells


def test_jupyter_says_where_the_notebook_is(tmp_path: Path) -> None:
    session = Session(environ={"JPY_SESSION_NAME": "/home/me/n.ipynb"}, start=tmp_path)
    assert session.context().notebook == "/home/me/n.ipynb"


def test_a_process_has_one_session_until_it_is_reset(own_session: Path) -> None:
    first = current_session()
    assert current_session() is first
    mlmagic.use("memory")
    assert first.backend_name == "memory"
    reset_session()
    assert current_session().backend_name == "local"


def test_a_forked_child_has_its_own(own_session: Path) -> None:
    program = (
        "import os; from mlmagic.session import current_session\n"
        "mine = current_session(); pid = os.fork()\n"
        "if not pid: os._exit(current_session() is mine)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_importing_the_session_brings_nothing_heavy() -> None:
    program = (
        "import sys, mlmagic.session\n"
        "from mlmagic.api import jobs, models, prediction, training\n"
        "import mlmagic.backends.google.settings\n"
        "heavy = {'tensorflow', 'pandas', 'numpy', 'IPython', 'sqlite3', 'asyncio', 'yaml', 'tomllib'}\n"
        "heavy |= {'google.api_core', 'google.auth', 'google.cloud.storage', 'requests'}\n"
        "print(*(set(sys.modules) & heavy))"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environ)
    assert result.stdout.split() == []
