"""Numbers as a sentence has them."""

NBSP = "\N{NO-BREAK SPACE}"


def plural(count: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def tenths(fraction: float) -> str:
    """A fraction in per cent with one decimal and a true minus, without the sign for per cent."""
    return f"{100 * fraction:z.1f}".replace("-", "−")


def probability(p: float) -> str:
    """`p = .31`, `p = .031`, `p < .001`."""
    if p < 0.001:
        return "p < .001"
    return "p = 1" if p == 1 else f"p = {digits(round(p, 2 if p >= 0.1 else 3))}"


def digits(p: float) -> str:
    """A probability without the zero before the point."""
    return f"{p:g}".removeprefix("0")
