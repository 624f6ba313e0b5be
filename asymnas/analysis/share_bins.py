"""Thirds of the decoder share, to see whether something goes with it."""

import numpy as np
import pandas as pd

from asymnas.table import DECODER_SHARE

ALL = "all"
BINS = ("below 1/3", "1/3 to 2/3", "2/3 and above")
EDGES = (0.0, 1 / 3, 2 / 3, np.nextafter(1.0, 2.0))


def share_bins(rows: pd.DataFrame) -> pd.Series:
    """The third that each row's decoder share lies in, one of `BINS`; missing for no share."""
    shares = rows[DECODER_SHARE].astype(float)
    return pd.cut(shares, EDGES, right=False, labels=BINS).astype(object)
