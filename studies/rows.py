"""The rows of the answer: sweeps that are done, each at one budget, read from committed results.

Estimates are those of `results/NAME/summary.json`, which the sweep's own analysis wrote; a study
that is not done gives no row.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from pathlib import Path
from typing import Any

import pandas as pd
from run import progress_of
from scipy.stats import t as student
from sweeps import AGAIN, LONG, PATCHES, TABLE_FILES

from asymnas.analysis.estimates import Interval
from asymnas.core import columns as t
from asymnas.core.text import short

RESULTS = Path(__file__).parent / "results"
#: Data made so that the answer is known: they say how well it is found, and nothing of other data.
KNOWN = ("deep-generator", "linear-generator")
#: By data set its name here, what one example is, and how many it trains on.
DATA = {
    "digits": ("digits", "8 x 8 pixels, grey", 1_295),
    "fashion-mnist": ("fashion-mnist", "28 x 28 pixels, grey", 54_000),
    PATCHES: ("photographs", "16 x 16 pixels, colour", 42_580),
    "signals": ("signals", "2 channels of 128 points", 14_400),
    TABLE_FILES["texture"]: ("texture", "40 numbers", 3_960),
    TABLE_FILES["satimage"]: ("satimage", "36 numbers", 4_634),
    TABLE_FILES["letter"]: ("letter", "16 numbers", 14_400),
    TABLE_FILES["penbased"]: ("penbased", "16 numbers", 7_915),
    TABLE_FILES["segment"]: ("segment", "18 numbers", 1_664),
    TABLE_FILES["spambase"]: ("spambase", "57 numbers", 3_311),
    "deep-generator": ("deep-generator", "64 numbers", 60_000),
    "linear-generator": ("linear-generator", "64 numbers", 60_000),
}
#: Data whose rows the means of images are over.
IMAGES = ("digits", "fashion-mnist", PATCHES)
#: The contrasts that were fixed before the first run: a third and two thirds against a half.
PRIMARY = ("1/3", "2/3")
#: Networks whose decoder mirrors the encoder, against those of an even split.
MIRRORED = "mirrored"


@dataclass(frozen=True)
class Row:
    """A sweep at one budget.

    Args:
        place: Folder of the results, below `results`.
        dataset: What was trained on.
        networks: Families and kind, in words.
        plain: Whether the kind is the plain one, whose loss is the error of reconstruction.
        examples: Training examples that each network saw.
        latent: Numbers that stand for an example.
        lowest: Lowest validation loss of the networks that were measured.
        mirrored: Structures that were also trained with a mirrored decoder.
        entry: What the summary says of the budget.
        equal_macs: What it says of the same networks at equal MACs.
    """

    place: str
    dataset: str
    networks: str
    plain: bool
    examples: int
    latent: int
    lowest: float
    mirrored: int
    entry: Mapping[str, Any]
    equal_macs: Mapping[str, Any]

    @property
    def known(self) -> bool:
        """Whether the answer was known beforehand."""
        return self.dataset in KNOWN

    @property
    def longer(self) -> bool:
        """Whether it is another row's sweep at four times the length of training."""
        return self.place.endswith(LONG)

    @property
    def again(self) -> bool:
        """Whether it is a replication of another row's sweep."""
        return AGAIN in self.place

    @property
    def label(self) -> str:
        """Data, networks, size, and four times the training."""
        times = ", 4×" if self.longer else ""
        times += ", again" if self.again else ""
        return f"{DATA[self.dataset][0]}, {self.networks}, {short(self.entry['budget'])}{times}"

    def contrast(self, name: str) -> Interval:
        """Log ratio of the loss at a share, or of mirrored decoders, to that at a half."""
        if name != MIRRORED:
            return interval(self.entry["contrasts"][name])
        cost = interval(self.entry["cost_of_mirroring"])  # relative, where contrasts are logarithms
        ends = (cost.estimate, cost.low, cost.high)
        estimate, low, high = (None if end is None else log1p(end) for end in ends)
        return Interval(estimate=estimate, low=low, high=high)

    def normal(self, name: str) -> tuple[float, float]:
        """A contrast and its standard error; its interval is Student's t over structures.

        Raises:
            ValueError: A contrast without an interval.
        """
        found = self.contrast(name)
        if found.estimate is None or found.low is None or found.high is None:
            raise ValueError(f"{self.label} has no interval for {name}")
        half = (found.high - found.low) / 2
        return found.estimate, float(half / student.ppf(0.975, self.structures(name) - 1))

    def structures(self, name: str) -> int:
        """How many structures a contrast is of."""
        if name == MIRRORED:
            return self.mirrored
        return int(self.entry["contrasts"][name]["structures"])


def interval(entry: Mapping[str, Any] | None) -> Interval:
    """An interval as a summary writes it; an empty one for none."""
    entry = entry or {}
    return Interval(estimate=entry.get("estimate"), low=entry.get("low"), high=entry.get("high"))


def rows(results: Path = RESULTS) -> list[Row]:
    """All sweeps that are done, budget by budget; those whose answer was known last."""
    made = []
    for file in results.rglob("summary.json"):
        summary = json.loads(file.read_text("utf-8"))
        place = str(file.parent.relative_to(results))
        if summary.get("purpose") != "sweep" or "version-0.1" in file.parts:
            continue
        if not progress_of(place, results).done:
            continue
        families = sorted({summary["encoder_family"], summary["decoder_family"]})
        kinds = [] if summary["kind"] == "plain" else [summary["kind"]]
        runs = pd.read_csv(file.with_name("trials.csv"))
        runs = runs[(runs[t.PHASE] == t.MEASURE) & (runs[t.STATE] == "complete")]
        both = zip(summary["decoder_share"], summary["equal_macs"], strict=True)
        for entry, equal_macs in both:
            own = runs[runs[t.BUDGET] == entry["budget"]]
            mirrored = own[t.MIRRORED].astype(bool)
            made.append(
                Row(
                    place=place,
                    dataset=summary["dataset"],
                    networks=" ".join([*families, *kinds]),
                    plain=not kinds,
                    examples=int(own[t.EXAMPLES].median()),
                    latent=summary["latent"],
                    lowest=float(own[t.VAL_LOSS].min()),
                    mirrored=int(own.loc[mirrored, t.STRUCTURE].nunique()),
                    entry=entry,
                    equal_macs=equal_macs,
                )
            )
    return sorted(
        made,
        key=lambda row: (
            row.known,
            row.dataset not in IMAGES,
            row.dataset == "signals",
            row.longer,
            DATA[row.dataset][0],
            row.networks,
            row.entry["budget"],
            row.again,
        ),
    )


Sweeps = Sequence[Row]
"""All sweeps of one row: data, networks, size and length are the same, structures are not."""


def sweeps_of(made: Sequence[Row]) -> list[Sweeps]:
    """The rows, each with its sweeps, the first of them first."""
    by_row: dict[tuple[str, int], list[Row]] = {}
    for row in made:
        by_row.setdefault((row.place.replace(AGAIN, ""), row.entry["budget"]), []).append(row)
    return list(by_row.values())


def combined(sweeps: Sweeps, name: str) -> tuple[Interval, float]:
    """A row's contrast by all its sweeps, and its standard error.

    Weighted by their inverse variances, as both are of one family's structures; Student's t with
    their degrees of freedom together.
    """
    found = [row.normal(name) for row in sweeps]
    weights = [error**-2 for _, error in found]
    mean = sum(w * estimate for w, (estimate, _) in zip(weights, found, strict=True)) / sum(weights)
    error = float(sum(weights) ** -0.5)
    free = sum(row.structures(name) - 1 for row in sweeps)
    half = float(student.ppf(0.975, free)) * error
    return Interval(estimate=mean, low=mean - half, high=mean + half), error


def groups(made: Sequence[Row]) -> dict[str, list[Sweeps]]:
    """The rows of each mean by its name: images and tables, each also trained longer."""
    images = [row for row in made if row.dataset in IMAGES]
    tables = [row for row in made if row.dataset in TABLE_FILES.values()]
    found = {
        "mean, images": [row for row in images if not row.longer],
        "mean, images, 4×": [row for row in images if row.longer],
        "mean, tables": [row for row in tables if not row.longer],
        "mean, tables, 4×": [row for row in tables if row.longer],
    }
    return {name: sweeps_of(own) for name, own in found.items() if len(own) > 1}
