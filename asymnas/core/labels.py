"""Columns of the trial table in words: their names, and their values as they are shown."""

import pandas as pd

from asymnas.core.columns import COUNT_COLUMNS, DECODER_SHARE, SHARED_PARAMS
from asymnas.core.text import MISSING, percent, short

_LABELS = {
    "val_loss": "validation loss",
    "total_params": "parameters",
    "encoder_params": "encoder parameters",
    "decoder_params": "decoder parameters",
    "total_macs": "MACs",
    "encoder_macs": "encoder MACs",
    "decoder_macs": "decoder MACs",
    "decoder_share": "decoder share",
    "psnr": "PSNR",
    "mse": "MSE",
    "ssim": "SSIM",
    "mae": "MAE",
    "lpips": "LPIPS",
    "auroc": "AUROC",
    "aupr": "AUPR",
    "kl": "KL divergence",
    "kl_max": "largest KL divergence",
    "knn_accuracy": "kNN accuracy",
    "encoder_latency_1": "encoder ms, batch 1",
    "encoder_latency_64": "encoder ms, batch 64",
    "decoder_latency_1": "decoder ms, batch 1",
    "decoder_latency_64": "decoder ms, batch 64",
}


def label(name: str) -> str:
    """A column's name in words."""
    return _LABELS.get(name, name.replace("_", " "))


def value(name: str, number: float) -> str:
    """One value of a column: counts short, the rest with four significant digits."""
    return short(number) if name in COUNT_COLUMNS else f"{number:.4g}"


def cell(name: str, number: float) -> str:
    """One value of a column in a table: counts in full, shares in per cent; a dash for none."""
    if pd.isna(number):
        return MISSING
    if name == DECODER_SHARE:
        return percent(number)
    return f"{int(number):,}" if name in (*COUNT_COLUMNS, SHARED_PARAMS) else f"{number:#.4g}"
