from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlmagic.server.openapi_nouns import reachable, wire_fields
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobState, Placement
from mlmagic.spec.model import TensorSpec
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import EndpointRow, Headline, JobRow, LogLine, ModelRow, Problem
from mlmagic.spec.usage import Usage
from tools import panel_types

ROOT = Path(__file__).parents[2]


def test_the_file_is_what_the_nouns_say() -> None:
    written = (ROOT / panel_types.TARGET).read_text("utf-8")
    assert written == panel_types.render(), "python -m tools.panel_types"


def test_the_check_says_how_to_write_it_anew(tmp_path: Path) -> None:
    (tmp_path / "labextension/src").mkdir(parents=True)
    (tmp_path / panel_types.TARGET).write_text("// stale\n")
    command = [sys.executable, ROOT / "tools/panel_types.py"]
    checked = subprocess.run([*command, "--check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert checked.stdout == (
        "labextension/src/types.ts is not what the nouns say. Write it anew: python -m tools.panel_types\n"
    )
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([*command, "--check"], cwd=tmp_path, check=False).returncode == 0


def test_a_noun_becomes_an_interface_with_its_words() -> None:
    text = panel_types.render()
    assert (
        "/** The metric by which a job is told from others at a glance. */\n"
        "export interface Headline {\n"
        "  name: string;\n"
        "  value: Float;\n"
        "  /** Its values over time, by step; of many a part, with the first and the last. */\n"
        "  points?: Float[];\n"
        "}\n"
    ) in text


def test_an_enum_becomes_a_union_of_its_values() -> None:
    values = " | ".join(f"'{state.value}'" for state in JobState)
    assert f"export type JobState = {values};" in panel_types.render()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("  shape: (number | null)[];", "None within a tuple is written"),
        ("  example?: string | boolean | number | Float;", "a union keeps its kinds"),
        ("  bundle?: Record<string, unknown>;", "an object can be anything"),
        ("  replicas: Record<string, number>;", "a mapping that has a default of its own is never left out"),
    ],
)
def test_types_that_are_more_than_a_word(line: str, why: str) -> None:
    assert line in panel_types.render(), why


@pytest.mark.parametrize(
    "noun",
    [
        Headline(name="loss", value=float("nan")),
        ModelRow(name="taxi", versions=0),
        LogLine(text=""),
        Problem(message="no"),
        EndpointRow(name="taxi", model="taxi", state="DOWN"),
        Placement(replicas={}),
        TensorSpec(name="x", dtype="int64", shape=()),
        Usage(),
    ],
)
def test_what_may_be_left_out_is_what_the_codec_leaves_out(noun: Noun) -> None:
    written = encode(noun)
    always = {field.key for field in wire_fields(type(noun)) if not field.is_left_out}
    assert always <= written.keys()


def test_all_that_is_within_an_answer_is_described() -> None:
    names = {kind.__name__ for kind in reachable(JobRow)}
    assert {"JobRow", "JobSummary", "JobState", "JobKind", "Origin", "Headline"} == names
