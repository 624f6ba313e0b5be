"""What a page says, before it is a page: sections in the order they are read, of a few kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import plotly.graph_objects as go
from markupsafe import Markup

from asymnas.core.errors import ConfigError
from asymnas.core.tables import Rows

Status = Literal["yes", "partly", "no", "not applicable"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Panel:
    """A figure and how to read it.

    Args:
        title: A few words.
        figure: In the light palette, on a transparent ground.
        reading: One or two sentences: what the figure shows of this run.
    """

    title: str
    figure: go.Figure
    reading: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image with its caption.

    Args:
        png: The bytes of a PNG file; none, and the picture is left out.
        caption: What it shows, one line.
        labels: The names of its rows from top to bottom, as `reconstruction_png` stacks them: set
            beside the rows of images, or listed as the order within each group of strips.
        strips: Whether the rows come in groups, one per vector, instead of once.
    """

    png: bytes
    caption: str
    labels: tuple[str, ...] = ()
    strips: bool = False


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A drawing with its caption.

    Args:
        svg: From `drawing.architecture_drawing`; plain text would be escaped. Empty, and the
            drawing is left out.
        caption: What it is of.
    """

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Practice:
    """One practice and whether the run keeps it.

    Args:
        name: One of `PRACTICES`, or one's own.
        status: How far it is kept.
        evidence: Where that can be seen, or what is missing; one sentence.

    Raises:
        ConfigError: The status is none of `STATUSES`.
    """

    name: str
    status: Status
    evidence: str

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            known = ", ".join(STATUSES)
            raise ConfigError(
                f"status of practice {self.name!r} must be one of {known} but is {self.status!r}"
            )


@dataclass(frozen=True)
class Checklist:
    """Practices with their status in words.

    Args:
        practices: In the order they are listed.
    """

    practices: Sequence[Practice]


@dataclass(frozen=True)
class Points:
    """A list of sentences.

    Args:
        items: One sentence or two each.
    """

    items: Sequence[str]


@dataclass(frozen=True)
class Pairs:
    """Names with their values: settings, versions.

    Args:
        values: By name.
    """

    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Folded:
    """What is shown when its summary is clicked.

    Args:
        summary: What it is, a few words.
        body: What it holds, in order; no figures, which would be drawn in a width of none.
    """

    summary: str
    body: "Sequence[Rows | Picture | Points]"


#: What a section can hold. What is empty is left out.
Block = Panel | Rows | Picture | Drawing | Checklist | Points | Pairs | Folded


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading and an entry in the contents.

    Args:
        key: Its anchor: letters, digits and hyphens, once on a page.
        title: A few words.
        body: What it holds, in order. With more than one block, those that have a title of their
            own get a smaller heading.
        lead: What it comes to, a sentence or two above the body.
        aside: Whether it is set off in a box: caveats.
    """

    key: str
    title: str
    body: Sequence[Block]
    lead: str = ""
    aside: bool = False


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """What a page says; all of it plain text except a `Drawing`. What is empty is left out.

    Args:
        title: Of the page.
        headline: The verdict in sentences; the first is set large.
        facts: The run at a glance: data set, budget, trials by state, examples, time, hardware.
        sections: In the order they are read.
    """

    title: str
    headline: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[Section] = ()
