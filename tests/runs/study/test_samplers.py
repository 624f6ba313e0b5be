"""TPE models choices that occur together; where all do, it draws as it did without."""

import warnings

import optuna
import pytest
import torch
from optuna.samplers import GPSampler, TPESampler

from asymnas.runs.study.samplers import Draw, make_sampler


def of_one_family(trial):
    depth = trial.suggest_int("depth", 1, 4)
    kernel = trial.suggest_categorical("kernel", (3, 5))
    width = trial.suggest_float("width", 0.0, 1.0)
    return abs(depth - 2) + (kernel == 3) + (width - 0.3) ** 2


def of_a_drawn_family(trial):
    if trial.suggest_categorical("family", ("conv2d", "dense")) == "dense":
        return 3.0 + (trial.suggest_float("dense_growth", 0.0, 1.0) - 0.9) ** 2
    return (trial.suggest_float("conv2d_growth", 0.0, 1.0) - 0.3) ** 2


def drawn(objective, make, trials=40):
    study = optuna.create_study()
    for number in range(trials):
        study.sampler = make(Draw(seed=3, number=number, completed=number, parallel=False))
        trial = study.ask()
        study.tell(trial, objective(trial))
    return [trial.params for trial in study.trials]


def ours(draw):
    return make_sampler("tpe", draw)


@pytest.fixture
def ungrouped():
    """The same sampler without groups."""

    def make(draw):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return TPESampler(
                seed=draw.state, multivariate=True, gamma=lambda n: min(-(-n // 10), draw.completed)
            )

    return make


def test_a_space_of_one_family_is_drawn_as_without_groups(ungrouped):
    assert drawn(of_one_family, ours) == drawn(of_one_family, ungrouped)


def test_choices_of_a_drawn_family_are_learnt():
    later = [params for params in drawn(of_a_drawn_family, ours)[20:]]
    growths = [params["conv2d_growth"] for params in later if "conv2d_growth" in params]
    assert len(growths) > 12
    assert sum(abs(growth - 0.3) < 0.2 for growth in growths) > 0.6 * len(growths)


def test_the_gaussian_process_has_one_thread_and_leaves_the_others_to_their_owner(monkeypatch):
    seen = []

    def sample(self, study, trial, search_space):
        seen.append(torch.get_num_threads())
        return {}

    monkeypatch.setattr(GPSampler, "sample_relative", sample)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        drawn(of_one_family, lambda draw: make_sampler("gp", draw), trials=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1]
