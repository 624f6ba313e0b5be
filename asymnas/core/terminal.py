"""The terminal: text of users and files is shown there, never obeyed.

A name may hold what a terminal acts on: codes that move the cursor, change its title or turn the
direction of writing, and what Rich takes for markup or for an emoji.
"""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

#: Control characters but tabs and line breaks, and characters that change the order of others.
_ACTED_ON = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def shown(text: str) -> str:
    """A text with a visible mark in place of each character that a terminal would act on."""
    return _ACTED_ON.sub("\N{REPLACEMENT CHARACTER}", text)


class Terminal(Console):
    """A console that prints text as it is.

    Args:
        stderr: Whether on standard error.
        width: Columns; by default those of the terminal.
        soft_wrap: Whether lines are left for the terminal to break.
    """

    def __init__(self, *, stderr: bool, width: int | None = None, soft_wrap: bool = True) -> None:
        super().__init__(
            stderr=stderr,
            width=width,
            soft_wrap=soft_wrap,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """A text that is printed, or stands in a table, as Rich lays it out."""
        return super().render_str(shown(text), **options)
