from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mlmagic.errors import UsageError
from mlmagic.tensorboards.flags import FLAGS, arguments, read_flags, read_words

GIVEN = {
    "port": "6007",
    "reload_interval": "0.5",
    "samples_per_plugin": "scalars=0,images=50",
    "window_title": "a title",
    "max_reload_threads": "4",
    "reload_task": "thread",
    "reload_multifile": "true",
    "reload_multifile_inactive_secs": "-1",
    "purge_orphaned_data": "false",
    "detect_file_replacement": "false",
    "generic_data": "true",
    "load_fast": "auto",
}
"""A value of each flag that goes on to TensorBoard."""


THEIRS = """
import argparse, json, sys, warnings
warnings.simplefilter("ignore")
from tensorboard.plugins.core.core_plugin import CorePluginLoader
parser = argparse.ArgumentParser()
CorePluginLoader().define_flags(parser)
takes_value = {action.dest: action.nargs != 0 for action in parser._actions if action.dest != "help"}
read = vars(parser.parse_args(sys.argv[1:]))
print(json.dumps([takes_value, {name: read[name] for name in GIVEN}]))
"""


def ask_tensorboard(*words: str) -> tuple[dict[str, bool], dict[str, object]]:
    """Return which flags TensorBoard has, and whether each takes a value; and how it reads some."""
    program = f"GIVEN = {sorted(GIVEN)!r}\n{THEIRS}"
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    takes_value, read = json.loads(done.stdout)
    return takes_value, read


def test_each_flag_of_tensorboard_is_known_and_no_other():
    takes_value, _ = ask_tensorboard()
    assert takes_value.pop("logdir")
    assert takes_value == {flag.name: flag.takes_value for flag in FLAGS}


def test_what_is_taken_is_taken_by_tensorboard_as_it_is_meant():
    flags, problems = read_flags(GIVEN)
    assert (flags, problems) == (dict(sorted(GIVEN.items())), [])
    _, read = ask_tensorboard(*arguments(flags))
    assert (read["port"], read["reload_interval"]) == (6007, 0.5)
    assert read["samples_per_plugin"] == {"scalars": 0, "images": 50}
    assert (read["reload_multifile"], read["purge_orphaned_data"]) == (True, False)
    assert (read["reload_multifile_inactive_secs"], read["window_title"]) == (-1, "a title")
    assert {flag.name for flag in FLAGS if flag.refusal is None} == {*GIVEN, "host", "logdir_spec"}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("port", 65_536, "--port must be a port from 1 to 65535, or default, not 65536."),
        ("reload_interval", "nan", "--reload_interval must be a number of seconds, 0 or more, not 'nan'."),
        ("samples_per_plugin", "images", "--samples_per_plugin must be names with numbers: scalars=500,images=0, not"),
        ("window_title", "a\nb", "--window_title must be a text, not 'a\\nb'."),
        ("window_title", 3, "--window_title must be a text, not 3."),
        ("max_reload_threads", 0, "--max_reload_threads must be a whole number from 1, not 0."),
        ("reload_task", "x", "--reload_task must be auto, thread, process or blocking, not 'x'."),
        ("reload_multifile", "yes", "--reload_multifile must be true or false, not 'yes'."),
        ("host", "::", "--host must be localhost, for whoever reaches another address could look at the board"),
        ("inspect", True, "--inspect does not go with a board: it prints something and shows no board; in a cell: "),
        ("path_prefix", "/x", "--path_prefix does not go with a board: a board has a secret path of its own."),
        ("db", "sqlite:x", "--db does not go with a board: a board reads the folders of jobs, and those that"),
        ("prot", 1, "--prot is no flag of TensorBoard. Did you mean --port?"),
        ("zzz", 1, "--zzz is no flag of TensorBoard."),
    ],
)
def test_what_is_not_taken_is_told_with_what_is(name, value, problem):
    flags, problems = read_flags({name: value})
    assert flags == {}
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_python_values_are_taken_too():
    assert read_flags({"reload-multifile": True, "port": 6006, "host": "127.0.0.1"}) == (
        {"port": "6006", "reload_multifile": "true"},
        [],
    )


def test_a_line_of_tensorboard_is_read():
    words = ["--logdir", "a", "--port=0", "--logdir=b c", "--bind_all", "--samples_per_plugin", "images=1"]
    flags, folders = read_words(words)
    assert folders == ["a", "b c"]
    assert flags == {"port": "0", "bind_all": "", "samples_per_plugin": "images=1"}


def test_all_words_that_are_none_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        read_words(["taxi", "--logdri", "x", "--port", "--tag"])
    assert caught.value.problems == (
        "taxi is no flag of TensorBoard. Did you mean --tag?",
        "--logdri is no flag of TensorBoard. Did you mean --logdir?",
        "--port needs a value.",
        "--tag needs a value.",
    )
