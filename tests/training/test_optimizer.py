"""The optimizer of the training loop against `torch.optim.AdamW`, bit for bit."""

import pytest
import torch
from torch import nn

from asymnas.training.optimizer import AdamW

DECAY = 0.01


def sides(seed=0):
    """Two groups of parameters; the last parameter is in no loss."""
    torch.manual_seed(seed)
    one, other = nn.Conv2d(1, 3, 3), nn.Linear(3, 7)
    return [[*one.parameters()], [*other.parameters(), nn.Parameter(torch.ones(2))]]


def library(groups, rates):
    return torch.optim.AdamW(
        [{"params": group, "lr": rate} for group, rate in zip(groups, rates, strict=True)],
        weight_decay=DECAY,
        fused=True,
    )


def give_gradients(groups, seed):
    torch.manual_seed(seed)
    for parameter in [p for group in groups for p in group][:-1]:
        parameter.grad = torch.randn_like(parameter)


def assert_same(groups, others):
    for group, other in zip(groups, others, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(group, other, strict=True))


def test_steps_are_those_of_the_library():
    ours, theirs = sides(), sides()
    one, other = AdamW(ours, [0, 0], DECAY), library(theirs, [0, 0])
    for step in range(20):
        rates = [0.01 / (step + 1), 0.003 * step]
        one.rates = rates
        for group, rate in zip(other.param_groups, rates, strict=True):
            group["lr"] = rate
        give_gradients(ours, step)
        give_gradients(theirs, step)
        one.step()
        other.step()
        assert_same(ours, theirs)
        assert all(p.grad is None for group in ours for p in group)


@pytest.mark.parametrize("ours_first", [True, False])
def test_either_goes_on_from_the_others_state(ours_first):
    rates = [0.01, 0.002]
    first, second, straight = sides(), sides(1), sides()
    make = [lambda groups: AdamW(groups, rates, DECAY), lambda groups: library(groups, rates)]
    before, after = make if ours_first else make[::-1]
    whole = AdamW(straight, rates, DECAY)
    begun = before(first)
    for step in range(6):
        give_gradients(straight, step)
        whole.step()
        if step < 3:
            give_gradients(first, step)
            begun.step()
    continued = after(second)
    with torch.no_grad():
        for group, other in zip(first, second, strict=True):
            for parameter, copy in zip(group, other, strict=True):
                copy.copy_(parameter)
    continued.load_state_dict(begun.state_dict())
    for step in range(3, 6):
        give_gradients(second, step)
        continued.step()
    assert_same(second, straight)


def test_a_state_of_other_parameters_is_refused():
    groups = sides()
    saved = AdamW(groups, [0.1, 0.1], DECAY).state_dict()
    with pytest.raises(ValueError, match="is of other parameters"):
        AdamW(groups[:1], [0.1], DECAY).load_state_dict(saved)
    wider = [groups[0], [nn.Parameter(torch.ones(5)), *groups[1][1:]]]
    with pytest.raises(ValueError, match="is of other parameters"):
        AdamW(wider, [0.1, 0.1], DECAY).load_state_dict(saved)


@pytest.mark.parametrize("rate", [-0.1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="must be 0 or larger, not"):
        AdamW(sides(), [0.1, rate], DECAY)
