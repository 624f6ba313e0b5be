"""Text of users and files is shown on a terminal, never obeyed."""

import io

import pytest
from rich.table import Table

from asymnas.core.terminal import Terminal, shown

MARK = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("plain é \N{PILE OF POO}\tof\nlines", "plain é \N{PILE OF POO}\tof\nlines"),
        ("12\N{NO-BREAK SPACE}% \N{MINUS SIGN}3", "12\N{NO-BREAK SPACE}% \N{MINUS SIGN}3"),
        ("\x1b[2Jcleared", f"{MARK}[2Jcleared"),
        ("\x1b]0;title\x07", f"{MARK}]0;title{MARK}"),
        ("\x9b31mred", f"{MARK}31mred"),  # one character that is two of ESC [
        ("over\rwritten", f"over{MARK}written"),
        ("back\x08space", f"back{MARK}space"),
        ("gnp.\u202etxt", f"gnp.{MARK}txt"),  # shown as gnp.txt, backwards
        ("\u2066isolated\u2069", f"{MARK}isolated{MARK}"),
        ("two\u2028lines", f"two{MARK}lines"),
        ("nul\x00", f"nul{MARK}"),
    ],
)
def test_what_a_terminal_acts_on_is_a_mark(text, visible):
    assert shown(text) == visible


@pytest.mark.parametrize(
    "text",
    ["[red]x[/red]", "a[/x]b", "[link=http://x]y[/link]", "folder:smile:x", "\x1b[31mred\x1b[0m"],
)
def test_text_is_printed_as_it_is_alone_and_in_tables(text, monkeypatch):
    terminal = Terminal(stderr=True, width=100)
    terminal.file = io.StringIO()
    terminal.print(f"study {text}")
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    terminal.print(table)
    printed = terminal.file.getvalue()
    assert printed.count(shown(text)) == 4
    assert "\x1b" not in printed
