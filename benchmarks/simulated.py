"""Samplers and pruners on the table of digits, at equal simulated seconds.

    python benchmarks/simulated.py [--seeds 20] [--seconds 40] [--workers 4]

Every study draws from OptunaHub's package `asymmetric_autoencoders`, each candidate once. Studies
of one seed and sampler with and without a pruner are a pair. Writes benchmarks/simulated.md.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from heading import heading
from scipy.stats import wilcoxon

import optunahub

RESULTS = Path(__file__).with_suffix(".md")
REGISTRY = Path(__file__).parents[1] / "optunahub" / "package"
SAMPLERS = {
    "random": optuna.samplers.RandomSampler,
    "TPE": optuna.samplers.TPESampler,
    "NSGA-II": optuna.samplers.NSGAIISampler,
}
PRUNERS = ("none", "median", "halving by 2", "halving by 3")


def pruner_of(name: str, first_rung: int) -> optuna.pruners.BasePruner:
    """A pruner by its name in the table."""
    if name == "none":
        return optuna.pruners.NopPruner()
    if name == "median":
        return optuna.pruners.MedianPruner()
    factor = int(name[-1])
    return optuna.pruners.SuccessiveHalvingPruner(first_rung, reduction_factor=factor)


def measure(seeds: int, seconds: float, workers: int) -> tuple[pd.DataFrame, int]:
    """One row per study, and how many candidates the table has."""
    module = optunahub.load_local_module(
        "benchmarks/asymmetric_autoencoders", registry_root=str(REGISTRY)
    )
    problem = module.Problem("digits")
    rows = []
    for sampler in SAMPLERS:
        for pruner in PRUNERS:
            for seed in range(seeds):
                study = optuna.create_study(
                    directions=problem.directions,
                    sampler=module.PoolSampler(SAMPLERS[sampler](seed=seed), problem),
                    pruner=pruner_of(pruner, problem.table.rungs[0]),
                )
                began = time.process_time()
                log = module.simulate(study, problem, workers=workers, seconds=seconds)
                rows.append(
                    {
                        "sampler": sampler,
                        "pruner": pruner,
                        "seed": seed,
                        "loss": log["best"].iloc[-1],
                        "begun": len(study.trials),
                        "complete": (log["state"] == "complete").sum(),
                        "cpu_ms": 1e3 * (time.process_time() - began),
                    }
                )
    return pd.DataFrame(rows), len(problem.table)


def against_none(rows: pd.DataFrame, sampler: str, pruner: str) -> str:
    """How much lower or higher the loss is than without a pruner, in pairs of one seed."""
    own = rows[rows["sampler"] == sampler].pivot(index="seed", columns="pruner", values="loss")
    change = np.log(own[pruner] / own["none"])
    if not change.any():
        return "the same"
    percent = 100 * np.expm1(change.median())
    return f"{percent:+.1f} %, p = {wilcoxon(change).pvalue:.2g}"


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rows, candidates = measure(given.seeds, given.seconds, given.workers)
    lines = heading("Samplers and pruners in simulated time", __file__)
    lines += [
        f"Digits, {candidates} candidates, {given.workers} simulated workers, "
        f"{given.seconds:.0f} simulated seconds, {given.seeds} seeds: medians. A study takes "
        f"{rows['cpu_ms'].median():.0f} ms of processor time in the median. The change is that of "
        "the loss of the same seed without a pruner, median of pairs, with the exact p of "
        "Wilcoxon's test, not corrected for the number of tests.",
        "",
        "| sampler | pruner | lowest loss | change | begun | complete |",
        "|---|---|---|---|---|---|",
    ]
    for (sampler, pruner), group in rows.groupby(["sampler", "pruner"], sort=False):
        change = "" if pruner == "none" else against_none(rows, sampler, pruner)
        lines.append(
            f"| {sampler} | {pruner} | {group['loss'].median():.5f} | {change} | "
            f"{group['begun'].median():.0f} | {group['complete'].median():.0f} |"
        )
    RESULTS.write_text("\n".join(lines) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
