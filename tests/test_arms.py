"""The reference network's tables: numbers of a study that was made up."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from asymnas.core import columns as t

STUDIES = Path(__file__).parents[1] / "studies"
SEEDS = 4


@pytest.fixture(autouse=True)
def studies(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDIES))


@pytest.fixture
def results(tmp_path):
    """A run per arm and seed, each arm 2 % worse than the one before it; one seed is not whole."""
    from reference_network import NETWORKS

    rng, network = np.random.default_rng(0), NETWORKS["reference_network"]
    lines = []
    for place, (name, arm) in enumerate(network.arms().items()):
        for seed in range(SEEDS + 1):
            loss = 0.004 * 1.02**place * math.exp(rng.normal(0, 0.001))
            complete = seed < SEEDS or name == "reference"
            lines.append(
                {
                    t.PHASE: t.MEASURE,
                    t.STATE: "complete" if complete else "failed",
                    t.CONTENDER: name,
                    t.CLUSTER: place,
                    t.REPLICATE: seed,
                    t.TEST_LOSS: loss if complete else None,
                    t.TOTAL_PARAMS: arm.counts.total_params,
                    t.DECODER_SHARE: arm.decoder_share,
                    t.TOTAL_MACS: arm.counts.total_macs,
                    t.LEARNING_RATE: 0.002,
                    t.RATE_RATIO: 4.0,
                }
            )
    study = tmp_path / "reference_network"
    study.mkdir()
    pd.DataFrame(lines).to_csv(study / "trials.csv", index=False)
    (study / "progress.json").write_text('{"runs": 45, "hours": 1.0, "done": true}')
    components = {network.dataset: {"components": 64, "test": 0.006}}
    (tmp_path / "principal_components.json").write_text(json.dumps(components))
    return study


def test_arms_are_compared_over_the_seeds_that_all_of_them_have(results):
    from arms import arms_of, ratio

    arms = arms_of(results)
    first, second = list(arms.values())[:2]
    assert first.name == "reference"
    assert first.rates == (pytest.approx(0.001), pytest.approx(0.004))
    assert len(first.losses) == SEEDS
    log, p = ratio(second, first)
    assert log.estimate == pytest.approx(math.log(1.02), abs=0.002)
    expected = ttest_1samp(second.losses - first.losses, 0.0)
    assert p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (log.low, log.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_the_tables_have_every_arm_and_every_question(results):
    from arms import tables
    from reference_network import CONTRASTS, NETWORKS

    written = tables(results.parent)
    assert list(written) == ["reference_network: arms", "reference_network: questions"]
    heading, _, *lines = written["reference_network: arms"].splitlines()
    cells = [
        [cell.strip() for cell in line.replace("\N{NO-BREAK SPACE}", " ").split("|")[1:-1]]
        for line in lines
    ]
    assert [row[0] for row in cells] == [
        *NETWORKS["reference_network"].arms(),
        "64 principal components",
    ]
    assert cells[0][1:5] == ["2,615,363", "0.50", cells[0][3], "0.001 / 0.004"]
    assert cells[1][6].startswith(("+1.9 %", "+2.0 %", "+2.1 %"))
    assert cells[-1][6] == "+50 %"
    assert "against the reference" in heading
    questions = written["reference_network: questions"].splitlines()[2:]
    assert len(questions) == len(CONTRASTS)
    assert "both, wider against reference" in questions[0]


def test_a_study_that_is_not_done_has_no_tables(results, tmp_path):
    from arms import tables

    (results / "progress.json").write_text('{"runs": 20, "hours": 0.5, "done": false}')
    assert tables(tmp_path) == {}
    (results / "progress.json").unlink()
    assert tables(tmp_path) == {}
