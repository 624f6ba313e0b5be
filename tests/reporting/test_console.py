"""What the commands print: the report's tables, its sentences, commands that work as printed."""

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
from command_line import asymnas
from made_findings import made_contender, made_inference
from made_runs import confirmation_of, confirmation_rows, run_of
from made_tables import made_table
from rich.console import Console

from asymnas.core.config import StudyConfig
from asymnas.core.errors import StudyError
from asymnas.core.sweep_config import SweepConfig
from asymnas.core.tables import Rows
from asymnas.reporting.confirmation_console import print_confirmation
from asymnas.reporting.console import exit_code, print_rows, print_summary, sweep_command
from asymnas.reporting.findings import Findings, confirmed
from asymnas.reporting.publish import Published
from asymnas.reporting.summary import summarise
from asymnas.reporting.sweep_console import print_sweep_summary
from asymnas.reporting.tables import contender_rows, share_rows


def printed(width: int, show: Any, *arguments: Any) -> str:
    out = io.StringIO()
    show(Console(file=out, width=width, soft_wrap=True, highlight=False), *arguments)
    return out.getvalue()


def published(findings: Findings) -> Published:
    directory = findings.run.directory
    return Published(
        findings=findings,
        summary=summarise(findings),
        confirmation=None,
        report=directory / "report.html",
    )


def test_a_search_prints_its_front_as_the_report_has_it_and_what_comes_next() -> None:
    results = published(Findings(run=run_of(made_table(), directory=Path("my run"))))
    text = printed(120, print_summary, results, "finished")
    best = results.summary["best"]
    for entry in results.summary["front"]:
        assert f"{entry['values']['total_params']:,}" in text
    assert str(best["trial"]) in text
    assert results.summary["verdict"][0] in text
    assert "python -m asymnas.confirm 'my run'" in text
    assert "find_best_architecture('my run')" in text


@pytest.mark.parametrize(("ending", "words"), [("interrupted", "Interrupted"), ("timeout", "time")])
def test_a_run_that_did_not_finish_says_so(ending: Any, words: str) -> None:
    results = published(Findings(run=run_of(made_table())))
    assert words in printed(120, print_summary, results, ending)
    assert words not in printed(120, print_summary, results, "finished")


def test_a_search_without_a_best_promises_no_weights() -> None:
    results = published(Findings(run=run_of(made_table().head(0))))
    text = printed(120, print_summary, results, "interrupted")
    assert "nothing to report" in text
    assert "weights" not in text


def test_what_was_left_out_is_printed() -> None:
    results = published(Findings(run=run_of(made_table())))
    results.summary["left_out"].append("best/ holds no weights.")
    assert "best/ holds no weights." in printed(120, print_summary, results, "finished")


def test_a_confirmation_prints_contenders_and_those_that_are_missing() -> None:
    follow_up = confirmation_of(confirmation_rows(3, {"best": 0.02, "mirror": 0.03}), 3)
    findings = Findings(
        run=run_of(made_table(), follow_ups={"confirmation": follow_up}),
        confirmed=confirmed(follow_up),
    )
    text = printed(120, print_confirmation, published(findings), "finished")
    assert "mirror" in text
    assert "There is no reference: the data are rows." in text


def test_a_sweep_that_infers_nothing_prints_its_verdict_alone() -> None:
    rows = made_table().head(0)
    sweep = run_of(rows, "sweep", tolerance=0.01, seeds=3, rates=4)
    text = printed(120, print_sweep_summary, published(Findings(run=sweep)), "finished")
    assert "nothing to report" in text


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"kind": "variational:beta=4,likelihood=bernoulli", "latent": 3, "bottleneck": "spatial"},
        {"dataset": "folder:my pictures", "image_size": 32, "seed": 7, "data_root": "/my data"},
        {"budget": 12_345, "precision": "fp32", "device": "cpu", "download": True},
        {"split_seed": 3, "batch_size": 32, "learning_rates": (0.002, 0.05)},
    ],
)
def test_the_command_of_the_sweep_asks_for_the_problem_of_the_search(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = StudyConfig(**{"family": "conv2d", "examples": 6_016, **settings})
    asked: list[SweepConfig] = []

    def plan(config: SweepConfig) -> None:
        asked.append(config)
        raise StudyError("enough")

    monkeypatch.setattr("asymnas.runs.sweep_plan.plan_sweep", plan)
    command = sweep_command(search.to_dict(), Path("my run"))
    assert command.startswith("python -m asymnas.sweep ")
    asymnas("sweep", *shlex.split(command)[3:])
    [config] = asked
    for name in ("dataset", "data_root", "image_size", "family", "kind", "latent", "bottleneck"):
        assert getattr(config.study, name) == getattr(search, name)
    for name in ("examples", "batch_size", "learning_rates", "seed", "split_seed"):
        assert getattr(config.study, name) == getattr(search, name)
    for name in ("precision", "device", "download"):
        assert getattr(config.study, name) == getattr(search, name)
    assert max(config.budgets) == search.budget
    assert config.study.run_dir == str(Path("my run") / "sweep")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_fits_its_console_by_leaving_out_its_last_columns(width: int) -> None:
    for rows in (
        share_rows(made_inference([50_000, 150_000])),
        contender_rows([made_contender("best", [0.01, 0.0102]), made_contender("mirror", [0.02])]),
    ):
        lines = printed(width, print_rows, rows).splitlines()
        assert max(map(len, lines)) <= width
        text = " ".join(" ".join(lines).split())
        assert rows.rows[0][0] in text
        assert "…" not in text
        assert (rows.rows[0][-1] in text) == (width == 200)


def test_a_long_table_is_cut_and_says_so() -> None:
    rows = Rows(columns=("trial",), rows=tuple((str(n),) for n in range(100, 120)), marked=0)
    text = printed(80, print_rows, rows)
    assert "111" in text
    assert "112" not in text
    assert "8 more in the report" in text


@pytest.mark.parametrize(
    ("ending", "done", "code"),
    [
        ("interrupted", True, 130),
        ("finished", True, 0),
        ("finished", False, 1),
        ("timeout", False, 0),
    ],
)
def test_exit_codes(ending: Any, done: bool, code: int) -> None:
    assert exit_code(ending, done=done) == code
