"""The confirmation: every seed, every estimate, and no verdict where there is none."""

import pytest
from made_findings import made_comparison, made_contender

from asymnas.reporting.figures.confirmation import (
    DifferenceAxis,
    confirmation_panel,
)
from asymnas.reporting.figures.style import LIGHT

SMALL = [0.03, 0.035, 0.04, 0.028, 0.033, 0.036]
NEAR = [0.001, -0.002, 0.003, 0.0, -0.001, 0.002]
CONTENDERS = [made_contender(n, [0.01 + k * 1e-4] * 6) for k, n in enumerate(("best", "symmetric"))]
BOTH = [
    made_comparison("symmetric", SMALL, "better"),
    made_comparison("runner-up 1", NEAR, "equivalent"),
]


def traces(panel, name):
    return [trace for trace in panel.figure.data if trace.name == name]


def test_every_seed_is_a_dot_in_its_row():
    [seeds] = traces(confirmation_panel(CONTENDERS, BOTH), "one seed")
    assert list(seeds.x) == SMALL + NEAR
    assert {int(y) for y in seeds.y} == {0, 1}
    assert seeds.customdata[0][1] == "+3.0\xa0%"


def test_estimates_have_their_intervals_in_the_colour_of_the_outcome():
    panel = confirmation_panel(CONTENDERS, BOTH)
    assert [t.x[0] for t in traces(panel, "estimate")] == pytest.approx([0.034, 0.0005])
    assert [tuple(t.x) for t in traces(panel, "interval")] == [(0.028, 0.04), (-0.002, 0.003)]
    colors = [t.line.color for t in traces(panel, "interval")]
    assert colors == [LIGHT["front"], LIGHT["encoder"]]


def test_the_region_of_no_difference_is_shaded_in_every_row_and_headings_say_the_outcome():
    layout = confirmation_panel(CONTENDERS, BOTH).figure.layout
    regions = [(s.x0, s.x1) for s in layout.shapes if s.type == "rect"]
    assert regions == [(-0.01, 0.01)] * 2
    assert "<b>symmetric</b>: better, +3.4\xa0%" in layout.annotations[0].text


def test_the_reading_names_what_is_decided_and_counts_what_is_not():
    undecided = made_comparison("mirror", [0.02, -0.01, 0.03, 0.0, 0.04, -0.02])
    reading = confirmation_panel(CONTENDERS, [*BOTH, undecided]).reading
    assert "Of 2 contenders, best has the lowest mean test loss." in reading
    assert "best is better than symmetric; best is equivalent to runner-up 1" in reading
    assert "1 of 3 stays undecided" in reading
    assert "96.9\xa0% intervals" in reading
    assert "±1\xa0%" in reading


def test_fewer_than_six_seeds_give_no_verdict_and_no_bars():
    panel = confirmation_panel(CONTENDERS, [made_comparison("symmetric", SMALL[:4])])
    assert "nothing is decided" in panel.reading
    assert "Fewer than six seeds allow no verdict" in panel.reading
    assert traces(panel, "interval") == []
    assert len(traces(panel, "estimate")) == 1


@pytest.mark.parametrize("comparisons", [[], [made_comparison("symmetric", [])]])
def test_without_a_shared_seed_there_are_only_words(comparisons):
    panel = confirmation_panel(CONTENDERS, comparisons)
    assert not panel.figure.data
    assert panel.reading == "No two contenders share a finished seed yet."


def test_one_seed_equal_to_zero_is_coped_with():
    panel = confirmation_panel([], [made_comparison("symmetric", [0.0])])
    low, high = panel.figure.layout.xaxis.range
    assert low < 0 < high
    assert "contenders" not in panel.reading


def test_a_very_large_difference_compresses_the_axis_and_the_reading_says_so():
    far = made_comparison("reference", [2.0, 2.1, 1.9, 2.0, 2.05, 1.95], "better")
    panel = confirmation_panel(CONTENDERS, [*BOTH, far])
    assert "the axis is logarithmic" in panel.reading
    axis = DifferenceAxis([*BOTH, far])
    assert axis.place(2.0) < 4 * axis.place(0.034)
    assert axis.place(-0.01) == -axis.place(0.01)
    ticks = list(panel.figure.layout.xaxis.tickvals)
    assert ticks == sorted(ticks)
    assert "+200\xa0%" in panel.figure.layout.xaxis.ticktext
    plain = DifferenceAxis(BOTH)
    assert plain.place(0.034) == 0.034
    assert "logarithmic" not in confirmation_panel(CONTENDERS, BOTH).reading
