"""The console script: every command as a subcommand."""

from typing import NoReturn

from cyclopts import App

from asymnas.compare import compare
from asymnas.confirm import confirm
from asymnas.core.cli import application, run_and_exit
from asymnas.dashboard import dashboard
from asymnas.export import export
from asymnas.list import list
from asymnas.report import report
from asymnas.search import search
from asymnas.show import show
from asymnas.sweep import sweep

COMMANDS = (search, sweep, confirm, report, dashboard, compare, show, list, export)


def build_app() -> App:
    """The commands under one name."""
    return application(COMMANDS, "asymnas")


def main() -> NoReturn:
    """Runs `asymnas COMMAND` and exits."""
    run_and_exit(build_app())


if __name__ == "__main__":
    main()
