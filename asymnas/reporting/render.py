"""The page as one self-contained HTML file: everything inlined, no request leaves it."""

import base64
import gzip
from dataclasses import replace
from functools import cache
from importlib.resources import files

import plotly.graph_objects as go
import plotly.io
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from asymnas.core.tables import Rows
from asymnas.reporting.content import (
    Block,
    Checklist,
    Drawing,
    Folded,
    PageContent,
    Pairs,
    Panel,
    Picture,
    Points,
    Section,
)
from asymnas.reporting.figures.style import DARK, LIGHT


def render_page(content: PageContent) -> str:
    """The page as HTML: title, verdict, facts, contents, and the sections as they come.

    Plotly's JavaScript is inlined once, if there is a figure; a Content-Security-Policy in the
    page forbids every request, so that a figure that asked for one would show as broken instead.
    Styles and scripts are about the page's own elements alone, for in a notebook's output, or
    wherever else the HTML is put into a page, others are around it.

    Args:
        content: What to say. All text is escaped.
    """
    sections = [shown for section in content.sections if (shown := _without_empty(section))]
    drawn = any(
        isinstance(block, Panel) and block.figure.data
        for section in sections
        for block in section.body
    )
    return _TEMPLATES.get_template("page.html").render(
        content=content,
        sections=sections,
        light=LIGHT,
        dark=DARK,
        swaps={LIGHT[role]: DARK[role] for role in LIGHT},
        plotly=plotly_js() if drawn else "",
    )


@cache
def plotly_js() -> str:
    """The part of plotly.js that draws lines, points and bars, a quarter of the whole.

    From the npm package plotly.js-basic-dist-min, which the Python package lacks; see
    `docs/decisions/0033-a-part-of-plotly-js.md`.
    """
    packed = files("asymnas.reporting") / "javascript" / "plotly-basic-4.1.1.min.js.gz"
    return gzip.decompress(packed.read_bytes()).decode()


def _without_empty(section: Section) -> Section | None:
    """The section without its empty blocks; `None` if it then says nothing."""
    body = [block for block in section.body if not _is_empty(block)]
    return replace(section, body=body) if body or section.lead else None


def _is_empty(block: Block) -> bool:
    match block:
        case Panel():
            return False
        case Rows():
            return not block.rows
        case Picture():
            return not block.png
        case Drawing():
            return not block.svg
        case Checklist():
            return not block.practices
        case Points():
            return not block.items
        case Pairs():
            return not block.values
        case Folded():
            return all(_is_empty(part) for part in block.body)


def _figure_json(figure: go.Figure) -> Markup:
    """A figure as JSON that cannot end the script element it stands in."""
    return htmlsafe_json_dumps(figure, dumps=lambda shown: plotly.io.to_json(shown, validate=False))


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("asymnas.reporting"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["figure_json"] = _figure_json
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment


_TEMPLATES = _templates()
