import pytest

from asymnas.reporting.cost import PhaseCost, cost_rows


def test_phases_add_up_to_the_last_row():
    rows = cost_rows(
        [
            PhaseCost("search", 60, 5_400_000, 4_320.0, 4.1e13),
            PhaseCost("confirmation", 40, 9_600_000, 12_960.0, 8e13),
        ]
    )
    assert rows.rows[-1] == ("all", "100", "15,000,000", "288.0", "100\xa0%", "121T")
    assert rows.rows[0][3:5] == ("72.0", "25\xa0%")
    assert rows.marked == 2
    assert "100 runs saw 15M training examples in 288.0 worker minutes" in rows.caption


@pytest.mark.parametrize(("seconds", "unit"), [(30, "seconds"), (3_000, "minutes"), (1e6, "hours")])
def test_one_unit_of_time_suits_the_whole_table(seconds, unit):
    rows = cost_rows([PhaseCost("search", 1, 10, seconds, 0)])
    assert f"worker {unit}" in rows.columns
    assert len(rows.rows) == 1
    assert rows.rows[0][-1] == "\N{EN DASH}"
    assert rows.marked is None


def test_nothing_that_took_no_time_is_coped_with():
    assert cost_rows([]).rows == ()
    assert cost_rows([PhaseCost("search", 0, 0, 0.0, 0)]).rows[0][4] == "\N{EN DASH}"
