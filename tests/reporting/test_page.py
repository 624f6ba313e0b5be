"""The page is whole, safe and self-contained."""

import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from browser import in_a_browser, tab
from computed_once import importances_once
from made_findings import made_comparison, made_inference, made_sweep
from made_tables import made_table
from markupsafe import Markup

from asymnas.analysis.front import Objective, pareto_front
from asymnas.analysis.search_share import decoder_share
from asymnas.core.tables import Rows
from asymnas.reporting.content import (
    STATUSES,
    Checklist,
    Drawing,
    Folded,
    PageContent,
    Pairs,
    Panel,
    Picture,
    Points,
    Practice,
    Section,
)
from asymnas.reporting.figures.confirmation import confirmation_panel
from asymnas.reporting.figures.curves import curves_panel
from asymnas.reporting.figures.decoder_share import share_panel
from asymnas.reporting.figures.drawing import architecture_drawing
from asymnas.reporting.figures.front import front_panel
from asymnas.reporting.figures.front_share import front_share_panel
from asymnas.reporting.figures.importance import importance_panel
from asymnas.reporting.figures.trend import trend_panel
from asymnas.reporting.pictures import side_by_side
from asymnas.reporting.render import plotly_js, render_page
from asymnas.runs.front_table import front_rows

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))
NASTY = 'R&D <b>"5 > 4"</b> </script><img src=x onerror=alert(1)>'
VOID = {"meta", "img", "br", "link", "line", "polygon", "rect"}


class Reader(HTMLParser):
    """Collects tags, attributes and visible text; checks that every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def content_of(table: pd.DataFrame, words: str = "digits") -> PageContent:
    """A page with every kind of block, where the table has something to show."""
    rows = pareto_front(table, LOSS_SIZE)
    best = None if rows.empty else int(rows["trial"].iloc[0])
    layer = {"side": "encoder", "name": words, "output_shape": (4,), "params": 9, "macs": 9}
    images = {words: np.eye(8)[None, None], "best": np.ones((1, 1, 8, 8))}
    return PageContent(
        title=words,
        headline=(f"First {words}", f"Second {words}"),
        facts={words: words},
        sections=(
            Section("notes", "Notes", [Points([words])], aside=True),
            Section(
                "search",
                words,
                [
                    front_panel(table, LOSS_SIZE, best),
                    front_rows(rows, LOSS_SIZE, best),
                    front_share_panel(
                        table, LOSS_SIZE, decoder_share(table, LOSS_SIZE)["estimate"]
                    ),
                    curves_panel(table, best),
                    importance_panel(importances_once(table)),
                ],
                lead=words,
            ),
            Section(
                "best",
                "The best",
                [
                    Drawing(svg=architecture_drawing([layer]), caption=words),
                    side_by_side(images, words),
                ],
            ),
            Section("practices", "Practices", [Checklist([Practice(words, "partly", words)])]),
            Section("setup", "Set-up", [Pairs({words: words})]),
        ),
    )


def panels_of(content: PageContent) -> list[Panel]:
    blocks = [block for section in content.sections for block in section.body]
    return [block for block in blocks if isinstance(block, Panel) and block.figure.data]


@pytest.mark.slow
@pytest.mark.essential
def test_nothing_on_the_page_asks_for_anything(table):
    page = render_page(content_of(table))
    reader = Reader(page)
    for tag, attributes in reader.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "data", "action", "poster", "background"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value[:80])
    policies = [a for _, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0]["content"].startswith("default-src 'none'")
    styles = page.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


def test_plotly_is_inlined_once_and_only_where_there_is_a_figure(table):
    library = plotly_js()
    page = render_page(content_of(table))
    assert library.startswith("/**\n* plotly.js (basic - minified) v")
    assert page.count(library) == 1
    assert len(page) < 1_500_000
    assert page.count('class="plot-data"') == 4
    without = render_page(PageContent(title="t", headline=("Nothing yet.",)))
    assert len(without) < 25_000


def test_figures_are_of_what_the_part_of_plotly_draws(table):
    inference = made_inference([50_000, 150_000])
    panels = [
        *panels_of(content_of(table)),
        trend_panel(inference),
        confirmation_panel([], [made_comparison("symmetric", [0.01] * 6)]),
    ]
    kinds = {trace.type for panel in panels for trace in panel.figure.data}
    assert kinds == {"scatter", "bar"}


def test_all_text_is_escaped(table):
    page = render_page(content_of(table, NASTY))
    reader = Reader(page)
    assert not any("onerror" in attributes for _, attributes in reader.tags)
    assert reader.text.count(NASTY) >= 12
    assert "<b>" not in page.partition("<script>")[0]


def test_a_figure_cannot_end_its_script(table):
    panel = front_panel(table, LOSS_SIZE)
    panel.figure.update_layout(title=NASTY)
    page = render_page(PageContent(title="t", sections=[Section("a", "A", [panel])]))
    opened = [name for name, _ in Reader(page).tags if name == "script"]
    assert page.count("</script>") == len(opened) > 0


def test_every_figure_has_its_reading_and_a_name_for_those_who_do_not_see_it(table):
    content = content_of(table)
    reader = Reader(render_page(content))
    labels = [a["aria-label"] for _, a in reader.tags if a.get("class") == "plot"]
    for panel, label in zip(panels_of(content), labels, strict=True):
        assert panel.reading in reader.text
        assert label == f"{panel.title}. {panel.reading}"


def test_contents_lead_to_sections_and_the_table_can_be_reached_by_keyboard(table):
    reader = Reader(render_page(content_of(table)))
    ids = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    links = [a["href"] for tag, a in reader.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    sections = [a["id"] for tag, a in reader.tags if tag == "section"]
    keys = ("notes", "search", "best", "practices", "setup")
    assert sections == [f"asymnas-{key}" for key in keys]
    assert [n for n in links if n != "#asymnas-content"] == [f"#{key}" for key in sections]
    scrolling = [a for _, a in reader.tags if a.get("class") == "scroll"]
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in scrolling)
    assert all(a["alt"] for tag, a in reader.tags if tag == "img")


def test_every_degenerate_table_makes_a_page(degenerate):
    reader = Reader(render_page(content_of(degenerate)))
    assert "First digits" in reader.text
    assert "nan" not in reader.text


def test_what_is_empty_is_left_out_with_its_section():
    empty = (Rows(columns=("a",), rows=()), Points([]), Pairs({}), Checklist([]))
    empty += (Drawing(svg=Markup(""), caption="c"), Picture(png=b"", caption="c"))
    content = PageContent(title="t", sections=[Section("a", "A", empty)])
    reader = Reader(render_page(content))
    tags = {tag for tag, _ in reader.tags}
    assert "section" not in tags
    assert "nav" not in tags
    shown = PageContent(title="t", sections=[Section("a", "A", empty, lead="Nothing yet.")])
    assert "Nothing yet." in Reader(render_page(shown)).text


def test_only_what_is_not_alone_in_its_section_has_a_heading_of_its_own():
    rows = Rows(columns=("a",), rows=(("1",),), title="In numbers")

    def headings(*sections: Section) -> list[str]:
        page = render_page(PageContent(title="t", sections=sections))
        return re.findall("<h3>(.*?)</h3>", page)

    assert headings(Section("a", "A", [rows])) == []
    assert headings(Section("a", "A", [rows, Points(["p"])])) == ["In numbers"]
    assert headings(Section("a", "In numbers", [rows, Points(["p"])])) == []
    assert headings(Section("a", "A", [rows, Points([])])) == []


def test_a_checklist_says_its_statuses_in_words():
    practices = [Practice(f"practice {n}", s, f"because {n}") for n, s in enumerate(STATUSES)]
    page = render_page(PageContent(title="t", sections=[Section("a", "A", [Checklist(practices)])]))
    items = re.findall("<li><span class=.status.*?</li>", page)
    assert len(items) == len(STATUSES)
    for place, (status, item) in enumerate(zip(STATUSES, items, strict=True)):
        assert f">{status}</span>" in item
        assert f"practice {place}" in item
        assert f"because {place}" in item


def test_a_table_marks_its_row_and_sets_words_flush():
    rows = Rows(
        columns=("name", "outcome", "n"),
        rows=(("x", "better", "1"), ("y", "worse", "2")),
        caption="Read me.",
        marked=1,
        tags={1: "lowest"},
        words=(1,),
    )
    page = render_page(PageContent(title="t", sections=[Section("a", "A", [rows])]))
    assert '<tr class="marked"><th scope="row">y <span class="tag">lowest</span></th>' in page
    assert '<td class="words">worse</td><td>2</td>' in page
    assert "Read me." in page


def test_rows_of_pictures_are_named_beside_images_and_in_the_caption_of_strips():
    images = {"original": np.zeros((2, 1, 8, 8)), "best": np.ones((2, 1, 8, 8))}
    strips = {"original": np.zeros((2, 8)), "best": np.ones((2, 8))}
    pages = [
        Reader(render_page(PageContent(title="t", sections=[Section("a", "A", [picture])])))
        for picture in (side_by_side(images, "Seen."), side_by_side(strips, "Seen."))
    ]
    assert all(
        a["alt"] == "Seen. From top to bottom: original, best, error."
        for page in pages
        for tag, a in page.tags
        if tag == "img"
    )
    assert [any(a.get("class") == "labels" for _, a in page.tags) for page in pages] == [
        True,
        False,
    ]
    assert "In each group from top to bottom: original, best, error." in pages[1].text


def test_what_is_folded_is_on_the_page_behind_its_summary():
    rows = Rows(columns=("trial",), rows=(("7",),))
    folded = Folded(summary="All 9 trials", body=[rows, Points(["Said."])])
    page = render_page(PageContent(title="t", sections=[Section("a", "A", [folded])]))
    inside = page.partition("<details")[2].partition("</details>")[0]
    assert "<summary>All 9 trials</summary>" in inside
    assert '<th scope="row">7</th>' in inside.replace("\n", "")
    assert "<li>Said.</li>" in inside
    empty = Folded(summary="Nothing", body=[Points([])])
    assert "Nothing" not in render_page(
        PageContent(title="t", sections=[Section("a", "A", [empty])])
    )


def test_styles_are_about_the_report_alone():
    """What is outside of the report's own rule is about a page that holds nothing else."""
    page = render_page(PageContent(title="t"))
    styles = re.sub(
        r"/\*.*?\*/", "", page.partition("<style>")[2].partition("</style>")[0], flags=re.S
    )
    depth, outer = 0, ""
    for part in re.split("([{}])", styles):
        depth += {"{": 1, "}": -1}.get(part, 0)
        outer += part if depth == 0 and part != "}" else ""
    selectors = outer.split("\n")
    assert [s.strip() for s in selectors if s.strip()] == [
        ".asymnas-report.asymnas-report",
        "@page asymnas-report",
        "html:has(> body > .asymnas-report:only-child)",
        "body:has(> .asymnas-report:only-child)",
        "body > .asymnas-report:only-child",
    ]


@pytest.mark.slow
@pytest.mark.essential
@in_a_browser
def test_a_browser_draws_every_figure_and_blocks_nothing(tmp_path):
    file = tmp_path / "page.html"
    sweep, inference = made_sweep([50_000, 150_000]), made_inference([50_000, 150_000])
    followed_up = [
        share_panel(sweep, inference),
        trend_panel(inference),
        curves_panel(sweep),
        confirmation_panel([], [made_comparison("symmetric", [0.01] * 6)]),
    ]
    content = content_of(made_table())
    sections = (*content.sections, Section("sweep", "The sweep", followed_up))
    file.write_text(render_page(replace(content, sections=sections)), encoding="utf-8")
    with tab() as shown:
        shown.open(file.as_uri(), plots=8)
        assert shown.page.locator(".plot-container").count() == 8
        rising = [f"{v:#.4g}" for v in sorted(pareto_front(made_table(), LOSS_SIZE)["val_loss"])]
        header = shown.page.locator("table").first.locator("th").nth(1)
        cells = shown.page.locator("table").first.locator("tbody tr td:nth-child(2)")
        for order, values in (("ascending", rising), ("descending", rising[::-1]), (None, rising)):
            header.locator("button").click()
            assert (header.get_attribute("aria-sort"), cells.all_inner_texts()) == (order, values)
        front = shown.page.locator(".plot").first
        front.locator(".scatterlayer .point").last.hover(force=True)
        told = front.locator(".hoverlayer text").first.text_content()
        assert told.startswith("trial ")
        assert "decoder conv2d, " in told
        assert shown.page.evaluate("typeof window.Plotly") == "undefined"
        assert shown.style("body", "margin") == "0px"
        assert shown.said == []


@pytest.mark.slow
@in_a_browser
def test_two_reports_in_a_foreign_page_and_two_in_frames_leave_it_as_it_is(tmp_path):
    """A page with styles and a Plotly of its own, as a notebook's HTML has them."""
    report = render_page(content_of(made_table()))
    styles = "h2 { color: rgb(1, 2, 3) } td, th { color: rgb(4, 5, 6); font-size: 40px }"
    frames = f'<iframe width="400" srcdoc="{escape(report)}"></iframe>' * 2
    file = tmp_path / "foreign.html"
    file.write_text(
        f"<!doctype html><title>Theirs</title><style>body {{ margin: 7px }} {styles}</style>"
        "<script>window.Plotly = 'theirs'</script>"
        "<div id='own'><h2>Own</h2><table><tr><td>1</td></tr></table></div>"
        f"{report}{report}{frames}",
        encoding="utf-8",
    )
    with tab() as shown:
        shown.open(file.as_uri(), plots=8)
        assert shown.page.evaluate("[window.Plotly, document.title]") == ["theirs", "Theirs"]
        assert shown.style("#own h2", "color") == "rgb(1, 2, 3)"
        assert shown.style("#own td", "font-size") == "40px"
        assert shown.style("body", "margin-left") == "7px"
        assert shown.style(".asymnas-report td", "font-size") == "14.88px"
        assert shown.style(".asymnas-report h2", "color") != "rgb(1, 2, 3)"
        assert shown.page.locator(".asymnas-report .plot-container").count() == 8
        for frame in shown.page.frames[1:]:
            frame.wait_for_function("document.querySelectorAll('.plot-container').length == 4")
            root = "document.documentElement"
            assert frame.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
        policy = "outside the document's <head>, which is disallowed. The policy has been ignored."
        assert [told for told in shown.said if not told.endswith(policy)] == []
