"""Seconds to a loss: a plain Optuna script against the default search.

    python benchmarks/plain_optuna.py [--dataset digits] [--budget 20k] [--trials 40] [--seeds 0,1]
    python benchmarks/plain_optuna.py --dataset fashion-mnist --budget 150k --examples 60k

The script is one that a user of Optuna would write for the job: a mirrored convolutional
autoencoder with drawn depth, channels, kernel, activation and learning rate, AdamW with a cosine
schedule, the default sampler and the median pruner, two threads. Candidates over the budget are
drawn again and count as no trial. It trains on the splits of the search, with its latent size,
batch size and examples per trial: those that the search takes by default, or those of `--examples`.

Each seed's script runs first. Then the search runs until a trial completes with a loss as low as
the script's lowest; its time counts from the start of the command. Neither runs beside the other.
Results are kept per seed in `plain_optuna.jsonl`, and a seed that is there is not run again; the
table is written to `plain_optuna.md`.
"""

import argparse
import json
import math
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from heading import heading
from torch import Tensor, nn

from asymnas import StudyConfig
from asymnas.core.budget import parse_count
from asymnas.runs.plan import plan_search

RESULTS = Path(__file__).with_suffix(".md")
KEPT = Path(__file__).with_suffix(".jsonl")
REPORTS = 10  # losses that the pruner sees per trial
LATENT, BATCH = 16, 64
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}


def autoencoder(trial: optuna.Trial, shape: tuple[int, ...]) -> nn.Module:
    """A mirrored convolutional autoencoder of images."""
    depth = trial.suggest_int("depth", 1, 3)
    channels = [trial.suggest_int(f"channels{i}", 4, 96, log=True) for i in range(depth)]
    kernel = trial.suggest_categorical("kernel", (3, 5))
    activation = ACTIVATIONS[trial.suggest_categorical("activation", tuple(ACTIVATIONS))]
    sizes = [shape[1:]]
    encoder: list[nn.Module] = []
    for inputs, outputs in zip([shape[0], *channels], channels, strict=False):
        encoder += [nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2), activation()]
        sizes.append(tuple((n + 1) // 2 for n in sizes[-1]))
    flat = channels[-1] * math.prod(sizes[-1])
    encoder += [nn.Flatten(), nn.Linear(flat, LATENT)]
    decoder: list[nn.Module] = [nn.Linear(LATENT, flat), activation()]
    decoder.append(nn.Unflatten(1, (channels[-1], *sizes[-1])))
    for stage in reversed(range(depth)):
        outputs = channels[stage - 1] if stage else shape[0]
        more = tuple(1 - n % 2 for n in sizes[stage])
        up = nn.ConvTranspose2d(channels[stage], outputs, kernel, 2, kernel // 2, more)
        decoder += [up, activation()] if stage else [up]
    return nn.Sequential(*encoder, *decoder)


def script(config: StudyConfig, trials: int) -> dict[str, float]:
    """Runs the plain script; its time, its lowest loss, and when it had it."""
    began = time.perf_counter()
    plan = plan_search(config)
    examples, budget = plan.config.examples or 0, plan.config.budget
    train, validation = (
        split[:].float().div(255) for split in (plan.data.train, plan.data.validation)
    )
    trained = 0
    best = {"loss": math.inf, "seconds_to_loss": 0.0}
    steps = examples // BATCH

    def objective(trial: optuna.Trial) -> float:
        nonlocal trained
        torch.manual_seed(trial.number)
        model = autoencoder(trial, train.shape[1:])
        rate = trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True)
        if sum(p.numel() for p in model.parameters()) > budget:
            raise optuna.TrialPruned
        trained += 1
        optimiser = torch.optim.AdamW(model.parameters(), rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for step in range(1, steps + 1):
            batch = train[torch.randint(len(train), (BATCH,))]
            optimiser.zero_grad()
            nn.functional.mse_loss(model(batch), batch).backward()
            optimiser.step()
            schedule.step()
            if step % (steps // REPORTS) == 0:
                trial.report(validation_loss(model, validation), step)
                if trial.should_prune():
                    raise optuna.TrialPruned
        loss = validation_loss(model, validation)
        if loss < best["loss"]:
            best.update(loss=loss, seconds_to_loss=time.perf_counter() - began)
        return loss

    def stop_when_trained(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if trained >= trials:
            study.stop()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=config.seed), pruner=optuna.pruners.MedianPruner()
    )
    study.optimize(objective, callbacks=[stop_when_trained])
    return {**best, "seconds": time.perf_counter() - began}


@torch.no_grad()
def validation_loss(model: nn.Module, validation: Tensor) -> float:
    """Mean squared error over the split."""
    parts = validation.split(512)
    losses = [nn.functional.mse_loss(model(part), part) * len(part) for part in parts]
    return float(sum(losses)) / len(validation)


def search(config: StudyConfig, loss: float, checkout: Path | None = None) -> dict[str, float]:
    """Runs the command until a trial has a loss as low; its time, and that trial's loss.

    Args:
        config: Data, budget, examples per trial and seed.
        loss: The loss.
        checkout: Of the version that searches; by default the one that is imported.

    Returns:
        NaN where the search ended without such a loss.

    Raises:
        SystemExit: The command failed.
    """
    own = {} if checkout is None else {"PYTHONPATH": str(checkout)}
    with tempfile.TemporaryDirectory() as folder:
        names = ("dataset", "budget", "examples", "seed")
        options = {name: getattr(config, name) for name in names}
        command = [sys.executable, "-m", "asymnas.search", "--run-dir", folder]
        command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
        began = time.time()
        study = Path(folder, "study.db")
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, cwd=checkout, env={**os.environ, **own}
        ) as process:
            while process.poll() is None and reached(study, loss) is None:
                time.sleep(0.5)
            process.terminate()
        found = reached(study, loss)
    if found is None:
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        return {"search_loss": math.nan, "search_seconds": math.nan, "search_trials": math.nan}
    return {
        "search_loss": found[0],
        "search_seconds": found[1] - began,
        "search_trials": found[2] + 1,
    }


def reached(study: Path, loss: float) -> tuple[float, float, int] | None:
    """The first trial to complete with a loss as low, if any: loss, when in seconds, and number.

    The file is read and nothing else: Optuna would make the tables that the search is making.
    """
    query = (
        "SELECT value, datetime_complete, number FROM trials JOIN trial_values USING (trial_id) "
        "WHERE state = 'COMPLETE' AND value <= ? ORDER BY datetime_complete LIMIT 1"
    )
    try:
        with closing(sqlite3.connect(f"file:{study}?mode=ro", uri=True)) as connection:
            found = connection.execute(query, (loss,)).fetchone()
    except sqlite3.OperationalError:  # it is just being made
        return None
    if found is None:
        return None
    value, complete, number = found
    return float(value), datetime.fromisoformat(complete).timestamp(), int(number)


def page(rows: list[dict[str, Any]]) -> list[str]:
    """The table."""
    lines = heading("Seconds to the loss of a plain Optuna script", __file__)
    lines += [
        "The script's lowest loss of its trials, when it had it and when it ended; when the search "
        "had a loss as low, from the start of the command, and after how many trials.",
        "",
        "| data | budget | examples per trial | seed | lowest loss | script, s | whole script, s | "
        "search, s | of the whole | trial | load |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['dataset']} | {row['budget']:,} | {row['examples']:,} | {row['seed']} | "
            f"{row['loss']:.5f} | {row['seconds_to_loss']:.0f} | {row['seconds']:.0f} | "
            f"{row['search_seconds']:.0f} | "
            f"1/{row['seconds'] / row['search_seconds']:.1f} | {row['search_trials']:.0f} | "
            f"{row['load']:.1f} |"
        )
    for name in dict.fromkeys(row["dataset"] for row in rows):
        own = [row for row in rows if row["dataset"] == name]
        for what, base in (("whole time", "seconds"), ("time to that loss", "seconds_to_loss")):
            ratios = [row["search_seconds"] / row[base] for row in own]
            low, middle, high = np.quantile(ratios, (0, 0.5, 1))
            lines += [
                "",
                f"{name}: {middle:.2f} of the script's {what} in the median of {len(own)} seeds, "
                f"from {low:.2f} to {high:.2f}.",
            ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--budget", type=parse_count, default=20_000)
    parser.add_argument("--examples", type=parse_count)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", default="0,1,2,3,4,5")
    args = parser.parse_args()
    torch.set_num_threads(2)
    for seed in map(int, args.seeds.split(",")):
        named = {"dataset": args.dataset, "budget": args.budget}
        config = StudyConfig(**named, examples=args.examples, seed=seed, device="cpu")
        config = replace(config, examples=plan_search(config).config.examples)
        row: dict[str, Any] = {**named, "examples": config.examples, "seed": seed}
        if any(row.items() <= done.items() for done in kept()):
            continue
        row |= script(config, args.trials)
        row |= {**search(config, row["loss"]), "load": os.getloadavg()[0]}
        print(row, flush=True)
        with KEPT.open("a") as file:
            file.write(json.dumps(row) + "\n")
        RESULTS.write_text("\n".join(page(kept())) + "\n")
    print("\n".join(page(kept())))


def kept() -> list[dict[str, Any]]:
    """The seeds that are done."""
    return [json.loads(line) for line in KEPT.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()
