"""`asymnas show`: what it takes, and what it says of anything else."""

import json
from pathlib import Path

import pytest
from command_line import asymnas
from problems import drawn

from asymnas import Architecture
from asymnas.networks.families import Problem


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
