"""One self-contained HTML page: everything inlined, no request leaves it."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from plotly.offline import get_plotlyjs

from asymnas.reporting.figures.blocks import block_html, block_title, pairs_html
from asymnas.reporting.figures.content import PageContent, Section
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
