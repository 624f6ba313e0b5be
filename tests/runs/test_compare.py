"""`asymnas compare`: what it prints is what Python returns."""

import json
from pathlib import Path

import pytest
from command_line import asymnas
from made_studies import made_plan, write_trials
from made_tables import made_table

from asymnas import RunComparison, compare_runs
from asymnas.core import columns as t
from asymnas.runs.study import open_study


@pytest.mark.usefixtures("held_in_memory")
def test_the_command_prints_what_python_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("tpe", "random"):
        study = open_study(made_plan(tmp_path / name, sampler=name))
        write_trials(study, made_table(8))
        study.close()
    result = asymnas("compare", "tpe", "random", "--json")
    returned = compare_runs(["tpe", "random"])
    assert isinstance(returned, RunComparison)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(returned.summary, allow_nan=False))
    summary = json.loads(result.stdout)
    assert [s["search"] for s in summary["searches"]] == ["tpe", "random"]
    assert summary["searches"][0]["front"][0]["val_loss"] == summary["searches"][0]["best"]
    for sentence in returned.verdict:
        assert sentence in result.stderr
    assert "sampler random" in asymnas("compare", "tpe", "random").stdout
    assert returned.table[t.TOTAL_PARAMS].dtype.kind == "i"
