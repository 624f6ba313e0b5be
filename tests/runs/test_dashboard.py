"""The dashboard's command: where it listens, and what it says of that."""

import pytest
from command_line import asymnas

from asymnas import Run
from asymnas.dashboard import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", "localhost.x"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_dashboard_that_others_reach_is_warned_of(
    host: str, warned: bool, uninterrupted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = []
    monkeypatch.setattr(
        "optuna_dashboard.run_server", lambda *arguments, **where: listening.append(where["host"])
    )
    result = asymnas("dashboard", str(uninterrupted.directory), "--host", host)
    assert result.exit_code == 0
    assert listening == [host]
    assert ("can read and change this run" in result.stderr) == warned
