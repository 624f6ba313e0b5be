"""What a share costs: the strips and their reading."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_findings import NOTHING_KNOWN, SHARES, loss_at, made_inference, made_sweep

from asymnas.analysis.estimates import Interval, ShareInference
from asymnas.reporting.figures.decoder_share import (
    share_panel,
    share_reading,
    sweep_runs,
)

ONE, THREE = [150_000], [50_000, 150_000, 450_000]


def traces(panel, name):
    return [trace for trace in panel.figure.data if trace.name == name]


def test_a_strip_holds_the_measured_runs_above_the_lowest_of_the_law():
    table = made_sweep(ONE)
    [runs] = traces(share_panel(table, made_inference(ONE)), "run")
    rows = table[(table["phase"] == "measure") & (table["state"] == "complete")]
    lowest = loss_at(150_000, np.linspace(0.1, 0.9, 81)).min()
    np.testing.assert_allclose(runs.y, rows["val_loss"] / lowest)
    assert list(runs.x) == list(rows["decoder_share"])


def test_the_law_touches_zero_and_all_strips_share_their_axes():
    panel = share_panel(made_sweep(THREE), made_inference(THREE))
    laws = traces(panel, "fitted law")
    assert [min(law.y) for law in laws] == [1.0, 1.0, 1.0]
    layout = panel.figure.layout
    ranges = {layout[axis].range for axis in ("yaxis", "yaxis2", "yaxis3")}
    assert len(ranges) == 1
    domains = [layout[axis].domain for axis in ("yaxis", "yaxis2", "yaxis3")]
    assert domains[0][0] > domains[1][1] > domains[1][0] > domains[2][1]
    assert layout.xaxis.anchor == "y3"
    assert layout.yaxis.ticktext[0] == "0\xa0%"
    assert layout.yaxis.tickvals[0] == 1


def test_each_best_share_has_its_interval_and_stands_on_the_shares_within_the_tolerance():
    panel = share_panel(made_sweep(THREE), made_inference(THREE, stars=[0.55, 0.6, 0.65]))
    best = traces(panel, "best share")
    assert [trace.x[0] for trace in best] == [0.55, 0.6, 0.65]
    assert best[0].error_x.array[0] == pytest.approx(0.05)
    bars = traces(panel, "within 1\xa0% of the lowest")
    for mark, bar in zip(best, bars, strict=True):
        assert bar.x[0] < mark.x[0] < bar.x[1]
        assert bar.y == mark.y * 2
    assert all(min(run.y) > mark.y[0] for run, mark in zip(traces(panel, "run"), best, strict=True))


def test_one_half_is_drawn_through_every_strip_and_its_cost_is_in_the_headings():
    panel = share_panel(made_sweep(THREE), made_inference(THREE))
    assert [(shape.x0, shape.x1) for shape in panel.figure.layout.shapes] == [(0.5, 0.5)] * 3
    headings = [note.text for note in panel.figure.layout.annotations]
    assert "<b>50k parameters</b>" in headings[0]
    assert all("an even split costs +0.62\xa0%" in heading for heading in headings)


def test_every_legend_entry_is_there_once():
    panel = share_panel(made_sweep(THREE), made_inference(THREE))
    shown = [trace.name for trace in panel.figure.data if trace.showlegend]
    assert sorted(shown) == sorted(
        {"run", "fitted law", "best share", "within 1\xa0% of the lowest"}
    )


def test_the_reading_of_one_budget_carries_every_number():
    reading = share_reading(made_inference(ONE))
    assert "leaves out one half" in reading
    for number in ("150k", "60\xa0%", "55 to 65\xa0%", "48 to 73\xa0%", "+0.62\xa0%", "95\xa0%"):
        assert number in reading


def test_the_reading_of_several_budgets_counts_intervals_without_one_half():
    reading = share_reading(made_inference(THREE, stars=[0.52, 0.6, 0.65]))
    assert "52\xa0% to 65\xa0%" in reading
    assert "leaves out one half at 2 of 3" in reading


def test_an_interval_that_includes_one_half_is_said_to():
    assert "47 to 57\xa0%, includes one half" in share_reading(made_inference(ONE, stars=[0.52]))


def test_a_best_share_at_the_edge_is_said_to_be_there():
    inference = made_inference(ONE)
    edge = replace(inference, budgets=(replace(inference.budgets[0], at_edge=True),))
    assert "may lie beyond" in share_reading(edge)
    assert "beyond" not in share_reading(inference)


def test_a_cross_check_that_disagrees_is_named():
    inference = made_inference(ONE)
    other = Interval(estimate=0.3, low=0.25, high=0.4)
    apart = replace(inference, budgets=(replace(inference.budgets[0], cross_check=other),))
    assert "disagrees at 150k: 30\xa0% (25 to 40\xa0%)" in share_reading(apart)
    assert "disagrees" not in share_reading(inference)
    assert "disagrees" not in share_reading(made_inference(ONE, sure=False))


def test_without_intervals_none_is_claimed_and_no_band_drawn():
    panel = share_panel(made_sweep(ONE), made_inference(ONE, sure=False))
    assert "too few architectures for an interval" in panel.reading
    assert traces(panel, "band") == []
    [best] = traces(panel, "best share")
    assert best.error_x.array is None


def test_nothing_inferred_gives_the_first_caution_and_no_figure():
    panel = share_panel(made_sweep(ONE).head(0), ShareInference())
    why = "No measuring run of the sweep has finished: nothing can be concluded."
    assert panel.reading == f"No best share can be inferred. {why}"
    assert not panel.figure.data


@pytest.mark.parametrize("rows", [0, 6])
def test_a_budget_of_which_nothing_is_known_shows_what_runs_there_are(rows):
    table = made_sweep(ONE).head(rows)
    panel = share_panel(table, ShareInference(budgets=(NOTHING_KNOWN,)))
    assert panel.reading.startswith("No best share can be inferred.")
    assert "nan" not in json.dumps(panel.figure.to_plotly_json(), default=list).lower()
    assert len(traces(panel, "run")) == (rows > 0)


def test_with_budgets_of_macs_the_law_stands_alone():
    panel = share_panel(made_sweep(ONE), made_inference(ONE, sizes="macs"))
    assert traces(panel, "run") == []
    assert "150k MACs" in panel.reading


def test_a_table_without_budgets_has_no_runs_of_a_sweep(degenerate):
    assert sweep_runs(degenerate).empty
    assert len(sweep_runs(made_sweep(ONE))) == 2 * len(SHARES)


def test_a_cost_below_zero_keeps_its_sign():
    inference = made_inference(ONE)
    cheap = replace(inference.budgets[0], cost_of_even_split=Interval(estimate=-0.002))
    assert "\N{MINUS SIGN}0.20\xa0%" in share_reading(replace(inference, budgets=(cheap,)))


def test_a_run_far_out_stands_at_the_frame_and_is_told():
    table = made_sweep(ONE)
    usual = share_panel(table, made_inference(ONE))
    row = table[(table["phase"] == "measure") & (table["state"] == "complete")].index[0]
    table.loc[row, "val_loss"] *= 100
    panel = share_panel(table, made_inference(ONE))
    [far] = traces(panel, "far above")
    assert list(far.x) == [table.loc[row, "decoder_share"]]
    assert far.y[0] < 10 ** panel.figure.layout.yaxis.range[1]
    assert panel.figure.layout.yaxis.range[1] < usual.figure.layout.yaxis.range[1] + 0.5
    assert "1 run lies far above the frame" in panel.reading
    assert "far above" not in usual.reading
