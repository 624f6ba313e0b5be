"""The best share against the budget, as far as the trend reaches and no farther."""

import math

import pytest
from made_findings import NOTHING_KNOWN, made_inference

from asymnas.analysis.estimates import ShareInference
from asymnas.reporting.figures.trend import trend_panel

BUDGETS = [50_000, 150_000, 450_000]
MOVING = [0.75, 0.65, 0.55]


def trace(panel, name):
    return next(t for t in panel.figure.data if t.name == name)


def test_every_budget_has_its_share_with_the_interval():
    shares = trace(trend_panel(made_inference(BUDGETS, MOVING)), "best share")
    assert list(shares.x) == BUDGETS
    assert list(shares.y) == MOVING
    assert list(shares.error_y.array) == pytest.approx([0.05] * 3)


def test_the_line_is_solid_where_budgets_were_swept_and_dotted_beyond():
    inference = made_inference(BUDGETS, MOVING)
    panel = trend_panel(inference)
    solid = trace(panel, "trend")
    assert (min(solid.x), max(solid.x)) == (50_000, 450_000)
    beyond = [t for t in panel.figure.data if t.name == "extrapolated"]
    assert all(t.line.dash == "dot" for t in beyond)
    reach = [x for t in beyond for x in t.x]
    assert min(reach) == pytest.approx(inference.trend.x[0])
    assert max(reach) == pytest.approx(inference.trend.x[-1])
    assert sum(bool(t.showlegend) for t in beyond) == 1
    assert solid.y[0] == pytest.approx(0.75, abs=0.01)


def test_the_cross_check_stands_a_little_beside_its_budget():
    check = trace(trend_panel(made_inference(BUDGETS, MOVING)), "Gaussian process")
    for budget, x in zip(BUDGETS, check.x, strict=True):
        assert 0 < math.log(x / budget) < 0.2


def test_one_half_is_marked_and_in_sight():
    layout = trend_panel(made_inference(BUDGETS, MOVING)).figure.layout
    assert layout.shapes[0].y0 == layout.shapes[0].y1 == 0.5
    assert layout.yaxis.range[0] < 0.5 < layout.yaxis.range[1]


@pytest.mark.parametrize(
    ("stars", "sure", "words"),
    [
        (MOVING, True, "moves from 75\xa0% at 50k parameters to 55\xa0% at 450k"),
        ([0.6, 0.6, 0.62], True, "these intervals overlap, so no trend is shown"),
        (MOVING, False, "both without an interval"),
    ],
)
def test_the_reading_claims_a_trend_only_beyond_the_intervals(stars, sure, words):
    assert words in trend_panel(made_inference(BUDGETS, stars, sure)).reading


def test_the_reading_says_what_is_extrapolated_and_what_the_law_cannot_show():
    assert "up to 900k, the law is extrapolated" in trend_panel(made_inference(BUDGETS)).reading
    constant = trend_panel(made_inference(BUDGETS, law="multiplicative"))
    assert "one share for all budgets" in constant.reading


def test_without_a_trend_the_points_stand_alone():
    panel = trend_panel(made_inference(BUDGETS, trend=False))
    assert {t.name for t in panel.figure.data} == {"best share", "Gaussian process"}
    assert "extrapolated" not in panel.reading


@pytest.mark.parametrize(
    ("inference", "words"),
    [
        (ShareInference(), "No best share can be inferred"),
        (ShareInference(budgets=(NOTHING_KNOWN,)), "No best share can be inferred"),
        (made_inference([150_000]), "One budget shows no trend"),
    ],
)
def test_little_gives_words_and_no_figure(inference, words):
    panel = trend_panel(inference)
    assert words in panel.reading
    assert not panel.figure.data


def test_labels_are_few_enough_for_a_phone():
    many = [10_000 * 2**n for n in range(9)]
    axis = trend_panel(made_inference(many)).figure.layout.xaxis
    assert len(axis.tickvals) == 9
    assert 2 <= sum(bool(text) for text in axis.ticktext) <= 4
