"""A run's results from tables that hold much, little or nothing: no crash, no invented number."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_runs import (
    LOSSES,
    confirmation_of,
    confirmation_rows,
    drawn_dense,
    made_sweep,
    run_of,
    sweep_of,
)
from marks import fast_first
from scipy.special import logit

from asymnas.analysis.blocked.synthetic import BlockedDesign, Spread, blocked_sweep
from asymnas.analysis.laws.synthetic import Design, Noise, synthetic_sweep, truth_with_share
from asymnas.core import columns as t
from asymnas.reporting.console import trials_line
from asymnas.reporting.findings import (
    Findings,
    confirmation_json,
    confirmed,
    findings_of,
    inferred,
)
from asymnas.reporting.page import page
from asymnas.reporting.render import render_page
from asymnas.reporting.summary import summarise
from asymnas.runs.directory import losses_path, write_example_groups


def written(findings: Findings) -> tuple[dict[str, Any], str]:
    """The summary, as JSON reads it back, and the page."""
    summary = summarise(findings)
    back = json.loads(json.dumps(summary, allow_nan=False))
    return back, render_page(page(findings, summary))


def of_sweep(rows: pd.DataFrame) -> tuple[dict[str, Any], str]:
    main = sweep_of(rows)
    return written(Findings(run=main, inferred=inferred(main)))


@pytest.mark.slow
@pytest.mark.essential
def test_a_sweep_leads_with_its_verdict_and_says_how_sure_it_is() -> None:
    summary, html = of_sweep(made_sweep())
    entries = summary["decoder_share"]
    assert [entry["budget"] for entry in entries] == [50_000, 150_000, 450_000]
    for entry in entries:
        assert entry["low"] < entry["estimate"] < entry["high"]
        assert entry["within"]["low"] <= entry["estimate"] <= entry["within"]["high"]
        assert entry["verdict"] == "decoder-heavy"
        assert entry["cost_of_even_split"]["low"] > 0
    assert summary["verdict"][0].startswith("At 50k parameters on digits the best decoder share is")
    assert html.index(summary["verdict"][0].split(" (")[0]) < html.index("Loss against decoder")
    for title in ("The best share against the budget", "At equal MACs", "Good practice"):
        assert title in html


SWEEPS = {
    "no trials": lambda: made_sweep().head(0),
    "all failed": lambda: made_sweep().assign(state="failed", val_loss=np.nan),
    "all running": lambda: made_sweep().assign(state="running"),
    "one run": lambda: made_sweep().head(1),
    "no finite loss": lambda: made_sweep().assign(val_loss=np.inf),
    "one share": lambda: made_sweep(shares=(0.5,)),
    "two shares": lambda: made_sweep(shares=(0.3, 0.6)),
    "one architecture, one seed": lambda: made_sweep(architectures=1, seeds=1),
    "one loss for all": lambda: made_sweep().assign(val_loss=0.07),
}


@pytest.mark.parametrize("name", fast_first(SWEEPS))
def test_a_sweep_that_holds_little_invents_nothing(name: str) -> None:
    summary, html = of_sweep(SWEEPS[name]())
    assert summary["verdict"]
    assert summary["verdict"][0].split(".")[0] in html
    shown = [entry for entry in summary["decoder_share"] if entry["low"] is not None]
    assert not shown or name == "one architecture, one seed"
    if name in ("no trials", "all failed", "all running", "no finite loss"):
        assert summary["decoder_share"] == []


@pytest.mark.slow
@pytest.mark.essential
def test_what_else_was_measured_has_a_best_share_of_its_own() -> None:
    """The same runs, judged by a probe that wants the share elsewhere."""
    table = made_sweep()
    other = truth_with_share("additive", 0.3)
    probed = synthetic_sweep(other, Design(), Noise(), seed=3)
    assert (probed[t.CLUSTER] == table[t.CLUSTER]).all()
    summary, html = of_sweep(table.assign(probe_accuracy=1 - probed[t.VAL_LOSS], psnr=20.0))
    shares = {entry["budget"]: entry for entry in summary["decoder_share"]}
    found = summary["measures"]
    assert {entry["measure"] for entry in found} == {"probe_accuracy"}
    assert [entry["budget"] for entry in found] == list(shares)
    for entry in found:
        assert entry["estimate"] == pytest.approx(0.3, abs=0.08)
        assert entry["low"] < entry["high"] < shares[entry["budget"]]["low"]
    assert "Judged by probe_accuracy in place of the loss, the best share is" in html


@pytest.mark.slow
@pytest.mark.essential
def test_one_budget_has_no_trend() -> None:
    summary, html = of_sweep(made_sweep(budgets=(150_000,)))
    assert len(summary["decoder_share"]) == 1
    assert summary["trend"] is None
    assert "The best share against the budget" not in html


def test_a_search_that_holds_little_is_told(degenerate: pd.DataFrame) -> None:
    main = run_of(degenerate)
    summary, html = written(Findings(run=main))
    assert summary["verdict"]
    assert "untouched" in html
    if not summary["front"]:
        assert summary["best"] is None
        assert summary["hypervolume"] is None


def test_a_search_of_failures_says_why(table: pd.DataFrame) -> None:
    own = table[table[t.DUPLICATE_OF].isna()]
    main = run_of(own.assign(**{t.STATE: "failed", t.FAILURE: "collapsed: the output"}))
    summary, _ = written(Findings(run=main))
    assert summary["verdict"] == [
        f"No trial has completed; {len(own)} trials failed, the first for this reason: "
        "collapsed: the output."
    ]


@pytest.mark.parametrize("seeds", [1, 3, 8])
@pytest.mark.parametrize("outdated", fast_first([False, True]))
def test_a_confirmation_is_told_beside_its_search(
    table: pd.DataFrame, seeds: int, outdated: bool
) -> None:
    follow_up = confirmation_of(confirmation_rows(seeds, LOSSES), seeds)
    main = run_of(table, follow_ups={"confirmation": follow_up})
    if outdated:
        main.study.table()[t.ARCHITECTURE] = [drawn_dense(1)] * len(table)
    found = confirmed(follow_up)
    summary, html = written(Findings(run=main, confirmed=found))
    plain = json.loads(json.dumps(confirmation_json(found), allow_nan=False))
    assert [c["name"] for c in plain["contenders"]] == list(LOSSES)
    assert [len(c["test_loss"]) for c in plain["contenders"]] == [seeds] * 4
    outcomes = {c["against"]: c["outcome"] for c in plain["comparisons"]}
    decided = {"symmetric": "equivalent", "mirror": "better"}
    assert outcomes == (decided if seeds == 8 else dict.fromkeys(decided, "undecided"))
    stale = [s for s in summary["verdict"] if "no longer the best" in s]
    assert len(stale) == outdated
    shown = summary["verdict"][len(stale) :]
    assert shown[: len(found.verdict)] == found.verdict
    assert "Parameters in per cent of the best's: symmetric" in found.verdict[-1]
    assert "the data are rows" in html
    assert "read by the confirmation alone" in html


def test_a_contender_that_failed_is_told_and_nothing_is_claimed_of_it() -> None:
    follow_up = confirmation_of(confirmation_rows(8, LOSSES, failing="mirror"), 8)
    found = confirmed(follow_up)
    outcomes = {c.second: c.outcome for c in found.comparisons}
    assert outcomes["mirror"] == "undecided"
    main = Findings(run=follow_up, confirmed=found)
    assert "mirror" in written(main)[1]


@pytest.mark.slow
@pytest.mark.essential
def test_examples_of_a_group_are_resampled_together(tmp_path: Path) -> None:
    """Groups prefer shares of their own: as if alone, their examples would seem to agree."""
    truth = truth_with_share("additive", 0.8, budget=20_000)
    rows = blocked_sweep(truth, BlockedDesign(budgets=(20_000,)), Spread(), seed=1)
    tilts = np.random.default_rng(0).normal(0, 0.3, 8).repeat(25)
    (tmp_path / "losses").mkdir()
    for row in rows.itertuples():
        relative = np.exp(tilts * logit(row.decoder_share))
        losses = (row.val_loss * relative / relative.mean()).astype(np.float32)
        np.savez(losses_path(tmp_path, int(row.trial)), losses)
    widths = []
    for groups in (None, np.arange(8).repeat(25)):
        write_example_groups(tmp_path, groups)
        run = run_of(rows, "sweep", directory=tmp_path, tolerance=0.01)
        first = inferred(run).share.budgets[0].primary[0].family
        widths.append(first.high - first.low)
    assert widths[1] > 2 * widths[0]


def test_what_has_learned_nothing_is_counted_apart(table: pd.DataFrame) -> None:
    mean = float(table[table[t.STATE] == "complete"][t.VAL_LOSS].median())
    taught = run_of(table, reference={t.VAL_LOSS: mean, t.TOTAL_PARAMS: 60_000})
    summary = summarise(findings_of(taught))
    done = taught.own[taught.own[t.STATE] == "complete"]
    count = summary["trials"]["learned_nothing"]
    assert count == (done[t.VAL_LOSS] >= mean).sum() > 0
    assert f"({count} of them no better than predicting the mean)" in trials_line(summary)
    notes = render_page(page(findings_of(taught), summary))
    assert f"{count} complete trials predicted no better than the mean" in notes
    unknown = summarise(findings_of(run_of(table)))
    assert unknown["trials"]["learned_nothing"] == 0
    assert "no better" not in trials_line(unknown)
