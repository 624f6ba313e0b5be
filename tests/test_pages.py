"""The report and the dashboard of a real search, in a browser."""

from pathlib import Path

import pytest
from browser import Tab, dashboard, in_a_browser, tab
from command_line import asymnas

from asymnas import Run
from asymnas.core import columns as t

pytestmark = [pytest.mark.slow, pytest.mark.essential, in_a_browser]

LIGHT, DARK = 0.8, 0.2  # luminance above which a colour is light, below which it is dark


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A search of two objectives, so that its front has several members."""
    directory = tmp_path_factory.mktemp("runs") / "digits"
    given = "--dataset digits --family dense --budget 10k --trials 6 --examples 3k --workers 1"
    several = "--objectives val_loss,total_params --pruner none"
    result = asymnas("search", *f"{given} {several} --run-dir {directory}".split())
    assert result.exit_code == 0, result.output
    run = Run.open(directory)
    assert len(run.front) > 1
    return run


def luminance(shown: Tab, selector: str, name: str = "color") -> float:
    """Of an element's colour, from 0 to 1."""
    channels = shown.style(selector, name).partition("(")[2].rstrip(")").split(",")
    return sum(float(channel) for channel in channels[:3]) / (3 * 255)


def report_of(run: Run) -> str:
    return (run.directory / "report.html").as_uri()


def plots_in(run: Run) -> int:
    return (run.directory / "report.html").read_text("utf-8").count('<div class="plot"')


def test_the_report_sorts_its_table_and_names_the_architecture_of_a_point(run: Run) -> None:
    with tab() as shown:
        shown.open(report_of(run), plots_in(run))
        table = shown.page.locator("table").first
        table.locator("th", has_text="parameters").first.locator("button").click()
        sizes = table.locator("tbody tr td:nth-child(3)").all_inner_texts()
        assert sizes == [f"{size:,}" for size in sorted(run.front[t.TOTAL_PARAMS])]
        plot = shown.page.locator(".plot").first
        plot.locator(".scatterlayer .point").last.hover(force=True)
        told = plot.locator(".hoverlayer text").first.text_content()
        trial = int(told.removeprefix("trial ").partition(",")[0])
        assert trial in {*run.table[t.TRIAL]}
        assert f"asymnas.Run.open('{run.directory}').trained({trial}).load()" in told
        rows = shown.page.locator("details tbody tr:visible")
        assert rows.count() == 0
        shown.page.get_by_text(f"All {len(run.table)} trials").click()
        assert rows.count() == len(run.table)
        pictures = shown.page.locator("figure.picture img")
        assert pictures.count() > 0
        wide = "images => images.every(image => image.complete && image.naturalWidth > 100)"
        assert pictures.evaluate_all(wide)
        assert shown.said == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1200)])
def test_the_report_in_light_and_dark_on_wide_and_narrow_screens(
    scheme: str, width: int, run: Run
) -> None:
    with tab(width, color_scheme=scheme) as shown:
        shown.open(report_of(run), plots_in(run))
        paper = luminance(shown, ".asymnas-report", "background-color")
        words = luminance(shown, ".asymnas-report p")
        assert (paper > LIGHT and words < 0.5) if scheme == "light" else (paper < DARK < words)
        assert not shown.overflows
        assert shown.said == []


def test_the_report_is_printed_dark_on_light_and_whole(run: Run) -> None:
    with tab(color_scheme="dark") as shown:
        shown.open(report_of(run), plots_in(run))
        shown.page.emulate_media(media="print")
        assert luminance(shown, ".asymnas-report p") < 0.5
        assert shown.page.pdf().startswith(b"%PDF")
        assert shown.said == []


@pytest.mark.filterwarnings("ignore:IPython3 lexer unavailable")
def test_a_notebook_s_page_draws_the_report_and_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbconvert = pytest.importorskip("nbconvert")

    def page_with(html: str, name: str) -> str:
        output = nbformat.v4.new_output("display_data", {"text/html": html})
        cells = [
            nbformat.v4.new_code_cell("run.report()", outputs=[output]),
            nbformat.v4.new_markdown_cell("# Own\n\nAnd text."),
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
        (tmp_path / name).write_text(page, "utf-8")
        return (tmp_path / name).as_uri()

    own = ["color", "font-size", "font-family", "margin"]
    selectors = ["body", "main", ".jp-RenderedMarkdown h1", ".jp-RenderedMarkdown p", ".jp-Cell"]
    with tab(1200) as shown:
        shown.page.route("https://**", lambda route: route.abort())  # of the notebook's own page
        shown.open(page_with("<p>Nothing</p>", "without.html"))
        styles = [shown.style(selector, name) for selector in selectors for name in own]
        report = (run.directory / "report.html").read_text("utf-8")
        shown.open(page_with(report, "with.html"), plots_in(run))
        assert [shown.style(selector, name) for selector in selectors for name in own] == styles
        assert not shown.overflows
        raised = [told for told in shown.said if "Uncaught" in told or "Error:" in told]
        assert raised == []


def test_the_dashboard_shows_the_front_the_note_the_trials_and_their_pictures(run: Run) -> None:
    best = int(run.best.trial)
    counts = run.best.architecture.counts
    with dashboard(run.directory) as studies, tab(1300) as shown:
        shown.open(studies)
        shown.page.get_by_text("digits").first.wait_for()
        shown.open(f"{studies}/studies/1", plots=5)
        for title in ("Pareto Front", "The front", "The decoder's share along the front"):
            shown.page.get_by_text(title, exact=True).first.wait_for()
        shown.open(f"{studies}/studies/1/analytics", plots=2)
        shown.page.get_by_text("Slice", exact=True).wait_for()
        shown.open(f"{studies}/studies/1/note")
        cells = shown.page.locator("table td")
        cells.get_by_text(f"{counts.encoder_params:,}", exact=True).first.wait_for()
        assert cells.get_by_text(f"{counts.decoder_params:,}", exact=True).count() > 0
        shown.open(f"{studies}/studies/1/trials?numbers={best}")
        shown.page.locator("table td", has_text="all layers").first.wait_for()
        picture = shown.page.locator("img[src*='/artifacts/']").first
        picture.wait_for()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth > 100)")
        assert shown.said == []
