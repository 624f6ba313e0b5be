"""Every formatter: what a number, an interval and a list look like in a sentence."""

import pytest

from asymnas.analysis.estimates import Interval
from asymnas.core.text import (
    MISSING,
    change,
    duration,
    hundredths,
    joined,
    listed,
    percent,
    plural,
    probability,
    rounded,
    share_phrase,
    short,
    span,
    statistic,
    tenths,
    with_span,
    without_passwords,
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
    assert rounded(0.96875) == "96.9\xa0%"


@pytest.mark.parametrize(
    ("form", "number", "text"),
    [
        (percent, 0.618, "62\xa0%"),
        (percent, -0.001, "0\xa0%"),
        (tenths, 0.00618, "0.6\xa0%"),
        (tenths, -0.0021, "\N{MINUS SIGN}0.2\xa0%"),
        (tenths, -0.0001, "0.0\xa0%"),
        (hundredths, -0.954, "\N{MINUS SIGN}0.95"),
    ],
)
def test_decimals_are_fixed_minus_is_a_minus_and_no_zero_is_negative(form, number, text):
    assert form(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, MISSING),
        (0.0002, "< 0.001"),
        (0.03125, "0.031"),
        (0.62, "0.62"),
        (1.0, "1.00"),
        (-0.95, "\N{MINUS SIGN}0.95"),
    ],
)
def test_statistics_in_a_table(number, text):
    assert statistic(number) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.312, "p = .31"), (0.0312, "p = .031"), (0.0004, "p < .001"), (1.0, "p = 1")]
)
def test_p_values_in_a_sentence(p, text):
    assert probability(p) == text


def test_intervals_have_their_unit_once_and_are_a_dash_without_ends():
    interval = Interval(estimate=0.5, low=-0.002, high=0.014)
    assert span(interval, change) == "\N{MINUS SIGN}0.20 to +1.4\xa0%"
    assert span(interval, tenths) == "\N{MINUS SIGN}0.2 to 1.4\xa0%"
    assert span(Interval(low=0.551, high=0.649), percent) == "55 to 65\xa0%"
    assert span(Interval(low=0.551, high=0.649), hundredths) == "0.55 to 0.65"
    assert span(Interval(estimate=0.5), percent) == span(Interval(low=0.5), percent) == MISSING


def test_estimates_stand_before_their_intervals():
    assert with_span(Interval(estimate=0.6, low=0.55, high=0.65), percent) == (
        "60\xa0% (55 to 65\xa0%)"
    )
    assert with_span(Interval(estimate=0.6), percent) == "60\xa0%"
    assert with_span(Interval(), percent) == MISSING


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (950, "950"),
        (1_234, "1.23k"),
        (150_000, "150k"),
        (999_900, "1M"),
        (2e9, "2G"),
        (3.9e14, "390T"),
    ],
)
def test_short_counts(count, text):
    assert short(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ("abc", "a, b and c")]
)
def test_words_are_joined(words, text):
    assert joined(list(words)) == text


def test_long_lists_are_cut_and_counted():
    assert listed(["a", 2, "c"], limit=3) == "a, 2, c"
    assert listed(["a", 2, "c"], limit=2) == "a, 2 and 1 more"
    assert plural(1, "seed") == "1 seed"
    assert plural(2_000, "seed") == "2,000 seeds"


def test_shared_parameters_are_in_no_share():
    assert share_phrase(0.72, 0) == "72\N{NO-BREAK SPACE}% of them in the decoder"
    assert share_phrase(0.82, 1_024) == (
        "1,024 of them shared and 82\N{NO-BREAK SPACE}% of the others in the decoder"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgresql://me:S3@c/ret@host:1/db now", "at postgresql://me:***@host:1/db now"),
        ("unexpected argument 'mysql://me:x@h/d'", "unexpected argument 'mysql://me:***@h/d'"),
        ("redis://:x@h/0 and a@b.c", "redis://:***@h/0 and a@b.c"),
        ("'pg://h/d?user=me&password=x&a=1'", "'pg://h/d?user=me&password=***&a=1'"),
        ("pg://h/d?sslpassword=x", "pg://h/d?sslpassword=***"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
        ("csv:a.csv?label=key, at 12:30 by me@host", "csv:a.csv?label=key, at 12:30 by me@host"),
    ],
)
def test_passwords_are_hidden_wherever_they_stand(text, shown):
    assert without_passwords(text) == shown
