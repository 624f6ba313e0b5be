"""The seeds of trials: the same in every version, or a continued run would not be the one begun."""

from asymnas.runs.seeds import replicate_seed, trial_seed


def test_a_trial_keeps_its_seed_from_version_to_version():
    assert [trial_seed(0, 0), trial_seed(0, 1), trial_seed(1, 0)] == [
        3964924996,
        901243215,
        1189033389,
    ]


def test_a_replicate_keeps_its_seed_from_version_to_version():
    assert [replicate_seed(0, 0), replicate_seed(0, 1), replicate_seed(1, 0)] == [
        3141116543,
        1961547765,
        1596810411,
    ]
