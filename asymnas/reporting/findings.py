"""What a sweep infers and a confirmation shows, from their tables alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from asymnas.analysis.comparison import compare
from asymnas.analysis.estimates import (
    Band,
    BudgetShare,
    Comparison,
    Contender,
    Interval,
    ShareInference,
)
from asymnas.analysis.share import infer_share
from asymnas.analysis.tuning import edge_share
from asymnas.core import columns as t
from asymnas.core.text import percent
from asymnas.reporting.verdicts import (
    cautions,
    comparison_reason,
    comparison_sentence,
    share_verdict,
)
from asymnas.runs.run import Run
from asymnas.training.metrics import METRICS


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """What a sweep's table says.

    Args:
        share: Where the best share lies.
        equal_macs: The same with MACs in place of parameters.
        horizons: The best share by budget after shorter training, by examples seen.
        measures: The best share by budget for what else was measured, by metric.
        rates: Learning rates tried.
        edge: The part of the architectures whose best learning rate is at the range's edge.
        verdict: The answer in sentences.
    """

    share: ShareInference
    equal_macs: ShareInference
    horizons: dict[int, dict[int, Interval]]
    measures: dict[str, dict[int, Interval]]
    rates: int
    edge: float | None
    verdict: list[str]

    @property
    def rates_too_narrow(self) -> bool:
        """Whether more rates are best at an edge than half, and than by chance: two of all."""
        return self.edge is not None and self.edge > max(1 / 2, 2 / self.rates)


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What a confirmation's table says.

    Args:
        contenders: Their test scores by seed.
        comparisons: The best against each control.
        seeds: Replicates asked for.
        missing: Contenders there are none of, and why.
        verdict: The answer in sentences.
    """

    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]
    seeds: int
    missing: dict[str, str]
    verdict: list[str]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """A run and what is computed from it and from the runs in its directory.

    Args:
        run: The run that is reported.
        inferred: What the sweep says, if there is one.
        confirmed: What the confirmation says, if there is one.
    """

    run: Run
    inferred: Inferred | None = None
    confirmed: Confirmed | None = None


def findings_of(run: Run) -> Findings:
    """Computes what the run's sweep and confirmation say."""
    return Findings(
        run=run,
        inferred=inferred(run.sweep) if run.sweep else None,
        confirmed=confirmed(run.confirmation) if run.confirmation else None,
    )


def inferred(sweep: Run) -> Inferred:
    """All inferences of a sweep."""
    tolerance, seed = float(sweep.study.design["tolerance"]), int(sweep.config["seed"])
    share = infer_share(sweep.own, tolerance=tolerance, seed=seed)
    return Inferred(
        share=share,
        equal_macs=infer_share(sweep.own, tolerance=tolerance, seed=seed, sizes="macs"),
        horizons=_horizons(sweep, tolerance, seed),
        measures=_measures(sweep, tolerance, seed),
        rates=int(sweep.study.design["rates"]),
        edge=edge_share(sweep.table),
        verdict=share_verdict(share, sweep.config["dataset"]),
    )


def _horizons(sweep: Run, tolerance: float, seed: int) -> dict[int, dict[int, Interval]]:
    """The best share by budget after short training, by examples seen.

    From the runs that tuned learning rates, which have a whole schedule of their own, each
    architecture at its best rate. Curves cut short would not do: their rates have not decayed.
    """
    if t.PHASE not in sweep.own:
        return {}
    short = sweep.own[(sweep.own[t.PHASE] == t.TUNING) & (sweep.own[t.STATE] == "complete")]
    if short.empty:
        return {}
    best = short.loc[short.groupby(t.CLUSTER)[t.VAL_LOSS].idxmin()]
    inference = infer_share(best.assign(**{t.PHASE: t.MEASURE}), tolerance=tolerance, seed=seed)
    examples = int(best[t.EXAMPLES].max())
    return {examples: {entry.budget: entry.share for entry in inference.budgets}}


def _measures(sweep: Run, tolerance: float, seed: int) -> dict[str, dict[int, Interval]]:
    """The best share by budget for each metric with a ceiling, by what is missing to it."""
    shares = {}
    for name in METRICS.names():
        ceiling = METRICS.get(name).ceiling
        if ceiling is None or name not in sweep.measured:
            continue
        missing = ceiling - sweep.measured[name].astype(float)
        if (missing <= 0).any():  # no law has a log of no error, and without these it would mislead
            continue
        rows = sweep.measured.assign(**{t.VAL_LOSS: missing})
        inference = infer_share(rows, tolerance=tolerance, seed=seed)
        shares[name] = {entry.budget: entry.share for entry in inference.budgets}
    return shares


def inference_json(inferred: Inferred) -> dict[str, Any]:
    """What `summary.json` says of an inference."""
    inference = inferred.share
    return {
        "decoder_share": [_entry(entry, inference) for entry in inference.budgets],
        "law": inference.law,
        "held_out_error": dict(inference.held_out),
        "explained": inference.explained,
        "deviations": dict(inference.deviations),
        "trend": _band(inference.trend),
        "equal_macs": [_entry(entry, inferred.equal_macs) for entry in inferred.equal_macs.budgets],
        "horizons": [
            {"examples": rung, "budget": budget, **interval_json(share)}
            for rung, by_budget in inferred.horizons.items()
            for budget, share in by_budget.items()
        ],
        "measures": [
            {"measure": name, "budget": budget, **interval_json(share)}
            for name, by_budget in inferred.measures.items()
            for budget, share in by_budget.items()
        ],
        "learning_rates_at_the_edge": inferred.edge,
        "cautions": cautions(inference),
    }


def interval_json(interval: Interval) -> dict[str, float | None]:
    """Estimate and ends."""
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _entry(entry: BudgetShare, inference: ShareInference) -> dict[str, Any]:
    return {
        "budget": entry.budget,
        **interval_json(entry.share),
        "level": entry.share.level,
        "method": _method(inference),
        "outcome": entry.outcome,
        "at_edge": entry.at_edge,
        "trained": {"low": float(entry.curve.x[0]), "high": float(entry.curve.x[-1])},
        "within": {
            "tolerance": entry.tolerance,
            "low": entry.within.low,
            "high": entry.within.high,
        },
        "cost_of_even_split": interval_json(entry.cost_of_even_split),
        "gaussian_process": interval_json(entry.cross_check),
        "edge_rates": entry.edge_rates,
        "architectures": entry.architectures,
        "runs": entry.runs,
    }


def _method(inference: ShareInference) -> str:
    if inference.law is None:
        return "none: too little to fit a law"
    return f"{inference.law} scaling law, bootstrap over architectures, each with all its seeds"


def _band(band: Band | None) -> list[dict[str, float]] | None:
    if band is None:
        return None
    return [
        {"budget": float(x), "estimate": float(y), "low": float(low), "high": float(high)}
        for x, y, low, high in zip(band.x, band.y, band.low, band.high, strict=True)
    ]


BEST = "best"
TEST = "test_"


def confirmed(run: Run) -> Confirmed:
    """Scores and comparisons of a confirmation, as far as it has got."""
    design = run.study.design
    rows = run.measured
    if t.CONTENDER not in rows:  # stopped before anything began
        rows = rows.head(0).assign(**{t.CONTENDER: ""})
    contenders = tuple(
        _contender(str(name), group) for name, group in rows.groupby(t.CONTENDER, sort=False)
    )
    names = [contender.name for contender in contenders]
    controls = [name for name in names if name in design["controls"] and BEST in names]
    comparisons = compare(contenders, BEST, controls, margin=float(design["margin"]))
    return Confirmed(
        contenders=contenders,
        comparisons=comparisons,
        seeds=int(design["seeds"]),
        missing=dict(design["missing"]),
        verdict=[*map(comparison_sentence, comparisons), *_sizes(contenders, controls)],
    )


def _sizes(contenders: Sequence[Contender], controls: Sequence[str]) -> list[str]:
    """How large the controls are: not all can fill the best's total."""
    params = {contender.name: contender.params for contender in contenders}
    if BEST not in params or not controls:
        return []
    sizes = ", ".join(f"{name} {percent(params[name] / params[BEST])}" for name in controls)
    return [f"Parameters in per cent of the best's: {sizes}."]


def _contender(name: str, rows: pd.DataFrame) -> Contender:
    first = rows.iloc[0]
    done = rows[rows[t.STATE] == "complete"]
    names = [str(c) for c in done if str(c).startswith(TEST) and str(c) != t.TEST_LOSS]
    return Contender(
        name=name,
        params=int(first[t.TOTAL_PARAMS]),
        macs=int(first[t.TOTAL_MACS]),
        decoder_share=float(first[t.DECODER_SHARE]),
        learning_rate=float(first[t.LEARNING_RATE]),
        scores=_by_seed(done, t.TEST_LOSS),
        metrics={metric.removeprefix(TEST): _by_seed(done, metric) for metric in names},
    )


def _by_seed(rows: pd.DataFrame, column: str) -> Mapping[int, float]:
    if column not in rows:
        return {}
    values = rows.set_index(t.REPLICATE)[column].astype(float)
    return {int(seed): float(value) for seed, value in values.items() if np.isfinite(value)}


def confirmation_json(confirmed: Confirmed) -> dict[str, Any]:
    """What `confirmation.json` holds."""
    return {
        "seeds": confirmed.seeds,
        "score": "loss on the test split, read once a run",
        "contenders": [
            {
                "name": contender.name,
                "total_params": contender.params,
                "total_macs": contender.macs,
                "decoder_share": contender.decoder_share,
                "learning_rate": contender.learning_rate,
                "test_loss": {str(seed): score for seed, score in contender.scores.items()},
                **{
                    f"{TEST}{name}": {str(seed): value for seed, value in values.items()}
                    for name, values in contender.metrics.items()
                },
            }
            for contender in confirmed.contenders
        ],
        "left_out": confirmed.missing,
        "comparisons": [_comparison(comparison) for comparison in confirmed.comparisons],
        "verdict": confirmed.verdict,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "contender": comparison.first,
        "against": comparison.second,
        "pairs": comparison.pairs,
        "differences": {str(seed): d for seed, d in comparison.differences.items()},
        "difference": {
            **interval_json(comparison.difference),
            "level": comparison.difference.level,
        },
        "p": comparison.p,
        "p_holm": comparison.p_holm,
        "rank_biserial": comparison.effect,
        "margin": comparison.margin,
        "outcome": comparison.outcome,
        "reason": comparison_reason(comparison),
    }
