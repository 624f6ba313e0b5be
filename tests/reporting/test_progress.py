import io

from rich.console import Console

from asymnas.reporting.progress import display
from asymnas.runs.coordinator import Snapshot

RUNNING = Snapshot(wanted=4, complete=1, pruned=1, running=2, best_loss=0.0123, front=1)
DONE = Snapshot(wanted=4, complete=3, pruned=1, front=2, examples=9_000, seconds=3.0)


def test_a_log_gets_a_line_at_the_end_and_not_at_every_change() -> None:
    out = io.StringIO()
    with display(Console(file=out)) as observe:
        observe(RUNNING)
        observe(RUNNING)
        observe(DONE)
    (line,) = out.getvalue().splitlines()
    assert line.startswith("4/4 trials · 3 complete · 1 pruned · 0 failed")
    assert "3,000 examples/s" in line


def test_a_terminal_sees_the_state_of_the_run() -> None:
    out = io.StringIO()
    with display(Console(file=out, force_terminal=True, width=120)) as observe:
        observe(RUNNING)
    assert "2/4" in out.getvalue()
    assert "best loss 0.01230 · front 1" in out.getvalue()
