from __future__ import annotations

import pytest

from mlmagic.errors import UsageError
from mlmagic.filters.parser import parse
from mlmagic.filters.tree import And, Not, Operator, Or, Term, Value, about_trials


def term(text: str) -> Term:
    """`state=FAILED`, without the help of the parser."""
    key, value = text.split("=")
    return Term(key, Operator.EQUAL, (Value(value),))


A, B, C, D = (term(f"labels.{letter}=1") for letter in "abcd")


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("", And(())),
        ("  \n ", And(())),
        ("a", A),
        ("(((a)))", A),
        ("NOT a", Not(A)),
        ("-a", Not(A)),
        ("-(a OR b)", Not(Or((A, B)))),
        ("NOT (a OR b)", Not(Or((A, B)))),
        ("NOT -a", Not(Not(A))),
        ("a AND b AND c", And((A, B, C))),
        ("a OR b OR c", Or((A, B, C))),
        ("a b c", And((A, B, C))),
        ("a OR b c", And((Or((A, B)), C))),
        ("a b OR c", And((A, Or((B, C))))),
        ("a AND b c", And((And((A, B)), C))),
        ("(a AND b) OR c", Or((And((A, B)), C))),
        ("a AND (b OR c) AND d", And((A, Or((B, C)), D))),
        ("a NOT b", And((A, Not(B)))),
        ("a(b OR c)d", And((A, Or((B, C)), D))),
    ],
)
def test_structure(text: str, root: object) -> None:
    spelled = "".join(f"labels.{letter}=1" if letter in "abcd" else letter for letter in text)
    assert parse(spelled).root == root
    assert parse(spelled).text == spelled


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("flags.x=5", [Value("5")]),
        ('flags.x="5"', [Value("5", is_quoted=True)]),
        ("flags.x='it is'", [Value("it is", is_quoted=True)]),
        ("flags.x = a,b:c=d<e", [Value("a,b:c=d<e")]),
        ("flags.x=-5", [Value("-5")]),
        (r"flags.x=a\"b", [Value('a"b')]),
        (r'flags.x="a\"b\\c\d"', [Value(r"a\"b\c\d".replace(r"\"", '"'), is_quoted=True)]),
        (r"flags.x=\d+\.", [Value(r"\d+\.")]),
        ("flags.x=a' 'b", [Value("a b", is_quoted=True)]),
        ("flags.x=''", [Value("", is_quoted=True)]),
        ("flags.x=(a b)", [Value("a"), Value("b")]),
        ("flags.x=( a , 'b c',d )", [Value("a"), Value("b c", is_quoted=True), Value("d")]),
        ("flags.x=(a OR b OR c)", [Value("a"), Value("b"), Value("c")]),
        ("flags.x:(a)", [Value("a")]),
        ("flags.x='AND'", [Value("AND", is_quoted=True)]),
    ],
)
def test_values(text: str, values: list[Value]) -> None:
    root = parse(text).root
    assert isinstance(root, Term)
    assert list(root.values) == values


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("jobId=x", "id"),
        ("id=x", "id"),
        ("display_name=x", "displayName"),
        ("spec.displayName=x", "displayName"),
        ("spec.resources.scale_tier=x", "scaleTier"),
        ("scaleTier=x", "scaleTier"),
        ("error:x", "error.message"),
        ("labels.my-label=x", "labels.my-label"),
        ("spec.labels.my_label=x", "labels.my_label"),
        ("'labels.two words'=x", "labels.two words"),
        ("metrics.val_loss<1", "metrics.val_loss"),
        ("versions.jupyter.core=x", "versions.jupyter.core"),
        ("placement.replicas.worker=2", "placement.replicas.worker"),
    ],
)
def test_keys(text: str, key: str) -> None:
    root = parse(text).root
    assert isinstance(root, Term)
    assert root.key == key


@pytest.mark.parametrize("operator", Operator)
@pytest.mark.parametrize("space", ["", " ", "\n\t"])
def test_operators(operator: Operator, space: str) -> None:
    root = parse(f"flags.x{space}{operator}{space}1").root
    assert root == Term("flags.x", operator, (Value("1"),))


@pytest.mark.parametrize(
    ("text", "what", "caret", "hint"),
    [
        ("state=FAILED and kind=training", "expected an operator after 'and'", 13, "upper-case: write AND"),
        ("state=FAILED or kind=training", "expected an operator after 'or'", 13, "upper-case: write OR"),
        ("not state=FAILED", "expected an operator after 'not'", 0, "upper-case: write NOT"),
        ("state==FAILED", "there is no operator ==", 5, "Equal is a single ="),
        ("priority=>3", "there is no operator =>", 8, "Write >= for at least"),
        ("priority=<3", "there is no operator =<", 8, "Write <= for at most"),
        ("priority<>3", "there is no operator <>", 8, "Write != for unequal"),
        ("model=~x", "there is no operator =~", 5, "follows a single ~"),
        ("displayName=my job", "expected an operator after 'job'", 15, 'needs quotes: "my job"'),
        ("census", "expected an operator after 'census'", 0, "Did you mean displayName:census?"),
        ("state=FAILED & kind=training", "expected an operator after '&'", 13, "Write AND."),
        ("state=FAILED | kind=training", "expected an operator after '|'", 13, "Write OR."),
        ("state=FAILED || kind=training", "expected an operator after '||'", 13, "Write OR."),
        ("!state=FAILED", "expected a term", 0, "Write NOT."),
        ("priority=1 AND attempt=1 OR fresh=true", "AND and OR are mixed", 25, "in parentheses: (state=FAILED AND"),
        ("priority=1 OR attempt=1 AND fresh=true", "AND and OR are mixed", 24, "in parentheses"),
        ("displayName='my job", "this quote is never closed", 12, "Write ' where the text ends"),
        ("(state=FAILED", "this parenthesis is never closed", 0, "Write ) where it ends"),
        ("state=(FAILED", "this parenthesis is never closed", 6, "Write ) after the last value"),
        ("state=FAILED)", "no parenthesis is open here", 12, "Remove it"),
        ("()", "expected a term", 1, "Remove it."),
        ("state=FAILED AND", "expected a term", 16, "Complete it"),
        ("AND state=FAILED", "expected an operator after 'AND'", 0, "AND stands between terms"),
        ("state=", "expected a value here", 6, 'written ""'),
        ("state=AND", "expected a value, not AND", 6, 'write "AND"'),
        ("state=()", "expected a value in the parentheses", 6, ""),
        ("priority<(1 2)", "only : and = take several values", 9, ""),
        ("stat=FAILED", "there is no key 'stat'", 0, "Did you mean state"),
        ("labels=x spec.package=x", "there is no key 'spec.package'", 9, "has parts: package.coldReason"),
        ("displayname=x", "there is no key 'displayname'", 0, "Did you mean displayName?"),
        ("qqqq=x", "there is no key 'qqqq'", 0, "such as jobId, displayName, state"),
        ("labels.=x", "there is no key 'labels.'", 0, ""),
        ("state=RUNING", "no job has the state 'RUNING'", 6, "Did you mean RUNNING"),
        ("kind=(training tunning)", "no job has the kind 'tunning'", 15, "tuning"),
        ("createTime>yesterday", "createTime is a time, and 'yesterday' is none", 11, "-P2W, -PT1H"),
        ("createTime>-1D", "createTime is a time, and '-1D' is none", 11, "Did you mean -P1D?"),
        ("createTime>2h", "createTime is a time, and '2h' is none", 11, "Did you mean -PT2H?"),
        ("createTime>2026-02-30", "createTime is a time", 11, "2026-01-31"),
        ("priority>high", "priority is a number, and 'high' is none", 9, ""),
        ("model~'('", "'(' is not a regular expression: missing )", 6, "as it stands: \\("),
        ("jobId:*census", "a * stands at the end of a word", 6, "Use a regular expression: ~'.*census'"),
        ("jobId:''", "expected a word", 6, "for empty text key="),
        ("model=a\0b", "this character cannot be searched for", 7, ""),
        ("(" * 25 + "state=FAILED" + ")" * 25, "parentheses are nested more than 20", 20, ""),
    ],
)
def test_errors_say_where_and_how_to_mend(text: str, what: str, caret: int, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text)
    first, shown, marker, *rest = str(raised.value).split("\n")
    assert first.startswith(f"the filter cannot be read: {what}")
    assert shown == f"  {text}".replace("\0", " ")
    assert marker == f"  {' ' * caret}^"
    assert hint in "\n".join(rest)


def test_a_long_filter_is_shown_around_the_error() -> None:
    text = " ".join(f"labels.a{n}=1" for n in range(100)) + " oops " + " ".join(f"labels.b{n}=1" for n in range(100))
    with pytest.raises(UsageError) as raised:
        parse(text)
    _, shown, marker, *_ = str(raised.value).split("\n")
    assert shown[marker.index("^") :].startswith("oops")
    assert len(shown) < 80


def test_a_filter_has_an_end() -> None:
    with pytest.raises(UsageError, match=r"at most 10,000 characters; this one has 10,001"):
        parse("a" * 10_001)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parent=flights", True),
        ("state=FAILED OR NOT trial>3", True),
        ("-(labels.trial=3 OR state=FAILED)", False),
        ("kind=training", False),
    ],
)
def test_a_filter_about_trials_names_their_keys(text: str, *, expected: bool) -> None:
    assert about_trials(parse(text)) is expected
