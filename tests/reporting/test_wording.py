import pytest

from asymnas.analysis.estimates import Interval
from asymnas.core.text import (
    MISSING,
    change,
    change_span,
    joined,
    level,
    rounded,
    share_span,
    with_span,
)


@pytest.mark.parametrize(
    ("relative", "text"),
    [
        (0.0123, "+1.2\xa0%"),
        (-0.0035, "\N{MINUS SIGN}0.35\xa0%"),
        (1.4, "+140\xa0%"),
        (0.0997, "+10\xa0%"),
        (0.00996, "+1.0\xa0%"),
        (0.0, "0\xa0%"),
        (-1e-7, "0\xa0%"),
    ],
)
def test_changes_have_two_digits_and_a_sign(relative, text):
    assert change(relative) == text


def test_round_changes_are_not_made_to_look_exact():
    assert rounded(0.01) == "1\xa0%"
    assert rounded(-0.005, sign=True) == "\N{MINUS SIGN}0.5\xa0%"
    assert rounded(2.0, sign=True) == "+200\xa0%"
    assert rounded(0.0, sign=True) == "0\xa0%"


def test_intervals_in_words_and_none_as_a_dash():
    interval = Interval(estimate=0.5, low=-0.002, high=0.014, level=0.96875)
    assert change_span(interval) == "\N{MINUS SIGN}0.20 to +1.4\xa0%"
    assert share_span(Interval(low=0.551, high=0.649)) == "55 to 65\xa0%"
    assert level(interval) == "96.9\xa0%"
    assert level(Interval()) == "95\xa0%"
    assert share_span(Interval(estimate=0.5)) == change_span(Interval()) == MISSING
    assert with_span("60\xa0%", MISSING) == "60\xa0%"
    assert with_span("60\xa0%", "55 to 65\xa0%") == "60\xa0% (55 to 65\xa0%)"


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ("abc", "a, b and c")]
)
def test_words_are_joined(words, text):
    assert joined(list(words)) == text
