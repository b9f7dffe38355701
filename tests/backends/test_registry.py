from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.backends.registry import BACKENDS, load_backend
from mlmagic.errors import UsageError
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_the_table_names_what_exists(name: str, tmp_path: Path) -> None:
    backend = load_backend(name, open_workspace(Workspace(tmp_path / ".mlmagic")))
    assert backend.name == name
    assert backend.list() == []


def test_an_unknown_backend(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_backend("locale", Workspace(tmp_path))
    assert (
        str(caught.value)
        == "there is no backend 'locale'. Did you mean local or google?\nBackends: emulator, google, local, memory."
    )
