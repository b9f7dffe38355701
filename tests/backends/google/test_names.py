"""Labels and paths."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mlmagic.backends.google.names import attempt_filter, job_labels, label_value, mounted, output_directory

JOB = "taxi-20260131-123015-0a1b"


@given(st.text(min_size=1, max_size=200))
def test_any_text_becomes_a_label(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{1,63}", label_value(text), re.ASCII)


def test_ids_that_differ_by_their_case_have_different_labels() -> None:
    assert label_value(JOB) == JOB
    assert label_value(JOB.title()) != label_value(JOB)
    assert label_value("a" * 100) != label_value("a" * 101)


def test_the_users_labels_do_not_hide_ours() -> None:
    labels = job_labels(JOB, 2, "abc", {"owner": "ada", "mlmagic-job": "another"})
    assert labels == {"owner": "ada", "mlmagic-job": JOB, "mlmagic-attempt": "2", "mlmagic-workspace": "abc"}


def test_an_attempt_is_found_by_all_of_its_labels() -> None:
    found = attempt_filter(JOB, 2, "abc")
    assert found == f'labels.mlmagic-attempt="2" AND labels.mlmagic-job="{JOB}" AND labels.mlmagic-workspace="abc"'


def test_containers_see_a_bucket_as_a_folder() -> None:
    assert mounted(output_directory("gs://b", JOB)) == f"/gcs/b/mlmagic/jobs/{JOB}"
