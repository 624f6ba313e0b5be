"""Made runs: a study that is nothing but a table, with or without runs beside it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from problems import drawn

from asymnas.analysis.front import Objective
from asymnas.analysis.laws.synthetic import Design, Noise, synthetic_sweep, truth_with_share
from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.networks.families import Problem
from asymnas.runs.run import Run


def drawn_dense(seed: int) -> dict[str, Any]:
    return drawn("dense", Problem(shape=(64,), latent=3), seed).to_dict()


ARCHITECTURE = drawn_dense(0)
OBJECTIVES = [Objective("val_loss"), Objective("total_params")]
SIDES = dict.fromkeys(("family", "encoder_family", "decoder_family"), "dense")
SETUP = {"asymnas": "1.0", "python": "3.12", "torch": "2.6", "processor": "a CPU"}


@dataclass
class Made:
    """A study that is nothing but a table."""

    rows: pd.DataFrame
    purpose: str = "search"
    design: dict[str, Any] = field(default_factory=dict)
    objectives: list[Objective] = field(default_factory=lambda: OBJECTIVES)
    setup: dict[str, str] = field(default_factory=lambda: dict(SETUP))
    wall_seconds: float = 60.0
    notes: dict[int | None, str] = field(default_factory=dict)
    plots: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] | None = None
    pinned: dict[str, Any] | None = None

    @property
    def config(self) -> dict[str, Any]:
        return {**StudyConfig(examples=6_000).to_dict(), **SIDES, **self.settings}

    def note(self, text: str, number: int | None = None) -> None:
        self.notes[number] = text

    def plot(self, name: str, figure: Any, largest: int) -> None:
        self.plots[name] = figure

    def table(self) -> pd.DataFrame:
        return self.rows


def run_of(
    rows: pd.DataFrame,
    purpose: str = "search",
    *,
    follow_ups: dict[str, Run] | None = None,
    directory: Path = Path("nowhere"),
    settings: dict[str, Any] | None = None,
    setup: dict[str, str] | None = None,
    **design: Any,
) -> Run:
    rows = rows.assign(**{t.ARCHITECTURE: [ARCHITECTURE] * len(rows)})
    for column, blank in ((t.NEVER_PRUNED, False), (t.FAILURE, ""), (t.SECONDS, 1.0)):
        rows = rows if column in rows else rows.assign(**{column: blank})
    study: Any = Made(rows, purpose, design, settings=settings or {}, setup=setup or dict(SETUP))
    return Run(study, directory, follow_ups=follow_ups or {})


def sweep_of(rows: pd.DataFrame) -> Run:
    return run_of(rows, "sweep", tolerance=0.01, seeds=3, rates=4)


def made_sweep(**design: Any) -> pd.DataFrame:
    return synthetic_sweep(truth_with_share("additive", 0.8), Design(**design), Noise(), seed=3)


def confirmation_rows(seeds: int, losses: dict[str, float], failing: str = "") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            t.TRIAL: place,
            t.STATE: "failed" if name == failing else "complete",
            t.DUPLICATE_OF: pd.NA,
            t.PHASE: t.MEASURE,
            t.CONTENDER: name,
            t.REPLICATE: seed,
            t.CLUSTER: list(losses).index(name),
            t.VAL_LOSS: loss,
            t.TEST_LOSS: np.nan if name == failing else loss * np.exp(rng.normal(0, 0.02)),
            "test_psnr": 20.0,
            t.TOTAL_PARAMS: 9_000 + len(name),
            t.TOTAL_MACS: 50_000,
            t.ENCODER_PARAMS: 4_000,
            t.DECODER_PARAMS: 5_000,
            t.SHARED_PARAMS: 0,
            t.ENCODER_MACS: 20_000,
            t.DECODER_MACS: 30_000,
            t.DECODER_SHARE: 0.55,
            t.LEARNING_RATE: 0.003,
            t.EXAMPLES: 6_000,
            t.CURVE: [[6_000, loss]],
        }
        for place, (seed, (name, loss)) in enumerate(
            (seed, item) for seed in range(seeds) for item in losses.items()
        )
    ]
    return pd.DataFrame(rows).astype({t.DUPLICATE_OF: "Int64"})


LOSSES = {"best": 0.02, "runner-up 1": 0.021, "symmetric": 0.02, "mirror": 0.03}


def confirmation_of(rows: pd.DataFrame, seeds: int) -> Run:
    controls = ["symmetric", "mirror"]
    missing = {"reference": "the data are rows"}
    design = {"seeds": seeds, "margin": 0.03, "controls": controls, "missing": missing}
    design["contenders"] = {"best": "trial 7 of the search"}
    return run_of(rows, "confirmation", **design)
