"""Numbers, intervals and lists as a sentence or a table has them: every formatter there is."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol


class Span(Protocol):
    """An interval: what a formatter needs of one."""

    @property
    def low(self) -> float | None:
        """Lower end."""

    @property
    def high(self) -> float | None:
        """Upper end."""

    @property
    def estimate(self) -> float | None:
        """The point estimate."""


MISSING = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
_UNIT = f"{NBSP}%"
_SUFFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


# Counts


def plural(count: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def short(count: float) -> str:
    """A count with three digits and a suffix: `950`, `1.2k`, `150k`, `1.5M`, … `P` for 1e15."""
    for size, suffix in _SUFFIXES:
        if count >= size * 0.9995:
            return f"{count / size:.3g}{suffix}"
    return f"{count:.3g}"


def duration(seconds: float) -> str:
    """Seconds in words: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


# Fractions in per cent


def percent(fraction: float, decimals: int = 0) -> str:
    """A fraction in per cent: `62 %`; with one decimal `61.8 %`, `−0.2 %`."""
    return f"{100 * fraction:z.{decimals}f}{_UNIT}".replace("-", MINUS)


def tenths(fraction: float) -> str:
    """A fraction in per cent with one decimal: `0.6 %`, `−0.2 %`."""
    return percent(fraction, 1)


def change(relative: float, *, sign: bool = True) -> str:
    """A relative difference in per cent with two digits at least: `+1.2 %`, `−0.35 %`, `+140 %`.

    Args:
        relative: 0.012 is 1.2 per cent.
        sign: Whether what is above zero gets a plus.
    """
    size = abs(100 * relative)
    digits = f"{size:.0f}" if size >= 9.95 else f"{size:.1f}" if size >= 0.995 else f"{size:.2f}"
    if float(digits) == 0:
        return f"0{_UNIT}"
    mark = MINUS if relative < 0 else "+" if sign else ""
    return f"{mark}{digits}{_UNIT}"


def rounded(relative: float, *, sign: bool = False) -> str:
    """A round fraction, such as a tolerance, a level or a tick: `1 %`, `0.5 %`, `+20 %`.

    Args:
        relative: 0.01 is one per cent.
        sign: Whether what is above zero gets a plus.
    """
    mark = MINUS if relative < 0 else "+" if sign and relative > 0 else ""
    return f"{mark}{abs(100 * relative):.3g}{_UNIT}"


# Numbers in tables


def hundredths(number: float) -> str:
    """A number with two decimals: `0.62`, `−0.95`."""
    return f"{number:z.2f}".replace("-", MINUS)


def statistic(number: float | None) -> str:
    """A p value or an effect in a table: `0.031`, `0.62`, `−0.95`, `< 0.001`; a dash for none."""
    if number is None:
        return MISSING
    if 0 <= number < 0.001:
        return "< 0.001"
    return f"{number:.2g}" if 0 < number < 0.1 else hundredths(number)


def probability(p: float) -> str:
    """A p value in a sentence: `p = .31`, `p = .031`, `p < .001`."""
    if p < 0.001:
        return "p < .001"
    return "p = 1" if p == 1 else f"p = {digits(round(p, 2 if p >= 0.1 else 3))}"


def digits(p: float) -> str:
    """A probability without the zero before the point."""
    return f"{p:g}".removeprefix("0")


# Intervals


def span(interval: Span, form: Callable[[float], str]) -> str:
    """Both ends: `55 to 70 %`, `−0.35 to +1.2 %`, `0.55 to 0.70`; a dash without them.

    Args:
        interval: What has the ends.
        form: The formatter of an end. A unit that both have stands once.
    """
    if interval.low is None or interval.high is None:
        return MISSING
    low, high = form(interval.low), form(interval.high)
    return f"{low.removesuffix(_UNIT)} to {high}"


def with_span(interval: Span, form: Callable[[float], str]) -> str:
    """An estimate with its interval in brackets: `60 % (55 to 70 %)`; a dash without an estimate.

    Args:
        interval: Without ends, its estimate stands alone.
        form: The formatter of all three.
    """
    if interval.estimate is None:
        return MISSING
    ends = span(interval, form)
    return form(interval.estimate) + ("" if ends == MISSING else f" ({ends})")


# Lists


def by(shape: Sequence[int]) -> str:
    """A shape: `1×28×28`."""
    return "\N{MULTIPLICATION SIGN}".join(str(extent) for extent in shape)


def joined(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`, or with another word before the last."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def listed(names: Sequence[object], limit: int = 5) -> str:
    """The first `limit` names, comma-separated, and how many more there are."""
    shown = printable(", ".join(str(name) for name in names[:limit]))
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


# Phrases of more than one package


def share_phrase(decoder_share: float, shared: int) -> str:
    """`72 % of them in the decoder`; with shared parameters, which are on neither side, said.

    Args:
        decoder_share: Decoder / (encoder + decoder) parameters.
        shared: Parameters that serve both sides.
    """
    if not shared:
        return f"{percent(decoder_share)} of them in the decoder"
    return f"{shared:,} of them shared and {percent(decoder_share)} of the others in the decoder"


def one_line(error: BaseException) -> str:
    """What a library's error says, on one line; its type where it says nothing."""
    if isinstance(error, EOFError) and not str(error):
        return "it ends too early"
    return printable(" ".join(str(error).split())) or type(error).__name__


def bytes_in_words(size: int) -> str:
    """An amount of bytes as a person reads it: `1.5 GB`."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def printable(text: str) -> str:
    """Text of which every character can be shown, on one line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def without_passwords(text: str) -> str:
    """A text in which the passwords of URLs, wherever they stand, are `***`."""
    shown = _USER_PASSWORD.sub(r"\1***@", text)
    return _SECRET_OPTION.sub(r"\1***", shown) if "://" in shown else shown


_USER_PASSWORD = re.compile(r"(://[^:/@\s]*:)\S*@")
_SECRET_OPTION = re.compile(
    r"([?&][^=&\s]*(?:pass|pwd|secret|token|key|credential)[^=&\s]*=)[^&\s'\"]+", re.IGNORECASE
)
