import numpy as np
import pandas as pd
from swept_tables import swept

from asymnas.analysis.checks import BINS, share_bins
from asymnas.analysis.rows import clusters, measured, of_whole_replicates


def test_measured_are_the_trials_of_their_own_by_number_without_tuning_runs(table):
    kept = measured(table.iloc[::-1])
    assert kept["trial"].is_monotonic_increasing
    assert len(kept) == table["duplicate_of"].isna().sum()
    phases = ["tuning", "measure", np.nan] * 20
    assert set(measured(table.assign(phase=phases))["phase"].dropna()) == {"measure"}


def test_empty_tables_stay_empty(degenerate):
    assert len(measured(degenerate)) <= len(degenerate)


def test_clusters_are_architectures_or_else_trials(table):
    assert clusters(table).nunique() == len(table)
    assert clusters(swept(shares=3, seeds=4)).value_counts().tolist() == [4] * 12
    partly = table.assign(cluster=[7.0] * 10 + [np.nan] * 50)
    assert clusters(partly).nunique() == 51


def test_numbers_that_start_anew_with_each_budget_are_told_apart():
    table = swept(shares=2, seeds=1).assign(cluster=0)
    assert clusters(table).nunique() == 2


def test_every_share_lies_in_one_third():
    shares = pd.DataFrame({"decoder_share": [0.0, 0.33, 1 / 3, 0.5, 2 / 3, 1.0, np.nan]})
    low, middle, high = BINS
    expected = [low, low, middle, middle, high, high]
    assert share_bins(shares).tolist()[:6] == expected
    assert share_bins(shares).isna().tolist() == [False] * 6 + [True]


def test_a_replicate_that_lacks_a_run_is_left_out_and_the_others_stay(table):
    rows = table.assign(replicate=[0, 1, 2] * 20, state="complete")
    assert len(of_whole_replicates(rows)) == 60
    rows.loc[4, "state"] = "failed"
    assert set(of_whole_replicates(rows)["replicate"]) == {0, 2}
    assert of_whole_replicates(table) is table
