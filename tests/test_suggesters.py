"""The suggesters that stand in for a trial."""

import pytest

from asymnas.suggesters import First, Fixed, Random, options_of


def draw(suggester):
    return {
        "int": suggester.suggest_int("int", 1, 3),
        "grid": suggester.suggest_float("grid", 0.5, 1.5, step=0.25),
        "log": suggester.suggest_float("log", 1e-3, 1e-1, log=True),
        "float": suggester.suggest_float("float", -1.0, 1.0),
        "kind": suggester.suggest_categorical("kind", ("a", "b")),
    }


def test_random_covers_each_range_evenly_and_stays_inside():
    random = Random(0)
    draws = [draw(random) for _ in range(2000)]
    columns = {name: [d[name] for d in draws] for name in draws[0]}
    for name, values in (("int", {1, 2, 3}), ("kind", {"a", "b"})):
        assert set(columns[name]) == values
        for value in values:
            assert columns[name].count(value) == pytest.approx(2000 / len(values), rel=0.15)
    assert set(columns["grid"]) == {0.5, 0.75, 1.0, 1.25, 1.5}
    assert 1e-3 <= min(columns["log"]) < 1.1e-3
    assert 0.09 < max(columns["log"]) <= 1e-1
    assert sum(x < 1e-2 for x in columns["log"]) == pytest.approx(1000, rel=0.1)
    assert -1 <= min(columns["float"]) < -0.99
    assert 0.99 < max(columns["float"]) <= 1


def test_random_is_fixed_by_its_seed():
    assert draw(Random(3)) == draw(Random(3)) != draw(Random(4))


def test_fixed_answers_from_its_mapping():
    values = {"int": 2, "grid": 0.75, "log": 0.02, "float": 0.5, "kind": "b"}
    assert draw(Fixed(values)) == values
    with pytest.raises(KeyError, match="int"):
        draw(Fixed({}))


def test_options_are_what_a_draw_may_answer():
    options = options_of(draw)
    assert list(options) == ["int", "grid", "log", "float", "kind"]
    assert list(options["int"]) == [1, 2, 3]
    assert list(options["grid"]) == [0.5, 0.75, 1.0, 1.25, 1.5]
    assert list(options["kind"]) == ["a", "b"]
    first = draw(First())
    assert all(first[name] == values[0] for name, values in options.items())
