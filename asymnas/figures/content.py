"""What a page says, before it is a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from asymnas.analysis.front import Objective
from asymnas.figures.style import Panel, label, percent
from asymnas.table import (
    COUNT_COLUMNS,
    DECODER_MACS,
    DECODER_PARAMS,
    DECODER_SHARE,
    ENCODER_MACS,
    ENCODER_PARAMS,
    SHARED_PARAMS,
    TOTAL_PARAMS,
    TRIAL,
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image with its caption.

    Args:
        png: The bytes of a PNG file.
        caption: What it shows, one line.
    """

    png: bytes
    caption: str


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A table as text.

    Args:
        columns: The headings.
        rows: As many cells each.
        marked: The place of the row to set off.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: int | None = None


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """What a page says; all of it plain text except `drawing`. What is empty is left out.

    Args:
        title: Of the page.
        headline: Sentences; the first is set large.
        facts: The run at a glance: data set, budget, trials by state, examples, time, hardware.
        notes: Warnings and caveats.
        drawing: The best architecture: an SVG from `drawing.architecture_drawing`.
        drawing_caption: What it is of.
        front: The front as a table, from `front_rows`.
        panels: Figures with their readings; the first two lead the page.
        pictures: Reconstructions.
        setup: Everything it takes to repeat the run: settings, versions, seed, revision.
    """

    title: str
    headline: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    drawing: str = ""
    drawing_caption: str = ""
    front: Rows | None = None
    panels: Sequence[Panel] = ()
    pictures: Sequence[Picture] = ()
    setup: Mapping[str, str] = field(default_factory=dict)


def front_rows(front: pd.DataFrame, objectives: Sequence[Objective], best: int | None) -> Rows:
    """A front as the page's table: objectives, the share, and both sides' sizes.

    Args:
        front: From `asymnas.analysis.front.front`.
        objectives: Those of the search.
        best: The trial to set off.
    """
    names = [objective.name for objective in objectives]
    shared = () if front.empty or not front[SHARED_PARAMS].any() else (SHARED_PARAMS,)
    sizes = (TOTAL_PARAMS, ENCODER_PARAMS, DECODER_PARAMS, *shared, ENCODER_MACS, DECODER_MACS)
    names += [name for name in (DECODER_SHARE, *sizes) if name not in names]
    trials = [] if front.empty else [int(trial) for trial in front[TRIAL]]
    return Rows(
        columns=("trial", *(label(name) for name in names)),
        rows=tuple(
            (str(trial), *(_cell(name, row[name]) for name in names))
            for trial, (_, row) in zip(trials, front.iterrows(), strict=True)
        ),
        marked=trials.index(best) if best in trials else None,
    )


def _cell(name: str, number: float) -> str:
    if pd.isna(number):
        return "\N{EN DASH}"
    if name == DECODER_SHARE:
        return percent(number)
    return f"{int(number):,}" if name in (*COUNT_COLUMNS, SHARED_PARAMS) else f"{number:#.4g}"
