import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))


@pytest.fixture
def table() -> pd.DataFrame:
    from made_tables import made_table

    return made_table()


@pytest.fixture(
    params=[
        "no trials",
        "all pruned",
        "all failed",
        "all running",
        "one complete",
        "two complete",
        "front of one",
        "no finite loss",
    ]
)
def degenerate(request: pytest.FixtureRequest) -> pd.DataFrame:
    from made_tables import DEGENERATE

    return DEGENERATE[request.param]()
