"""What several metrics need, and say so where it is missing."""

from asymnas.training.metrics import Facts


def needs_labels(facts: Facts) -> str | None:
    """Classes to be read off the latent."""
    return None if facts.labels else "it needs labels, of two classes or more to train on"


def needs_anomalies(facts: Facts) -> str | None:
    """Anomalies to be told from the rest."""
    if facts.anomalies:
        return None
    return (
        "it needs anomalies in the validation and test splits, marked as such, and this data set "
        "has none"
    )


def needs_posterior(facts: Facts) -> str | None:
    """A latent that is a distribution."""
    if "kl" in facts.statistics:
        return None
    return "it needs a latent that is a distribution: take the variational kind"


def needs_codes(facts: Facts) -> str | None:
    """A latent that is quantised."""
    if "codes" in facts.statistics:
        return None
    return "it needs a latent that is quantised: take the kind vq or fsq"


def needs_rate(facts: Facts) -> str | None:
    """A latent that takes a known number of bits."""
    if facts.statistics & {"kl", "codes"}:
        return None
    return (
        "it needs a latent that is a distribution or quantised: take the kind variational, vq or "
        "fsq"
    )
