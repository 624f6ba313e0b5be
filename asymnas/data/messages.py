"""Wording that error messages of several data sets share."""

from collections.abc import Sequence


def one_line(error: BaseException) -> str:
    """What a library's error says, on one line; its type where it says nothing."""
    if isinstance(error, EOFError) and not str(error):
        return "it ends too early"
    return " ".join(str(error).split()) or type(error).__name__


def listed(names: Sequence[object], limit: int = 5) -> str:
    """The first `limit` names, comma-separated, and how many more there are."""
    shown = ", ".join(str(name) for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
