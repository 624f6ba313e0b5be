"""Samplers and pruners on the tables of candidates, at equal simulated seconds.

    python benchmarks/simulated.py [--tables digits,fashion_mnist] [--seeds 20] [--trainings 9]

Every study draws from OptunaHub's package `asymmetric_autoencoders`, each candidate once, for as
long as so many trainings take each worker on average. Studies of one seed are pairs: with a pruner
and without, and of another sampler and TPE under one pruner. Optuna's Gaussian process learns from
complete trials alone, and runs without a pruner. Writes benchmarks/simulated.md. One core; 20
seconds per study of the Gaussian process.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import torch
from heading import heading
from scipy.stats import wilcoxon

import optunahub

RESULTS = Path(__file__).with_suffix(".md")
REGISTRY = Path(__file__).parents[1] / "optunahub" / "package"
SAMPLERS = {
    "random": optuna.samplers.RandomSampler,
    "TPE": optuna.samplers.TPESampler,
    "NSGA-II": optuna.samplers.NSGAIISampler,
    "Gaussian process": optuna.samplers.GPSampler,
}
USUAL = "TPE"
PRUNERS = ("none", "median", "halving by 2", "halving by 3")


def pruner_of(name: str, first_rung: int) -> optuna.pruners.BasePruner:
    """A pruner by its name in the table."""
    if name == "none":
        return optuna.pruners.NopPruner()
    if name == "median":
        return optuna.pruners.MedianPruner()
    factor = int(name[-1])
    return optuna.pruners.SuccessiveHalvingPruner(first_rung, reduction_factor=factor)


def measure(name: str, seeds: int, trainings: float, workers: int) -> tuple[str, pd.DataFrame]:
    """What was measured on a table, in words, and one row per study."""
    module = optunahub.load_local_module(
        "benchmarks/asymmetric_autoencoders", registry_root=str(REGISTRY)
    )
    problem = module.Problem(name)
    runs = problem.table.rows.groupby(["candidate", "seed"])["cpu_seconds"].sum()
    seconds = round(trainings * runs.mean())
    rows = []
    for sampler in SAMPLERS:
        for pruner in PRUNERS if sampler != "Gaussian process" else PRUNERS[:1]:
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
    words = f"{len(problem.table)} candidates, {workers} simulated workers, {seconds} seconds"
    return words, pd.DataFrame(rows)


def change(own: pd.Series, other: pd.Series) -> str:
    """How much lower or higher losses are than others, in pairs of one seed."""
    logs = np.log(own / other)
    if not logs.any():
        return "the same"
    percent = 100 * np.expm1(logs.median())
    return f"{percent:+.1f} %, p = {wilcoxon(logs).pvalue:.2g}"


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", default="digits,fashion_mnist")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trainings", type=float, default=9.0)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    lines = heading("Samplers and pruners in simulated time", __file__)
    lines += [
        f"{given.seeds} seeds: medians. Changes are those of the loss against the same seed, median"
        " of pairs, with the exact p of Wilcoxon's test, not corrected for the number of tests.",
    ]
    for name in given.tables.split(","):
        words, rows = measure(name, given.seeds, given.trainings, given.workers)
        losses = rows.pivot(index="seed", columns=["sampler", "pruner"], values="loss")
        lines += [
            "",
            f"## {name}",
            "",
            f"{words}.",
            "",
            "| sampler | pruner | lowest loss | against no pruner | against TPE | begun | complete "
            "| CPU s |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for (sampler, pruner), group in rows.groupby(["sampler", "pruner"], sort=False):
            own = losses[sampler, pruner]
            cells = [
                "" if pruner == "none" else change(own, losses[sampler, "none"]),
                "" if sampler == USUAL else change(own, losses[USUAL, pruner]),
            ]
            lines.append(
                f"| {sampler} | {pruner} | {group['loss'].median():.5f} | {' | '.join(cells)} | "
                f"{group['begun'].median():.0f} | {group['complete'].median():.0f} | "
                f"{group['cpu_ms'].median() / 1e3:.1f} |"
            )
    RESULTS.write_text("\n".join(lines) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
