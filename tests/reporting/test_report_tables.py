"""The tables of a report: what they list, and how it is written."""

from dataclasses import replace

from made_findings import NOTHING_KNOWN, made_comparison, made_contender, made_inference

from asymnas.analysis.estimates import ShareInference
from asymnas.analysis.front import Objective, pareto_front
from asymnas.core.text import MISSING
from asymnas.reporting.tables import (
    comparison_rows,
    contender_rows,
    measured_rows,
    share_rows,
)
from asymnas.runs.front_table import front_rows
from asymnas.training.metrics import METRICS

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))
ONE, THREE = [150_000], [50_000, 150_000, 450_000]
SMALL = [0.03, 0.035, 0.04, 0.028, 0.033, 0.036]


def test_front_rows_are_formatted_and_the_best_is_set_off(table):
    rows = front_rows(pareto_front(table, LOSS_SIZE), LOSS_SIZE, best=None)
    assert rows.marked is None
    best = pareto_front(table, LOSS_SIZE).iloc[1]
    rows = front_rows(pareto_front(table, LOSS_SIZE), LOSS_SIZE, int(best["trial"]))
    assert rows.columns[:4] == ("trial", "validation loss", "parameters", "decoder share")
    assert rows.rows[rows.marked][:3] == (
        str(best["trial"]),
        f"{best['val_loss']:#.4g}",
        f"{best['total_params']:,}",
    )
    assert not any("shared" in column for column in rows.columns)
    shared = pareto_front(table, LOSS_SIZE).assign(shared_params=512)
    assert "shared params" in front_rows(shared, LOSS_SIZE, None).columns


def test_the_table_has_a_row_a_budget():
    rows = share_rows(made_inference(THREE))
    assert [row[0] for row in rows.rows] == ["50,000", "150,000", "450,000"]
    assert rows.rows[0][1] == "60\xa0% (55 to 65\xa0%)"
    assert rows.rows[0][3] == "+0.62\xa0% (+0.22 to +1.0\xa0%)"
    assert all(len(row) == len(rows.columns) for row in rows.rows)
    assert rows.caption.startswith("Fitted by the additive law; the cross-check")
    assert share_rows(ShareInference()).rows == ()
    assert share_rows(ShareInference(budgets=(NOTHING_KNOWN,))).rows[0][1] == "\N{EN DASH}"
    assert share_rows(made_inference(ONE, sizes="macs")).columns[0] == "MACs"


def test_contenders_are_listed_with_as_many_decimals_as_their_spread_is_worth():
    rows = contender_rows(
        [made_contender("best", [0.01, 0.0102, 0.0098]), made_contender("symmetric", [0.011])]
    )
    assert rows.columns[:3] == ("contender", "test loss", "test PSNR")
    assert rows.rows[0][1] == "0.01000 ± 0.00020"
    assert rows.rows[1][1] == "0.01100"
    assert rows.rows[0][3:] == ("62\xa0%", "149,312", "4.2M", "3", "0.0027")
    assert rows.marked == 0


def test_a_metric_that_was_an_objective_has_a_column_where_all_have_it():
    both = [
        replace(made_contender(name, [0.01, 0.02]), metrics={"aupr": {0: low, 1: low + 0.1}})
        for name, low in (("best", 0.8), ("mirror", 0.6))
    ]
    rows = contender_rows(both, ["aupr", "kl", "total_params"])
    assert rows.columns[:4] == ("contender", "test loss", "test AUPR", "decoder share")
    assert [row[2] for row in rows.rows] == ["0.850 ± 0.071", "0.650 ± 0.071"]


def test_contenders_without_scores_or_spread_are_coped_with():
    rows = contender_rows([made_contender("best", []), made_contender("mirror", [0.02, 0.02])])
    assert rows.rows[0][1] == "\N{EN DASH}"
    assert rows.rows[1][1].startswith("0.0200")
    assert rows.marked == 1
    assert contender_rows([]).rows == ()
    assert contender_rows([]).marked is None


def test_comparisons_are_listed_with_what_they_rest_on():
    rows = comparison_rows(
        [made_comparison("symmetric", SMALL, "better"), made_comparison("mirror", [0.02])]
    )
    assert rows.rows[0] == (
        "best against symmetric",
        "better",
        "6",
        "+3.4\xa0% (+2.8 to +4.0\xa0%)",
        "0.031",
        "0.062",
        "1.00",
    )
    assert rows.rows[1][4:] == ("\N{EN DASH}",) * 3
    assert rows.words == (1,)


def test_a_row_a_metric_and_a_column_a_network():
    rows = measured_rows(
        {"best": {"psnr": 20.5, "decoder_latency_1": 0.25}, "symmetric": {"psnr": 19.0, "mse": 0.5}}
    )
    assert rows.columns == ("metric", "best", "symmetric", "better", "what it is")
    assert [row[:4] for row in rows.rows] == [
        ("decoder_latency_1", "0.2500 ms", MISSING, "lower"),
        ("mse", MISSING, "0.5000", "lower"),
        ("psnr", "20.50 dB", "19.00 dB", "higher"),
    ]
    assert rows.rows[2][4] == METRICS.get("psnr").description
    assert [rows.columns[place] for place in rows.words] == ["better", "what it is"]


def test_nothing_measured_is_no_row():
    assert measured_rows({"best": {}}).rows == ()
