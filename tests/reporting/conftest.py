"""What the tests of the report share."""

from collections.abc import Iterator

import pytest
from computed_once import importances_once
from made_tables import degenerate, table

__all__ = ["degenerate", "pages_with_importances_once", "table"]


@pytest.fixture(scope="session", autouse=True)
def pages_with_importances_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asymnas.reporting.plots.importances", importances_once)
        yield
