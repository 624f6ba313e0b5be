"""Numbers as a sentence has them."""

from collections.abc import Sequence
from typing import Protocol


class Span(Protocol):
    """An interval: what a sentence needs of one."""

    @property
    def low(self) -> float | None:
        """Lower end."""

    @property
    def high(self) -> float | None:
        """Upper end."""

    @property
    def level(self) -> float:
        """Confidence, in (0, 1)."""


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


MISSING = "\N{EN DASH}"


def change(relative: float, *, sign: bool = True) -> str:
    """A relative difference in per cent with two digits at least: `+1.2 %`, `−0.35 %`, `+140 %`.

    Args:
        relative: 0.012 is 1.2 per cent.
        sign: Whether what is above zero gets a plus.
    """
    size = abs(100 * relative)
    digits = f"{size:.0f}" if size >= 9.95 else f"{size:.1f}" if size >= 0.995 else f"{size:.2f}"
    if float(digits) == 0:
        return f"0{NBSP}%"
    mark = "\N{MINUS SIGN}" if relative < 0 else "+" if sign else ""
    return f"{mark}{digits}{NBSP}%"


def rounded(relative: float, *, sign: bool = False) -> str:
    """A round relative difference, a tolerance or a tick: `1 %`, `0.5 %`, `+20 %`.

    Args:
        relative: 0.01 is one per cent.
        sign: Whether what is above zero gets a plus.
    """
    mark = "\N{MINUS SIGN}" if relative < 0 else "+" if sign and relative > 0 else ""
    return f"{mark}{abs(100 * relative):.3g}{NBSP}%"


def share_span(interval: Span) -> str:
    """An interval of shares: `55 to 70 %`; a dash without one."""
    if interval.low is None or interval.high is None:
        return MISSING
    return f"{100 * interval.low:.0f} to {percent(interval.high)}"


def change_span(interval: Span) -> str:
    """An interval of relative differences: `−0.35 to +1.2 %`; a dash without one."""
    if interval.low is None or interval.high is None:
        return MISSING
    return f"{change(interval.low).removesuffix(f'{NBSP}%')} to {change(interval.high)}"


def with_span(estimate: str, span: str) -> str:
    """An estimate with its interval in brackets, if there is one."""
    return estimate if span == MISSING else f"{estimate} ({span})"


def level(interval: Span) -> str:
    """An interval's confidence: `95 %`, and `96.9 %` where it is no whole number."""
    return f"{100 * interval.level:.3g}{NBSP}%"


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def listed(names: Sequence[object], limit: int = 5) -> str:
    """The first `limit` names, comma-separated, and how many more there are."""
    shown = ", ".join(str(name) for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def one_line(error: BaseException) -> str:
    """What a library's error says, on one line; its type where it says nothing."""
    if isinstance(error, EOFError) and not str(error):
        return "it ends too early"
    return " ".join(str(error).split()) or type(error).__name__


def duration(seconds: float) -> str:
    """Seconds in words: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
