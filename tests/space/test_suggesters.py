"""The suggesters that stand in for a trial."""

import pytest

from asymnas.space.suggesters import AtPoint, First, Fixed, Random, options_of


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


def point(place):
    return dict.fromkeys(("int", "grid", "log", "float", "kind"), place)


def test_a_point_answers_by_its_coordinates():
    low, high = draw(AtPoint(point(0.0))), draw(AtPoint(point(1 - 1e-12)))
    assert low == {"int": 1, "grid": 0.5, "log": 1e-3, "float": -1.0, "kind": "a"}
    approximately = {"int": 3, "grid": 1.5, "log": pytest.approx(0.1), "float": pytest.approx(1.0)}
    assert high == {**approximately, "kind": "b"}
    middle = draw(AtPoint(point(0.5)))
    assert middle == {"int": 2, "grid": 1.0, "log": pytest.approx(0.01), "float": 0.0, "kind": "b"}


def test_a_point_reaches_every_option_evenly():
    draws = [draw(AtPoint(point((i + 0.5) / 600))) for i in range(600)]
    for name, options in options_of(draw).items():
        if len(options) > 1:
            taken = [d[name] for d in draws]
            assert [taken.count(option) for option in options] == [600 // len(options)] * len(
                options
            )


def test_a_point_records_what_was_drawn_and_needs_every_name():
    suggester = AtPoint({**point(0.3), "other": 0.9})
    assert suggester.drawn == {}
    assert draw(suggester) == suggester.drawn
    with pytest.raises(KeyError, match="kind"):
        AtPoint({"int": 0.1}).suggest_categorical("kind", ("a", "b"))
