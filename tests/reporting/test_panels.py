"""Each figure says what analysis found, in colours a page can swap, whatever the table holds."""

import json
import math
import re

import numpy as np
import pytest
from computed_once import importances_once
from hypothesis import given
from hypothesis import strategies as st
from made_findings import made_comparison, made_inference, made_sweep
from made_tables import RUNGS, made_table

from asymnas.analysis.front import Objective, pareto_front
from asymnas.analysis.search_share import decoder_share, share_profile
from asymnas.core.text import percent
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.confirmation import confirmation_panel
from asymnas.reporting.figures.curves import curves_panel
from asymnas.reporting.figures.decoder_share import share_panel
from asymnas.reporting.figures.front import front_panel
from asymnas.reporting.figures.front_share import front_share_panel, profile_panel
from asymnas.reporting.figures.importance import importance_panel
from asymnas.reporting.figures.style import DARK, LIGHT, axis, log_ticks, share_axis
from asymnas.reporting.figures.trend import trend_panel

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))


def panels(table) -> list[Panel]:
    rows = pareto_front(table, LOSS_SIZE)
    best = None if rows.empty else int(rows["trial"].iloc[0])
    return [
        front_panel(table, LOSS_SIZE, best),
        front_share_panel(table, LOSS_SIZE, decoder_share(table, LOSS_SIZE)["estimate"]),
        profile_panel(share_profile(table, LOSS_SIZE), LOSS_SIZE[0]),
        curves_panel(table, best),
        importance_panel(importances_once(table)),
    ]


def trace(panel: Panel, name: str):
    return next(t for t in panel.figure.data if t.name == name)


def test_every_degenerate_table_gives_figures_and_readings(degenerate):
    for panel in panels(degenerate):
        assert panel.reading.endswith(".")
        assert "nan" not in panel.reading
        json.loads(panel.figure.to_json())


def test_figures_use_no_colour_but_the_palette(table):
    sweep, inference = made_sweep([50_000, 150_000]), made_inference([50_000, 150_000])
    of_followups = [
        share_panel(sweep, inference),
        trend_panel(inference),
        curves_panel(sweep),
        confirmation_panel([], [made_comparison("symmetric", [0.01] * 6, "worse")]),
    ]
    for panel in [*panels(table), *of_followups]:
        used = set(re.findall(r"#[0-9a-fA-F]{3,8}\b", panel.figure.to_json()))
        assert used
        assert used <= set(LIGHT.values())


def test_both_palettes_have_the_same_roles_and_no_colour_stands_for_two():
    assert LIGHT.keys() == DARK.keys()
    assert len(set(LIGHT.values())) == len(LIGHT)


def test_front_panel_holds_every_trial_once(table):
    rows = pareto_front(table, LOSS_SIZE)
    best = int(rows["trial"].iloc[0])
    panel = front_panel(table, LOSS_SIZE, best)
    shown = {t.name: [int(c[0]) for c in t.customdata] for t in panel.figure.data}
    assert sorted(shown["front"]) == sorted(rows["trial"])
    assert sorted(shown["pruned"]) == sorted(table[table["state"] == "pruned"]["trial"])
    complete = table[(table["state"] == "complete") & table["duplicate_of"].isna()]["trial"]
    assert sorted(shown["front"] + shown["complete"]) == sorted(complete)
    assert shown[f"best: trial {best}"] == [best]
    assert f"{len(rows)} of {len(complete)} completed architectures" in panel.reading


def test_a_pruned_trial_that_diverged_does_not_flatten_the_front(table):
    whole = front_panel(table, LOSS_SIZE)
    far = table.copy()
    pruned = far.index[far["state"] == "pruned"][0]
    far.loc[pruned, "val_loss"] = 1e3 * far["val_loss"].max()
    panel = front_panel(far, LOSS_SIZE)
    shown = [int(c[0]) for c in trace(panel, "pruned").customdata]
    before = [int(c[0]) for c in trace(whole, "pruned").customdata]
    assert set(before) - set(shown) == {int(far.loc[pruned, "trial"])}
    assert panel.figure.layout.yaxis.range[1] <= whole.figure.layout.yaxis.range[1]
    assert panel.reading.endswith("Not drawn: 1 pruned trial of a far worse validation loss.")
    unfinished = far[far["state"] == "pruned"]
    assert len(trace(front_panel(unfinished, LOSS_SIZE), "pruned").x) == len(unfinished)


def test_a_pruned_trial_that_diverged_does_not_flatten_the_curves(table):
    whole = curves_panel(table)
    far = table.copy()
    pruned = far.index[far["state"] == "pruned"][0]
    far.at[pruned, "curve"] = [[seen, 1e4] for seen, _ in far.at[pruned, "curve"]]
    panel = curves_panel(far)
    assert int(far.loc[pruned, "trial"]) not in trace(panel, "pruned").customdata
    assert panel.figure.layout.yaxis.range[1] <= whole.figure.layout.yaxis.range[1]
    assert panel.reading == whole.reading


@pytest.mark.parametrize(
    ("up", "across", "shape", "better"),
    [
        (Objective("val_loss"), Objective("total_params"), "hv", "lower left"),
        (Objective("psnr", maximize=True), Objective("total_params"), "hv", "upper left"),
        (Objective("total_params"), Objective("psnr", maximize=True), "vh", "lower right"),
    ],
)
def test_the_step_line_bounds_what_the_front_dominates(table, up, across, shape, better):
    panel = front_panel(table, (up, across))
    line = trace(panel, "front")
    assert list(line.x) == sorted(line.x)
    assert line.line.shape == shape
    assert better in panel.reading


def test_one_objective_is_shown_against_parameters_and_three_without_a_line(table):
    one = front_panel(table, LOSS_SIZE[:1])
    assert one.figure.layout.xaxis.title.text == "parameters"
    three = front_panel(table, (*LOSS_SIZE, Objective("decoder_macs")))
    assert trace(three, "front").mode == "markers"
    assert "decoder MACs" in three.reading


def test_front_share_panel_reads_off_the_estimate_and_shades_no_interval(table):
    estimate = decoder_share(table, LOSS_SIZE)["estimate"]
    panel = front_share_panel(table, LOSS_SIZE, estimate)
    assert f"{100 * estimate:.0f}\xa0%" in panel.reading
    assert not panel.figure.layout.shapes


def test_a_profile_has_a_line_per_budget_with_the_counts_of_its_ranges(table):
    laddered = table.assign(budget=[(1_000, 4_000)[n % 2] for n in table["trial"]])
    profiles = share_profile(laddered, LOSS_SIZE)
    panel = profile_panel(profiles, LOSS_SIZE[0])
    assert [line.name for line in panel.figure.data] == ["4k parameters", "1k parameters"]
    seen = [r for r in profiles[1]["ranges"] if r["best"] is not None]
    assert list(panel.figure.data[0].y) == [r["best"] for r in seen]
    assert list(panel.figure.data[0].text) == [str(r["complete"]) for r in seen]


def test_curves_end_where_their_trials_stopped_and_duplicates_are_left_out(table):
    panel = curves_panel(table, best=None)
    pruned = trace(panel, "pruned")
    ended = table[table["state"] == "pruned"].set_index("trial")
    last = {t: x for t, x in zip(pruned.customdata, pruned.x, strict=True) if t is not None}
    assert last == {trial: row["examples"] for trial, row in ended.iterrows()}
    assert set(table[table["duplicate_of"].notna()]["trial"]).isdisjoint(
        set(trace(panel, "complete").customdata) - {None}
    )
    assert list(panel.figure.layout.xaxis.tickvals) == list(RUNGS)


def test_curves_reading_counts_what_pruning_spared(table):
    ran = table[table["state"].isin(["complete", "pruned"]) & table["duplicate_of"].isna()]
    spared = 1 - ran["examples"].sum() / (len(ran) * RUNGS[-1])
    assert f"{100 * spared:.0f}\xa0%" in curves_panel(table).reading


def test_importance_bars_are_ranked_and_coloured_by_side(table):
    found = importances_once(table)
    panel = importance_panel(found)
    order = [choice.replace("_", " ") for choice in found.scores["choice"]]
    assert list(panel.figure.layout.yaxis.categoryarray) == order[::-1]
    assert trace(panel, "decoder").marker.color == LIGHT["decoder"]
    assert all("encoder" in name for name in trace(panel, "encoder").y)
    assert order[0] in panel.reading


@given(st.floats(1e-6, 1e6), st.floats(3, 1e9))
def test_log_ticks_are_few_round_and_within(low, ratio):
    ticks = log_ticks(low, low * ratio)
    assert 1 <= len(ticks) <= 5
    assert ticks == sorted(ticks)
    for tick in ticks:
        assert low <= tick <= low * ratio
        assert f"{tick:.0e}"[0] in "12357"


@pytest.mark.parametrize(
    ("values", "kind"), [([1, 2], None), ([1, 30], "log"), ([-1, 30], None), ([], None)]
)
def test_an_axis_is_logarithmic_where_that_helps(values, kind):
    assert axis("val_loss", np.array(values, dtype=float)).get("type") == kind


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.49, 0.51), (0.3, 0.8), (0.5, 0.5), (0.9, 1)])
def test_shares_are_counted_from_one_half_on_an_axis_of_few_ticks(low, high):
    found = share_axis("decoder share", low, high)
    start, end = found["range"]
    assert 0 <= start <= low <= high <= end <= 1
    ticks = np.array(found["tickvals"])
    assert 1 <= len(ticks) <= 7
    assert ((start <= ticks) & (ticks <= end)).all()
    assert (0.5 in ticks) == (low <= 0.5 <= high)


def test_a_single_value_stands_in_the_middle_of_its_axis():
    low, high = axis("total_params", np.array([5_000.0]))["range"]
    assert math.isclose((low + high) / 2, math.log10(5_000))


def test_curves_of_a_search_on_a_ladder_are_those_of_its_trials(table):
    laddered = table.assign(budget=[(1_000, 4_000)[n % 2] for n in table["trial"]])
    assert curves_panel(laddered).title == curves_panel(table).title
    assert trace(curves_panel(laddered), "pruned").x == trace(curves_panel(table), "pruned").x


def test_hovering_over_a_trial_shows_both_sides_and_how_a_member_is_loaded():
    table = made_table().assign(encoder_widths="channels 8-16", decoder_widths="<b>")
    front = pareto_front(table, LOSS_SIZE)
    best = int(front["trial"].iloc[0])
    panel = front_panel(table, LOSS_SIZE, best, directory="runs/it's")
    row = front.iloc[0]
    texts = {t.name: t.text for t in panel.figure.data}
    [text] = texts[f"best: trial {best}"]
    assert text in texts["front"]
    assert text.split("<br>") == [
        f"<b>trial {best}</b>, best",
        f"encoder conv2d, {row['encoder_params']:,} parameters, channels 8-16",
        f"decoder conv2d, {row['decoder_params']:,} parameters, &lt;b&gt;",
        f"decoder share {percent(row['decoder_share'])}",
        f"""asymnas.Run.open("runs/it's").trained({best}).load()""",
    ]
    for name in ("pruned", "complete"):
        assert not any("asymnas.Run" in text for text in texts[name])
