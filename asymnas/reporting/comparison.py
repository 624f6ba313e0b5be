"""Searches side by side, as they are shown: tables, sentences, one figure, JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from asymnas.analysis.several_fronts import best_within, smallest_reaching
from asymnas.core import columns as t
from asymnas.core.labels import cell, label, value
from asymnas.core.tables import Rows
from asymnas.core.text import MISSING, change, percent
from asymnas.reporting.figures.fronts import fronts_figure
from asymnas.reporting.figures.style import log_ticks
from asymnas.reporting.findings import comparison_json
from asymnas.reporting.tables import spreads
from asymnas.reporting.verdicts import comparison_sentence
from asymnas.runs.compared import Compared, ComparedRun, SearchGroup

MOST_COLUMNS = 6  # runs that have a column of their own


@dataclass(frozen=True)
class RunComparison:
    """What `compare_runs` returns.

    Args:
        compared: The numbers.
    """

    compared: Compared

    @property
    def table(self) -> pd.DataFrame:
        """One row per search: its setting and seed, its best network, its front's hypervolume."""
        return pd.DataFrame([_entry(run) for run in self.compared.runs])

    @property
    def verdict(self) -> list[str]:
        """What the comparison comes to, and what it leaves open, in sentences."""
        compared = self.compared
        named = (
            replace(c, first=f"search with {c.first}", second=f"search with {c.second}")
            for c in compared.comparisons
        )
        sentences = [comparison_sentence(comparison) for comparison in named]
        if len(compared.groups) == 1:
            sentences.append("The searches differ by nothing but their seed.")
        return [*sentences, *_means(compared), *compared.cautions]

    @property
    def summary(self) -> dict[str, Any]:
        """All of it as JSON values."""
        compared = self.compared
        corner, sizes = compared.corner, compared.sizes
        return {
            "objectives": [o.name for o in compared.objectives],
            "reference_point": list(corner.values) if corner else None,
            "hypervolume_scale": ("log" if corner.log else "raw") if corner else None,
            "searches": [
                {**_entry(run), "front": _members(run, [o.name for o in compared.objectives])}
                for run in compared.runs
            ],
            "groups": [
                {
                    "name": group.name,
                    "settings": dict(group.settings),
                    "searches": [run.name for run in group.runs],
                    "mean_over_sizes": group.mean,
                }
                for group in compared.groups
            ],
            "common_sizes": list(sizes) if sizes else None,
            "comparisons": [comparison_json(c) for c in compared.comparisons],
            "not_comparable": list(compared.cautions),
            "verdict": self.verdict,
        }

    def rows(self) -> list[Rows]:
        """The tables: the searches, their settings, and the fronts at equal sizes and values."""
        tables = [self._searches(), self._settings(), self._at_sizes(), self._at_values()]
        return [rows for rows in tables if rows.rows]

    def plot(self) -> go.Figure:
        """The fronts in one figure, a colour for each setting."""
        return fronts_figure(self.compared)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        sentences = (Markup("<p>{}</p>").format(sentence) for sentence in self.verdict)
        return str(Markup("").join([*(rows.to_html() for rows in self.rows()), *sentences]))

    def _searches(self) -> Rows:
        compared = self.compared
        first = compared.objectives[0]
        several = len(compared.groups) > 1
        best = [run.best[first.name] if run.best is not None else None for run in compared.runs]
        reached = [b for b in best if b is not None]
        lowest = (max if first.maximize else min)(reached, default=None)
        corner = compared.corner
        point = ", ".join(
            f"{label(o.name)} {value(o.name, at)}"
            for o, at in zip(compared.objectives, corner.values if corner else (), strict=False)
        )
        scale = "logarithms of " if corner and corner.log else ""
        return Rows(
            title="The searches",
            columns=(
                "search",
                *(("setting",) if several else ()),
                "seed",
                f"best {label(first.name)}",
                "parameters",
                "decoder share",
                "hypervolume",
                "front",
                "trials",
                "examples seen",
            ),
            rows=tuple(
                (
                    run.name,
                    *((run.group,) if several else ()),
                    str(run.seed),
                    *_of_best(run, first.name),
                    MISSING if run.hypervolume is None else f"{run.hypervolume:.4g}",
                    str(len(run.front)),
                    str(run.finished),
                    f"{run.examples:,}",
                )
                for run in compared.runs
            ),
            caption=f"Hypervolumes are of {scale}the objectives, all up to {point}." * bool(point),
            marked=best.index(lowest) if lowest is not None else None,
            tags={best.index(lowest): "best"} if lowest is not None else {},
            words=(1,) if several else (),
        )

    def _settings(self) -> Rows:
        """The groups, where one has several searches."""
        groups, first = self.compared.groups, self.compared.objectives[0]
        several = max(len(group.runs) for group in groups) > 1
        values = [
            [float(run.values[0, 0]) for run in group.runs if len(run.values)] for group in groups
        ]
        volumes = [
            [run.hypervolume for run in group.runs if run.hypervolume is not None]
            for group in groups
        ]
        rows = zip(groups, spreads(values), spreads(volumes), strict=True)
        return Rows(
            title="By setting",
            columns=(
                "setting",
                "searches",
                f"best {label(first.name)}",
                "hypervolume",
                "decoder share",
            ),
            rows=tuple(
                (group.name or "all", str(len(group.runs)), best, volume, _shares(group))
                for group, best, volume in rows
                if several
            ),
            caption="Mean ± standard deviation over searches; the range of the best's shares.",
        )

    def _at_sizes(self) -> Rows:
        compared = self.compared
        if len(compared.objectives) < 2:
            return Rows(columns=(), rows=())
        first, second = compared.objectives[:2]
        cells = [
            [
                _median(
                    [best_within(r.values, size, maximize=first.maximize) for r in runs],
                    lambda number: f"{number:#.4g}",
                )
                for _, runs in self._columns()
            ]
            for size in self._ticks(1)
        ]
        return Rows(
            title=f"Best {label(first.name)} at equal {label(second.name)}",
            columns=(f"{label(second.name)} at most", *(name for name, _ in self._columns())),
            rows=tuple(
                (value(second.name, size), *row)
                for size, row in zip(self._ticks(1), cells, strict=True)
            ),
        )

    def _at_values(self) -> Rows:
        compared = self.compared
        if len(compared.objectives) < 2:
            return Rows(columns=(), rows=())
        first, second = compared.objectives[:2]
        word = "at least" if first.maximize else "at most"
        cells = [
            [
                _median(
                    [smallest_reaching(r.values, reached, maximize=first.maximize) for r in runs],
                    lambda number: cell(second.name, number),
                )
                for _, runs in self._columns()
            ]
            for reached in self._ticks(0)
        ]
        return Rows(
            title=f"Fewest {label(second.name)} at equal {label(first.name)}",
            columns=(f"{label(first.name)} {word}", *(name for name, _ in self._columns())),
            rows=tuple(
                (f"{reached:.4g}", *row) for reached, row in zip(self._ticks(0), cells, strict=True)
            ),
        )

    def _columns(self) -> list[tuple[str, tuple[ComparedRun, ...]]]:
        """What is held side by side: groups, or the searches of one group."""
        groups = self.compared.groups
        if len(groups) > 1:
            return [(group.name, group.runs) for group in groups]
        return [(run.name, (run,)) for run in groups[0].runs[:MOST_COLUMNS]]

    def _ticks(self, place: int) -> list[float]:
        """Round values of an objective that all fronts reach."""
        compared = self.compared
        if compared.sizes is None:
            return []
        if place == 1:
            low, high = compared.sizes
        else:
            ranges = [run.values[:, 0] for run in compared.runs if len(run.values)]
            low = max(float(numbers.min()) for numbers in ranges)
            high = min(float(numbers.max()) for numbers in ranges)
        return log_ticks(low, high) if 0 < low < high else []


def _of_best(run: ComparedRun, name: str) -> tuple[str, str, str]:
    if run.best is None:
        return MISSING, MISSING, MISSING
    names = (name, t.TOTAL_PARAMS, t.DECODER_SHARE)
    best, params, share = (cell(column, run.best[column]) for column in names)
    return best, params, share


def _median(numbers: Sequence[float | None], form: Callable[[float], str]) -> str:
    """The median over a group's searches; a dash where one of them has none."""
    known = [number for number in numbers if number is not None]
    return form(median(known)) if len(known) == len(numbers) else MISSING


def _shares(group: SearchGroup) -> str:
    shares = [float(run.best[t.DECODER_SHARE]) for run in group.runs if run.best is not None]
    if not shares:
        return MISSING
    low, high = min(shares), max(shares)
    return percent(low) if low == high else f"{percent(low)} to {percent(high)}"


def _means(compared: Compared) -> list[str]:
    """What the fronts come to over all sizes that they share, against the first group's."""
    first, *others = compared.groups
    if compared.sizes is None or compared.objectives[0].maximize or first.mean is None:
        return []
    name, size = (label(objective.name) for objective in compared.objectives[:2])
    low, high = (value(compared.objectives[1].name, end) for end in compared.sizes)
    return [
        f"At equal {size}, from {low} to {high}, the {name} of the search with {group.name} is on "
        f"average {_than(group.mean / first.mean - 1)} that of the search with {first.name}."
        for group in others
        if group.mean is not None
    ]


def _than(relative: float) -> str:
    if abs(relative) < 0.0005:
        return "as high as"
    return f"{change(abs(relative), sign=False)} {'above' if relative > 0 else 'below'}"


def _entry(run: ComparedRun) -> dict[str, Any]:
    """A search as plain values."""
    best = run.best
    return {
        "search": run.name,
        "setting": run.group,
        "seed": run.seed,
        "trials": run.finished,
        "examples_seen": run.examples,
        "members": len(run.front),
        "hypervolume": run.hypervolume,
        "best": None if best is None else float(run.values[0, 0]),
        t.TOTAL_PARAMS: None if best is None else int(best[t.TOTAL_PARAMS]),
        t.DECODER_SHARE: None if best is None else float(best[t.DECODER_SHARE]),
        t.TRIAL: None if best is None else int(best[t.TRIAL]),
    }


def _members(run: ComparedRun, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            t.TRIAL: int(row[t.TRIAL]),
            **{n: int(row[n]) if n in t.COUNT_COLUMNS else float(row[n]) for n in names},
            t.DECODER_SHARE: float(row[t.DECODER_SHARE]),
        }
        for _, row in run.front.iterrows()
    ]
