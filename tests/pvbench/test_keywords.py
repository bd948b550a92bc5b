"""The expressions of -k."""

from __future__ import annotations

import pytest
from _pytest.mark.expression import Expression
from hypothesis import example, given
from hypothesis import strategies as st

from pvbench.errors import UsageError
from pvbench.keywords import Keywords

NAMES = (
    "norov.broadcast x2apic-cluster dense:8 halted linux-4.19 model@local skylake-2018",
    "norov.broadcast-lock kvm-pv/x2apic-cluster dense:80/32-bit/on2 halted linux-4.19 "
    "kvm@local",
    "fanout.fanout:4:packed kvm-pv/x2apic-physical ids:0,128 running linux-4.19 model@local",
)


def matching(expression: str) -> list[int]:
    """The numbers of the names that match."""
    keywords = Keywords.parsed(expression)
    return [number for number, name in enumerate(NAMES) if keywords.matches(name)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("", [0, 1, 2], id="empty"),
        pytest.param(" \t\n", [0, 1, 2], id="blank"),
        pytest.param("broadcast", [0, 1], id="a-word-anywhere"),
        pytest.param("roadcas", [0, 1], id="a-part-of-a-word"),
        pytest.param("BroadCast", [0, 1], id="either-case"),
        pytest.param("ids:0,128", [2], id="a-list-of-ids"),
        pytest.param("broadcast and not lock", [0], id="not"),
        pytest.param("not kvm-pv", [0], id="not-first"),
        pytest.param("not not kvm-pv", [1, 2], id="not-twice"),
        pytest.param("not kvm-pv or lock", [0, 1], id="not-before-or"),
        pytest.param("lock or cluster and dense:8", [0, 1], id="and-before-or"),
        pytest.param("(lock or fanout) and x2apic", [1, 2], id="parentheses"),
        pytest.param("not(lock or fanout)", [0], id="parentheses-without-blanks"),
        pytest.param("not (halted and not (lock))", [1, 2], id="nested"),
        pytest.param("nor", [0, 1], id="a-word-that-begins-with-not"),
        pytest.param("*.broadcast", [0], id="the-whole-first-word"),
        pytest.param("broadcast*", [0, 1], id="workload"),
        pytest.param("broadcas?", [0], id="one-character"),
        pytest.param("fanout:[24]:packed", [2], id="one-of-two-characters"),
        pytest.param("*dense:8", [0], id="to-the-end-of-a-part"),
        pytest.param("X2APIC-C*", [0, 1], id="driver"),
        pytest.param("kvm-p?", [1, 2], id="overlay"),
        pytest.param("kvm-pv/*-physical", [2], id="stack"),
        pytest.param("k?m", [1], id="delivery"),
        pytest.param("*lock*halted*", [1], id="across-words"),
        pytest.param("3[0-9]-bit", [1], id="a-range-of-characters"),
        pytest.param("[!n]*.*:packed", [2], id="none-of-the-characters"),
        pytest.param("broadcast[", [], id="a-bracket-that-is-not-closed"),
        pytest.param("broadcast.*", [], id="no-regular-expression"),
    ],
)
def test_an_expression_matches_names(expression: str, expected: list[int]) -> None:
    """Words are found anywhere; a glob matches the name or a part of it, end to end."""
    assert matching(expression) == expected


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        pytest.param("(.+)+Z", "there is no `and` or `or` before '.Z'", id="regex"),
        pytest.param("a b", "there is no `and` or `or` before 'b'", id="two-words"),
        pytest.param("a not b", "there is no `and` or `or` before 'not'", id="not-between"),
        pytest.param("a (b)", r"there is no `and` or `or` before '\('", id="word-and-group"),
        pytest.param("a and", "a word is missing at the end", id="end"),
        pytest.param("not", "a word is missing at the end", id="not-alone"),
        pytest.param("and a", "'and' comes where a word is needed", id="start"),
        pytest.param("a or and b", "'and' comes where a word is needed", id="operators"),
        pytest.param("()", r"'\)' comes where a word is needed", id="empty-parentheses"),
        pytest.param("a)", r"a \) has no \( before it", id="not-opened"),
        pytest.param("(a))", r"a \) has no \( before it", id="closed-twice"),
        pytest.param("(a", r"a \( has no \) after it", id="not-closed"),
        pytest.param("((a) or b", r"a \( has no \) after it", id="one-not-closed"),
    ],
)
def test_a_malformed_expression_is_refused(expression: str, why: str) -> None:
    """One sentence says where it cannot be read and what to write."""
    with pytest.raises(UsageError, match=f"^-k .* cannot be read: {why}. Give words, "):
        Keywords.parsed(expression)


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("(" * 990 + "x2apic" + ")" * 990, id="parentheses"),
        pytest.param("not " * 498 + "x2apic", id="not"),
        pytest.param("x2apic" + " or x" * 398, id="or"),
    ],
)
def test_the_depth_of_an_expression_has_no_limit_but_its_length(expression: str) -> None:
    """No step of the parser or of the search calls itself."""
    assert matching(expression) == [0, 1, 2]


def test_an_expression_of_more_than_2000_characters_is_refused() -> None:
    """A glob takes time with the square of its length."""
    assert matching("a" * 2000) == []
    with pytest.raises(UsageError, match="the expression of -k has more than 2000 char"):
        Keywords.parsed("a" * 2001)


@given(st.text(alphabet="ab*?[]!-() \N{KELVIN SIGN}ß", max_size=30), st.text(max_size=30))
@example("[b-a]", "ab")
def test_any_text_is_an_expression_or_refused(text: str, name: str) -> None:
    """No other exception occurs, and no warning, which pytest turns into one."""
    try:
        keywords = Keywords.parsed(text)
    except UsageError:
        return
    assert keywords.matches(name) in (True, False)


TOKENS = st.sampled_from(["and", "or", "not", "(", ")", "broadcast", "lock", "KVM", "x"])


@given(st.lists(TOKENS, min_size=1, max_size=12), st.sampled_from(NAMES))
@example(["not", "x", "and", "x", "or", "lock"], NAMES[1])
def test_an_expression_without_globs_has_the_same_meaning_as_in_pytest(
    tokens: list[str], name: str
) -> None:
    """pytest's own parser is the oracle: it refuses the same expressions."""
    text = " ".join(tokens)

    def is_in_name(word: str, /, **_: object) -> bool:
        return word.lower() in name

    try:
        expected = Expression.compile(text).evaluate(is_in_name)
    except SyntaxError:
        with pytest.raises(UsageError):
            Keywords.parsed(text)
    else:
        assert Keywords.parsed(text).matches(name) == expected
