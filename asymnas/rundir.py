"""Names in a run directory, and where the runs that belong to one question lie.

A search's directory holds beside its own files the runs that follow it up, each a run directory of
its own: `sweep`, `control` (the symmetric search) and `confirmation`.
"""

import json
from pathlib import Path

from asymnas.errors import StudyError

DATABASE = "study.db"
STORAGE = "storage.json"  # where the study is, if not in the directory
REPORT = "report.html"
SUMMARY = "summary.json"
CONFIRMATION = "confirmation.json"

SWEEP_DIR = "sweep"
CONTROL_DIR = "control"
CONFIRMATION_DIR = "confirmation"

#: What a run writes, and clears when it starts over.
OWNED = (
    *("trials.csv", SUMMARY, REPORT, "best", "artifacts", "workers.log"),
    *(STORAGE, CONFIRMATION),
)

#: Runs in a search's directory that are about this search and no other: a fresh one has none yet.
DERIVED = (CONTROL_DIR, CONFIRMATION_DIR)


def holds_run(directory: Path) -> bool:
    """Whether a run was started there."""
    return (directory / STORAGE).is_file() or (directory / DATABASE).is_file()


def storage_of(directory: Path) -> tuple[str, str | None]:
    """The storage URL and the study's name of a run directory.

    Raises:
        StudyError: No run is there.
    """
    elsewhere = directory / STORAGE
    if elsewhere.is_file():
        values = json.loads(elsewhere.read_text())
        return values["storage"], values["study"]
    if not (directory / DATABASE).is_file():
        raise StudyError(f"{directory} holds no run: it has no {DATABASE}; start one with a search")
    return f"sqlite:///{directory / DATABASE}", None
