"""What a confirmation came to, from its table alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from asymnas.analysis.comparison import compare
from asymnas.analysis.comparison_wording import comparison_sentence
from asymnas.analysis.estimates import Comparison, Contender
from asymnas.core import columns as t
from asymnas.core.text import percent
from asymnas.reporting.inferred import interval_json
from asymnas.runs.run import Confirmed, Record

BEST = "best"
TEST = "test_"


def confirmed(record: Record) -> Confirmed:
    """Scores and comparisons of a confirmation, as far as it has got."""
    design = record.study.design
    rows = record.measured
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
    told = ", ".join(f"{name} {percent(params[name] / params[BEST])}" for name in controls)
    return [f"Parameters in per cent of the best's: {told}."]


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


def confirmation_json(found: Confirmed) -> dict[str, Any]:
    """What `confirmation.json` holds."""
    return {
        "seeds": found.seeds,
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
            for contender in found.contenders
        ],
        "left_out": found.missing,
        "comparisons": [_comparison(comparison) for comparison in found.comparisons],
        "verdict": found.verdict,
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
        "reason": comparison.reason,
    }
