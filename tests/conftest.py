import pandas as pd
import pytest
import torch
from made_tables import DEGENERATE, made_table

torch.set_num_threads(1)  # small steps on two threads collapse when anything else runs


@pytest.fixture
def table() -> pd.DataFrame:
    return made_table()


@pytest.fixture(params=list(DEGENERATE))
def degenerate(request: pytest.FixtureRequest) -> pd.DataFrame:
    return DEGENERATE[request.param]()
