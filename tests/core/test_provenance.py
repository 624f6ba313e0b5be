"""Where a result came from."""

import os
import platform
import subprocess
from pathlib import Path

import pytest
import torch

from asymnas.core import provenance


def test_versions_and_hardware_are_those_of_this_process():
    facts = provenance.setup()
    assert facts["python"] == platform.python_version()
    assert facts["torch"] == torch.__version__.partition("+")[0]
    assert facts["cores"] == str(provenance.cores())
    assert facts["processor"]
    assert {"asymnas", "optuna", "numpy", "system"} <= set(facts)
    assert all(isinstance(value, str) for value in facts.values())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_cores_are_those_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})
    assert provenance.cores() == 3


def test_the_revision_is_the_commit_of_the_source_tree():
    root = Path(provenance.__file__).parents[1]
    if not (root / ".git").exists():
        pytest.skip("not run from a checkout")
    head = ["git", "-C", str(root), "rev-parse", "HEAD"]
    commit = subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()
    revision = provenance.setup()["revision"]
    assert commit.startswith(revision.removesuffix("-dirty").rpartition("g")[2])


def test_without_git_there_is_no_revision(monkeypatch):
    def missing(*args, **kwargs):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert "revision" not in provenance.setup()
