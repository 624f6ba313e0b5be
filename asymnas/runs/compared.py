"""Searches held side by side: what of them is comparable, and what the comparison comes to.

Searches of one setting, which differ by their seed alone, form a group. Groups of one problem are
compared by `asymnas.analysis.comparison.compare`, paired by seed, like the contenders of a
confirmation; what has no such test is a description, and `cautions` says why.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from asymnas.analysis.comparison import compare
from asymnas.analysis.estimates import Comparison, Floats
from asymnas.analysis.front import Objective, objective_values, pareto_front
from asymnas.analysis.several_fronts import (
    Corner,
    common_corner,
    common_sizes,
    mean_over_sizes,
    volume_from,
)
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError
from asymnas.core.files import from_here
from asymnas.core.labels import label
from asymnas.core.side_families import family_label
from asymnas.core.text import joined
from asymnas.runs.likeness import data_differences, same_splits, settings_of
from asymnas.runs.run import Run
from asymnas.runs.study import REFERENCE
from asymnas.training.metrics import METRICS

_ALLOWED = "What is allowed is not the same."

#: Settings that make another problem of a search, and why nothing is tested where they differ.
PROBLEM = {
    "objectives": "They do not improve the same.",
    "latent": "A larger latent lowers the loss, whatever the networks are.",
    "bottleneck": "What passes from side to side is not the same.",
    "budget": "More parameters lower the loss: compare losses at equal parameters.",
    "max_encoder_params": _ALLOWED,
    "max_decoder_params": _ALLOWED,
    "max_macs": _ALLOWED,
}


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """One search among others.

    Args:
        run: The search.
        name: Its run directory, as a person in the working directory would call it.
        group: The name of its group.
        front: Its front as a trial table, in the objectives of the comparison.
        values: The same as values `[members, objectives]`.
        hypervolume: Between its front and the common reference point; `None` without a front.
        score: The best of the first objective as a loss, for the test; `None` if there is none, or
            no ratio of it means anything.
    """

    run: Run
    name: str
    group: str
    front: pd.DataFrame
    values: Floats
    hypervolume: float | None
    score: float | None

    @property
    def seed(self) -> int:
        """What fixes its draws, and its splits unless those have a seed of their own."""
        return int(self.run.config["seed"])

    @property
    def best(self) -> "pd.Series[Any] | None":
        """The row of the trial that is best in the first objective."""
        return self.front.iloc[0] if len(self.front) else None

    @property
    def finished(self) -> int:
        """Trials that are complete, pruned or failed."""
        return int((self.run.own[t.STATE] != "running").sum())

    @property
    def examples(self) -> int:
        """Training examples that all its trials have seen."""
        return int(self.run.own[t.EXAMPLES].sum())


@dataclass(frozen=True, kw_only=True)
class SearchGroup:
    """Searches that differ by their seed alone.

    Args:
        name: The settings in which it differs from other groups; empty if there is no other.
        settings: The same by name.
        runs: In the order they were given.
        scores: The best loss by seed, of seeds that can be paired with the first group's.
        mean: Geometric mean over its runs of what `mean_over_sizes` gives; `None` without.
    """

    name: str
    settings: Mapping[str, Any]
    runs: tuple[ComparedRun, ...]
    scores: Mapping[int, float]
    mean: float | None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What searches come to side by side.

    Args:
        objectives: What their fronts are over.
        groups: The first run's first; the others are held against it.
        corner: The reference point that all hypervolumes are measured from.
        sizes: The range of the second objective in which all fronts have a value.
        comparisons: Of the best losses, one per group that can be tested.
        cautions: What is not comparable, or not tested, and why; one sentence each.
    """

    objectives: tuple[Objective, ...]
    groups: tuple[SearchGroup, ...]
    corner: Corner | None
    sizes: tuple[float, float] | None
    comparisons: tuple[Comparison, ...]
    cautions: tuple[str, ...]

    @property
    def runs(self) -> tuple[ComparedRun, ...]:
        """All of them, group by group."""
        return tuple(run for group in self.groups for run in group.runs)


def compared(runs: Sequence[Run], by: str | None = None) -> Compared:
    """Holds searches side by side.

    Args:
        runs: Two or more, of the same data.
        by: The column to compare by in place of what the searches improve: `val_loss` or a metric.

    Raises:
        ConfigError: Fewer than two, one of them twice, one that is no search, or nothing that is
            comparable.
    """
    names = _names(runs)
    _check_data(runs, names)
    objectives, cautions = _objectives(runs, names, by)
    fixed = [run.study.design.get(REFERENCE, {}) for run in runs]
    fronts = [pareto_front(run.table, objectives) for run in runs]
    values = [_values(front, objectives) for front in fronts]
    corner = common_corner([run.table for run in runs], values, objectives, fixed)
    different = _different([_settings(run) for run in runs])
    members = [
        ComparedRun(
            run=run,
            name=name,
            group=_in_words(settings),
            front=front,
            values=reached,
            hypervolume=volume_from(reached, corner, objectives),
            score=_score(reached, objectives[0]),
        )
        for run, name, settings, front, reached in zip(
            runs, names, different, fronts, values, strict=True
        )
    ]
    cautions += [f"{m.name} has no completed trial." for m in members if m.best is None]
    sizes = common_sizes([m.values for m in members if len(m.values)])
    if len(objectives) != 2 or objectives[1].maximize:
        sizes = None
    groups, unpaired = _groups(members, different, sizes, objectives[0])
    comparisons, untested = _tested(groups, objectives[0])
    return Compared(
        objectives=objectives,
        groups=groups,
        corner=corner,
        sizes=sizes,
        comparisons=comparisons,
        cautions=(*cautions, *unpaired, *untested),
    )


def _values(front: pd.DataFrame, objectives: Sequence[Objective]) -> Floats:
    """The values of a front `[members, objectives]`; a table without rows may lack columns."""
    return np.empty((0, len(objectives))) if front.empty else objective_values(front, objectives)


def _names(runs: Sequence[Run]) -> list[str]:
    if len(runs) < 2:
        raise ConfigError(f"a comparison takes two searches or more but got {len(runs)}")
    names = [str(from_here(run.directory)) for run in runs]
    for place, (run, name) in enumerate(zip(runs, names, strict=True)):
        if run.study.purpose != "search":
            raise ConfigError(
                f"{name} is a {run.study.purpose}, and only searches are compared: "
                "asymnas report shows what a sweep or a confirmation came to"
            )
        if name in names[:place]:
            raise ConfigError(f"{name} is given twice: give each search once")
    return names


def _check_data(runs: Sequence[Run], names: Sequence[str]) -> None:
    for run, name in zip(runs[1:], names[1:], strict=True):
        if unlike := data_differences(runs[0].study, run.study):
            raise ConfigError(
                f"{names[0]} and {name} are of different data ({'; '.join(unlike)}), so their "
                "losses cannot be compared: compare searches of the same data"
            )


def _objectives(
    runs: Sequence[Run], names: Sequence[str], by: str | None
) -> tuple[tuple[Objective, ...], list[str]]:
    """What the fronts are over, and what to say of it."""
    own = [tuple(run.objectives) for run in runs]
    cautions = []
    if by is not None:
        measured = [name for name in (t.VAL_LOSS, *METRICS.names()) if _all_have(runs, name)]
        if by not in measured:
            known = joined(measured) or "nothing"
            raise ConfigError(f"--by must be measured in every search ({known}) but is {by!r}")
        maximize = by in METRICS.names() and METRICS.get(by).maximize
        objectives: tuple[Objective, ...] = (Objective(by, maximize), Objective(t.TOTAL_PARAMS))
    elif len(set(own)) == 1:
        objectives = own[0]
    elif len({first for first, *_ in own}) == 1:
        objectives = (own[0][0], Objective(t.TOTAL_PARAMS))
    else:
        objectives = (Objective(t.VAL_LOSS), Objective(t.TOTAL_PARAMS))
        firsts = dict.fromkeys(label(first.name) for first, *_ in own)
        cautions.append(
            f"The searches improve different things ({'; '.join(firsts)}): they are compared by "
            "the validation loss."
        )
    losses = dict.fromkeys(_loss_of(run) for run in runs)
    if objectives[0].name == t.VAL_LOSS and len(losses) > 1:
        shared = [name for name in METRICS.names() if _all_have(runs, name)]
        way_out = f"compare by a metric, --by {' or '.join(shared[:3])}" if shared else "none is"
        raise ConfigError(
            f"the losses of {names[0]} and others are not of one kind "
            f"({'; '.join(losses)}), so they cannot be compared: {way_out}"
        )
    return objectives, cautions


def _loss_of(run: Run) -> str:
    """What defines the loss: the kind, and for some of them what is done about entropy."""
    return ", ".join(filter(None, (run.config["kind"], (run.study.pinned or {}).get("losses"))))


def _all_have(runs: Sequence[Run], name: str) -> bool:
    return all(name in run.measured and run.measured[name].notna().any() for run in runs)


def _score(values: Floats, objective: Objective) -> float | None:
    """The best value as a loss that is above zero; what is missing to a ceiling is one."""
    if not len(values):
        return None
    best = float(values[0, 0])
    if objective.maximize:
        known = objective.name in METRICS.names()
        ceiling = METRICS.get(objective.name).ceiling if known else None
        if ceiling is None:
            return None
        best = ceiling - best
    return best if best > 0 else None


def _settings(run: Run) -> dict[str, Any]:
    settings = dict(settings_of(run.study))
    sides = (settings.pop(t.ENCODER_FAMILY), settings.pop(t.DECODER_FAMILY))
    return {"family": family_label(*map(str, sides)), **settings}


def _different(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each run the settings in which not all runs agree."""
    first = settings[0]
    names = [name for name in first if any(s[name] != first[name] for s in settings)]
    return [{name: s[name] for name in names} for s in settings]


def _in_words(settings: Mapping[str, Any]) -> str:
    """`sampler random, trials 40, symmetric off, timeout none`."""
    return ", ".join(_setting(name.replace("_", " "), value) for name, value in settings.items())


def _setting(name: str, value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return f"{name} {','.join(map(_written, values)) or 'none'}"


def _written(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _groups(
    members: Sequence[ComparedRun],
    different: Sequence[Mapping[str, Any]],
    sizes: tuple[float, float] | None,
    objective: Objective,
) -> tuple[tuple[SearchGroup, ...], list[str]]:
    """The runs by setting, and what of them cannot be paired."""
    cautions: list[str] = []
    groups: list[SearchGroup] = []
    first: dict[int, ComparedRun] = {}
    for name in dict.fromkeys(member.group for member in members):
        of_one = [(m, d) for m, d in zip(members, different, strict=True) if m.group == name]
        own: dict[int, ComparedRun] = {}
        for member, _ in of_one:
            if member.seed in own:
                cautions.append(
                    f"{own[member.seed].name} and {member.name} are of one setting and one seed: "
                    "the first counts in a pair."
                )
            else:
                own[member.seed] = member
        first = first or own
        scores = {}
        for seed, member in own.items():
            partner = first.get(seed, member)
            if not same_splits(partner.run.study, member.run.study):
                cautions.append(
                    f"{partner.name} and {member.name} have one seed and different splits: they "
                    "are no pair."
                )
            elif member.score is not None:
                scores[seed] = member.score
        means = [_mean(member, sizes, objective) for member, _ in of_one]
        groups.append(
            SearchGroup(
                name=name,
                settings=of_one[0][1],
                runs=tuple(member for member, _ in of_one),
                scores=scores,
                mean=_geometric(means),
            )
        )
    return tuple(groups), cautions


def _mean(
    member: ComparedRun, sizes: tuple[float, float] | None, objective: Objective
) -> float | None:
    if sizes is None or not len(member.values):
        return None
    return mean_over_sizes(member.values, *sizes, maximize=objective.maximize)


def _geometric(values: Sequence[float | None]) -> float | None:
    logs = [math.log(value) for value in values if value is not None]
    return math.exp(sum(logs) / len(logs)) if logs and len(logs) == len(values) else None


def _tested(
    groups: Sequence[SearchGroup], objective: Objective
) -> tuple[tuple[Comparison, ...], list[str]]:
    """Every group of the first one's problem against it, and why others are not tested."""
    first, *others = groups
    cautions = []
    same = []
    for group in others:
        reasons = dict.fromkeys(
            PROBLEM[name]
            for name, value in group.settings.items()
            if name in PROBLEM and value != first.settings[name]
        )
        if reasons:
            cautions.append(f"Not tested: {group.name} against {first.name}. {' '.join(reasons)}")
        else:
            same.append(group)
    splits = [m.run.study for group in groups for m in group.runs]
    seeds = [{member.seed for member in group.runs} for group in groups]
    if any(not same_splits(splits[0], study) for study in splits) and any(
        own != seeds[0] for own in seeds
    ):
        cautions.append(
            "The searches are on different splits of the data, so a part of their difference is "
            "the luck of the validation examples."
        )
    if not same:
        return (), cautions
    if all(len(group.runs) == 1 for group in (first, *same)):
        cautions.append(
            "One search of each setting: how far they differ by the luck of the seed is unknown, "
            "so nothing is tested. It takes six seeds of each, the same ones (--seed)."
        )
        return (), cautions
    if not first.scores:
        cautions.append(f"A ratio of {label(objective.name)} means nothing, so nothing is tested.")
        return (), cautions
    return compare(groups, first.name, [group.name for group in same]), cautions
