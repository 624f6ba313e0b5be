"""One self-contained HTML page: everything inlined, no request leaves it."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

import plotly.io
from plotly.offline import get_plotlyjs

from asymnas.figures.content import PageContent, Picture, Rows
from asymnas.figures.style import DARK, LIGHT, Panel

LEADING = 2  # panels before the architecture and the pictures


def render_page(content: PageContent) -> str:
    """The page as HTML.

    Plotly's JavaScript is inlined once, if there is a figure; a Content-Security-Policy in the
    page forbids every request, so that a figure that asked for one would show as broken instead.

    Args:
        content: What to say.
    """
    figures = [
        (f"figure-{place}", panel.title, _panel(place, panel))
        for place, panel in enumerate(content.panels)
    ]
    sections = [
        *figures[:LEADING],
        ("front", "The front in numbers", _table(content.front)),
        ("best", "The best architecture", _drawing(content)),
        ("reconstructions", "Reconstructions", "".join(map(_picture, content.pictures))),
        *figures[LEADING:],
        ("notes", "Notes", _list(content.notes)),
        ("setup", "Set-up", _pairs(content.setup, "setup")),
    ]
    shown = [section for section in sections if section[2]]
    links = (f'<li><a href="#{key}">{escape(title)}</a></li>' for key, title, _ in shown)
    template = Template((files("asymnas") / "page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(content.title),
        light=_variables(LIGHT),
        dark=_variables(DARK),
        headline=_headline(content.headline),
        facts=_pairs(content.facts, "facts"),
        contents=f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>' if shown else "",
        sections="".join(map(_section, shown)),
        plotly=get_plotlyjs() if any(panel.figure.data for panel in content.panels) else "",
        swaps=json.dumps({LIGHT[role]: DARK[role] for role in LIGHT}),
    )


def _section(section: tuple[str, str, str]) -> str:
    key, title, body = section
    return (
        f'<section id="{key}" aria-labelledby="{key}-title">'
        f'<h2 id="{key}-title">{escape(title)}</h2>{body}</section>'
    )


def _headline(sentences: Sequence[str]) -> str:
    return "".join(
        f'<p class="{"more" if place else "lead"}">{escape(sentence)}</p>'
        for place, sentence in enumerate(sentences)
    )


def _list(items: Iterable[str]) -> str:
    text = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{text}</ul>" if text else ""


def _pairs(pairs: Mapping[str, str], kind: str) -> str:
    text = "".join(
        f"<div><dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd></div>"
        for key, value in pairs.items()
    )
    return f'<dl class="{kind}">{text}</dl>' if text else ""


def _drawing(content: PageContent) -> str:
    if not content.drawing:
        return ""
    caption = escape(content.drawing_caption)
    return f'<figure class="drawing">{content.drawing}<figcaption>{caption}</figcaption></figure>'


def _picture(picture: Picture) -> str:
    data, caption = base64.b64encode(picture.png).decode(), escape(picture.caption)
    return (
        f'<figure class="picture"><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _panel(place: int, panel: Panel) -> str:
    reading = escape(panel.reading)
    if not panel.figure.data:
        return f'<p class="reading">{reading}</p>'
    height = int(panel.figure.layout.height or 420)
    return (
        f'<p class="reading">{reading}</p><div class="plot" id="plot-{place}" role="img" '
        f'aria-label="{escape(panel.title)}. {reading}" style="min-height:{height}px">'
        "<noscript>The figure needs JavaScript.</noscript></div>"
        f'<script type="application/json" class="plot-data" data-plot="plot-{place}">'
        f"{_in_script(plotly.io.to_json(panel.figure, validate=False))}</script>"
    )


def _table(rows: Rows | None) -> str:
    if rows is None or not rows.rows:
        return ""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in rows.columns)
    body = ""
    for place, row in enumerate(rows.rows):
        first, *rest = (escape(cell) for cell in row)
        best = ' <span class="tag">best</span>' if place == rows.marked else ""
        kind = ' class="marked"' if best else ""
        cells = "".join(f"<td>{cell}</td>" for cell in rest)
        body += f'<tr{kind}><th scope="row">{first}{best}</th>{cells}</tr>'
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="The front, a table that '
        f'scrolls sideways"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _variables(palette: Mapping[str, str]) -> str:
    return "".join(f"--{role}:{color};" for role, color in palette.items())


def _in_script(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c").replace("\N{LINE SEPARATOR}", "\\u2028")
