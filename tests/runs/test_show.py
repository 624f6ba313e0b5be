"""`asymnas show`: what it takes, and what it says of anything else."""

import json
from pathlib import Path

import pytest
from command_line import asymnas
from made_studies import made_plan, write_trials
from made_tables import made_table
from problems import drawn

from asymnas import Architecture, Run
from asymnas.analysis.front import marks
from asymnas.networks.families import Problem
from asymnas.runs.study import open_study


def test_a_file_and_a_preset_are_shown_with_both_sides(tmp_path: Path) -> None:
    architecture = drawn("conv2d", Problem(shape=(1, 8, 8), latent=3), 0)
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(architecture.to_dict()))
    for source, shown in (
        (str(path), architecture),
        ("reference", Architecture.preset("reference")),
    ):
        result = asymnas("show", source)
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"{shown.counts.total_params:,} parameters" in result.stdout
        lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
        counts = shown.counts
        assert f"encoder all layers {counts.encoder_params:,} {counts.encoder_macs:,}" in lines
        assert f"decoder all layers {counts.decoder_params:,} {counts.decoder_macs:,}" in lines
        assert sum(line.startswith(("encoder", "decoder")) for line in lines) >= len(shown.layers())


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 2, "there is no architecture 'a.json': give an architecture.json, a run directory"),
        (b"", 2, "a.json is no architecture.json: "),
        (b"\xff\xfe", 2, "a.json is no architecture.json: "),
        (b"[1]", 2, "a.json is no architecture.json: it holds no JSON object"),
        (b"{}", 2, "not an architecture: "),
        (b'{"family": "none"}', 2, "no family is called 'none'"),
    ],
)
def test_what_is_no_architecture_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("a.json").write_bytes(content)
    result = asymnas("show", "a.json")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"error: {words}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [(".", 1, "no run"), ("taesd", 2, "scale_preset('taesd'"), ("taesdd", 2, "a preset (dac, ")],
)
def test_what_shows_nothing_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = asymnas("show", source)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (code, "", 1)
    assert words in result.stderr


@pytest.mark.usefixtures("held_in_memory")
def test_a_run_is_shown_by_its_front_with_marks_and_by_one_of_its_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = made_table()
    few = [drawn("dense", Problem(shape=(64,), latent=3), n) for n in range(7)]
    sides = [few[n % len(few)] for n in range(len(table))]
    study = open_study(made_plan(tmp_path / "run"))
    write_trials(study, table.assign(architecture=[side.to_dict() for side in sides]))
    study.close()
    run = Run.open("run")
    marked = marks(run.front, run.objectives)
    assert sorted(word for words in marked.values() for word in words) == ["best", "knee"]
    result = asymnas("show", "run")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "")
    for trial, words in marked.items():
        assert any(line.startswith(f"{trial} {', '.join(words)} ") for line in lines)
    assert "Knee: the best compromise." in lines
    best, other = run.best, int(run.front["trial"].iloc[-1])
    for trial, arguments in ((best.trial, ()), (other, ("--trial", str(other)))):
        rows = sides[trial].rows()
        shown = asymnas("show", "run", *arguments).stdout
        assert " ".join(rows.caption.split()) in " ".join(shown.split())
    failing = asymnas("show", "run", "--trial", "99")
    assert failing.exit_code == 1
    assert failing.stderr == "error: run has no trial 99: give one of its front\n"
    failing = asymnas("show", "reference", "--trial", "0")
    assert failing.exit_code == 2
    message = "error: --trial is of a run directory, and reference is none: leave it out\n"
    assert failing.stderr == message
