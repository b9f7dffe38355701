from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mlmagic.errors import UsageError
from mlmagic.magics.grammar import parse
from mlmagic.magics.jobs_table import JOBS
from mlmagic.magics.predict import PREDICT
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option
from mlmagic.magics.train import TRAIN

MODE = Magic(
    name="mode",
    command=Command(
        summary="try things",
        arguments=(Argument(name="name", metavar="NAME", help="a name", choices=("fast", "slow")),),
        options=(Option(name="level", metavar="N", kind=Kind.COUNT, default=3, help="how much"),),
    ),
)

FILES = Magic(
    name="files",
    command=Command(
        summary="try more",
        arguments=(Argument(name="name", metavar="NAME", help="a name"),),
        options=(
            Option(
                name="input", metavar="FILE…", kind=Kind.TEXT, is_repeatable=True, takes_several=True, help="some files"
            ),
            Option(name="wait", help="wait"),
        ),
    ),
)

BOTH = Magic(
    name="both",
    default="list",
    line_flag="--package",
    command=Command(
        summary="start one",
        arguments=(Argument(name="name", metavar="NAME", help="a name"),),
        options=(
            Option(name="package", metavar="DIR", kind=Kind.TEXT, help="a folder"),
            Option(name="tune", metavar="SPACE", kind=Kind.TEXT, bare="", help="a space"),
        ),
        takes_program=True,
        body="code",
    ),
    subcommands={"list": Command(summary="list them", takes_program=True)},
)


def train(line, body="x = 1\n", **namespace):
    return parse(TRAIN, line, body, namespace)


def error(magic, line, body=None, **namespace):
    with pytest.raises(UsageError) as caught:
        parse(magic, line, body, namespace)
    return str(caught.value)


def test_a_full_line():
    parsed = train("taxi --model m --set-default --label a=1 --label b=x=y --timeout 15m --wait -- --epochs 5 --wait")
    assert (parsed["name"], parsed["model"], parsed["set_default"], parsed["wait"]) == ("taxi", "m", True, True)
    assert (parsed["label"], parsed["timeout"]) == ({"a": "1", "b": "x=y"}, "15m")
    assert parsed.program == ("--epochs", "5", "--wait")


def test_defaults():
    parsed = train("taxi")
    assert (parsed["model"], parsed["wait"], parsed["with"], parsed["label"]) == (None, False, [], {})
    assert parse(JOBS, "")["limit"] == 50


def test_snake_case_and_equals_signs_are_taken():
    parsed = train("--set_default --dry_run --model=m taxi")
    assert (parsed["name"], parsed["set_default"], parsed["dry_run"], parsed["model"]) == ("taxi", True, True, "m")


@pytest.mark.parametrize(
    "line",
    [
        "n --input a 'b c' --wait",
        "n --input a --wait --input='b c'",
        "--input a n 'b c' --wait",
        "--wait n --input=a b\\ c",
    ],
)
def test_a_flag_may_take_several_words(line):
    parsed = parse(FILES, line)
    assert (parsed["name"], parsed["input"], parsed["wait"]) == ("n", ["a", "b c"], True)


def test_several_words_end_with_the_next_flag():
    assert error(FILES, "n --input a --wait b") == "%files: b is too much\nHelp: %files --help"
    assert error(FILES, "n --input --wait") == "%files: --input needs a value: --input FILE…\nHelp: %files --help"


def test_the_line_goes_on_after_a_backslash():
    parsed = train("taxi \\", "  --wait \\\n -- --epochs 5\nx = 1\ny = 2\n")
    assert parsed["wait"] is True
    assert (parsed.program, parsed.body, parsed.body_first_line) == (("--epochs", "5"), "x = 1\ny = 2\n", 4)
    assert parsed.invocation == "%%train taxi --wait -- --epochs 5"


def test_a_line_that_goes_on_into_nothing():
    assert error(TRAIN, "taxi \\", "") == "the line ends with a backslash, and no line follows."


def test_names_and_expressions_are_expanded():
    frame = object()
    parsed = parse(PREDICT, "$model {rows[0]}", None, {"model": "taxi", "rows": [frame]})
    assert (parsed["model"], parsed["data"]) == ("taxi", frame)
    assert train("taxi --timeout={2 * n} --label run={n}", n=30)["timeout"] == "60"


def test_quotes_and_doubled_dollars_are_literal():
    parsed = train("taxi --label a=$n --label '{n}'=1 --model '$n' --timeout $$n", n=1)
    assert parsed["label"] == {"a": "$n", "{n}": "1"}
    assert (parsed["model"], parsed["timeout"]) == ("$n", "$n")


def test_after_the_separator_only_whole_names_are_expanded():
    parsed = train("taxi -- $n $path {n} --x=$n $$n '$n'", n=5, path=Path("a b"))
    assert parsed.program == ("5", "a b", "{n}", "--x=$n", "$n", "$n")


def test_an_object_is_no_program_argument():
    assert error(TRAIN, "taxi -- $rows", "x", rows=[1]) == (
        "%%train: $rows is a list; after -- it must be a string, a number or a path, for it becomes text"
        " (To ship a DataFrame or an array as a data file: --with rows)\nHelp: %%train --help"
    )


def test_an_unknown_name_offers_the_nearest():
    assert error(PREDICT, "taxi $tripz", trips=1, other=2) == (
        "%predict: $DATA: the notebook has no name 'tripz' (Did you mean trips?)\nHelp: %predict --help"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1}', "is not an expression in braces: "),
        ("$rows[:5]", "is more than a name, and only names are replaced (An expression needs braces: {rows[:5]}. "),
        ("$rows.head()", "is more than a name, and only names are replaced (An expression needs braces: {rows.head()}"),
        ("{1 / 0}", "failed: ZeroDivisionError: division by zero"),
    ],
)
def test_an_expression_that_fails(text, told):
    assert f"$DATA: {text} {told}" in error(PREDICT, f"taxi {text}", rows=[])


def test_a_program_flag_before_the_separator():
    assert error(TRAIN, "taxi --epochs 5", "x") == (
        "%%train: --epochs is no flag of %%train.\n"
        "A flag of your program goes after a bare --: %%train taxi -- --epochs 5"
    )


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("--epochs 5 taxi", "taxi -- --epochs 5"),
        ("--verbose taxi", "taxi -- --verbose"),
        ("taxi --layers 64 32 --wait", "taxi --wait -- --layers 64 32"),
        ("taxi --rate=0.1 -- --epochs 5", "taxi -- --rate=0.1 --epochs 5"),
        ("taxi --title 'a b' --x", "taxi -- --title 'a b' --x"),
        ("-x", "NAME -- -x"),
        ("taxi job -x", "taxi -- job -x"),
    ],
)
def test_the_mended_line(line, mended):
    assert error(TRAIN, line, "x").endswith(f"%%train {mended}")


def test_an_unknown_flag_offers_the_nearest():
    assert error(JOBS, "list --limt 5") == (
        "%jobs list: --limt is no flag of %jobs list. Did you mean --limit?\nHelp: %jobs list --help"
    )


@pytest.mark.parametrize("flag", ["--dryrun", "--dry--run"])
def test_a_flag_with_other_dashes_is_surely_ours(flag):
    assert error(TRAIN, f"taxi {flag}", "x") == (
        f"%%train: {flag} is no flag of %%train. Did you mean --dry-run?\nHelp: %%train --help"
    )


def test_two_flags_that_are_equally_near_are_both_offered():
    assert "--wiat is no flag of %%train. Did you mean --with or --wait?" in error(TRAIN, "taxi --wiat", "x")


def test_words_of_python_are_no_variables():
    assert "--into: class is no name of a variable" in error(TRAIN, "taxi --into class", "x")


def test_all_that_is_wrong_is_told_at_once():
    assert error(TRAIN, "--wait --wait --wait=1 --label x --label a=1 --label a=2 --with 3x --model", "x") == (
        "%%train cannot read this line:\n"
        "  - --wait is given twice\n"
        "  - --wait takes no value\n"
        "  - --label: 'x' has not the form key=value\n"
        "  - --label a=… is given twice\n"
        "  - --with: 3x is no name of a variable\n"
        "  - --model needs a value: --model MODEL\n"
        "  - NAME is missing: the job's display name, and the model's unless --model is given\n"
        "Help: %%train --help"
    )


def test_too_many_words():
    assert error(TRAIN, "my taxi job", "x") == (
        "%%train: taxi job is too much: a name is one word, and an argument of your program goes after --: -- taxi job"
        "\nHelp: %%train --help"
    )
    assert error(JOBS, "wait a b") == "%jobs wait: b is too much\nHelp: %jobs wait --help"


def test_a_filter_without_quotes():
    assert error(JOBS, "--filter state=FAILED createTime>-P1D") == (
        "%jobs list: createTime>-P1D is too much: a filter of several words stands in quotes: "
        '--filter "state=FAILED createTime>-P1D"\nHelp: %jobs list --help'
    )


def test_values_out_of_range():
    assert error(MODE, "fst --level 0") == (
        "%mode cannot read this line:\n"
        "  - --level: '0' is no whole number from 1\n"
        "  - NAME cannot be 'fst'. Did you mean fast?\nHelp: %mode --help"
    )


def test_a_flag_given_twice_is_an_error_unless_it_may_be():
    assert error(TRAIN, "taxi --model a --model b", "x").startswith("%%train: --model is given twice\n")
    assert train("taxi --with a --with $b")["with"] == ["a", "b"]


def test_a_magic_that_runs_no_program():
    assert error(JOBS, "list -- x") == (
        "%jobs list: it runs no program, so nothing can follow --\nHelp: %jobs list --help"
    )


def test_an_unknown_subcommand_offers_the_nearest():
    assert error(JOBS, "dscribe taxi") == (
        "%jobs has no subcommand 'dscribe'. Did you mean describe?\n"
        "Subcommands: list, describe, logs, cancel, wait, rerun, diff, compare, watch, delete. More: %jobs --help"
    )


def test_a_job_in_place_of_a_subcommand():
    assert error(JOBS, "taxi").startswith("%jobs has no subcommand 'taxi'. To look at one: %jobs describe taxi\n")


def test_a_default_subcommand_takes_flags():
    assert parse(JOBS, "--limit 3")["limit"] == 3
    values = {"job": "taxi", "follow": True, "tail": 5, "role": None, "grep": None}
    assert parse(JOBS, "logs taxi -f --tail 5").values == values


def test_an_object_where_text_is_needed():
    assert "--model: $rows is a list; a text is needed" in error(TRAIN, "taxi --model $rows", "x", rows=[])
    assert train("taxi --export $place", place=Path("out"))["export"] == "out"


@pytest.mark.parametrize("line", ["--help", "taxi --unknown -h", "taxi --help -- x"])
def test_help_comes_before_all_errors(line):
    assert train(line).wants_help
    assert not train("taxi -- --help").wants_help


def test_the_last_argument_may_take_all_words():
    assert parse(JOBS, "cancel taxi $other --filter x=1", namespace={"other": "boats"})["jobs"] == ["taxi", "boats"]
    assert parse(JOBS, "cancel")["jobs"] == []
    assert parse(JOBS, "cancel taxi")["jobs"] == ["taxi"]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("labels.owner=$user", 'labels.owner="Ada \\"L\\""'),
        ('"state=FAILED (flags.n>$n)"', "state=FAILED (flags.n>3)"),
        ("'displayName=$names createTime>$day'", 'displayName=("a" "b") createTime>"2026-01-31"'),
        ("$text", "state=FAILED"),
        ("'error~$$user'", "error~$user"),
        ("""'error="$user"'""", 'error="$user"'),
        ("'error~x$ AND a=$flag'", "error~x$ AND a=true"),
        ("error~pre$user", "error~pre$user"),
    ],
)
def test_values_within_a_filter_are_expanded(typed, read):
    namespace = {"user": 'Ada "L"', "n": 3, "names": ["a", "b"], "text": "state=FAILED", "flag": True}
    namespace["day"] = date(2026, 1, 31)
    assert parse(JOBS, f"--filter {typed}", namespace=namespace)["filter"] == read


def test_unknown_names_in_a_filter_are_told():
    assert "the notebook has no name 'usr' (Did you mean user?)" in error(JOBS, "--filter a=$usr", user="ada")
    assert "$user is a object; in a filter it must be text" in error(JOBS, "--filter a=$user", user=object())


@pytest.mark.parametrize(
    ("line", "body", "subcommand"),
    [("list", None, "list"), ("", None, "list"), ("list", "x = 1", None), ("list --package d", None, None)],
)
def test_a_cell_is_the_command_and_a_line_a_subcommand(line, body, subcommand):
    assert parse(BOTH, line, body, {}).subcommand == subcommand


def test_a_line_is_the_command_only_by_its_own_flag():
    assert parse(BOTH, "list -- --package d", None, {}).subcommand == "list"
    assert error(BOTH, "taxi").startswith("%both has no subcommand 'taxi'.")
    assert error(BOTH, "taxi --tune x").startswith("%both has no subcommand 'taxi'. To both a cell: %%both taxi\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("taxi", None),
        ("taxi --tune", ""),
        ("--tune taxi", ""),
        ("taxi --tune lr=1..2", "lr=1..2"),
        ("--tune=lr=1..2 taxi", "lr=1..2"),
        ("taxi --tune --package d", ""),
        ("taxi --tune -- 3", ""),
    ],
)
def test_a_flag_may_stand_alone(line, value):
    parsed = parse(BOTH, line, "x = 1", {})
    assert (parsed["name"], parsed["tune"]) == ("taxi", value)
