"""Examples per second of a search that prunes nothing, against a plain loop and its ceiling.

    python benchmarks/throughput.py --against CHECKOUT [--repeats 3]

One earlier checkout searches Fashion-MNIST at random for eight networks of up to 150,000
parameters, 60,000 examples each, nothing pruned, and the present version trains the same networks
at the same rates. Both from the first trial's begin to the last one's end, on two workers. Beside
them stand

- a plain loop: PyTorch with two threads, fp32, AdamW, batches of 64 from a tensor in memory, and
  no validation; by network, as if each were trained on as many examples,
- the ceiling: forward and backward passes alone in the precision and with the rewritten layers that
  a search takes, by two processes of one thread each at once, with the allocator that workers have.

All in turn, `--repeats` times. Writes benchmarks/throughput.md. For idle cores: the two threads of
the plain loop wait for each other where anything else runs. Five minutes per repeat.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from heading import heading
from torch.nn.functional import mse_loss

from asymnas import Architecture, Run, StudyConfig
from asymnas.core import columns as t
from asymnas.core.config import Precision
from asymnas.data.base import load_dataset
from asymnas.data.spec import DataSpec
from asymnas.runs.execute import execute
from asymnas.runs.executors.local import ONE_THREAD, faster_allocator
from asymnas.runs.phases import ListedRun, Phase
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.runs.study import FIXED, SearchStudy
from asymnas.training.evaluation import as_input
from asymnas.training.rewrites import rewrite
from asymnas.training.steps import arithmetic

RESULTS = Path(__file__).with_suffix(".md")
DATASET, BUDGET, NETWORKS, EXAMPLES = "fashion-mnist", 150_000, 8, 60_000
BATCH, WARM_UP, MEASURED = 64, 5, 60  # examples per step; steps
EARLIER, PRESENT, PLAIN, CEILING = "earlier version", "present version", "plain loop", "ceiling"


@dataclass(frozen=True, kw_only=True)
class Listed(SearchPlan):
    """Trains given networks, measured as the candidates of a search are."""

    runs: tuple[ListedRun, ...]

    def phases(self, study: SearchStudy, /) -> Iterator[Phase]:
        """One phase, all runs."""
        yield Phase(config=self.config, space=self.space, runs=self.runs, measure_all=False)


def search_before(checkout: Path, seed: int, run_dir: Path) -> None:
    """A random search by an earlier version."""
    path = os.pathsep.join([str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])])
    arguments = f"--dataset {DATASET} --budget {BUDGET} --trials {NETWORKS} --examples {EXAMPLES}"
    arguments += f" --sampler random --pruner none --seed {seed} --run-dir {run_dir}"
    subprocess.run(
        [sys.executable, "-m", "asymnas.search", *arguments.split()],
        env={**os.environ, "PYTHONPATH": path},
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def train_again(earlier: Run, run_dir: Path) -> None:
    """The networks of a run, trained by the present version."""
    made = plan_search(
        StudyConfig(
            dataset=DATASET,
            budget=BUDGET,
            examples=EXAMPLES,
            latent=int(earlier.config["latent"]),
            sampler="random",
            pruner="none",
            enqueue=(),
            run_dir=str(run_dir),
        )
    )
    runs = tuple(
        ListedRun(
            architecture=architecture_of(row),
            learning_rate=row[t.LEARNING_RATE],
            replicate=0,
            labels={},
        )
        for row in earlier.own.to_dict("records")
    )
    config = replace(made.config, sampler=FIXED, trials=len(runs))
    with execute(Listed(config=config, space=made.space, data=made.data, runs=runs)):
        pass


def architecture_of(row: Mapping) -> Architecture:
    """The network of a trial."""
    return Architecture.from_dict(row[t.ARCHITECTURE])


def speed_of(run: Run) -> tuple[float, float]:
    """Examples per second from the first trial to the last one's end; how busy workers are."""
    trials = run.study.optuna.get_trials(deepcopy=False)
    began = min(trial.datetime_start for trial in trials)
    ended = max(trial.datetime_complete for trial in trials)
    seconds = (ended - began).total_seconds()
    busy = run.own[t.SECONDS].sum() / seconds / run.config["workers"]
    return float(run.own[t.EXAMPLES].sum() / seconds), float(busy)


def seconds_per_step(architecture: Architecture, precision: Precision, *, plain: bool) -> float:
    """Of a whole step of a plain loop, or of its forward and backward pass alone."""
    train = load_dataset(DataSpec(name=DATASET)).train
    model = architecture.build(0)
    if plain:
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
        train = train.float() / 255
    else:
        model = model.to(memory_format=torch.channels_last)
        rewrite(model)
        batch = as_input(train[:BATCH])
    generator, began = torch.Generator().manual_seed(0), 0.0
    order = torch.randperm(len(train), generator=generator)
    for step in range(WARM_UP + MEASURED):
        if step == WARM_UP:
            began = time.perf_counter()
        x = train[order[step * BATCH : (step + 1) * BATCH]] if plain else batch
        with arithmetic(precision, torch.device("cpu")):
            loss = mse_loss(model(x), x)
        loss.backward()
        if plain:
            optimizer.step()
        model.zero_grad()
    return (time.perf_counter() - began) / MEASURED


def measure(what: str, networks: Path, precision: Precision, first: int) -> float:
    """Examples per second over all networks, in this process, beginning with one of them."""
    torch.set_num_threads(2 if what == PLAIN else 1)
    made = [Architecture.from_dict(values) for values in json.loads(networks.read_text())]
    order = [*made[first:], *made[:first]]
    steps = [seconds_per_step(network, precision, plain=what == PLAIN) for network in order]
    return BATCH * len(steps) / sum(steps)


def measured_elsewhere(what: str, networks: Path, precision: Precision) -> float:
    """The same by processes of their own: one of two threads, or two of one thread at once."""
    allocator = faster_allocator()
    settings = {} if what == PLAIN else {**ONE_THREAD, "LD_PRELOAD": allocator or ""}
    command = [sys.executable, __file__, "--measure", what, "--networks", str(networks)]
    begun = [
        subprocess.Popen(
            [*command, "--precision", precision, "--first", str(first)],
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in ((0,) if what == PLAIN else (0, NETWORKS // 2))
    ]
    return sum(float(process.communicate()[0]) for process in begun)


@dataclass(frozen=True)
class Repeat:
    """All four, measured in turn.

    Args:
        speeds: Examples per second.
        busy: Share of the time for which workers of the present version train or score.
        losses: Of each network, that of the present version over that of the earlier one.
        load: At the end.
    """

    speeds: Mapping[str, float]
    busy: float
    losses: Sequence[float]
    load: float


def repeat(checkout: Path, seed: int, folder: Path) -> Repeat:
    """Measures all four."""
    search_before(checkout, seed, folder / "earlier")
    earlier = Run.open(folder / "earlier")
    train_again(earlier, folder / "present")
    present = Run.open(folder / "present")
    networks = folder / "networks.json"
    rows = earlier.own.to_dict("records")
    networks.write_text(json.dumps([architecture_of(row).to_dict() for row in rows]))
    precision = present.config["precision"]
    speed, busy = speed_of(present)
    speeds = {
        EARLIER: speed_of(earlier)[0],
        PRESENT: speed,
        PLAIN: measured_elsewhere(PLAIN, networks, "fp32"),
        CEILING: measured_elsewhere(CEILING, networks, precision),
    }
    losses = (present.own[t.VAL_LOSS].to_numpy() / earlier.own[t.VAL_LOSS].to_numpy()).tolist()
    return Repeat(speeds, busy, losses, os.getloadavg()[0])


def ratios(made: Sequence[Repeat], other: str, *, while_busy: bool = False) -> str:
    """The median of the present version over another, and from where to where it goes."""
    values = [
        each.speeds[PRESENT] / each.speeds[other] / (each.busy if while_busy else 1)
        for each in made
    ]
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="the earlier checkout")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--networks", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(measure(args.measure, args.networks, args.precision, args.first))
        return
    if args.against is None:
        parser.error("--against is needed: a checkout of the version to compare with")
    made, lines = [], []
    for seed in range(args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            made.append(repeat(args.against.absolute(), seed, Path(folder)))
        one = made[-1]
        cells = [*(f"{speed:,.0f}" for speed in one.speeds.values()), f"{one.busy:.0%}"]
        lines.append(f"| {seed} | {' | '.join(cells)} | {one.load:.1f} |")
        print(lines[-1], flush=True)
    losses = [ratio for one in made for ratio in one.losses]
    page = [
        *heading("Examples per second of a search that prunes nothing", __file__),
        f"{NETWORKS} networks of up to {BUDGET:,} parameters on Fashion-MNIST, {EXAMPLES:,} "
        "examples each, drawn at random with each seed. Workers are idle at the end, when one has "
        "nothing left to train. The load is that of two cores at the end.",
        "",
        f"- present version over earlier version: {ratios(made, EARLIER)}",
        f"- present version over plain loop: {ratios(made, PLAIN)}",
        f"- present version over ceiling: {ratios(made, CEILING)}; while its workers are busy: "
        f"{ratios(made, CEILING, while_busy=True)}",
        f"- losses, present over earlier version: median {statistics.median(losses):.4f}, from "
        f"{min(losses):.4f} to {max(losses):.4f}",
        "",
        f"| seed | {EARLIER} | {PRESENT} | {PLAIN} | {CEILING} | workers busy | load |",
        "|---|---|---|---|---|---|---|",
        *lines,
    ]
    RESULTS.write_text("\n".join(page) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
