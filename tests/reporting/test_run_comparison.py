"""Searches side by side: what is compared with what, what it comes to, and what is not said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_runs import run_of
from made_tables import made_table

from asymnas import Run, RunComparison, compare_runs
from asymnas.analysis.comparison import compare
from asymnas.analysis.front import hypervolume
from asymnas.core.errors import ConfigError
from asymnas.core.text import NBSP

COLUMNS = ["trial", "state", "duplicate_of", "val_loss", "total_params", "decoder_share", "psnr"]
TABLE = made_table(20)[[*COLUMNS, "examples"]]
FIXED = {"val_loss": 0.08, "total_params": 150_000.0}


def fingerprint_of(content: str = "a", examples: int = 9, rule: int = 2) -> dict[str, Any]:
    split = {"examples": examples, "shape": [8], "dtype": "uint8", "content": content}
    split |= {"labels": None, "anomalies": None, "groups": None}
    return {"rule": rule, **{name: split for name in ("train", "validation", "test")}}


def search_of(
    name: str,
    factor: float = 1.0,
    *,
    rows: pd.DataFrame = TABLE,
    data: dict[str, Any] | None = None,
    purpose: str = "search",
    losses: str = "",
    **settings: Any,
) -> Run:
    rows = rows.assign(val_loss=rows["val_loss"] * factor)
    run = run_of(rows, purpose, directory=Path(name), settings=settings, reference=FIXED)
    run.study.data = data or fingerprint_of()
    run.study.pinned = {"losses": losses}
    return run


def both(first: Sequence[float], second: Sequence[float], **settings: Any) -> list[Run]:
    """Searches of two settings, one per seed, whose losses differ by these factors."""
    return [
        search_of(f"{name}-{seed}", factor, seed=seed, **(settings if name == "b" else {}))
        for name, factors in (("a", first), ("b", second))
        for seed, factor in enumerate(factors)
    ]


ONES = [1.0] * 7
UP = [1.03, 1.04, 1.05, 1.02, 1.06, 1.03, 1.045]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return both(ONES, UP, sampler="random")


@pytest.fixture(scope="module")
def result(runs: list[Run]) -> RunComparison:
    return compare_runs(runs)


def test_settings_are_compared_by_their_best_losses_paired_by_seed(result: RunComparison) -> None:
    [found] = result.compared.comparisons
    first, second = result.compared.groups
    assert (first.name, second.name) == ("sampler tpe", "sampler random")
    best = TABLE[TABLE["state"] == "complete"]["val_loss"].min()
    assert first.scores == dict.fromkeys(range(7), best)
    assert list(found.differences.values()) == pytest.approx([factor - 1 for factor in UP])
    assert (found.pairs, found.p, found.outcome) == (7, 2 * 2**-7, "better")
    assert (found,) == compare([first, second], first.name, [second.name])
    assert result.verdict[0].startswith(
        f"The search with sampler random is 4.0{NBSP}% worse than the search with sampler tpe ("
    )
    assert result.verdict[0].endswith("p = .016 after Holm, 7 seeds): a difference beyond chance.")


def test_the_order_of_the_searches_only_says_which_setting_is_first(
    runs: list[Run], result: RunComparison
) -> None:
    [forward] = result.compared.comparisons
    mixed = [runs[place] for place in (9, 3, 7, 0, 13, 1, 5, 12, 2, 8, 4, 11, 6, 10)]
    [backward] = compare_runs(mixed).compared.comparisons
    opposite = {seed: 1 / (1 + d) - 1 for seed, d in forward.differences.items()}
    assert backward.differences == pytest.approx(opposite)
    assert (backward.first, backward.outcome, backward.p) == ("sampler random", "worse", forward.p)


def test_three_settings_are_adjusted_for_two_comparisons() -> None:
    runs = both(ONES, UP, sampler="random")
    runs += [search_of(f"c-{seed}", 0.9, seed=seed, sampler="qmc") for seed in range(7)]
    found = compare_runs(runs).compared.comparisons
    assert [(c.second, c.comparisons, c.p_holm) for c in found] == [
        ("sampler random", 2, 4 * 2**-7),
        ("sampler qmc", 2, 4 * 2**-7),
    ]


ALONE = (
    "One search of each setting: how far they differ by the luck of the seed is unknown, so "
    "nothing is tested. It takes six seeds of each, the same ones (--seed)."
)
EQUAL = (
    "At equal parameters, from 14.3k to 58.3k, the validation loss of the search with {b} is on "
    "average {than} that of the search with {a}."
)
SPLITS = (
    "The searches are on different splits of the data, so a part of their difference is the luck "
    "of the validation examples."
)


UNALIKE = "a and b are of different data "
NOTHING = "The searches differ by nothing but their seed."
TWICE = "a and b are of one setting and one seed: the first counts in a pair."
NO_PAIR = "a and b have one seed and different splits: they are no pair."
LATENT = "A larger latent lowers the loss, whatever the networks are."
BUDGET = "More parameters lower the loss: compare losses at equal parameters."
BOTTLENECK = "What passes from side to side is not the same."
CAPS = "What is allowed is not the same."
KINDS = "the losses of a and others are not of one kind "


def not_tested(first: str, second: str, why: str) -> str:
    return f"Not tested: {second} against {first}. {why}"


@pytest.mark.parametrize(
    ("settings", "first", "second", "said"),
    [
        ({"sampler": "random"}, "sampler tpe", "sampler random", [ALONE]),
        ({"symmetric": True}, "symmetric off", "symmetric on", [ALONE]),
        ({"timeout": 1800.0}, "timeout none", "timeout 1800", [ALONE]),
        ({"trials": 1_000}, "trials 60", "trials 1,000", [ALONE]),
        ({"enqueue": ["taesd", "dc-ae"]}, "enqueue none", "enqueue taesd,dc-ae", [ALONE]),
        (
            {"learning_rates": [1e-4, 0.1]},
            "learning rates none",
            "learning rates 0.0001,0.1",
            [ALONE],
        ),
        ({"encoder_family": "conv2d"}, "family dense", "family conv2d/dense", [ALONE]),
        (
            {"pruner": "none", "space": "wide"},
            "space usual, pruner auto",
            "space wide, pruner none",
            [ALONE],
        ),
        ({"latent": 32}, "latent 16", "latent 32", [LATENT]),
        ({"budget": 75_000}, "budget 20,000", "budget 75,000", [BUDGET]),
        (
            {"max_macs": 9, "max_encoder_params": 8},
            "max encoder params none, max macs none",
            "max encoder params 8, max macs 9",
            [CAPS],
        ),
        ({"bottleneck": "spatial"}, "bottleneck none", "bottleneck spatial", [BOTTLENECK]),
        ({"sampler": "random", "seed": 1}, "sampler tpe", "sampler random", [SPLITS, ALONE]),
        ({"sampler": "random", "split_seed": 3}, "sampler tpe", "sampler random", [NO_PAIR, ALONE]),
        ({"data_root": "x", "workers": 3, "metrics": ["mse"]}, "", "", [NOTHING, TWICE]),
        ({"seed": 1}, "", "", [NOTHING]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_what_differs_names_the_settings_and_says_what_is_not_comparable(
    settings: dict[str, Any], first: str, second: str, said: list[str]
) -> None:
    """One search each: never a p value, and every caution there is."""
    result = compare_runs([search_of("a"), search_of("b", 1.1, **settings)])
    if said[0] in (LATENT, BUDGET, CAPS, BOTTLENECK):
        said = [not_tested(first, second, said[0])]
    assert [run.group for run in result.compared.runs] == [first, second]
    assert not result.compared.comparisons
    means = [] if first == second else [EQUAL.format(a=first, b=second, than=f"10{NBSP}% above")]
    alone = [NOTHING] if NOTHING in said else []
    assert result.verdict == [*alone, *means, *said[len(alone) :]]
    assert " p = " not in " ".join(result.verdict)


def test_fewer_than_six_pairs_give_an_estimate_and_no_p_value() -> None:
    result = compare_runs(both(ONES[:2], UP[:3], sampler="random"))
    [found] = result.compared.comparisons
    assert (found.pairs, found.p, found.left_out, found.outcome) == (2, None, 1, "undecided")
    assert f"3.5{NBSP}% worse" in result.verdict[0]
    assert "2 pairs give no verdict: it takes at least 6 seeds." in result.verdict[0]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"data": fingerprint_of("b")},
            f"{UNALIKE}(the content of the training split changed; the content of the validation "
            "split changed; the content of the test split changed), so their losses cannot be "
            "compared: compare searches of the same data",
        ),
        (
            {"data": fingerprint_of(examples=8), "seed": 1},
            f"{UNALIKE}(there were 27 examples, now 24), so ",
        ),
        ({"dataset": "wine", "seed": 1}, f"{UNALIKE}(digits and wine), so "),
        ({"dataset": "wine", "data": {}}, f"{UNALIKE}(digits and wine), so "),
        (
            {"kind": "variational"},
            f"{KINDS}(plain; variational), so they cannot be compared: compare by a metric, "
            "--by psnr",
        ),
        ({"losses": "with entropy"}, f"{KINDS}(plain; plain, with entropy), so "),
        ({"purpose": "sweep"}, "b is a sweep, and only searches are compared: asymnas report "),
        ({"name": "a"}, "a is given twice: give each search once"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_what_is_not_comparable_at_all_is_one_line(other: dict[str, Any], message: str) -> None:
    data = other.pop("data", None)
    run = search_of(other.pop("name", "b"), **other)
    if data is not None:
        run.study.data = data
    with pytest.raises(ConfigError) as raised:
        compare_runs([search_of("a"), run])
    assert str(raised.value).startswith(message)


def test_runs_of_another_rule_of_splits_or_of_none_are_no_pairs() -> None:
    for data in (fingerprint_of("b", rule=1), None):
        run = search_of("b", sampler="random")
        run.study.data = data
        cautions = compare_runs([search_of("a"), run]).compared.cautions
        assert "a and b have one seed and different splits: they are no pair." in cautions


def test_a_metric_compares_what_the_loss_cannot() -> None:
    runs = both(ONES, UP, kind="variational")
    result = compare_runs(runs, by="psnr")
    assert [o.name for o in result.compared.objectives] == ["psnr", "total_params"]
    assert not result.compared.comparisons
    assert result.verdict == ["A ratio of PSNR means nothing, so nothing is tested."]
    best = TABLE["psnr"].max()
    assert set(result.table["best"]) == {best}
    with pytest.raises(ConfigError, match=r"--by must be .*\(val_loss and psnr\) but is 'mse'"):
        compare_runs(runs, by="mse")


def test_an_accuracy_is_compared_by_what_is_missing_to_all() -> None:
    runs = [
        search_of(
            f"{name}-{seed}",
            rows=TABLE.assign(probe_accuracy=0.9 - 0.01 * seed - lower),
            seed=seed,
            sampler=name,
        )
        for name, lower in (("tpe", 0.0), ("random", 0.05))
        for seed in range(6)
    ]
    [found] = compare_runs(runs, by="probe_accuracy").compared.comparisons
    assert found.differences[0] == pytest.approx(0.15 / 0.1 - 1)
    assert (found.outcome, found.p) == ("better", 2 * 2**-6)


def test_every_hypervolume_is_measured_from_one_point_as_a_summary_does() -> None:
    runs = [search_of("a"), search_of("b", 1.2, sampler="random"), search_of("c", rows=TABLE[:0])]
    result = compare_runs(runs)
    corner = result.compared.corner
    assert corner is not None
    assert (corner.values, corner.log) == (tuple(FIXED.values()), True)
    expected = [hypervolume(r.table, r.objectives, corner.values, log=True) for r in runs[:2]]
    volumes = {run.name: run.hypervolume for run in result.compared.runs}
    assert volumes == {"a": expected[0], "b": expected[1], "c": None}
    assert "c has no completed trial." in result.verdict


def test_objectives_that_differ_are_compared_by_what_they_share() -> None:
    def searching(name: str, *names: str) -> Run:
        run = search_of(name, objectives=list(names))
        run.study.objectives = [o for o in run.study.objectives if o.name in names]
        return run

    result = compare_runs([searching("a", "val_loss"), searching("b", "val_loss", "total_params")])
    assert [o.name for o in result.compared.objectives] == ["val_loss", "total_params"]
    assert result.compared.cautions[-1].endswith("They do not improve the same.")
    result = compare_runs([searching("a", "val_loss"), searching("b", "total_params")])
    assert result.compared.cautions[0].startswith("The searches improve different things (valid")


def test_tables_hold_each_search_each_setting_and_equal_sizes() -> None:
    result = compare_runs(both(ONES[:2], UP[:2], sampler="random"))
    searches, settings, at_sizes, at_values = result.rows()
    assert [row[:3] for row in searches.rows] == [
        ("a-0", "sampler tpe", "0"),
        ("a-1", "sampler tpe", "1"),
        ("b-0", "sampler random", "0"),
        ("b-1", "sampler random", "1"),
    ]
    assert searches.marked == 0
    assert [row[:2] for row in settings.rows] == [("sampler tpe", "2"), ("sampler random", "2")]
    assert at_sizes.columns == ("parameters at most", "sampler tpe", "sampler random")
    sizes = TABLE[(TABLE["state"] == "complete") & (TABLE["total_params"] <= 20_000)]
    low = sizes["val_loss"].min()
    assert ("20k", f"{low:#.4g}", f"{low * 1.035:#.4g}") in at_sizes.rows
    assert at_values.columns[0] == "validation loss at most"
    assert len(result.plot().data) == 4
    assert result.plot().data[0].legendgroup == "sampler tpe"


def test_a_notebook_gets_tables_and_sentences_escaped() -> None:
    html = compare_runs([search_of("a<b>"), search_of("b", seed=1)])._repr_html_()
    assert "a&lt;b&gt;" in html
    assert "<p>The searches differ by nothing but their seed.</p>" in html
