"""The console script: every command as a subcommand."""

import typer

from asymnas.confirm import confirm
from asymnas.core.cli import HELP
from asymnas.dashboard import dashboard
from asymnas.report import report
from asymnas.search import search
from asymnas.sweep import sweep


def build_app() -> typer.Typer:
    """The commands under one name."""
    app = typer.Typer(
        add_completion=False,
        context_settings=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Neural architecture search of asymmetric autoencoders.",
    )
    for command in (search, sweep, confirm, report, dashboard):
        app.command()(command)
    return app


def main() -> None:
    """Runs `asymnas COMMAND`."""
    build_app()(prog_name="asymnas")


if __name__ == "__main__":
    main()
