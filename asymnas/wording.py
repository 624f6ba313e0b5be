"""Numbers as a sentence has them."""

NBSP = "\N{NO-BREAK SPACE}"
_SUFFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def plural(count: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def short(count: float) -> str:
    """A count with three digits and a suffix: `950`, `1.2k`, `150k`, `1.5M`, … `P` for 1e15."""
    for size, suffix in _SUFFIXES:
        if count >= size * 0.9995:
            return f"{count / size:.3g}{suffix}"
    return f"{count:.3g}"


def percent(share: float) -> str:
    """A share as whole per cent."""
    return f"{100 * share:.0f}{NBSP}%"


def tenths(fraction: float) -> str:
    """A fraction in per cent with one decimal and a true minus, without the sign for per cent."""
    return f"{100 * fraction:z.1f}".replace("-", "\N{MINUS SIGN}")


def probability(p: float) -> str:
    """`p = .31`, `p = .031`, `p < .001`."""
    if p < 0.001:
        return "p < .001"
    return "p = 1" if p == 1 else f"p = {digits(round(p, 2 if p >= 0.1 else 3))}"


def digits(p: float) -> str:
    """A probability without the zero before the point."""
    return f"{p:g}".removeprefix("0")


def split_words(decoder_share: float, shared: int) -> str:
    """`72 % of them in the decoder`; with shared parameters, which are on neither side, said.

    Args:
        decoder_share: Decoder / (encoder + decoder) parameters.
        shared: Parameters that serve both sides.
    """
    if not shared:
        return f"{percent(decoder_share)} of them in the decoder"
    return f"{shared:,} of them shared and {percent(decoder_share)} of the others in the decoder"
