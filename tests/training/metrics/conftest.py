import pytest
from fake_views import Clock


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Latencies are measured by a clock that only tests move."""
    monkeypatch.setattr("asymnas.training.metrics.latency.time", Clock)
