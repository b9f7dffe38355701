"""From files to a dataset, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.errors import MlmagicError, UsageError
from mlmagic.preprocessing.main import main
from mlmagic.spec.dataset import Column, ColumnType, SplitBy

from .conftest import Dataset, Preprocess


@pytest.fixture
def rides(tmp_path: Path) -> Path:
    """A thousand rides."""
    lines = ["id,fare,company,day"]
    lines += [f"r{n},{n % 50}.5,{'ABC'[n % 3]} cab,2013-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(1000)]
    path = tmp_path / "rides.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def ids(dataset: Dataset, split: str) -> set[object]:
    return {row["id"] for row in dataset.rows(split)}


def test_a_file_becomes_three_splits_with_all_that_is_known(rides: Path, preprocess: Preprocess) -> None:
    dataset = preprocess(rides, "--target", "fare", "--key", "id")
    names = {"train": 1, "eval": 1, "test": 1}
    assert {split: len(dataset.shards(split)) for split in names} == names
    assert sum(dataset.schema.rows.values()) == 1000
    assert dataset.schema.columns == (
        Column(name="id", type=ColumnType.STRING),
        Column(name="fare", type=ColumnType.FLOAT),
        Column(name="company", type=ColumnType.STRING),
        Column(name="day", type=ColumnType.DATE),
    )
    assert (dataset.schema.target, dataset.schema.key) == ("fare", "id")
    assert dataset.statistics.splits["train"].rows == dataset.schema.rows["train"] > 700
    assert dataset.origin.inputs[0].path == str(rides)
    assert [path.name for path in dataset.folder.iterdir() if path.name.startswith(".")] == []


def test_statistics_of_the_training_split_make_features(rides: Path, preprocess: Preprocess) -> None:
    schema = preprocess(rides, "--target", "fare", "--key", "id").schema
    assert schema.are_features_inferred
    assert "company" in schema.features
    assert not {"fare", "id"} & set(schema.features)


def test_declared_features_stand_in_the_schema_in_normal_form(rides: Path, preprocess: Preprocess) -> None:
    schema = preprocess(rides, "--target", "fare", cell="features = dict(company='categorical', id='text')").schema
    assert not schema.are_features_inferred
    assert list(schema.features) == ["company", "id"]
    assert isinstance(schema.features["company"], dict)


def test_words_of_declared_text_are_counted(rides: Path, preprocess: Preprocess) -> None:
    statistics = preprocess(rides, "--target", "fare", cell="features = {'company': 'text'}").statistics
    company = statistics.splits["train"].column("company")
    assert company is not None
    assert company.tokens is not None
    assert company.tokens.values[0].value == "cab"


def test_a_key_keeps_its_split_whatever_else_is_there(rides: Path, preprocess: Preprocess, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("company,id,fare,day\n" + "".join(f"x,r{n},1.0,\n" for n in range(500, 1500)), "utf-8")
    first = preprocess(rides, "--target", "fare", "--key", "id")
    second = preprocess(other, "--target", "fare", "--key", "id")
    for split in ("train", "eval", "test"):
        assert ids(first, split) & {f"r{n}" for n in range(500, 1000)} == ids(second, split) & {
            f"r{n}" for n in range(500, 1000)
        }


def test_times_divide_by_fractions(rides: Path, preprocess: Preprocess) -> None:
    dataset = preprocess(rides, "--split-time", "day", "--split", "train=0.5,eval=0.5")
    train, later = (dataset.table(split)["day"].to_pylist() for split in ("train", "eval"))
    assert max(train) < min(later)
    assert abs(len(train) - 500) <= 10
    assert dataset.schema.split.by is SplitBy.TIME
    assert dataset.schema.split.starts["eval"].date() <= min(later)


def test_times_divide_at_given_starts(rides: Path, preprocess: Preprocess) -> None:
    dataset = preprocess(rides, "--split-time", "day", "--split", "eval=2013-11-01,test=2013-12-01")
    months = {split: {day.month for day in dataset.table(split)["day"].to_pylist()} for split in dataset.schema.rows}
    assert months == {"train": set(range(1, 11)), "eval": {11}, "test": {12}}


def test_rows_are_cleaned_by_the_cell(rides: Path, preprocess: Preprocess) -> None:
    cell = """
        import pyarrow as pa
        import pyarrow.compute as pc

        def clean(batch: pa.RecordBatch):
            return batch.filter(pc.greater(batch["fare"], 10)).drop_columns(["day"])
    """
    dataset = preprocess(rides, "--target", "fare", cell=cell)
    counts = dataset.statistics.rows
    assert (counts.read, counts.written, counts.removed) == (1000, 800, 200)
    assert [column.name for column in dataset.schema.columns] == ["id", "fare", "company"]


def test_the_three_ways_to_clean_give_the_same(rides: Path, preprocess: Preprocess) -> None:
    arrow = """
        import pyarrow as pa, pyarrow.compute as pc
        def clean(t: pa.Table):
            t = t.set_column(1, "fare", pc.multiply(t["fare"], 2))
            return t.filter(pc.greater(t["fare"], 10))
    """
    frame = """
        def clean(frame):
            frame["fare"] *= 2
            return frame[frame.fare > 10]
    """
    row = """
        def clean_row(row):
            row["fare"] *= 2
            return row if row["fare"] > 10 else None
    """
    datasets = [preprocess(rides, "--target", "fare", cell=cell) for cell in (arrow, frame, row)]
    assert all(each.rows("train") == datasets[0].rows("train") for each in datasets)
    texts = {(each.folder / "statistics.json").read_text("utf-8") for each in datasets}
    assert len(texts) == 1


def test_rows_without_a_target_are_rejected_and_written_aside(tmp_path: Path, preprocess: Preprocess) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,fare\n" + "".join(f"{n},{'' if n % 10 == 0 else n}\n" for n in range(200)), "utf-8")
    dataset = preprocess(path, "--target", "fare", "--max-rejected", "10%")
    assert dataset.statistics.rows.rejected == {"target fare is missing": 20}
    assert dataset.statistics.rows.samples[0].text == '{"id": 0, "fare": null}'
    rejected = pq.read_table(dataset.folder / "rejected" / "rejected-00000-of-00001.parquet")
    assert rejected["reason"].to_pylist() == ["target fare is missing"] * 20


def test_rows_with_an_infinite_target_are_rejected(tmp_path: Path, preprocess: Preprocess) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,fare\n" + "".join(f"{n},{'-inf' if n == 7 else n / 2}\n" for n in range(200)), "utf-8")
    assert preprocess(path, "--target", "fare").statistics.rows.rejected == {"target fare is infinite": 1}
    assert preprocess(path, "--target", "id", "--key", "fare").statistics.rows.written == 200


def test_too_many_rejected_rows_fail_the_run_with_samples(tmp_path: Path, preprocess: Preprocess) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,fare\n" + "".join(f"{n},{'' if n % 10 == 0 else n}\n" for n in range(200)), "utf-8")
    with pytest.raises(MlmagicError) as caught:
        preprocess(path, "--target", "fare")
    assert "Mend or leave out such rows in clean, or raise --max-rejected." in caught.value.message
    assert caught.value.message.startswith("20 of 200 rows were rejected: more than --max-rejected 1% allows.")
    assert "20 times target fare is missing" in caught.value.message
    assert f'such as {path}: target fare is missing in {{"id": 0, "fare": null}}' in caught.value.message
    assert list((tmp_path / "dataset-0").iterdir()) == []


def test_rows_with_text_among_numbers_have_advice_of_their_own(tmp_path: Path, preprocess: Preprocess) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,fare\n" + "".join(f"{n},{'n.v.' if n == 4000 else n}\n" for n in range(5000)), "utf-8")
    with pytest.raises(MlmagicError) as caught:
        preprocess(path, "--max-rejected", "0", "--types", "fare=integer")
    assert (
        "Say what stands for a missing value, with --null-values; or read as text, with --types fare=string, "
        "and mend it in clean; or raise --max-rejected."
    ) in caught.value.message


def test_a_dataset_needs_rows_to_train_on(rides: Path, preprocess: Preprocess) -> None:
    with pytest.raises(MlmagicError, match="No row is left to train on: of 1,000 that were read, 1,000 were removed"):
        preprocess(rides, cell="def clean(frame): return frame[frame.fare < 0]")


def test_columns_that_do_not_fit_are_told_before_the_run(rides: Path, preprocess: Preprocess) -> None:
    with pytest.raises(UsageError) as caught:
        preprocess(rides, "--target", "fair", "--key", "ids", "--split-time", "company")
    assert caught.value.problems == (
        "--target fair: no such column. Did you mean fare?",
        "--key ids: no such column. Did you mean id?",
        "--split-time company: its values are of type string, neither timestamps nor dates",
    )
    assert caught.value.hint == "The cleaned rows have: id, fare, company, day."


def test_a_declaration_that_does_not_fit_is_told_before_the_run(rides: Path, preprocess: Preprocess) -> None:
    with pytest.raises(UsageError, match="companyy"):
        preprocess(rides, cell="features = {'companyy': 'categorical'}")


def test_an_output_that_is_not_empty_is_left_alone(rides: Path, write_cell: Callable[[str], str], folder: Path) -> None:
    with pytest.raises(UsageError, match=r"--output \. is not an empty folder: it has "):
        main(write_cell(""), ["--input", str(rides), "--output", "."])
    assert rides.exists()


def test_what_a_killed_run_left_is_removed(rides: Path, preprocess: Preprocess, tmp_path: Path) -> None:
    left = tmp_path / "dataset-0" / ".parts-0123456789ab"
    left.mkdir(parents=True)
    assert sum(preprocess(rides).schema.rows.values()) == 1000
    assert not left.exists()


def test_columns_that_differ_between_batches_are_an_error(tmp_path: Path, preprocess: Preprocess) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"n": range(100_000), "x": [1.0] * 100_000}), path, row_group_size=20_000)
    cell = "def clean(frame): return frame if frame.n.min() < 20_000 else frame.drop(columns='x')"
    with pytest.raises(MlmagicError, match=r"one lacks x \(the first had n, x\)"):
        preprocess(path, cell=cell)
    assert list((tmp_path / "dataset-0").iterdir()) == []


def test_the_last_words_sum_it_up(rides: Path, preprocess: Preprocess, capsys: pytest.CaptureFixture[str]) -> None:
    preprocess(rides, "--split", "train=1", cell="features = {'fare': 'numeric'}")
    lines = capsys.readouterr().out.splitlines()
    size = f"{rides.stat().st_size:,}"
    assert f"Read {size} of {size} bytes: 1,000 rows" in lines
    assert "1,000 rows of 1,000: train 1,000" in lines
    assert "0 removed by clean, 0 rejected" in lines
    assert lines[-1] == "  fare: {type: numeric, scale: standard}"
