"""Counts, caps, and how counts are written."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.budget import MOST, Budget, Counts, parse_count
from asymnas.core.errors import ConfigError

sizes = st.integers(1, 1000)
counts = st.builds(Counts, **{field.name: sizes for field in fields(Counts)})
caps = st.one_of(st.none(), st.integers(1, 3000))
budgets = st.builds(
    Budget,
    total_params=st.integers(1, 3000),
    encoder_params=caps,
    decoder_params=caps,
    macs=caps,
)


def test_totals_and_share():
    counted = Counts(
        encoder_params=10, decoder_params=30, shared_params=5, encoder_macs=100, decoder_macs=23
    )
    assert counted.total_params == 45
    assert counted.total_macs == 123
    assert counted.decoder_share == 0.75


@given(counts, counts)
def test_addition_adds_every_count(one, other):
    for field in fields(Counts):
        both = getattr(one, field.name) + getattr(other, field.name)
        assert getattr(one + other, field.name) == both
    assert (one + other).total_params == one.total_params + other.total_params


@given(counts, budgets)
def test_a_budget_admits_what_is_under_every_cap(counted, budget):
    over = (
        counted.encoder_params + counted.decoder_params + counted.shared_params
        > budget.total_params,
        budget.encoder_params is not None and counted.encoder_params > budget.encoder_params,
        budget.decoder_params is not None and counted.decoder_params > budget.decoder_params,
        budget.macs is not None and counted.encoder_macs + counted.decoder_macs > budget.macs,
    )
    assert budget.admits(counted) == (not any(over))


@given(counts)
def test_a_cap_admits_what_just_meets_it(counted):
    exact = {
        "total_params": counted.total_params,
        "encoder_params": counted.encoder_params,
        "decoder_params": counted.decoder_params,
        "macs": counted.total_macs,
    }
    assert Budget(**exact).admits(counted)
    for name, cap in exact.items():
        if cap > 1:
            assert not Budget(**{**exact, name: cap - 1}).admits(counted)


@pytest.mark.parametrize("name", [field.name for field in fields(Budget)])
@pytest.mark.parametrize("cap", [0, -3])
def test_a_cap_below_one_is_refused(name, cap):
    with pytest.raises(ConfigError, match=rf"{name} must be at least 1 but got {cap}$"):
        Budget(**{"total_params": 10, name: cap})


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("150000", 150_000),
        ("150_000", 150_000),
        ("150k", 150_000),
        ("150K", 150_000),
        (" 150 k ", 150_000),
        ("1.5M", 1_500_000),
        ("1.5m", 1_500_000),
        ("0.25M", 250_000),
        ("2g", 2_000_000_000),
        ("2.6154M", 2_615_400),
        ("1.1k", 1_100),
    ],
)
def test_a_count_is_read(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text",
    [
        *("", "k", "0", "0k", "-5", "+5", "1e5", "1.2.3", "150kk", "150b", "a", ".5k", "5."),
        *("1,000", "nan", "inf", "0.0001k", "1 2"),
    ],
)
def test_what_is_not_a_count_is_refused_by_name(text):
    with pytest.raises(ConfigError) as caught:
        parse_count(text)
    assert repr(text) in str(caught.value)
    assert "150k" in str(caught.value)


def read(text):
    """A count, or the error in its place."""
    try:
        return parse_count(text)
    except ConfigError as error:
        return error


@given(st.text("0123456789.kKmMgG _+-eE,²٣\n\x00", max_size=8) | st.text())
def test_any_text_is_a_count_or_an_error_of_one_line(text):
    result = read(text)
    if isinstance(result, ConfigError):
        assert str(result).isprintable()
    else:
        assert 1 <= result <= MOST


@given(st.integers(1, MOST))
def test_a_plain_number_is_itself(count):
    assert parse_count(str(count)) == count


@given(st.integers(1, MOST // 1000))
def test_a_thousand_is_a_k(count):
    assert parse_count(f"{count}k") == 1000 * count


@pytest.mark.parametrize("text", [str(MOST + 1), f"{MOST}k", "9" * 400])
def test_a_count_beyond_the_largest_is_refused(text):
    with pytest.raises(ConfigError, match=text):
        parse_count(text)
