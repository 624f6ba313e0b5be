"""What the documentation says: its code runs, its names and paths exist."""

import json
import re
import runpy
import tomllib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
from marks import essential_first

import asymnas.runs.execute
import asymnas.runs.plan
from asymnas import StudyConfig
from asymnas.core.columns import COLUMNS
from asymnas.data.base import DATASETS
from asymnas.networks.downsampling import DOWNSAMPLINGS
from asymnas.networks.families import FAMILIES
from asymnas.networks.formats import FORMATS
from asymnas.networks.kinds import KINDS
from asymnas.networks.presets import PRESETS
from asymnas.networks.upsampling import UPSAMPLINGS
from asymnas.runs.pruners import PRUNERS
from asymnas.training.metrics import METRICS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("studies/*.md")])
REGISTRIES = (
    *(DATASETS, DOWNSAMPLINGS, FAMILIES, FORMATS),
    *(KINDS, METRICS, PRESETS, PRUNERS, UPSAMPLINGS),
)


@dataclass(frozen=True)
class Section:
    """The Python blocks between two headings of a page: lines and code of each."""

    page: Path
    title: str
    blocks: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        return f"{self.page.name}: {self.title}"

    def run(self) -> None:
        """Runs the blocks one after the other in one namespace; tracebacks name the page."""
        namespace = {"__name__": "example"}
        for line, code in self.blocks:
            exec(compile("\n" * line + code, str(self.page), "exec"), namespace)


def sections(page: Path) -> list[Section]:
    """The sections of a page that hold blocks marked ```python, by headings of level two."""
    found: dict[str, list[tuple[int, str]]] = {}
    title, start = "", 0
    lines = page.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if start:
            if line == "```":
                found.setdefault(title, []).append((start, "\n".join(lines[start:number])))
                start = 0
        elif line == "```python":
            start = number + 1
        elif line.startswith("## "):
            title = line.removeprefix("## ")
    return [Section(page, title, tuple(blocks)) for title, blocks in found.items()]


DOCS = [s for p in PAGES if p.parent == ROOT / "docs" for s in sections(p)]
README = sections(ROOT / "README.md")


@pytest.fixture
def registries() -> Iterator[None]:
    """Forgets afterwards what a block registers."""
    with ExitStack() as stack:
        for registry in REGISTRIES:
            stack.enter_context(registry.temporary())
        yield


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs in this process, with relative paths led elsewhere."""
    monkeypatch.setattr(
        asymnas.runs.execute,
        "local_processes",
        lambda n, *_: ThreadPoolExecutor(n),
    )
    monkeypatch.setattr(asymnas.runs.execute, "start_processes", lambda *_: None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch, elsewhere: None) -> None:
    """Cuts searches down to seconds."""
    plan_search = asymnas.runs.plan.plan_search

    def plan_briefly(config: StudyConfig) -> asymnas.runs.plan.SearchPlan:
        short = {"dataset": "digits", "trials": 4, "examples": 640, "workers": 1}
        return plan_search(replace(config, **short))

    monkeypatch.setattr(asymnas.runs.plan, "plan_search", plan_briefly)


def test_extending_shows_every_registry() -> None:
    titles = {s.title for s in DOCS if s.page.name == "extending.md"}
    nouns = {registry.noun for registry in REGISTRIES}
    examples = {f"An {noun}" if noun[0] in "aeiou" else f"A {noun}" for noun in nouns}
    assert titles == {"In a package of your own", *examples}


@pytest.mark.parametrize("section", essential_first(DOCS, 9), ids=str)
def test_code_of_the_docs_runs(section: Section, registries: None, elsewhere: None) -> None:
    before = [registry.names() for registry in REGISTRIES]
    section.run()
    if section.page.name == "extending.md":
        after = [registry.names() for registry in REGISTRIES]
        assert sum(map(len, after)) == sum(map(len, before)) + 1


@pytest.mark.parametrize("section", README, ids=str)
def test_code_of_the_readme_runs(
    section: Section,
    registries: None,
    brief: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    section.run()
    assert "val_loss" in capsys.readouterr().out
    assert (tmp_path / "runs" / "digits" / "report.html").is_file()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in plain}


EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
GALLERY = (ROOT / "docs" / "gallery.md").read_text("utf-8")
SHOWN = dict(re.findall(r"\(examples/(\w+)\.py\)\n\n```text\n(.*?)\n```\n", GALLERY, re.DOTALL))


def form_of(printed: str) -> str:
    """What was printed, whatever the figures."""
    return " ".join(re.sub(r"-?\d[\d.,]*", "0", printed).split())


def test_the_gallery_shows_what_every_example_prints() -> None:
    assert sorted(SHOWN) == [script.stem for script in EXAMPLES]
    assert len(EXAMPLES) > 8
    assert all(len(form_of(printed)) > 20 for printed in SHOWN.values())


@pytest.mark.slow
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_an_example_prints_what_the_gallery_shows(
    script: Path, elsewhere: None, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(script))
    assert form_of(capsys.readouterr().out) == form_of(SHOWN[script.stem])


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)[^)]*\)", page.read_text("utf-8")):
            path, _, anchor = link.partition("#")
            if "://" in link or link.startswith("mailto:"):
                continue
            target = page.parent / path if path else page
            missing = anchor and target.suffix == ".md" and anchor not in anchors(target)
            if not target.exists() or missing:
                broken.append((page.name, link))
    assert broken == []


def test_files_that_are_named_exist() -> None:
    folders = "asymnas|tests|docs|studies|benchmarks"
    missing = []
    for page in PAGES:
        if page.name in ("extending.md", "CHANGELOG.md") or page.parent.name == "decisions":
            continue  # names of files to be written, or of earlier versions
        named = re.findall(rf"`((?:{folders})/[\w./-]+)`", page.read_text("utf-8"))
        missing += [(page.name, name) for name in named if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("upsampling.md", UPSAMPLINGS.names),
        ("upsampling.md", DOWNSAMPLINGS.names),
        ("data.md", lambda: [name for name in DATASETS.names() if name not in _WITH_ARGUMENT]),
        ("run-directory.md", lambda: COLUMNS),
        ("index.md", lambda: [*FAMILIES.names(), *KINDS.names(), *METRICS.names()]),
        ("index.md", PRUNERS.names),
        ("presets.md", PRESETS.names),
        ("metrics.md", METRICS.names),
    ],
)
def test_every_name_is_on_its_page(page: str, names: Callable[[], Iterable[str]]) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert [name for name in names() if f"`{name}`" not in text] == []


def test_every_cell_of_the_comparison_can_be_checked() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text("utf-8")
    defined = re.findall(r"^\[([\w-]+)\]: https://\S+$", text, re.MULTILINE)
    assert len(set(defined)) == len(defined)
    assert set(re.findall(r"\]\[([\w-]+)\]", text)) == set(defined)
    tables = re.findall(r"^\| \| .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [[row.strip("|").split("|") for row in table.splitlines()] for table in tables]
    questions, *others = ([row[0].strip() for row in table] for table in rows)
    assert len(others) == 2
    assert others == [questions, questions]
    cells = [cell for table in rows for row in table for cell in row[1:]]
    assert len(cells) == len(questions) * 11
    assert [cell for cell in cells if "](" not in cell and "][" not in cell] == []
    answers = re.findall(r"^\| ([^|]+) \|", text.partition("## asymnas")[2], re.MULTILINE)
    assert answers[1 : len(questions) + 1] == questions


def test_the_layers_of_the_index_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [c["layers"] for c in contracts["contracts"] if c["type"] == "layers"]
    text = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert re.search(r"```layers\n(.*?)\n```", text, re.DOTALL)[1].splitlines() == layers


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    entries = re.findall(r"^ +- .+: (\S+\.md)$", text, re.MULTILINE)
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    generated = {"api.md", "decisions/index.md"}
    others = [ROOT / e.removeprefix("repository/") for e in entries if e.startswith("repository/")]
    assert sorted((pages | generated) - set(entries)) == []
    assert len(set(entries)) == len(entries) == len(pages) + len(generated) + len(others)
    assert all(path.is_file() for path in others)


def test_the_ladder_of_choosing_a_budget_is_that_of_the_committed_searches() -> None:
    text = (ROOT / "docs" / "choosing-a-budget.md").read_text("utf-8")
    rows = re.findall(r"\(\[data\]\(\.\.(/\S+\.json)\)\) \| (.*) \|", text)
    assert len(rows) == 2
    for path, figures in rows:
        results = (ROOT / path.removeprefix("/")).parent
        trials = pd.read_csv(results / "trials.csv")
        if "sized_from" in trials:  # of a size between the rungs
            trials = trials[trials["sized_from"].isna()]
        lowest = trials[trials["state"] == "complete"].groupby("budget")["val_loss"].min()
        assert [f"{loss:.4f}" for loss in lowest] == figures.split(" | "), path
        wall = json.loads((results / "summary.json").read_text("utf-8"))["wall_seconds"]
        assert f"{wall:,.0f} s" in text


_WITH_ARGUMENT = ("audio", "folder", "npz", "csv", "parquet")
