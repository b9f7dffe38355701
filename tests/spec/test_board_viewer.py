from __future__ import annotations

import pytest

from mlmagic.spec.board import BoardViewer, FrontEnd
from mlmagic.spec.board_viewer import server_notice, viewer_of

HERE = "/w/.mlmagic"
NOTICE = server_notice(7, "/user/ada/", HERE)


def test_the_server_that_started_this_kernel_is_how_it_is_looked_at():
    environ = {"MLMAGIC_SERVER": NOTICE, "JPY_PARENT_PID": "7", "VSCODE_PID": "1"}
    assert viewer_of(environ, HERE) == BoardViewer(base_url="/user/ada/")
    assert viewer_of(environ, HERE, is_in_vs_code=True) == BoardViewer(
        front_end=FrontEnd.VS_CODE, base_url="/user/ada/"
    )


@pytest.mark.parametrize(
    "environ",
    [
        {"MLMAGIC_SERVER": NOTICE},
        {"MLMAGIC_SERVER": NOTICE, "JPY_PARENT_PID": "8"},
        {"MLMAGIC_SERVER": server_notice(7, "/", "/other/.mlmagic"), "JPY_PARENT_PID": "7"},
        {"MLMAGIC_SERVER": "{", "JPY_PARENT_PID": "7"},
        {"MLMAGIC_SERVER": "[]", "JPY_PARENT_PID": "7"},
        {"MLMAGIC_SERVER": '{"pid": 7, "baseUrl": 1, "workspace": "/w/.mlmagic"}', "JPY_PARENT_PID": "7"},
        {"MLMAGIC_SERVER": '{"pid": 7}', "JPY_PARENT_PID": "7"},
    ],
)
def test_another_server_is_not(environ):
    assert viewer_of(environ, HERE) == BoardViewer()


@pytest.mark.parametrize(
    ("variable", "front_end"),
    [
        ("COLAB_RELEASE_TAG", FrontEnd.COLAB),
        ("KAGGLE_KERNEL_RUN_TYPE", FrontEnd.KAGGLE),
        ("VSCODE_CWD", FrontEnd.VS_CODE),
        ("VSCODE_GIT_IPC_HANDLE", FrontEnd.JUPYTER),
    ],
)
def test_front_ends_are_known_by_the_variables_that_they_alone_set(variable, front_end):
    assert viewer_of({variable: "x"}, HERE).front_end is front_end
    assert viewer_of({variable: ""}, HERE).front_end is FrontEnd.JUPYTER
