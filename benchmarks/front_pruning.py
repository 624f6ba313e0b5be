"""Rules that prune or pause candidates of any size, replayed on searches that pruned none.

    python benchmarks/front_pruning.py [--search digits --pruners none,rank,pause --seeds 0,1]

The searches have two objectives, the loss and the size, and Optuna's TPE, or draw at random. Where
none of their candidates was stopped, what a rule would have stopped is known to the end. `--search`
runs more of them, a line of benchmarks/front_pruning.jsonl each: the candidates in the order they
were drawn, or where it does prune what was complete when. Their first rung is after a sixth of the
examples or, as it is by default now where candidates are pruned, after an eighteenth.

Replayed one candidate at a time, every tenth never stopped, are

- `rank` and `asha`, as asymnas has them;
- the median of losses and, of loss and size, the median of Pareto ranks (what OptunaHub's
  MultiMetricPruner makes of Optuna's MedianPruner);
- MOASHA (Schmucker et al. 2021, arXiv 2106.12639): the best third by Pareto rank, and within a
  rank by the epsilon-net order; and Syne Tune's class of that name, where it is installed (`pip
  install --no-deps syne-tune`): version 0.16 decides by the order of indices in place of the ranks;
- Hyperband (Li et al. 2018): `asha` in three brackets, which begin to prune at the first, second
  and third rung;
- the expected gain: as `pause`, but what it would pause is stopped for good;
- pausing: `pause`, with its constants and with others.

Of each: the examples saved, how much less area (of logarithms of loss and size) the front covers
than that of all candidates, and the area after a quarter and a half of the examples that all take.
Writes benchmarks/front_pruning.md.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

import moocore
import numpy as np
import optuna
from heading import heading
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from asymnas import StudyConfig, run_search
from asymnas.runs.plan import plan_search
from asymnas.runs.pruners import PRUNERS, Progress
from asymnas.runs.pruners.pause import Pause
from asymnas.runs.trials import NEVER_PRUNED_EVERY
from asymnas.training.reference_loss import mean_predictor_loss
from asymnas.training.rung import FIRST_RUNG, RUNGS

try:
    from syne_tune.optimizer.schedulers.multiobjective.moasha import (  # with what it imports
        MOASHA,
        SchedulerDecision,
        Trial,
    )
except ImportError:
    MOASHA = None

RESULTS = Path(__file__).with_suffix(".md")
LINES = Path(__file__).with_suffix(".jsonl")
EARLY = ", early rung"  # the end of the name of a search
FEWEST = 5  # others at a rung before a median stops any
SEARCHES = {
    "digits": {"budget": 20_000, "trials": 60},
    "digits at random": {
        "dataset": "digits",
        "budget": 20_000,
        "trials": 60,
        "sampler": "random",
    },
    "fashion-mnist": {"budget": 150_000, "trials": 40, "examples": 60_032},
}
SEARCHES |= {name + EARLY: {"dataset": name} | SEARCHES[name] for name in [*SEARCHES]}

Point = tuple[float, float]  # logarithms of the final loss and of the size


@dataclass(frozen=True)
class Candidate:
    """One candidate, trained to the end: its size and `(examples, loss)` of each rung."""

    size: int
    curve: tuple[tuple[int, float], ...]

    @property
    def point(self) -> Point:
        return float(np.log(self.curve[-1][1])), float(np.log(self.size))

    def until(self, rung: int) -> Progress:
        """What a pruner sees of it after so many rungs."""
        complete = rung == len(self.curve)
        return Progress(curve=self.curve[:rung], costs=(float(self.size),), complete=complete)


@dataclass(frozen=True)
class Order:
    """The candidates of a search as they were drawn, and the corner its area is measured from."""

    dataset: str
    seed: int
    corner: Point
    candidates: tuple[Candidate, ...]

    @property
    def examples(self) -> int:
        return sum(candidate.curve[-1][0] for candidate in self.candidates)


@dataclass
class Replayed:
    """What a rule left: the complete candidates, each with the examples spent up to then."""

    order: Order
    examples: int
    complete: list[tuple[int, Candidate]]

    def area(self, within: float = 1.0) -> float:
        """The area of the front after this part of what all candidates take."""
        limit = within * self.order.examples
        points = [c.point for spent, c in self.complete if spent <= limit]
        return area(points, self.order.corner)


def area(points: Sequence[Point], corner: Point) -> float:
    """Of a front of logarithms, from a corner."""
    return float(moocore.hypervolume(np.array(points), ref=corner)) if points else 0.0


Rule = Callable[[int, Progress, list[Progress], Sequence[Candidate]], bool]
"""`(number, progress, others at this rung, complete candidates) -> stop?`"""


def replay(order: Order, stops: Rule) -> Replayed:
    """Candidates one after another; those stopped never go on."""
    left = Replayed(order, 0, [])
    reached: list[Progress] = []
    for number, candidate in enumerate(order.candidates):
        seen = 0
        for rung in range(1, len(candidate.curve) + 1):
            now = candidate.until(rung)
            left.examples += now.curve[-1][0] - seen
            seen = now.curve[-1][0]
            if rung == len(candidate.curve):
                left.complete.append((left.examples, candidate))
                break
            others = [other for other in reached if other.loss_at(seen) is not None]
            done = [c for _, c in left.complete]
            if number % NEVER_PRUNED_EVERY and stops(number, now, others, done):
                break
        reached.append(now)
    return left


def registered(name: str) -> Rule:
    """A pruner of asymnas."""
    prune = PRUNERS.get(name)
    return lambda number, now, others, done: prune(now, others)


def points_at(now: Progress, others: Sequence[Progress]) -> NDArray[np.float64]:
    """Loss and size of all at a rung, the one in question first."""
    seen = now.curve[-1][0]
    return np.log([now.point_at(seen), *(other.point_at(seen) for other in others)])


def median_loss(number: int, now: Progress, others: list[Progress], done: object) -> bool:
    """Worse than the median of those before it, once there are five."""
    losses = points_at(now, others)[:, 0]
    return len(others) >= FEWEST and losses[0] > np.median(losses[1:])


def median_rank(number: int, now: Progress, others: list[Progress], done: object) -> bool:
    """Of a Pareto rank above the median's, once there are five."""
    ranks = moocore.pareto_rank(points_at(now, others))
    return len(others) >= FEWEST and ranks[0] > np.median(ranks[1:])


def net_order(points: NDArray[np.float64]) -> list[int]:
    """Points of one rank, each the farthest from those before it; it begins with the first."""
    chosen, left = [0], set(range(1, len(points)))
    while left:
        far = max(left, key=lambda n: min(np.linalg.norm(points[n] - points[m]) for m in chosen))
        chosen.append(far)
        left.remove(far)
    return chosen


def moasha(number: int, now: Progress, others: list[Progress], done: object) -> bool:
    """Not among the best third by Pareto rank and, within a rank, by the epsilon-net order."""
    points = points_at(now, others)
    if len(points) < 3:
        return False
    points = (points - points.min(axis=0)) / np.maximum(np.ptp(points, axis=0), 1e-9)
    ranks = moocore.pareto_rank(points)
    place = int(np.sum(ranks < ranks[0]))
    front = np.flatnonzero(ranks == ranks[0])
    front = front[np.argsort(points[front, 0], kind="stable")]
    ordered = front[net_order(points[front])]
    place += int(np.flatnonzero(ordered == 0)[0])
    return place >= len(points) / 3


def syne_tune_moasha(number: int, now: Progress, others: list[Progress], done: object) -> bool:
    """What Syne Tune's scheduler decides, told of all at this rung in their order."""
    scheduler = MOASHA(
        config_space={}, metrics=["loss", "size"], time_attr="rung", max_t=3, reduction_factor=3
    )
    for n, (loss, size) in enumerate(np.exp(np.roll(points_at(now, others), -1, axis=0))):
        trial = Trial(trial_id=n, config={}, creation_time=datetime.now())
        scheduler.on_trial_add(trial)
        decision = scheduler.on_trial_result(trial, {"rung": 1, "loss": loss, "size": size})
    return decision == SchedulerDecision.STOP


def hyperband(number: int, now: Progress, others: list[Progress], done: object) -> bool:
    """`asha` in three brackets, by turns."""
    return len(now.curve) > number % 3 and PRUNERS.get("asha")(now, others)


def gain_rule(share: float) -> Rule:
    """Stops what is expected to add less than a share of what a new candidate is."""
    pause = Pause(share)

    def stops(number: int, now: Progress, others: object, done: Sequence[Candidate]) -> bool:
        return pause(now, [candidate.until(len(candidate.curve)) for candidate in done])

    return stops


def pausing(order: Order, pause: Pause) -> Replayed:
    """Of all that have begun, the one with the highest expected gain goes on, or the next begins.

    What is not to go on at all is dropped.
    """
    left, complete = Replayed(order, 0, []), dict[int, Progress]()
    waiting: dict[int, int] = {}  # rungs by number
    new = 0
    while new < len(order.candidates) or waiting:
        numbers = list(waiting)
        done = [complete[n] for n in sorted(complete)]
        worth = pause.worth([order.candidates[n].until(waiting[n]) for n in numbers], done)
        worth = [
            1.0 if n % NEVER_PRUNED_EVERY == 0 else w for n, w in zip(numbers, worth, strict=True)
        ]
        for n, w in zip(numbers, worth, strict=True):
            if w <= 0:
                del waiting[n]
        best = max(zip(worth, numbers, strict=True), default=(0.0, -1))
        if best[0] >= 1 or (new == len(order.candidates) and best[0] > 0):
            number = best[1]
        elif new < len(order.candidates):
            number, new = new, new + 1
        else:
            break
        candidate, rung = order.candidates[number], waiting.pop(number, 0)
        left.examples += candidate.curve[rung][0] - (candidate.curve[rung - 1][0] if rung else 0)
        if rung + 1 == len(candidate.curve):
            left.complete.append((left.examples, candidate))
            complete[number] = candidate.until(rung + 1)
        else:
            waiting[number] = rung + 1
    return left


Run = Callable[[Order], Replayed]


def rules() -> dict[str, Run]:
    """What is compared, by name."""
    fixed: dict[str, Rule] = {
        "none": lambda *_: False,
        "rank": registered("rank"),
        "asha": registered("asha"),
        "median of losses": median_loss,
        "median of Pareto ranks": median_rank,
        "MOASHA": moasha,
        "Hyperband": hyperband,
    }
    if MOASHA is not None:
        fixed["MOASHA of Syne Tune"] = syne_tune_moasha
    found: dict[str, Run] = {name: partial(replay, stops=rule) for name, rule in fixed.items()}
    for share in (0.1, 0.2):
        found[f"expected gain, share {share:g}"] = partial(replay, stops=gain_rule(share))
    own = Pause()
    for pause in (
        own,
        *(replace(own, share=share) for share in (0.25, 1.0, 2.0)),
        *(replace(own, least_chance=chance) for chance in (0.05, 0.2, 0.3)),
        *(replace(own, margin=margin) for margin in (1.01, 4.0)),
    ):
        name = f"pausing, share {pause.share:g}, p {pause.least_chance:g}, margin {pause.margin:g}"
        found[name] = partial(pausing, pause=pause)
    return found


@dataclass(frozen=True)
class Searched:
    """What a search came to that did prune.

    Args:
        dataset: What it searched on.
        seed: Its seed.
        pruner: Its pruner.
        corner: Where areas are measured from.
        examples: Training examples seen.
        complete: Of each complete trial, examples seen when it ended, loss and size.
    """

    dataset: str
    seed: int
    pruner: str
    corner: Point
    examples: int
    complete: tuple[tuple[int, float, int], ...]

    def area(self, examples: float = np.inf) -> float:
        """The area of the front after so many examples."""
        ended = [
            (np.log(loss), np.log(size)) for seen, loss, size in self.complete if seen <= examples
        ]
        return area(ended, self.corner)


def found() -> tuple[list[Order], list[Searched]]:
    """All searches that are over: those that did not prune, and those that did."""
    orders, pruned = [], []
    for row in map(json.loads, LINES.read_text("utf-8").splitlines()):
        dataset, seed, pruner, corner = (row[k] for k in ("dataset", "seed", "pruner", "corner"))
        if pruner == "none":
            some = [Candidate(size, tuple(map(tuple, curve))) for size, curve in row["candidates"]]
            orders.append(Order(dataset, seed, tuple(corner), tuple(some)))
        else:
            complete = tuple(map(tuple, row["complete"]))
            pruned.append(Searched(dataset, seed, pruner, tuple(corner), row["examples"], complete))
    return orders, pruned


def search(dataset: str, seed: int, pruner: str, runs: Path) -> None:
    """One search, and its line."""
    name = f"{dataset}-{pruner}-{seed}".replace(", ", "-").replace(" ", "-")
    config = StudyConfig(
        seed=seed,
        device="cpu",
        objectives=("val_loss", "total_params"),
        pruner=pruner,
        name=name,
        run_dir=str(runs / name),
        **({"dataset": dataset} | SEARCHES[dataset]),
    )
    seen, complete = [0], list[tuple[int, float, int]]()

    def note(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if trial.state == optuna.trial.TrialState.COMPLETE:
            complete.append((seen[-1], *trial.values))

    rungs = (FIRST_RUNG, *RUNGS) if dataset.endswith(EARLY) else RUNGS
    with (
        patch("asymnas.training.rung.RUNGS", rungs),  # for what is not pruned, too
        patch("asymnas.training.rung.FIRST_RUNG", rungs[0]),
    ):
        run = run_search(
            config,
            fresh=True,
            observe=lambda snapshot: seen.append(snapshot.examples),
            callbacks=[note],
        )
    plan = plan_search(config)
    worst = mean_predictor_loss(plan.space.sample(0).architecture, plan.data) or 1.0
    corner = float(np.log(worst)), float(np.log(config.budget))
    row = {"dataset": dataset, "seed": seed, "pruner": pruner, "corner": corner}
    if pruner != "none":
        row |= {"examples": seen[-1], "complete": complete}
    else:
        table = run.own.sort_values("trial")
        table = table[(table["state"] == "complete") & table["duplicate_of"].isna()]
        row["candidates"] = [
            (int(size), [(examples, float(f"{loss:.7g}")) for examples, loss in curve])
            for size, curve in zip(table["total_params"], table["curve"], strict=True)
        ]
    with LINES.open("a") as file:
        file.write(json.dumps(row) + "\n")


def searches_of(some: Sequence[Searched], whole: int) -> list[str]:
    """Searches of the same seeds with `pause` and with `rank`.

    Args:
        some: The searches.
        whole: Examples that all trials take if none is stopped.
    """
    by_pruner = {name: {s.seed: s for s in some if s.pruner == name} for name in ("pause", "rank")}
    own, usual = by_pruner["pause"], by_pruner["rank"]
    pairs = [(own[seed], usual[seed]) for seed in sorted(own.keys() & usual.keys())]
    spent = [a.examples / b.examples - 1 for a, b in pairs]
    lines = [
        f"Searches that did prune, `pause` against `rank`, {len(pairs)} pairs of one seed each. "
        "Their candidates differ, for the sampler learns from what is complete.",
        "",
        f"- examples: {np.mean(spent):+.1%} in the mean, from {min(spent):+.1%} to "
        f"{max(spent):+.1%}.",
    ]
    compared = {
        "area at a quarter of the examples of all trials": lambda a, b: (
            a.area(0.25 * whole) / b.area(0.25 * whole)
        ),
        "at a half": lambda a, b: a.area(0.5 * whole) / b.area(0.5 * whole),
        "when the cheaper one of both ended": lambda a, b: (
            a.area(min(a.examples, b.examples)) / b.area(min(a.examples, b.examples))
        ),
        "in the end": lambda a, b: a.area() / b.area(),
        "lowest loss in the end": lambda a, b: (
            min(loss for _, loss, _ in a.complete) / min(loss for _, loss, _ in b.complete)
        ),
    }
    for what, ratio in compared.items():
        by = [ratio(a, b) - 1 for a, b in pairs]
        tested = f", Wilcoxon p = {wilcoxon(by).pvalue:.3f}" if len(by) > 5 and any(by) else ""
        lines.append(
            f"- {what}: {np.mean(by):+.1%} in the mean, {np.median(by):+.1%} in the median, from "
            f"{min(by):+.1%} to {max(by):+.1%}{tested}."
        )
    return lines


def table_of(some: Sequence[Order]) -> list[str]:
    """The rules, compared on the searches of one data set."""
    lines = [
        "| rule | examples saved | area lost: mean | largest | area at a quarter of the examples "
        "| at a half | against rank at a half | lowest loss, mean excess |",
        "|---|---|---|---|---|---|---|---|",
    ]
    whole = [area([c.point for c in order.candidates], order.corner) for order in some]
    half: dict[str, NDArray[np.float64]] = {}
    for name, run in rules().items():
        left = [run(order) for order in some]
        saved = np.mean([1 - r.examples / r.order.examples for r in left])
        lost = 1 - np.array([r.area() for r in left]) / whole
        at = {part: np.array([r.area(part) for r in left]) / whole for part in (0.25, 0.5)}
        half[name] = at[0.5]
        excess = [
            min(c.curve[-1][1] for _, c in r.complete)
            / min(c.curve[-1][1] for c in r.order.candidates)
            - 1
            for r in left
        ]
        tested = ""
        if "rank" in half and name != "rank":
            by = half[name] - half["rank"]
            tested = f"{np.mean(by):+.2%}"
            if np.any(by) and len(by) > 5:
                tested += f", p = {wilcoxon(half[name], half['rank']).pvalue:.3f}"
        lines.append(
            f"| {name} | {saved:.1%} | {np.mean(lost):.2%} | {max(lost):.2%} | "
            f"{np.mean(at[0.25]):.2%} | {np.mean(at[0.5]):.2%} | {tested} | {np.mean(excess):.2%} |"
        )
    return lines


def page(orders: Sequence[Order], pruned: Sequence[Searched]) -> str:
    """What the rules and the searches came to."""
    lines = heading("Pruning where sizes differ", __file__)
    for dataset, kept in SEARCHES.items():
        if some := [order for order in orders if order.dataset == dataset]:
            lines += [
                f"**{dataset}**, at most {kept['budget']:,} parameters: {len(some)} searches of "
                f"{min(len(o.candidates) for o in some)} to "
                f"{max(len(o.candidates) for o in some)} candidates.",
                "",
                *table_of(some),
                "",
            ]
        if own := [each for each in pruned if each.dataset == dataset]:
            whole = kept["trials"] * some[0].candidates[0].curve[-1][0]
            lines += [*searches_of(own, whole), ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/front-pruning"))
    parser.add_argument("--search", choices=SEARCHES, help="a data set to search")
    parser.add_argument("--pruners", default="none,rank,pause", help="with what it is searched")
    parser.add_argument("--seeds", default="0,1,2,3,4,5,6,7")
    args = parser.parse_args()
    for seed in map(int, args.seeds.split(",")) if args.search else ():
        orders, pruned = found()
        there = {(order.dataset, order.seed, "none") for order in orders}
        there |= {(each.dataset, each.seed, each.pruner) for each in pruned}
        for pruner in args.pruners.split(","):
            if (args.search, seed, pruner) not in there:
                search(args.search, seed, pruner, args.runs)
    RESULTS.write_text(page(*found()), "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
