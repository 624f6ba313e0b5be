"""What scoring costs: an early rung, the last one, and SSIM against torchmetrics.

    python benchmarks/scoring.py [--networks 16]

Random networks of 150,000 parameters are trained on 10,240 examples of Fashion-MNIST, a fraction of
their first rung, and scored on the whole validation split in fp32, as after the last rung, and on
a part of it, as before. After the last rung latents and outputs come from the pass that takes the
loss; the same is timed with passes of their own. SSIM is taken of random images and of the same
with noise. CPU time of one thread, medians. Writes benchmarks/scoring.md.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from heading import heading
from scipy.stats import spearmanr
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from asymnas import StudyConfig
from asymnas.runs.plan import plan_search
from asymnas.training import measurement
from asymnas.training.checkpoints import load_weights
from asymnas.training.evaluation import evaluate
from asymnas.training.measurement import evenly_spaced
from asymnas.training.metrics.ssim import ssim
from asymnas.training.rung import EARLY_EXAMPLES, Job, rung_steps, train_rung
from asymnas.training.steps import arithmetic

RESULTS = Path(__file__).with_suffix(".md")
STEPS = 160
SHAPES = ((500, 1, 28, 28), (100, 3, 64, 64), (4, 3, 512, 512))
REPEATS = 5
IMAGES = 64  # that torchmetrics is given at a time


def seconds(of: Callable[[], object], repeats: int = REPEATS) -> float:
    """CPU seconds of one call, the median of several."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        of()
        times.append(time.process_time() - began)
    return statistics.median(times)


def early_rungs(networks: int) -> str:
    """How far losses on a part of the split are from those on the whole one."""
    config = StudyConfig(dataset="fashion-mnist", budget=150_000, device="cpu", metrics=())
    plan = plan_search(config)
    validation = plan.data.validation
    part = validation[evenly_spaced(len(validation), EARLY_EXAMPLES)]
    losses, ratios = [], []
    for seed in range(networks):
        candidate = plan.sample(seed)
        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder) / "weights.pt"
            job = Job(
                architecture=candidate.architecture,
                data=plan.config.data(),
                learning_rate=min(candidate.learning_rate, 2e-2),
                batch_size=64,
                seed=seed,
                until=STEPS,
                total=rung_steps(plan.config.examples or 0, 64)[-1],
                device="cpu",
                save=saved,
            )
            if train_rung(job).failure:
                continue
            model = load_weights(candidate.architecture.build(), saved)
        model = model.to(memory_format=torch.channels_last)
        times, three = [], []
        for seen, precision in ((validation, "fp32"), (part, "fp32"), (part, "bf16")):
            began = time.process_time()
            with arithmetic(precision, torch.device("cpu")):
                three.append(evaluate(model, seen, kind="plain").loss)
            times.append(time.process_time() - began)
        losses.append(three)
        ratios.append([times[0] / times[1], times[0] / times[2]])
        print(seed, three, times, flush=True)
    whole, *parts = np.log(losses).T
    times_as_long = np.median(ratios, axis=0)
    said = f"{len(losses)} networks, {len(validation):,} validation examples in fp32 against"
    return "\n".join(
        f"- {said} {len(part):,} in {precision}: log losses differ by "
        f"{(early - whole).mean():+.4f} on average with a standard deviation of "
        f"{(early - whole).std(ddof=1):.4f}, where those of the networks spread by "
        f"{whole.std(ddof=1):.2f}; rank correlation {spearmanr(whole, early).statistic:.3f}. The "
        f"whole split takes {longer:.1f} times as long."
        for precision, early, longer in zip(("fp32", "bf16"), parts, times_as_long, strict=True)
    )


def last_rungs(networks: int) -> list[str]:
    """A row of the table per way of scoring, in passes of the validation split."""
    plan = plan_search(StudyConfig(dataset="fashion-mnist", budget=150_000, device="cpu"))
    data, names = plan.data, plan.config.metrics or ()
    ways = {
        "the loss, and whether it has collapsed": -np.inf,
        "the same and all metrics": 1e9,
    }
    apart = (
        patch.multiple(measurement, MOST_OUTPUTS=0),
        patch.object(measurement._Passage, "latents", None),
    )
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for seed in range(networks):
        model = plan.sample(seed).architecture.build(seed).to(memory_format=torch.channels_last)
        pass_s = seconds(partial(evaluate, model, data.validation, kind="plain"), 1)
        for way, highest in ways.items():
            scored = partial(
                measurement.measure,
                model,
                data,
                "validation",
                names,
                kind="plain",
                highest_loss=highest,
            )
            one = seconds(scored, 1)
            with apart[0], apart[1]:
                times[way].append((one / pass_s, seconds(scored, 1) / pass_s))
    medians = {way: np.median(pairs, axis=0) for way, pairs in times.items()}
    return [f"| {way} | {several:.1f} | {one:.1f} |" for way, (one, several) in medians.items()]


def by_torchmetrics(x: Tensor, output: Tensor) -> Tensor:
    """SSIM by a convolution with the window."""
    parts = zip(x.split(IMAGES), output.split(IMAGES), strict=True)
    found = [
        structural_similarity_index_measure(b, a, data_range=1.0, reduction="none")
        for a, b in parts
    ]
    return torch.cat([torch.as_tensor(values).reshape(-1) for values in found])


def similarity_rows() -> list[str]:
    """A row of the table per shape."""
    rows = []
    for shape in SHAPES:
        x = torch.rand(shape).contiguous(memory_format=torch.channels_last)
        output = x + 0.1 * torch.randn_like(x)
        apart = float((by_torchmetrics(x, output) - ssim(x, output, 1.0)).abs().max())
        theirs = seconds(lambda x=x, output=output: by_torchmetrics(x, output))
        ours = seconds(lambda x=x, output=output: ssim(x, output, 1.0))
        images = "×".join(map(str, shape))
        rows.append(
            f"| {images} | {1e3 * theirs:.0f} | {1e3 * ours:.0f} | {theirs / ours:.1f} | "
            f"{apart:.1e} |"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=16)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    lines = [
        *heading("What scoring costs", __file__),
        "## Rungs before the last",
        "",
        early_rungs(args.networks),
        "",
        "## The last rung",
        "",
        f"CPU time over that of one pass of the validation split, medians of {args.networks} "
        "networks.",
        "",
        "| what | passes of their own | one pass |",
        "|---|---|---|",
        *last_rungs(args.networks),
        "",
        "## SSIM",
        "",
        "| images | torchmetrics, ms | here, ms | times faster | largest difference |",
        "|---|---|---|---|---|",
        *similarity_rows(),
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
