"""What a sweep infers and a confirmation shows, from their tables alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from asymnas.analysis.blocked.own_rows import OwnRows, horizons
from asymnas.analysis.blocked.sampling import ExampleLosses
from asymnas.analysis.comparison import compare, compare_searches
from asymnas.analysis.estimates import (
    EVEN,
    MOST_EDGE_RATES,
    Band,
    BudgetShare,
    Comparison,
    Contender,
    Contrast,
    Interval,
    SearchComparison,
    ShareInference,
    Sizes,
)
from asymnas.analysis.share import infer_share
from asymnas.analysis.tuning import edge_share
from asymnas.core import columns as t
from asymnas.core.text import percent
from asymnas.reporting.verdicts import (
    cautions,
    comparison_reason,
    comparison_sentence,
    fraction,
    relative_change,
    searches_sentences,
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
        horizons: The answer of the structures that were trained shorter and longer, by horizon
            (1 as in the sweep) and budget.
        measures: The best share by budget for what else was measured, by metric.
        edge: The part of the tuned networks whose best learning rate is at an end of those tried.
        verdict: The answer in sentences.
    """

    share: ShareInference
    equal_macs: ShareInference
    horizons: Mapping[float, Mapping[int, OwnRows]]
    measures: dict[str, dict[int, Interval]]
    edge: float | None
    verdict: list[str]

    @property
    def rates_too_narrow(self) -> bool:
        """Whether too many rates are best at an end of those tried for a verdict."""
        return self.edge is not None and self.edge > MOST_EDGE_RATES


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What a confirmation's table says.

    Args:
        contenders: Their test scores by seed.
        comparisons: The best against each control.
        searches: Free against symmetric searches; `None` of a version that had one of each.
        seeds: Replicates asked for.
        missing: Contenders there are none of, and why.
        verdict: The answer in sentences.
    """

    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]
    searches: SearchComparison | None
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


def share_of(sweep: Run, sizes: Sizes = "params") -> ShareInference:
    """Where the best share of a sweep lies.

    Args:
        sweep: The sweep.
        sizes: What is shared: parameters, or MACs.
    """
    design = sweep.study.design
    return infer_share(
        sweep.own,
        _losses(sweep),
        tolerance=float(design["tolerance"]),
        seed=int(sweep.config["seed"]),
        sizes=sizes,
        stopped=design.get("until") is not None,
    )


def _losses(sweep: Run) -> ExampleLosses | None:
    kept = sweep.example_losses
    return ExampleLosses(kept, sweep.example_groups) if kept else None


def inferred(sweep: Run) -> Inferred:
    """All inferences of a sweep."""
    tolerance, seed = float(sweep.study.design["tolerance"]), int(sweep.config["seed"])
    share = share_of(sweep)
    return Inferred(
        share=share,
        equal_macs=share_of(sweep, "macs"),
        horizons=horizons(sweep.own, _losses(sweep), tolerance=tolerance, seed=seed),
        measures=_measures(sweep, tolerance, seed),
        edge=edge_share(sweep.table),
        verdict=share_verdict(share, sweep.config["dataset"]),
    )


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
        "decoder_share": [
            {**_entry(entry, inference), "horizons": _horizons(inferred, entry.budget)}
            for entry in inference.budgets
        ],
        "law": inference.law,
        "held_out_error": dict(inference.held_out),
        "explained": inference.explained,
        "deviations": dict(inference.deviations),
        "trend": _band(inference.trend),
        "equal_macs": [_entry(entry, inferred.equal_macs) for entry in inferred.equal_macs.budgets],
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
    own = {**interval_json(entry.share), "cost_of_even_split": _interval(entry.cost_of_even_split)}
    return {
        "budget": entry.budget,
        **interval_json(entry.share),
        "level": entry.share.level,
        "method": _method(entry, inference),
        "verdict": entry.outcome,
        "why": list(entry.why),
        "contrasts": {
            fraction(contrast.share): _contrast(contrast)
            for contrast in entry.contrasts
            if contrast.share != EVEN
        },
        "cost_of_even_split": _interval(entry.cost_of_even_split),
        "cost_of_mirroring": None
        if entry.mirroring is None
        else _interval(relative_change(entry.mirroring.family)),
        "own_rows": own if entry.structures else None,
        "at_edge": entry.at_edge,
        "trained": {"low": float(entry.curve.x[0]), "high": float(entry.curve.x[-1])},
        "within": {
            "tolerance": entry.tolerance,
            "low": entry.within.low,
            "high": entry.within.high,
        },
        "pooled_law": {
            **interval_json(entry.pooled),
            "cost_of_even_split": _interval(entry.pooled_cost),
            "borrowed": entry.borrowed,
        },
        "wide_prior": interval_json(entry.wide_prior),
        "gaussian_process": interval_json(entry.cross_check),
        "edge_rates": entry.edge_rates,
        "failures": {
            "failed": entry.failures.failed,
            "runs": entry.failures.runs,
            "by_share": {fraction(s): n for s, n in entry.failures.by_share.items()},
            "p": entry.failures.p,
        },
        "outliers": {fraction(s): n for s, n in entry.outliers.items()},
        "detectable_cost": entry.detectable,
        "structures": entry.structures,
        "architectures": entry.architectures,
        "runs": entry.runs,
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {**interval_json(interval), "level": interval.level}


def _contrast(contrast: Contrast) -> dict[str, Any]:
    """A difference of log loss from an even split."""
    return {
        **_interval(contrast.family),
        "these_networks": _interval(contrast.networks),
        "p": contrast.p,
        "p_holm": contrast.p_holm,
        "primary": contrast.primary,
        "structures": contrast.structures,
        "sampling": contrast.sampling,
    }


def _horizons(inferred: Inferred, budget: int) -> list[dict[str, Any]]:
    return [
        {
            "horizon": horizon,
            **interval_json(by_budget[budget].share),
            "cost_of_even_split": _interval(by_budget[budget].cost_of_even_split),
            "contrasts": {
                fraction(contrast.share): _contrast(contrast)
                for contrast in by_budget[budget].contrasts
                if contrast.primary
            },
            "structures": by_budget[budget].structures,
        }
        for horizon, by_budget in inferred.horizons.items()
        if budget in by_budget
    ]


def _method(entry: BudgetShare, inference: ShareInference) -> str:
    if entry.structures:
        return (
            "this budget's own runs: differences within structures, Student's t over structures; "
            "best share and its cost by cross-fitting"
        )
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
    margin = float(design["margin"])
    comparisons = compare(contenders, BEST, controls, margin=margin)
    pairs = [(free, own) for free, own in design.get("pairs", ()) if {free, own} <= {*names}]
    searches = compare_searches(contenders, pairs, margin=margin) if pairs else None
    return Confirmed(
        contenders=contenders,
        comparisons=comparisons,
        searches=searches,
        seeds=int(design["seeds"]),
        missing=dict(design["missing"]),
        verdict=[
            *(searches_sentences(searches) if searches else ()),
            *map(comparison_sentence, comparisons),
            *_sizes(contenders, controls),
        ],
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
        "searches": _searches(confirmed.searches) if confirmed.searches else None,
        "comparisons": [comparison_json(comparison) for comparison in confirmed.comparisons],
        "verdict": confirmed.verdict,
    }


def _searches(searches: SearchComparison) -> dict[str, Any]:
    return {
        "pairs": [asdict(pair) for pair in searches.pairs],
        "difference": {**interval_json(searches.difference), "level": searches.difference.level},
        "p": searches.p,
        "margin": searches.margin,
        "outcome": searches.outcome,
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """What a comparison came to, as JSON values."""
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
