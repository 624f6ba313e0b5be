"""What the number of a step decides: its learning rate and its examples."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from asymnas.training.optimizer import learning_rate_at
from asymnas.training.rung import as_input, batch_indices


@pytest.mark.parametrize("total", [100, 1000, 2813])
def test_the_rate_warms_up_stays_and_decays_to_nothing(total):
    rates = [learning_rate_at(step, total, 0.01) for step in range(total)]
    warm, fall = round(0.03 * total), round(0.75 * total)
    assert rates[0] == pytest.approx(0.01 / (0.03 * total))
    assert all(a < b for a, b in pairwise(rates[: warm - 1]))
    assert rates[warm:fall] == [0.01] * (fall - warm)
    assert all(a > b for a, b in pairwise(rates[fall + 1 :]))
    assert 0 < rates[-1] <= 0.01 / (0.25 * total) * 1.001
    assert learning_rate_at(fall + round(0.125 * total), total, 0.01) == pytest.approx(
        0.005, rel=0.05
    )


@pytest.mark.parametrize("total", [1, 2, 3, 10])
def test_the_rate_of_a_short_training_is_positive_and_below_its_peak(total):
    rates = [learning_rate_at(step, total, 2.0) for step in range(total)]
    assert all(0 < rate <= 2.0 for rate in rates)
    assert max(rates) == 2.0


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_each_pass_holds_every_example_once_and_batches_straddle_passes(n, batch_size, seed):
    steps = range(-(-3 * n // batch_size))
    batches = [batch_indices(step, batch_size, n, seed) for step in steps]
    assert all(len(batch) == batch_size for batch in batches)
    order = torch.cat(batches)
    for first in range(0, 3 * n, n):
        assert sorted(order[first : first + n].tolist()) == list(range(n))


def test_passes_and_seeds_differ():
    n = 100
    passes = [batch_indices(step, n, n, seed=1) for step in range(3)]
    other = batch_indices(0, n, n, seed=2)
    orders = [tuple(order.tolist()) for order in (*passes, other)]
    assert len(set(orders)) == 4
    assert torch.equal(batch_indices(1, n, n, seed=1), passes[1])


def test_a_step_does_not_depend_on_the_steps_asked_for_before():
    expected = batch_indices(17, 8, 50, seed=3)
    for step in range(40):
        batch_indices(step, 8, 50, seed=step)
    assert torch.equal(batch_indices(17, 8, 50, seed=3), expected)


def test_bytes_become_fractions_and_images_channels_last():
    x = as_input(
        torch.tensor([0, 51, 255], dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 4, 4)
    )
    assert x.dtype == torch.float32
    assert x[:, 0, 0, 0].tolist() == pytest.approx([0, 0.2, 1])
    assert x.is_contiguous(memory_format=torch.channels_last)
    rows = torch.randn(3, 5)
    assert torch.equal(as_input(rows), rows)


class _Sizes(TorchFunctionMode):
    """Adds up the elements of all tensors that torch's functions return."""

    elements = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.elements += result.numel()
        return result


@pytest.mark.parametrize("n", [1_000, 1_000_000])
def test_the_work_of_a_step_does_not_grow_with_the_number_of_examples(n):
    batch_indices(0, 64, n, seed=0)  # draws the permutation of the pass
    with _Sizes() as sizes:
        batch_indices(1, 64, n, seed=0)
    assert sizes.elements < 1_000
