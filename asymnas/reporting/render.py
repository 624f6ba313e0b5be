"""One self-contained HTML page: everything inlined, no request leaves it."""

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

import plotly.io
from plotly.offline import get_plotlyjs

from asymnas.reporting.content import (
    Block,
    Checklist,
    Drawing,
    PageContent,
    Pairs,
    Panel,
    Picture,
    Points,
    Practice,
    Rows,
    Section,
)
from asymnas.reporting.figures.style import DARK, LIGHT

_ASIDE = ' class="aside"'


def render_page(content: PageContent) -> str:
    """The page as HTML: title, verdict, facts, contents, and the sections as they come.

    Plotly's JavaScript is inlined once, if there is a figure; a Content-Security-Policy in the
    page forbids every request, so that a figure that asked for one would show as broken instead.

    Args:
        content: What to say.
    """
    shown = [(section, html) for section in content.sections if (html := _section(section))]
    sections = "".join(html for _, html in shown)
    links = "".join(
        f'<li><a href="#{section.key}">{escape(section.title)}</a></li>' for section, _ in shown
    )
    template = Template((files("asymnas.reporting") / "page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(content.title),
        light=_variables(LIGHT),
        dark=_variables(DARK),
        headline=_headline(content.headline),
        facts=pairs_html(content.facts, "facts"),
        contents=f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if shown else "",
        sections=sections,
        plotly=get_plotlyjs() if 'class="plot-data"' in sections else "",
        swaps=json.dumps({LIGHT[role]: DARK[role] for role in LIGHT}),
    )


def _section(section: Section) -> str:
    """A section with its heading; empty if there is nothing in it."""
    blocks = [
        (block_title(block), html)
        for place, block in enumerate(section.body)
        if (html := block_html(block, f"{section.key}-{place}"))
    ]
    if not blocks and not section.lead:
        return ""
    body = f'<p class="reading">{escape(section.lead)}</p>' if section.lead else ""
    for title, html in blocks:
        own = title and title != section.title and len(blocks) > 1
        heading = f"<h3>{escape(title)}</h3>" if own else ""
        body += f'<div class="block">{heading}{html}</div>'
    return (
        f'<section id="{section.key}"{_ASIDE if section.aside else ""} '
        f'aria-labelledby="{section.key}-title">'
        f'<h2 id="{section.key}-title">{escape(section.title)}</h2>{body}</section>'
    )


def _headline(sentences: Sequence[str]) -> str:
    return "".join(
        f'<p class="{"more" if place else "lead"}">{escape(sentence)}</p>'
        for place, sentence in enumerate(sentences)
    )


def _variables(palette: Mapping[str, str]) -> str:
    return "".join(f"--{role}:{color};" for role, color in palette.items())


def block_html(block: Block, key: str) -> str:
    """A block as HTML, without its title; empty if it holds nothing.

    Args:
        block: Of any kind.
        key: Names its figure: letters, digits and hyphens, once on a page.
    """
    match block:
        case Panel():
            return _panel(block, key)
        case Rows():
            return _table(block)
        case Picture():
            return _picture(block)
        case Drawing():
            return _drawing(block)
        case Checklist():
            return _checklist(block.practices)
        case Points():
            return _list(block.items)
        case Pairs():
            return pairs_html(block.values, "setup")


def block_title(block: Block) -> str:
    """A block's own title; empty where its kind has none."""
    return block.title if isinstance(block, Panel | Rows) else ""


def pairs_html(pairs: Mapping[str, str], kind: str) -> str:
    """Names with values as a definition list of that class; empty without any."""
    text = "".join(
        f"<div><dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in pairs.items()
    )
    return f'<dl class="{kind}">{text}</dl>' if text else ""


def _panel(panel: Panel, key: str) -> str:
    reading = escape(panel.reading)
    if not panel.figure.data:
        return f'<p class="reading">{reading}</p>'
    height = int(panel.figure.layout.height or 420)
    return (
        f'<p class="reading">{reading}</p><div class="plot" id="plot-{key}" role="img" '
        f'aria-label="{escape(panel.title)}. {reading}" style="min-height:{height}px">'
        "<noscript>The figure needs JavaScript.</noscript></div>"
        f'<script type="application/json" class="plot-data" data-plot="plot-{key}">'
        f"{_in_script(plotly.io.to_json(panel.figure, validate=False))}</script>"
    )


def _in_script(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c").replace("\N{LINE SEPARATOR}", "\\u2028")


def _table(rows: Rows) -> str:
    if not rows.rows:
        return ""
    kinds = [' class="words"' if place in rows.words else "" for place in range(len(rows.columns))]
    head = "".join(
        f'<th scope="col"{kind}>{escape(column)}</th>'
        for column, kind in zip(rows.columns, kinds, strict=True)
    )
    body = ""
    for place, (name, *rest) in enumerate(rows.rows):
        marked = place == rows.marked
        tag = f' <span class="tag">{escape(rows.tag)}</span>' if marked and rows.tag else ""
        cells = "".join(
            f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(rest, kinds[1:], strict=True)
        )
        row = ' class="marked"' if marked else ""
        body += f'<tr{row}><th scope="row">{escape(name)}{tag}</th>{cells}</tr>'
    caption = f'<p class="reading">{escape(rows.caption)}</p>' if rows.caption else ""
    return (
        f'{caption}<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(rows.title or "Table")}, a table that scrolls sideways">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _drawing(drawing: Drawing) -> str:
    if not drawing.svg:
        return ""
    caption = escape(drawing.caption)
    return f'<figure class="drawing">{drawing.svg}<figcaption>{caption}</figcaption></figure>'


def _picture(picture: Picture) -> str:
    if not picture.png:
        return ""
    order = ", ".join(picture.labels)
    caption, labels = picture.caption, ""
    if picture.labels and picture.strips:
        caption += f" In each group from top to bottom: {order}."
    elif picture.labels:
        names = "".join(f"<span>{escape(name)}</span>" for name in picture.labels)
        labels = f'<div class="labels" aria-hidden="true">{names}</div>'
    told = picture.caption + (f" From top to bottom: {order}." if order else "")
    data = base64.b64encode(picture.png).decode()
    return (
        f'<figure class="picture"><div class="labelled">{labels}<img alt="{escape(told)}" '
        f'src="data:image/png;base64,{data}"></div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _checklist(practices: Sequence[Practice]) -> str:
    items = "".join(
        f'<li><span class="status {practice.status.replace(" ", "-")}">{practice.status}</span>'
        f'<div><span class="practice">{escape(practice.name)}</span>'
        f"<p>{escape(practice.evidence)}</p></div></li>"
        for practice in practices
    )
    return f'<ol class="checklist">{items}</ol>' if items else ""


def _list(items: Sequence[str]) -> str:
    text = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{text}</ul>" if text else ""
