"""Every practice is judged from the run: the same page must not praise a run that did not do it."""

import numpy as np
import pandas as pd
import pytest
from made_runs import SETUP, confirmation_of, confirmation_rows, made_sweep, run_of, sweep_of
from made_tables import made_table

from asymnas.core import columns as t
from asymnas.core.errors import ConfigError
from asymnas.reporting.checklist import PRACTICES, practices, tally
from asymnas.reporting.content import STATUSES, Practice
from asymnas.reporting.findings import Findings, confirmed
from asymnas.runs.run import Run

CODE, METHOD, NOW, BENCHMARK, ABLATIONS, PROTOCOL, COMPUTE, RANDOM = list(PRACTICES)[:8]
REPEATED, CONFOUNDERS, TUNING, TIME, DETAILS = list(PRACTICES)[8:]


def judged(run: Run, **computed) -> dict[str, Practice]:
    return {p.name: p for p in practices(Findings(run=run, **computed))}


def statuses(run: Run, **computed) -> dict[str, str]:
    return {name: practice.status for name, practice in judged(run, **computed).items()}


def empty(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(state="failed", val_loss=np.nan, curve=[[] for _ in range(len(rows))])


def test_uncommitted_changes_are_no_release():
    clean = statuses(run_of(made_table(), setup={**SETUP, "revision": "0123456789ab"}))
    assert [clean[name] for name in (CODE, METHOD, NOW)] == ["yes"] * 3
    dirty = statuses(run_of(made_table(), setup={**SETUP, "revision": "0123456789ab-dirty"}))
    assert [dirty[name] for name in (CODE, METHOD, NOW)] == ["partly", "partly", "no"]
    unknown = statuses(run_of(made_table(), setup={"cores": "2"}))
    assert [unknown[name] for name in (CODE, METHOD, NOW)] == ["no"] * 3


def test_a_sampler_or_data_of_ones_own_are_not_in_the_package():
    own = statuses(run_of(made_table(), settings={"sampler": "MySampler"}))
    assert own[METHOD] == "partly"
    assert statuses(run_of(made_table(), settings={"dataset": "folder:x"}))[BENCHMARK] == "partly"
    assert statuses(run_of(made_table()))[BENCHMARK] == "yes"


def test_a_control_counts_only_if_it_has_run():
    control = run_of(made_table())
    assert statuses(run_of(made_table(), follow_ups={"control": control}))[ABLATIONS] == "partly"
    nothing = run_of(empty(made_table()))
    assert statuses(run_of(made_table(), follow_ups={"control": nothing}))[ABLATIONS] == "no"
    assert statuses(run_of(made_table()))[ABLATIONS] == "no"


def test_a_sweep_is_an_ablation_once_two_shares_have_finished():
    table = made_sweep()
    assert statuses(sweep_of(table))[ABLATIONS] == "yes"
    one = table[table[t.TARGET_SHARE] == table[t.TARGET_SHARE].min()]
    assert statuses(sweep_of(one))[ABLATIONS] == "no"


def test_runs_that_were_not_trained_alike_are_not_compared_alike():
    table = made_table()
    assert statuses(run_of(table))[PROTOCOL] == "yes"
    other = run_of(table, settings={"batch_size": 8, "precision": "bf16"})
    mixed = judged(run_of(table, follow_ups={"control": other}))[PROTOCOL]
    assert mixed.status == "partly"
    assert "batch_size and precision" in mixed.evidence
    complete = table.index[table["state"] == "complete"]
    uneven = table.copy()
    uneven.loc[complete[0], "examples"] = 1
    assert statuses(run_of(uneven))[PROTOCOL] == "partly"
    assert statuses(run_of(empty(table)))[PROTOCOL] == "not applicable"


def test_one_rung_shows_nothing_as_a_function_of_compute():
    table = made_table()
    assert statuses(run_of(table))[COMPUTE] == "yes"
    last = table.assign(curve=[curve[-1:] for curve in table["curve"]])
    assert statuses(run_of(last))[COMPUTE] == "partly"


@pytest.mark.parametrize(("sampler", "status"), [("tpe", "no"), ("random", "yes"), ("qmc", "yes")])
def test_only_random_samplers_are_random_search(sampler, status):
    assert statuses(run_of(made_table(), settings={"sampler": sampler}))[RANDOM] == status


@pytest.mark.parametrize(("seeds", "status"), [(3, "partly"), (8, "yes")])
def test_seeds_of_a_confirmation_are_counted(seeds, status):
    follow_up = confirmation_of(confirmation_rows(seeds, {"best": 0.02, "mirror": 0.03}), seeds)
    run = run_of(made_table(), follow_ups={"confirmation": follow_up})
    repeated = judged(run, confirmed=confirmed(follow_up))[REPEATED]
    assert (repeated.status, f"{seeds} fresh seeds" in repeated.evidence) == (status, True)
    assert statuses(run_of(made_table()))[REPEATED] == "no"


def test_budgets_and_rates_are_the_confounders_of_a_sweep():
    table = made_sweep()
    off = table.assign(**{t.TOTAL_PARAMS: table[t.BUDGET] * 0.93})
    practice = judged(sweep_of(off))[CONFOUNDERS]
    assert practice.status == "partly"  # no tuning among these runs
    assert "within 7.0\xa0% of their budgets" in practice.evidence
    assert "not tuned" in practice.evidence


def test_tuning_time_and_details_are_those_of_the_table():
    table = made_table()
    rates = table["learning_rate"]
    found = judged(run_of(table))
    assert f"from {rates.min():.2g} to {rates.max():.2g}" in found[TUNING].evidence
    assert [found[name].status for name in (TUNING, TIME, DETAILS)] == ["yes"] * 3
    untimed = table.assign(seconds=np.where(table["trial"] == 3, np.nan, table["seconds"]))
    assert "1 run is not recorded" in judged(run_of(untimed))[TIME].evidence
    assert statuses(run_of(table, setup={"asymnas": "1"}))[DETAILS] == "partly"
    assert statuses(run_of(table.assign(state="running")))[DETAILS] == "partly"


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (["yes", "yes", "partly", "no", "not applicable"], "2 of 4 kept, 1 partly, 1 not; 1 does"),
        (["yes", "not applicable", "not applicable"], "1 of 1 kept; 2 do not apply."),
        (["no"], "0 of 1 kept, 1 not."),
    ],
)
def test_a_checklist_is_summed_up(statuses, words):
    assert tally([Practice("p", status, "e") for status in statuses]).startswith(words)


def test_an_unknown_status_is_refused():
    with pytest.raises(ConfigError, match=r"one of yes, partly, no, not applicable but is 'maybe'"):
        Practice("p", "maybe", "e")
    assert STATUSES[-1] == "not applicable"
