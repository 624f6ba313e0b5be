"""The table of all that networks were measured by."""

from asymnas.core.text import MISSING
from asymnas.reporting.figures.measured import measured_rows
from asymnas.training.metrics import METRICS


def test_a_row_a_metric_and_a_column_a_network():
    rows = measured_rows(
        {"best": {"psnr": 20.5, "decoder_latency_1": 0.25}, "symmetric": {"psnr": 19.0, "mse": 0.5}}
    )
    assert rows.columns == ("metric", "best", "symmetric", "better", "what it is")
    assert [row[:4] for row in rows.rows] == [
        ("decoder_latency_1", "0.2500 ms", MISSING, "lower"),
        ("mse", MISSING, "0.5000", "lower"),
        ("psnr", "20.50 dB", "19.00 dB", "higher"),
    ]
    assert rows.rows[2][4] == METRICS.get("psnr").description
    assert [rows.columns[place] for place in rows.words] == ["better", "what it is"]


def test_nothing_measured_is_no_row():
    assert measured_rows({"best": {}}).rows == ()
