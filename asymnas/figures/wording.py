"""Estimates and their intervals in words."""

from asymnas.analysis.estimates import Interval, Sizes
from asymnas.wording import NBSP, percent

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


def share_span(interval: Interval) -> str:
    """An interval of shares: `55 to 70 %`; a dash without one."""
    if interval.low is None or interval.high is None:
        return MISSING
    return f"{100 * interval.low:.0f} to {percent(interval.high)}"


def change_span(interval: Interval) -> str:
    """An interval of relative differences: `−0.35 to +1.2 %`; a dash without one."""
    if interval.low is None or interval.high is None:
        return MISSING
    return f"{change(interval.low).removesuffix(f'{NBSP}%')} to {change(interval.high)}"


def with_span(estimate: str, span: str) -> str:
    """An estimate with its interval in brackets, if there is one."""
    return estimate if span == MISSING else f"{estimate} ({span})"


def level(interval: Interval) -> str:
    """An interval's confidence: `95 %`, and `96.9 %` where it is no whole number."""
    return f"{100 * interval.level:.3g}{NBSP}%"


def counted(sizes: Sizes) -> str:
    """What a budget counts, in words."""
    return "MACs" if sizes == "macs" else "parameters"


def joined(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
