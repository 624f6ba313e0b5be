"""Pausing candidates by their expected gain against successive halving, replayed.

    python benchmarks/pausing.py [--runs runs/search-designs] [--seeds 0,1,2,3,4,5,6,7]

The orders are those of the random searches that `search_designs.py` leaves: candidates of one
size, none of them pruned, so that what a rule would have stopped is known to the end. Replayed one
candidate at a time are

- `asha`, as a search has it, and
- pausing: at each rung the logarithm of the final loss is predicted by a line through the complete
  candidates; a candidate goes on if the improvement on the best that is expected of it is at least
  a share of the mean improvement of the last twenty to complete. Otherwise it waits. When all have
  begun, those with a chance of at least `p` to be the best go on, in the order of the expected
  improvement per example.

Every tenth candidate is never stopped. Writes benchmarks/pausing.md.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from heading import heading
from scipy.stats import norm

from asymnas import Run
from asymnas.runs.pruners import PRUNERS, Progress
from asymnas.runs.trials import NEVER_PRUNED_EVERY

RESULTS = Path(__file__).with_suffix(".md")
FEWEST = 5  # complete candidates before any is paused
LAST = 20  # complete candidates whose gains are averaged
LEAST_SPREAD = 0.02  # of the logarithm of the final loss about its prediction
SHARES, CHANCES = (0.25, 0.5, 1.0, 2.0), (0.05, 0.1, 0.2, 0.4)

Curve = tuple[tuple[int, float], ...]


def orders(runs: Path, seeds: Sequence[int]) -> list[list[Curve]]:
    """The curves of each search's complete candidates, in the order they were drawn."""
    found = []
    for seed in seeds:
        table = Run.open(runs / f"random-{seed}").own
        complete = table[table["state"] == "complete"].sort_values("trial")
        found.append([tuple((int(n), float(loss)) for n, loss in c) for c in complete["curve"]])
    return found


def halving(order: Sequence[Curve]) -> tuple[int, list[Curve]]:
    """Training examples and complete candidates under `asha`."""
    asha, reached, complete, examples = PRUNERS.get("asha"), dict[int, Progress](), [], 0
    for number, curve in enumerate(order):
        for rung in range(1, len(curve) + 1):
            reached[number] = Progress(curve=curve[:rung])
            seen = curve[rung - 1][0]
            others = [p for n, p in reached.items() if n != number and p.loss_at(seen) is not None]
            if rung == len(curve):
                complete.append(curve)
            elif number % NEVER_PRUNED_EVERY and asha(reached[number], others):
                break
        examples += reached[number].curve[-1][0]
    return examples, complete


@dataclass
class Pausing:
    """A replay with pauses.

    Args:
        share: Of the mean gain, that a candidate must be expected to gain.
        chance: To be the best, that a paused candidate must have.
    """

    share: float
    chance: float
    examples: int = 0
    complete: list[Curve] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)

    def replay(self, order: Sequence[Curve]) -> tuple[int, list[Curve]]:
        """Training examples and complete candidates."""
        paused = []
        for number, curve in enumerate(order):
            rung = 0
            while not self._train(curve, rung):
                never_stopped = number % NEVER_PRUNED_EVERY == 0
                if never_stopped or len(self.complete) < FEWEST or self._goes_on(curve, rung):
                    rung += 1
                    continue
                paused.append((curve, rung))
                break
        while paused:
            worth = [self._worth(curve, rung) for curve, rung in paused]
            place = int(np.argmax(worth))
            if worth[place] <= 0:
                break
            curve, rung = paused.pop(place)
            if not self._train(curve, rung + 1):
                paused.append((curve, rung + 1))
        return self.examples, self.complete

    def _train(self, curve: Curve, rung: int) -> bool:
        """Trains to a rung; whether that was the last."""
        self.examples += curve[rung][0] - (curve[rung - 1][0] if rung else 0)
        if rung < len(curve) - 1:
            return False
        if self.complete:
            self.gains.append(max(0.0, self._best - np.log(curve[-1][1])))
        self.complete.append(curve)
        return True

    @property
    def _best(self) -> float:
        return float(min(np.log(curve[-1][1]) for curve in self.complete))

    def _predicted(self, curve: Curve, rung: int) -> tuple[float, float]:
        """The logarithm of the final loss, and its spread."""
        x = np.log([known[rung][1] for known in self.complete])
        y = np.log([known[-1][1] for known in self.complete])
        slope, level = np.polyfit(x, y, 1)
        left = y - level - slope * x
        spread = np.sqrt(np.sum(left**2) / max(len(x) - 2, 1))
        return float(level + slope * np.log(curve[rung][1])), max(float(spread), LEAST_SPREAD)

    def _expected(self, curve: Curve, rung: int) -> tuple[float, float]:
        """The expected improvement, and the chance of any."""
        middle, spread = self._predicted(curve, rung)
        z = (self._best - middle) / spread
        return float(spread * (z * norm.cdf(z) + norm.pdf(z))), float(norm.cdf(z))

    def _goes_on(self, curve: Curve, rung: int) -> bool:
        return self._expected(curve, rung)[0] >= self.share * np.mean(self.gains[-LAST:])

    def _worth(self, curve: Curve, rung: int) -> float:
        gain, chance = self._expected(curve, rung)
        return gain / (curve[-1][0] - curve[rung][0]) if chance >= self.chance else 0.0


def row(name: str, found: Sequence[tuple[int, list[Curve]]], order: Sequence[list[Curve]]) -> str:
    """A row of the table: means over the orders."""
    saved, excess = [], []
    for (examples, complete), curves in zip(found, order, strict=True):
        saved.append(1 - examples / sum(curve[-1][0] for curve in curves))
        best, kept = (min(curve[-1][1] for curve in some) for some in (curves, complete))
        excess.append(kept / best - 1)
    lost = sum(value > 0 for value in excess)
    return (
        f"| {name} | {np.mean(saved):.1%} | {np.mean(excess):.1%} | {lost} of {len(excess)} | "
        f"{max(excess):.1%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/search-designs"))
    parser.add_argument("--seeds", default="0,1,2,3,4,5,6,7")
    args = parser.parse_args()
    order = orders(args.runs, [int(seed) for seed in args.seeds.split(",")])
    rows = [row("asha", [halving(curves) for curves in order], order)]
    for share in SHARES:
        for chance in CHANCES:
            found = [Pausing(share, chance).replay(curves) for curves in order]
            rows.append(row(f"pausing, share {share:g}, p {chance:g}", found, order))
    lines = [
        *heading("Pausing against successive halving", __file__),
        f"Digits, 20,000 parameters, {len(order)} orders of {min(map(len, order))} to "
        f"{max(map(len, order))} candidates, means over the orders. The excess is that of the "
        "lowest loss over the lowest of all candidates.",
        "",
        "| rule | examples saved | mean excess | orders whose best was lost | largest excess |",
        "|---|---|---|---|---|",
        *rows,
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
