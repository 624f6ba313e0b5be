"""Filled budgets: every draw has one size, its share is near the drawn one, and caps hold."""

import math
from dataclasses import replace

import numpy as np
import pytest
from problems import space_of

from asymnas.core.budget import Budget
from asymnas.networks.families import Problem
from asymnas.networks.families.dense import DenseSide
from asymnas.space.filling import (
    FULL,
    MOST_RATIO,
    RATE_RATIOS,
    SIZE_RATIO,
    fill,
    sample_filled,
    suggest_filled,
)
from asymnas.space.suggesters import First, Random

DIGITS = ("conv2d", Problem(shape=(1, 8, 8), latent=16))
ROWS = ("dense", Problem(shape=(64,), latent=8))
TOKENS = ("transformer", Problem(shape=(1, 16, 16), latent=8))
SIGNALS = ("conv1d", Problem(shape=(2, 128), latent=8))
CASES = [(DIGITS, 20_000), (ROWS, 6_000), (TOKENS, 40_000), (SIGNALS, 30_000)]


@pytest.mark.parametrize(("case", "budget"), CASES, ids=[case[0] for case, _ in CASES])
def test_every_draw_fills_its_budget_and_none_exceeds_it(case, budget):
    space = space_of(*case, budget=budget)
    for seed in range(8):
        counts = sample_filled(space, seed).architecture.counts
        assert FULL * budget <= counts.total_params <= budget


def test_shares_of_draws_are_logit_uniform_and_favour_neither_side():
    space = space_of(*ROWS, budget=60_000)
    drawn, made = [], []
    for seed in range(60):
        random = Random(seed)
        for part in space.parts:
            space.structure(part, random)
        ratio = random.suggest_float(SIZE_RATIO, 1 / MOST_RATIO, MOST_RATIO, log=True)
        drawn.append(ratio / (1 + ratio))
        made.append(sample_filled(space, seed).architecture.decoder_share)
    assert np.abs(np.subtract(drawn, made)).max() < 0.04
    logits = np.log(np.array(made) / (1 - np.array(made))) / math.log(MOST_RATIO)
    assert abs(np.mean(logits)) < 0.2
    assert np.quantile(made, 0.05) < 0.15
    assert np.quantile(made, 0.95) > 0.85


def test_two_uniform_widths_given_their_total_have_a_uniform_logit_of_the_share():
    """The law that the module's docstring derives, by simulation."""
    rng = np.random.default_rng(0)
    low, high = math.log(200), math.log(40_000)
    encoder, decoder = np.exp(rng.uniform(low, high, (2, 2_000_000)))
    near = np.abs(np.log((encoder + decoder) / 20_000)) < 0.02
    logits = np.log(decoder[near] / encoder[near])
    inside = logits[np.abs(logits) < math.log(MOST_RATIO)]
    counts, _ = np.histogram(inside, bins=10)
    assert counts.max() / counts.min() < 1.15
    shrunk = np.log(decoder / encoder)  # one common factor keeps the ratio, and its other law
    counts, _ = np.histogram(shrunk[np.abs(shrunk) < math.log(MOST_RATIO)], bins=10)
    assert counts.max() / counts.min() > 1.5


def test_a_rate_ratio_is_drawn_on_a_log_scale():
    space = space_of(*ROWS, budget=6_000)
    ratios = [sample_filled(space, seed).rate_ratio for seed in range(40)]
    assert RATE_RATIOS[0] <= min(ratios) < 0.5
    assert 2 < max(ratios) <= RATE_RATIOS[1]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_coarse_widths_fill_at_a_share_near_the_one_asked_for(share):
    space = space_of(*ROWS, budget=1_000)
    structures = [DenseSide(widths=(1024, 1024)), DenseSide(widths=(1024,))]
    made = fill(space, structures, share)
    assert FULL * 1_000 <= made.counts.total_params <= 1_000
    assert [len(made.encoder.widths), len(made.decoder.widths)] == [2, 1]
    odds = math.log(made.decoder_share / (1 - made.decoder_share))
    asked = math.log(share / (1 - share))
    narrowest = [part.counts(s, 0.0) for part, s in zip(space.parts, structures, strict=True)]
    least = narrowest[1].decoder_params / 1_000
    most = 1 - narrowest[0].encoder_params / 1_000
    reachable = min(max(share, least), most)
    assert abs(odds - asked) <= abs(math.log(reachable / (1 - reachable)) - asked) + 0.35


def test_shares_that_a_structure_cannot_have_become_the_nearest_it_can():
    space = space_of(*ROWS, budget=1_030)
    structures = [DenseSide(widths=(1024,)), DenseSide(widths=(1024,))]
    low, high = (fill(space, structures, share) for share in (0.02, 0.98))
    assert low.decoder.widths == (2,)
    assert high.encoder.widths == (2,)
    assert min(low.counts.total_params, high.counts.total_params) >= FULL * 1_030


def test_a_budget_too_small_to_be_filled_is_never_exceeded():
    space = space_of(*DIGITS, budget=1_250)
    for seed in range(8):
        counts = sample_filled(space, seed).architecture.counts
        assert 0.85 * 1_250 <= counts.total_params <= 1_250


def test_caps_on_either_side_hold_and_are_filled_together_if_they_are_less():
    space = space_of(*ROWS, budget=Budget(total_params=20_000, encoder_params=4_000))
    for seed in range(8):
        counts = sample_filled(space, seed).architecture.counts
        assert counts.encoder_params <= 4_000
        assert counts.total_params >= FULL * 20_000
    caps = Budget(total_params=20_000, encoder_params=4_000, decoder_params=6_000)
    for seed in range(8):
        counts = sample_filled(space_of(*ROWS, budget=caps), seed).architecture.counts
        assert counts.encoder_params <= 4_000
        assert counts.decoder_params <= 6_000
        assert counts.total_params >= FULL * 10_000


@pytest.mark.slow
@pytest.mark.essential
def test_a_cap_on_macs_holds_and_is_nearly_reached():
    space = space_of(*DIGITS, budget=Budget(total_params=20_000, macs=60_000))
    reached = []
    for seed in range(4):
        counts = sample_filled(space, seed).architecture.counts
        assert space.budget.admits(counts)
        reached.append(max(counts.total_macs / 60_000, counts.total_params / 20_000))
    assert np.mean(reached) > 0.85


def test_mirrored_pairs_fill_the_budget_without_a_ratio():
    space = space_of(*DIGITS, budget=20_000, symmetric=True)
    for seed in range(8):
        made = sample_filled(space, seed).architecture
        assert 0.93 * 20_000 <= made.counts.total_params <= 20_000
        assert made.decoder == made.mirror().decoder
    first = First()
    suggest_filled(space, first)
    assert SIZE_RATIO not in first.options


def test_what_is_shared_counts_towards_the_budget():
    space = space_of(*ROWS, budget=20_000, kind="vq")
    counts = sample_filled(space, 0).architecture.counts
    assert counts.shared_params > 0
    assert FULL * 20_000 <= counts.total_params <= 20_000


def test_equal_draws_are_equal_architectures():
    space = space_of(*DIGITS, budget=20_000)
    again = space_of(*DIGITS, budget=20_000)
    assert sample_filled(space, 5) == sample_filled(again, 5)
    assert sample_filled(space, 5) != sample_filled(replace_budget(space, 10_000), 5)


def replace_budget(space, total):
    return space.under(replace(space.budget, total_params=total))
