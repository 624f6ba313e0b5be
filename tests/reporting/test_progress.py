import io
import sys

import pytest
from rich.console import Console

from asymnas.reporting.progress import display, in_notebook
from asymnas.runs.snapshot import Snapshot

BEGUN = Snapshot(wanted=4, running=2)
RUNNING = Snapshot(wanted=4, complete=1, pruned=1, running=2, best_loss=0.0123, front=1)
DONE = Snapshot(
    wanted=4, complete=3, pruned=1, best_loss=0.0123, front=2, examples=9_000, seconds=3.0
)


def test_a_log_gets_a_line_with_the_first_result_and_at_the_end_and_not_at_every_change() -> None:
    out = io.StringIO()
    with display(Console(file=out)) as observe:
        observe(BEGUN)
        observe(RUNNING)
        observe(RUNNING)
        observe(DONE)
    first, last = out.getvalue().splitlines()
    assert first.startswith("2/4 trials · 1 complete · 1 pruned · 0 failed · best loss 0.01230")
    assert last.startswith("4/4 trials · 3 complete · 1 pruned · 0 failed")
    assert "3,000 examples/s" in last


def test_a_terminal_sees_the_state_of_the_run() -> None:
    out = io.StringIO()
    with display(Console(file=out, force_terminal=True, width=120)) as observe:
        observe(RUNNING)
    assert "2/4" in out.getvalue()
    assert "best loss 0.01230 · front 1" in out.getvalue()


class Kernel:
    """IPython in a notebook, as far as it is asked."""

    def __init__(self) -> None:
        self.kernel = object()
        self.texts: list[str] = []

    def get_ipython(self) -> "Kernel":
        return self

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> "Kernel":
        assert (raw, display_id) == (True, True)
        self.texts.append(data["text/plain"])
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        self.texts.append(data["text/plain"])


def test_a_notebooks_cell_is_updated_and_a_script_sees_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    in_notebook()(DONE)
    kernel = Kernel()
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", kernel)
    monkeypatch.setattr("asymnas.reporting.progress.CELL_EVERY", 1_000)
    observe = in_notebook()
    observe(RUNNING)
    observe(DONE)
    first, last = kernel.texts
    assert first == "starting"
    assert last.startswith("4/4 trials · 3 complete")
    assert capsys.readouterr().out == ""
    del kernel.kernel  # IPython on a terminal
    in_notebook()(DONE)
    assert len(kernel.texts) == 2
