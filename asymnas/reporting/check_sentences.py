"""What could fool an answer, checked: what `asymnas.analysis.checks` gives, in sentences."""

from asymnas.analysis.checks import ALL, BINS, LEAST, Agreement, Gap
from asymnas.analysis.interaction import LEVEL, Interaction
from asymnas.core.text import joined, percent, plural, probability, tenths


def agreement_sentence(agreement: Agreement) -> str:
    """The first rung, where most is pruned, in a sentence; empty if there is nothing to report."""
    if not agreement.rungs:
        return ""
    first = agreement.rungs[0]
    who = plural(first.trials, "unpruned trial" if agreement.never_pruned else "trial")
    if first.tau.estimate is None:
        return (
            f"Whether losses after {first.examples:,} examples predict the final ones cannot be "
            f"judged from {who}: it takes at least {LEAST} architectures."
        )
    span = f"{first.tau.low:.2f} to {first.tau.high:.2f}"
    text = (
        f"Losses after {first.examples:,} examples against those after {agreement.horizon:,}, "
        f"{who}: Kendall's rank correlation τ is {first.tau.estimate:.2f} ({span})"
    )
    bins = [entry for entry in agreement.rungs if entry.examples == first.examples][1:]
    sure = [entry for entry in bins if entry.shift.low is not None]
    hit = [entry for entry in sure if (entry.shift.low or 0) > 0]
    if hit:
        worst = max(hit, key=lambda entry: entry.shift.estimate or 0)
        return (
            f"{text}; decoder shares {worst.shares} look worse there than they end, by "
            f"{percent(worst.shift.estimate or 0)} of the ranks, so pruning there "
            "would hit them."
        )
    if len(sure) < len(BINS):
        return f"{text}; too few to judge whether that depends on the decoder share."
    return f"{text}; no third of the decoder shares is shown to look worse there than it ends."


def generalisation_sentences(gaps: tuple[Gap, ...]) -> str:
    """One sentence per split; empty if there is none."""
    return " ".join(_gap(gap) for gap in gaps)


def _gap(gap: Gap) -> str:
    size = gap.by_share[ALL].estimate or 0.0
    text = (
        f"The loss on the {gap.split} split is {tenths(abs(size))} "
        f"{'above' if size >= 0 else 'below'} that on training examples "
        f"({plural(gap.architectures[ALL], 'architecture')})"
    )
    tau = gap.correlation
    if tau.estimate is None or gap.p is None:
        return f"{text}; whether that goes with the decoder share takes at least {LEAST} to judge."
    figures = f"(Kendall's τ {tau.estimate:.2f}, {tau.low:.2f} to {tau.high:.2f})".replace("-", "−")
    if gap.p >= LEVEL:
        return f"{text}; it is not shown to go with the decoder share {figures}."
    direction = "grows" if tau.estimate > 0 else "shrinks"
    return f"{text}; it {direction} with the decoder share {figures}."


def interaction_sentence(interaction: Interaction | None) -> str:
    """Whether the upsamplings' curves differ, in a sentence; empty without a test."""
    if interaction is None:
        return ""
    figures = (
        f"(permutation {probability(interaction.p)}, "
        f"{plural(interaction.architectures, 'architecture')}, "
        f"{percent(interaction.explained)} of the variance)"
    )
    shown = "differs" if interaction.p < LEVEL else "is not shown to differ"
    return (
        f"How the loss depends on the decoder share {shown} between {joined(interaction.levels)} "
        f"{figures}."
    )
