"""Writes docs/options.md from the declared options: `python docs/make_options.py`."""

from pathlib import Path

from asymnas.__main__ import COMMANDS, build_app
from asymnas.core.cli import Command, options_taken

PAGE = Path(__file__).with_name("options.md")

#: Flags of most commands: last in each table.
COMMON = ("--fresh", "--dry-run", "--json", "--open")

HEAD = """\
# Options

Every command is a module, `python -m asymnas.COMMAND`, and a subcommand, `asymnas COMMAND`. A flag
over a study file replaces what the file says. In Python an option is the argument of the same name,
with underscores, of `StudyConfig`, `SweepConfig` or `ConfirmationConfig`, with the same rule; it
takes a value (`budget=150_000`) or the text of the flag (`budget="150k"`).

An option is part of the run's **identity** if a continued run must have it as at the start; the
others may differ from start to start.

This page is written by `python docs/make_options.py` from the declarations in
`asymnas/core/config.py`, `sweep_config.py` and `confirmation_config.py` there.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(section, COMMANDS)])


def section(command: Command) -> str:
    """A command's options as one table."""
    name = command.__name__
    rows = [
        "| option | what it does | default | a value must be | identity |",
        "|---|---|---|---|---|",
    ]
    options = {option.flag: option for option in options_taken(command).values()}
    arguments = build_app()[name].assemble_argument_collection()
    for argument in sorted(arguments, key=lambda argument: argument.name in COMMON):
        parameter = argument.parameter
        option = options.get(argument.name) or options.get(f"--{argument.name.lower()}")
        shown = f"`{argument.name}`"
        if option is not None and option.is_switch:
            shown += f", `{argument.names[1]}`"
        default = "" if argument.required else f"{parameter.show_default or ''}"
        rule = "" if option is None or option.is_switch else option.rule.text
        identity = "yes" if option is not None and not option.option.runtime else ""
        cells = [shown, parameter.help or "", default, rule, identity]
        rows.append(f"| {' | '.join(map(_escaped, cells))} |")
    return "\n".join([f"## {name}", "", *rows, ""])


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
