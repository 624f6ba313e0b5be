"""The runs that answer one question together, read once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from asymnas import table as t
from asymnas.analysis.estimates import Comparison, Contender, Interval, SplitInference
from asymnas.analysis.front import Objective, front
from asymnas.analysis.rows import counting
from asymnas.errors import StudyError
from asymnas.rundir import CONFIRMATION_DIR, CONTROL_DIR, SWEEP_DIR, holds_run, storage_of
from asymnas.study import SearchStudy, read_study

#: Settings that a sweep must share with a search to answer for it.
SAME = ("dataset", "image_size", "family", "kind", "latent", "bottleneck")


@dataclass(frozen=True, eq=False)
class Record:
    """One run and its table.

    Args:
        study: The study.
        directory: Where its files are.
    """

    study: SearchStudy
    directory: Path

    @cached_property
    def table(self) -> pd.DataFrame:
        """All trials."""
        return self.study.table()

    @cached_property
    def own(self) -> pd.DataFrame:
        """Trials that were not told as duplicates."""
        return self.table[self.table[t.DUPLICATE_OF].isna()]

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Own trials without the short runs that chose structures and learning rates."""
        return counting(self.own)

    @property
    def objectives(self) -> list[Objective]:
        """What it improved."""
        return self.study.objectives

    @cached_property
    def front(self) -> pd.DataFrame:
        """The trials that nothing dominates."""
        return front(self.table, self.objectives)

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration."""
        return self.study.config


@dataclass(frozen=True, kw_only=True)
class Records:
    """What there is of the runs that belong together.

    Args:
        main: The run that is published.
        search: The search.
        control: The search of symmetric architectures.
        sweep: The sweep.
        confirmation: The confirmation.
        left_out: What lies in the directory and is not part of the answer, one sentence each.
    """

    main: Record
    search: Record | None = None
    control: Record | None = None
    sweep: Record | None = None
    confirmation: Record | None = None
    left_out: tuple[str, ...] = ()

    @property
    def all(self) -> dict[str, Record]:
        """Those that there are, by name, in the order they are run."""
        named = {
            "search": self.search,
            "control": self.control,
            "sweep": self.sweep,
            "confirmation": self.confirmation,
        }
        return {name: record for name, record in named.items() if record is not None}


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """What a sweep's table says.

    Args:
        split: Where the best share lies.
        equal_macs: The same with MACs in place of parameters.
        horizons: The best share by budget after shorter training, by examples seen.
        measures: The best share by budget for what else was measured, by metric.
        rates: Learning rates tried.
        edge: The part of the architectures whose best learning rate is at the range's edge.
        verdict: The answer in sentences.
    """

    split: SplitInference
    equal_macs: SplitInference
    horizons: dict[int, dict[int, Interval]]
    measures: dict[str, dict[int, Interval]]
    rates: int
    edge: float | None
    verdict: list[str]

    @property
    def rates_too_narrow(self) -> bool:
        """Whether more rates are best at an edge than half, and than by chance: two of all."""
        return self.edge is not None and self.edge > max(1 / 2, 2 / self.rates)


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What a confirmation's table says.

    Args:
        contenders: Their test scores by seed.
        comparisons: The best against each control.
        seeds: Replicates asked for.
        missing: Contenders there are none of, and why.
        verdict: The answer in sentences.
    """

    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]
    seeds: int
    missing: dict[str, str]
    verdict: list[str]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that a summary and a report are written from."""

    records: Records
    inferred: Inferred | None = None
    confirmed: Confirmed | None = None


def gather(study: SearchStudy, directory: Path) -> Records:
    """The study with the runs that follow it up in its directory."""
    main = Record(study, directory)
    if study.purpose == "sweep":
        return Records(main=main, sweep=main)
    if study.purpose == "confirmation":
        return Records(main=main, confirmation=main)
    sweep = _read(directory / SWEEP_DIR)
    unlike = [n for n in SAME if sweep and sweep.config[n] != main.config[n]]
    told = ", ".join(f"{n} {sweep.config[n]} there, {main.config[n]} here" for n in unlike if sweep)
    return Records(
        main=main,
        search=main,
        control=_read(directory / CONTROL_DIR),
        sweep=None if unlike else sweep,
        confirmation=_read(directory / CONFIRMATION_DIR),
        left_out=(f"The sweep in {SWEEP_DIR}/ is about something else: {told}.",) if unlike else (),
    )


def _read(directory: Path) -> Record | None:
    """The run in a directory; nothing if it has not got as far as being one."""
    if not holds_run(directory):
        return None
    try:
        study = read_study(*storage_of(directory))
    except StudyError:
        return None
    if study.purpose != "search" and not study.design:
        return None
    return Record(study, directory)
