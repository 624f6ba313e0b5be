"""What one sweep is: frozen, checked when made, stored with the results.

The options are the fields; `asymnas/core/declarations.py` has how one is declared.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any

from pydantic import InstanceOf

from asymnas.core.config import StudyConfig
from asymnas.core.declarations import (
    DESIGN,
    Counts,
    Fraction,
    Natural,
    Option,
    Shares,
    Three,
    Whole,
    as_dict,
    check,
    documented,
    identity,
    known,
)
from asymnas.core.errors import ConfigError

EVEN = 0.5  # the decoder share of an even split
PRIMARY = (1 / 3, 2 / 3)  # the shares held against it, fixed before the first run
COMPARED = (PRIMARY[0], EVEN, PRIMARY[1])
FARTHEST = (0.03, 0.97)  # decoder shares that a sweep may add


@documented
@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """One sweep, whole: per budget, structures × decoder shares × seeds.

    Args:
        study: Data, family, kind, latent, examples, machine; its budget, sampler, pruner,
            trials and enqueued presets are the sweep's own to set.

    Raises:
        ConfigError: A value breaks its rule, or the study limits one side.
    """

    study: InstanceOf[StudyConfig]
    budgets: Annotated[
        Counts,
        Option(
            "Total parameters, each filled to within 1 %: 50k,150k,500k",
            DESIGN,
            default="a quarter, a half and all of the study's budget",
        ),
    ] = ()
    shares: Annotated[
        Three,
        Option(
            "Decoder shares per budget, evenly spaced in log odds, 1/3, 1/2 and 2/3 among them",
            DESIGN,
        ),
    ] = 7
    share_range: Annotated[Shares, Option("Lowest and highest share", DESIGN)] = (0.111, 0.889)
    structures: Annotated[
        Three,
        Option("Structures per budget, each trained at every share", DESIGN),
    ] = 6
    screen: Annotated[
        Whole,
        Option(
            "Structures tried in short runs at a few shares for each that is kept; 1 tries none",
            DESIGN,
        ),
    ] = 3
    seeds: Annotated[
        Whole,
        Option(
            "Runs per architecture, on average: those after the first go where the interval "
            "narrows most; more may be added later",
            DESIGN,
            runtime=True,
        ),
    ] = 2
    until: Annotated[
        Fraction | None,
        Option(
            "Go on until the intervals at 1/3 and 2/3 reach no farther than this to either side, "
            "in log loss: 0.01 is about 1 %",
            DESIGN,
            runtime=True,
            default="as many runs as seeds say",
        ),
    ] = None
    rates: Annotated[
        Whole,
        Option(
            "Learning rates that tuning begins with, a factor of 2 apart; it goes on until the "
            "best is inside. 1 tunes nothing",
            DESIGN,
        ),
    ] = 3
    horizons: Annotated[
        Natural,
        Option(
            "Structures per budget that are also trained with a quarter and with four times the "
            "examples; 0 for none",
            DESIGN,
        ),
    ] = 2
    tolerance: Annotated[
        Fraction,
        Option("Relative loss above the lowest that does not matter", DESIGN, runtime=True),
    ] = 0.01

    def __post_init__(self) -> None:
        check(self)
        if self.study.symmetric:
            raise ConfigError("a sweep cannot be symmetric: its shares are what it is about")
        for name in ("max_encoder_params", "max_decoder_params", "max_macs"):
            if getattr(self.study, name) is not None:
                raise ConfigError(
                    f"a sweep fills its budgets at every share, so it takes no {name}: leave it out"
                )
        low, high = self.share_range
        if low > PRIMARY[0] or high < PRIMARY[-1]:
            raise ConfigError(
                f"share_range must include 1/3 and 2/3, which are compared with 1/2, but is "
                f"{low:g} to {high:g}"
            )
        if self.horizons > self.structures:
            raise ConfigError(
                f"horizons must be at most the {self.structures} structures but is {self.horizons}"
            )
        whole = self.study.budget
        budgets = self.budgets or (max(1, whole // 4), max(1, whole // 2), whole)
        object.__setattr__(self, "budgets", tuple(sorted(set(budgets))))

    def share_grid(self) -> list[float]:
        """The decoder shares, rising: evenly spaced in log odds, the nearest three made primary."""
        ends = [math.log(share / (1 - share)) for share in self.share_range]
        step = (ends[1] - ends[0]) / (self.shares - 1)
        grid = [1 / (1 + math.exp(-ends[0] - place * step)) for place in range(self.shares)]
        inner = (
            range(1, self.shares - 1) if self.shares >= len(COMPARED) + 2 else range(self.shares)
        )

        def moved(places: Iterable[int]) -> float:
            pairs = zip(places, COMPARED, strict=True)
            return sum(abs(grid[place] - share) for place, share in pairs)

        nearest = min(combinations(inner, len(COMPARED)), key=moved)
        for place, share in zip(nearest, COMPARED, strict=True):
            grid[place] = share
        return [share if share in COMPARED else round(share, 4) for share in grid]

    def farther_shares(self) -> list[float]:
        """Shares beyond the grid that may be added, rising: odds doubled up to .03 and .97."""
        grid = self.share_grid()
        added = []
        for end, farthest in zip((grid[0], grid[-1]), FARTHEST, strict=True):
            odds, factor = end / (1 - end), 0.5 if farthest < EVEN else 2.0
            while min(FARTHEST) < (share := (odds := odds * factor) / (1 + odds)) < max(FARTHEST):
                added.append(round(share, 4))
        return sorted(added)

    def design(self) -> dict[str, Any]:
        """The identity as it is stored: the shares one by one in place of their range."""
        design = {**self.identity(), "shares": self.share_grid()}
        del design["share_range"]
        return design

    def to_dict(self) -> dict[str, Any]:
        """The study and all options as JSON values."""
        return as_dict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SweepConfig":
        """Reads what `to_dict` wrote, here or in another version."""
        return cls(**{**known(cls, values), "study": StudyConfig.from_dict(values["study"])})

    def identity(self) -> dict[str, Any]:
        """The design's options that a continued sweep must share; more seeds only add to it."""
        return identity(self)
