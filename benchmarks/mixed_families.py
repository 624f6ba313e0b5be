"""A dense encoder with a convolutional decoder against pairs of one family, as VAEs.

    python benchmarks/mixed_families.py [--runs FILE] [--device cuda] [--processes 4]

Variational autoencoders of Fashion-MNIST (60,000 parameters filled to 1 %, half of them in the
decoder, latent 16): a dense encoder with a conv2d decoder, both sides conv2d, both sides dense, and
a conv2d encoder with a dense decoder. Each pair takes the best rate of a grid of factor 2 at a seed
of its own, extended until the best lies inside, and is then trained with six others; pairs are
compared seed by seed. Every run is a line of the file, and a run that is there is not done again.
When all are there, benchmarks/mixed_families.md is written with hardware and versions. Minutes on a
GPU, some two hours on two cores.

Published direction: small dense encoders with convolutional decoders of several blocks do best
("When Encoders Should Stay Simple", https://openreview.net/forum?id=2hTLJEgCbv).
"""

import argparse
import json
import math
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from heading import heading
from scipy.stats import t as student

from asymnas import Architecture
from asymnas.core.budget import Budget
from asymnas.core.config import DataSpec
from asymnas.networks.families import Problem
from asymnas.networks.families.conv import ConvSide
from asymnas.networks.families.dense import DenseSide
from asymnas.space.equal_budget import at_share
from asymnas.space.space import Space
from asymnas.training.rung import Job, train_rung

RESULTS = Path(__file__).with_suffix(".md")
DATA, BUDGET, LATENT, SHARE = "fashion-mnist", 60_000, 16, 0.5
EXAMPLES, BATCH = 120_000, 64
TUNING_SEED, SEEDS = 100, range(6)
RATES = (2e-3, 4e-3, 8e-3)
ENDS = (2.5e-4, 6.4e-2)  # no rate beyond these is tried
PAIRS = (
    ("dense", "conv2d"),
    ("conv2d", "conv2d"),
    ("dense", "dense"),
    ("conv2d", "dense"),
)

_STAGES = {"channels": (1024, 2048), "kernels": (3, 3), "blocks": 1, "block": "residual"}
SIDES = {
    ("encoder", "dense"): DenseSide(widths=(1024,)),
    ("decoder", "dense"): DenseSide(widths=(1024,)),
    ("encoder", "conv2d"): ConvSide(resampling="strided", **_STAGES),
    ("decoder", "conv2d"): ConvSide(resampling="nearest", **_STAGES),
}


def architecture(pair: tuple[str, str]) -> Architecture:
    space = Space(
        encoder_family=pair[0],
        decoder_family=pair[1],
        problem=Problem(shape=(1, 28, 28), latent=LATENT),
        kind="variational",
        budget=Budget(total_params=BUDGET),
        learning_rates=(1e-3, 1e-2),
    )
    structures = [SIDES["encoder", pair[0]], SIDES["decoder", pair[1]]]
    near = [at_share(space, structures, SHARE + off / 500) for off in range(-15, 16)]
    filled = [sized for sized in near if sized is not None]
    return min(filled, key=lambda sized: abs(sized.decoder_share - SHARE))


Pair = tuple[str, str]
Key = tuple[Pair, float, int]  # with rate and seed


class Runs:
    """The runs done so far, one JSON line each.

    Args:
        path: The file.
        device: Where to train what is missing.
        processes: How many at a time.
    """

    def __init__(self, path: Path, device: str, processes: int) -> None:
        self._path, self._device = path, device
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, mp_context=spawn)
        lines = path.read_text().splitlines() if path.is_file() else []
        self._done = {self._key(run): run for run in map(json.loads, lines)}

    def of(self, keys: Sequence[Key]) -> list[dict[str, Any]]:
        """These runs, in their order; those that are missing are trained."""
        missing = [key for key in keys if key not in self._done]
        futures = [self._pool.submit(trained, *key, self._device) for key in missing]
        for future in as_completed(futures):
            run = future.result()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps(run) + "\n")
            print(json.dumps(run), flush=True)
            self._done[self._key(run)] = run
        return [self._done[key] for key in keys]

    @staticmethod
    def _key(run: dict[str, Any]) -> Key:
        return (run["encoder"], run["decoder"]), run["rate"], run["seed"]


def trained(pair: Pair, rate: float, seed: int, device: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    steps = EXAMPLES // BATCH
    result = train_rung(
        Job(
            architecture=architecture(pair),
            data=DataSpec(name=DATA),
            learning_rate=rate,
            batch_size=BATCH,
            seed=seed,
            until=steps,
            total=steps,
            device=device,
            metrics=("active_units", "distortion", "kl", "mse"),
        )
    )
    run = {"encoder": pair[0], "decoder": pair[1], "rate": rate, "seed": seed}
    if result.failure:
        return {**run, "val_loss": math.inf, "failure": result.failure}
    return {**run, **result.metrics, "seconds": round(result.seconds, 1)}


def best_rates(runs: Runs) -> dict[Pair, float]:
    """The best of a grid that extends itself while its best lies at an end, for each pair."""
    grids = {pair: list(RATES) for pair in PAIRS}
    while True:
        done = runs.of([(pair, r, TUNING_SEED) for pair, rates in grids.items() for r in rates])
        losses = {((r["encoder"], r["decoder"]), r["rate"]): r["val_loss"] for r in done}
        best = {pair: min(rates, key=lambda r: losses[pair, r]) for pair, rates in grids.items()}
        grown = False
        for pair, rates in grids.items():
            if best[pair] == rates[0] and rates[0] / 2 >= ENDS[0]:
                rates.insert(0, rates[0] / 2)
                grown = True
            elif best[pair] == rates[-1] and rates[-1] * 2 <= ENDS[1]:
                rates.append(rates[-1] * 2)
                grown = True
        if not grown:
            return best


def interval(differences: np.ndarray) -> str:
    """Mean and 95 % interval by Student's t over seeds."""
    half = student.ppf(0.975, len(differences) - 1) * differences.std(ddof=1)
    half /= math.sqrt(len(differences))
    mean = differences.mean()
    return f"{mean:+.2f} ({mean - half:+.2f} to {mean + half:+.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/mixed-families.jsonl"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    runs = Runs(args.runs, args.device, args.processes)
    rates = best_rates(runs)
    keys = [(pair, rates[pair], seed) for seed in SEEDS for pair in PAIRS]
    every = runs.of(keys)
    done = {
        pair: [r for (p, *_), r in zip(keys, every, strict=True) if p == pair] for pair in PAIRS
    }
    losses = {pair: np.array([run["val_loss"] for run in done[pair]]) for pair in PAIRS}
    lines = [
        *heading("Families per side, as VAEs of Fashion-MNIST", __file__, args.device),
        f"{BUDGET:,} parameters filled to 1 %, half of them in the decoder, latent {LATENT}, "
        f"{EXAMPLES:,} training examples in batches of {BATCH}, one structure per side (dense: one "
        "hidden layer; conv2d: two stages with a residual block each), rates by a grid of factor 2 "
        f"at a seed of its own, {len(SEEDS)} seeds. Loss: negative ELBO in nats without the "
        "constant of the Gaussian likelihood (standard deviation 0.1), validation split; "
        "differences are paired by seed, with 95 % intervals of Student's t over seeds: "
        "they hold for these networks, not for the families at large.",
        "",
        "| encoder | decoder | encoder / decoder parameters | MACs | rate | negative ELBO | "
        "distortion | KL | MSE | the mixed pair's loss minus this one's |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for pair in PAIRS:
        counts = architecture(pair).counts
        means = [
            np.mean([run[name] for run in done[pair]])
            for name in ("val_loss", "distortion", "kl", "mse")
        ]
        against = "–" if pair == PAIRS[0] else interval(losses[PAIRS[0]] - losses[pair])
        lines.append(
            f"| {pair[0]} | {pair[1]} | {counts.encoder_params:,} / {counts.decoder_params:,} | "
            f"{counts.total_macs:,} | {rates[pair]:g} | {means[0]:.2f} | {means[1]:.2f} | "
            f"{means[2]:.2f} | {means[3]:.5f} | {against} |"
        )
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
