"""The space: whatever is drawn fits the budget, and size does what its position says."""

import re
from dataclasses import replace
from functools import lru_cache

import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from marks import fast_first
from problems import BUDGET, CASES, RATES, label, space_of

from asymnas.core.budget import Budget
from asymnas.core.errors import BudgetError, ConfigError
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.kinds import KINDS, kind_of
from asymnas.space.suggesters import Fixed, Random

TINY = [
    *[("conv2d", Problem(shape=(2, 5, 7), latent=2, bottleneck=b)) for b in ("dense", "pooled")],
    ("conv2d", Problem(shape=(1, 8, 8), latent=2, bottleneck="spatial")),
    ("dense", Problem(shape=(7,), latent=2)),
    ("conv1d", Problem(shape=(2, 7), latent=2)),
    ("transformer", Problem(shape=(1, 28, 28), latent=2, bottleneck="spatial")),
]
SLOW = (pytest.mark.slow, pytest.mark.essential)  # a transformer's smallest takes seconds to find
tiny = pytest.mark.parametrize(
    ("family", "problem"),
    [pytest.param(*case, marks=SLOW if case[0] == "transformer" else ()) for case in TINY],
    ids=[label(*case) for case in TINY],
)
every_case = pytest.mark.parametrize(("family", "problem"), CASES)


class Recording:
    """Notes what is asked for; answers at random."""

    def __init__(self, seed):
        self._random, self.asked, self.answers = Random(seed), [], {}

    def __getattr__(self, method):
        def suggest(name, *args, **kwargs):
            self.asked.append((method, name, args, tuple(kwargs.items())))
            self.answers[name] = getattr(self._random, method)(name, *args, **kwargs)
            return self.answers[name]

        return suggest


@lru_cache
def smallest(family, problem, *, macs=False, **settings):
    """Parameters of each side, and MACs, of the smallest, as the refusal names them."""
    budget = Budget(total_params=1, macs=1 if macs else None)
    with pytest.raises(BudgetError) as caught:
        space_of(family, problem, budget=budget, **settings)
    pattern = r"smallest has ([\d,]+) parameters \(encoder ([\d,]+), decoder ([\d,]+)"
    pattern += r"(?:, shared by both [\d,]+)?\)"
    pattern += r" and ([\d,]+) MACs;" if macs else ";"
    found = re.search(pattern, str(caught.value)).groups()
    total, *sides = (int(count.replace(",", "")) for count in found)
    assert total >= sides[0] + sides[1]
    return sides


@every_case
def test_every_draw_asks_for_the_same_names_of_the_same_ranges(family, problem):
    space = space_of(family, problem)
    first, *others = [Recording(seed) for seed in range(3)]
    for recording in (first, *others):
        space.suggest(recording)
    assert all(other.asked == first.asked for other in others)
    names = [name for _, name, _, _ in first.asked]
    assert len(set(names)) == len(names)
    free = {"encoder_width", "decoder_width", "learning_rate"}
    assert set(names) == free | set(space.choices())
    assert any(other.answers != first.answers for other in others)


@every_case
def test_a_draw_is_of_its_problem_and_fixed_by_its_seed(family, problem):
    space = space_of(family, problem)
    one = space.sample(3)
    assert one == space_of(family, problem).sample(3) != space.sample(4)
    architecture = one.architecture
    assert (architecture.family, architecture.problem) == (family, problem)
    assert RATES[0] <= one.learning_rate <= RATES[1]
    assert architecture.counts.total_params <= BUDGET


def test_learning_rates_are_drawn_on_a_log_scale():
    space = space_of("dense", Problem(shape=(7,), latent=2), learning_rates=(1e-4, 1e-2))
    recording = Recording(0)
    space.suggest(recording)
    asked = ("suggest_float", "learning_rate", (1e-4, 1e-2), (("log", True),))
    assert recording.asked[-1] == asked


@settings(deadline=None, max_examples=10)
@given(
    st.sampled_from(TINY),
    st.floats(1.0, 200.0),
    st.one_of(st.none(), st.floats(1.0, 100.0)),
    st.one_of(st.none(), st.floats(1.0, 100.0)),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_nothing_is_over_a_parameter_cap(case, total, encoder, decoder, symmetric, seed):
    family, problem = case
    least = smallest(family, problem, symmetric=symmetric)
    budget = Budget(
        total_params=int((least[0] + least[1]) * total),
        encoder_params=encoder and int(least[0] * encoder),
        decoder_params=decoder and int(least[1] * decoder),
    )
    candidate = space_of(family, problem, budget=budget, symmetric=symmetric).sample(seed)
    assert budget.admits(candidate.architecture.counts)


@settings(deadline=None, max_examples=5)
@given(
    st.sampled_from(TINY),
    st.floats(1.0, 200.0),
    st.floats(1.0, 50.0),
    st.booleans(),
    st.integers(0, 10**6),
)
@pytest.mark.slow
@pytest.mark.essential
def test_nothing_is_over_the_macs(case, total, macs, symmetric, seed):
    family, problem = case
    least = smallest(family, problem, macs=True, symmetric=symmetric)
    budget = Budget(total_params=int((least[0] + least[1]) * total), macs=int(least[2] * macs))
    candidate = space_of(family, problem, budget=budget, symmetric=symmetric).sample(seed)
    assert budget.admits(candidate.architecture.counts)


@tiny
@pytest.mark.parametrize("symmetric", fast_first([False, True]))
def test_the_smallest_named_in_a_refusal_is_the_smallest_and_works(family, problem, symmetric):
    encoder, decoder = smallest(family, problem, symmetric=symmetric)
    total = encoder + decoder
    with pytest.raises(BudgetError, match=rf"a budget of {total - 1:,} parameters: .* {total:,} "):
        space_of(family, problem, budget=total - 1, symmetric=symmetric)
    for budget in (total, round(total * 1.1)):
        space = space_of(family, problem, budget=budget, symmetric=symmetric)
        drawn = [space.sample(seed).architecture for seed in range(6)]
        assert all(a.counts.total_params <= budget for a in drawn)
        assert min(a.counts.total_params for a in drawn) >= total
    assert len({a.key() for a in drawn}) > 1


@tiny
def test_caps_on_one_side_refuse_and_admit_by_themselves(family, problem):
    encoder, decoder = smallest(family, problem)
    for name, least in (("encoder_params", encoder), ("decoder_params", decoder)):
        with pytest.raises(BudgetError, match=f"{least - 1:,} {name.split('_')[0]} parameters"):
            space_of(family, problem, budget=Budget(total_params=10**4, **{name: least - 1}))
        budget = Budget(total_params=10**4, **{name: least})
        space = space_of(family, problem, budget=budget)
        drawn = [space.sample(seed).architecture for seed in range(12)]
        assert {getattr(a, name) for a in drawn} == {least}
        other = "decoder_params" if name == "encoder_params" else "encoder_params"
        assert max(getattr(a, other) for a in drawn) > 3_000


@pytest.mark.slow
@pytest.mark.essential
def test_few_macs_are_found_where_they_are_not_with_few_parameters():
    problem = Problem(shape=(1, 8, 8), latent=1)
    # A deep decoder has the fewest parameters, a shallow one the fewest MACs.
    macs = 480
    with pytest.raises(BudgetError, match="smallest has 96 parameters"):
        space_of("conv2d", problem, budget=95)
    with pytest.raises(BudgetError):
        space_of("conv2d", problem, budget=Budget(total_params=96, macs=macs))
    budget = Budget(total_params=1000, macs=macs)
    space = space_of("conv2d", problem, budget=budget)
    assert all(budget.admits(space.sample(seed).architecture.counts) for seed in range(20))
    with pytest.raises(BudgetError, match=rf"{macs:,} MACs"):
        space_of("conv2d", problem, budget=Budget(total_params=10**6, macs=macs - 1))


@pytest.fixture
def coded():
    """The name of a kind whose bottleneck holds parameters."""
    with KINDS.temporary():

        @KINDS.register("coded")
        def make():
            return replace(
                kind_of("plain"),
                code_size=lambda latent: 2 * latent,
                bottleneck=lambda latent: torch.nn.Linear(2 * latent, latent),
            )

        yield "coded"


@pytest.mark.parametrize("symmetric", [False, True], ids=["free", "symmetric"])
def test_what_serves_both_sides_counts_against_the_budget(coded, symmetric):
    problem = Problem(shape=(7,), latent=3)
    shared = 6 * 3 + 3
    encoder, decoder = smallest("dense", problem, kind=coded, symmetric=symmetric)
    least = encoder + decoder + shared
    with pytest.raises(BudgetError, match=f"has {least} parameters"):
        space_of("dense", problem, kind=coded, symmetric=symmetric, budget=least - 1)
    for budget in (least, least + 30, 20 * least):
        space = space_of("dense", problem, kind=coded, symmetric=symmetric, budget=budget)
        counts = [space.sample(seed).architecture.counts for seed in range(20)]
        assert {c.shared_params for c in counts} == {shared}
        assert all(c.total_params <= budget for c in counts)
    assert max(c.total_params for c in counts) > 0.7 * budget


def test_a_family_that_cannot_serve_is_refused():
    with pytest.raises(ConfigError, match="conv2d takes images"):
        space_of("conv2d", Problem(shape=(7,), latent=2))


@every_case
def test_symmetric_pairs_mirror_each_other_under_the_budget(family, problem):
    space = space_of(family, problem, symmetric=True)
    recording = Recording(0)
    space.suggest(recording)
    assert all(n.startswith("encoder_") or n == "learning_rate" for n in recording.answers)
    drawn = [space.sample(seed).architecture for seed in range(4)]
    for architecture in drawn:
        assert architecture == architecture.mirror()
        assert architecture.counts.total_params <= BUDGET
    widest = space.suggest(Fixed({**recording.answers, "encoder_width": 1.0})).architecture
    assert widest.counts.total_params > 0.8 * BUDGET  # a unit of a dense layer takes a fifth
    assert len({a.key() for a in drawn}) == 4


def structures(space, count):
    """Random answers to everything but the widths."""
    for seed in range(count):
        recording = Recording(seed)
        space.suggest(recording)
        yield recording.answers


@pytest.mark.parametrize(
    ("family", "problem"),
    [
        ("conv2d", Problem(shape=(1, 28, 28), latent=16)),
        ("conv2d", Problem(shape=(3, 27, 45), latent=4, bottleneck="spatial")),
        ("conv2d", Problem(shape=(1, 28, 28), latent=16, bottleneck="pooled")),
        ("dense", Problem(shape=(64,), latent=8)),
        ("transformer", Problem(shape=(1, 28, 28), latent=4, bottleneck="spatial")),
        ("conv1d", Problem(shape=(2, 128), latent=8)),
        ("conv1d", Problem(shape=(1, 45), latent=4, bottleneck="spatial")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.bottleneck,
)
def test_width_is_a_position_between_the_narrowest_and_the_budget(family, problem):
    budget, entry = 150_000, FAMILIES.get(family)
    space = space_of(family, problem, budget=budget)
    for answers in structures(space, 1):

        def at(encoder, decoder, answers=answers):
            widths = {"encoder_width": encoder, "decoder_width": decoder}
            return space.suggest(Fixed({**answers, **widths})).architecture

        least = at(0.0, 0.0)
        assert entry.scale(least.encoder, 0.0) == least.encoder
        assert entry.scale(least.decoder, 0.0) == least.decoder
        wide_encoder, wide_decoder = at(1.0, 0.0), at(0.0, 1.0)
        for wide in (wide_encoder, wide_decoder, at(1.0, 1.0)):
            assert 0.97 * budget < wide.counts.total_params <= budget
        assert wide_encoder.decoder == least.decoder
        assert wide_decoder.encoder == least.encoder
        assert at(1.0, 1.0).decoder_share == pytest.approx(0.5, abs=0.02)
        # Half-way is the geometric mean; widths are whole, so narrow sides only come near.
        middle = (least.encoder_params * wide_encoder.encoder_params) ** 0.5
        assert at(0.5, 0.0).encoder_params == pytest.approx(middle, rel=0.15)
        # Shrinking to the budget keeps the share that the positions ask for.
        asked = at(0.0, 0.9).decoder_params
        share = asked / (asked + wide_encoder.encoder_params)
        assert at(1.0, 0.9).decoder_share == pytest.approx(share, abs=0.02)


@tiny
@pytest.mark.slow
@pytest.mark.essential
def test_two_wide_sides_share_the_macs(family, problem):
    budget = Budget(total_params=10**6, macs=12 * smallest(family, problem, macs=True)[2])
    space = space_of(family, problem, budget=budget)
    for answers in structures(space, 1):
        widths = {"encoder_width": 1.0, "decoder_width": 1.0}
        counts = space.suggest(Fixed({**answers, **widths})).architecture.counts
        assert 0.7 * budget.macs < counts.total_macs <= budget.macs
        assert min(counts.encoder_macs, counts.decoder_macs) > 0.15 * budget.macs


def test_a_trial_and_a_fixed_trial_draw_as_they_are():
    space = space_of("conv2d", Problem(shape=(1, 8, 8), latent=4), budget=20_000)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trials = [study.ask() for _ in range(5)]
    candidates = [space.suggest(trial) for trial in trials]
    assert len({c.architecture.key() for c in candidates}) == 5
    for trial, candidate in zip(trials, candidates, strict=True):
        assert candidate.architecture.counts.total_params <= 20_000
        assert space.suggest(optuna.trial.FixedTrial(trial.params)) == candidate
        assert space.suggest(Fixed(trial.params)) == candidate
    assert set(trials[0].params) - set(space.choices()) == {
        "encoder_width",
        "decoder_width",
        "learning_rate",
    }


def test_choices_list_every_registered_way():
    from asymnas.networks.downsampling import DOWNSAMPLINGS
    from asymnas.networks.upsampling import UPSAMPLINGS

    choices = space_of("conv2d", Problem(shape=(1, 28, 28), latent=16)).choices()
    assert choices["encoder_downsampling"] == list(DOWNSAMPLINGS.names())
    assert choices["decoder_upsampling"] == list(UPSAMPLINGS.names())
    assert choices["encoder_depth"] == choices["decoder_depth"] == [1, 2, 3, 4]
