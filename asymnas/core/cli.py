"""The command line: flags from declared options, errors as one line, exit codes.

A command is a function that takes what was given of a configuration's options as `**given`:

    @takes(StudyConfig)
    def search(study: StudyFile = None, *, fresh: Fresh = False, **given: Given) -> int: ...

Its own parameters and one flag per option make its `--help`. What was not given is not in `given`,
so that flags override a study file and nothing else does.
"""

import codecs
import functools
import gc
import inspect
import io
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args

from cyclopts import App, CycloptsError, Group, Parameter, Token
from cyclopts.exceptions import CoercionError, MissingArgumentError, UnusedCliTokensError

from asymnas.core.declarations import ARGUMENTS, Config, Declared, Panel, options_of
from asymnas.core.errors import AsymnasError, ConfigError, OptionError, UnknownNameError
from asymnas.core.files import expanded
from asymnas.core.terminal import Terminal
from asymnas.core.text import without_passwords

#: What was given for an option: its text, or whether a switch is on.
Given = str | bool

Command = Callable[..., int]

_HOW = Group("How to run", sort_key=90)
_ABOUT = Group("About", sort_key=91)
_PANELS = {panel: Group(panel, sort_key=place) for place, panel in enumerate(get_args(Panel))}

OK, FAILED, BAD_ARGUMENTS, INTERRUPTED = 0, 1, 2, 130

NEW_OBJECTS = 50_000  # between garbage collections: the libraries alone make millions


def as_path(_: Any, tokens: Sequence[Token]) -> Path:
    """A path in which `~` is the home directory: a shell leaves it alone after an `=`."""
    return expanded(tokens[0].value)


StudyFile = Annotated[
    Path | None,
    Parameter(
        converter=as_path,
        help="A Python file whose study(), or sweep(), returns what to run; flags override it",
        group=_PANELS[ARGUMENTS],
        show_default=False,
    ),
]
RunDirectory = Annotated[
    Path,
    Parameter(
        converter=as_path,
        help="The run directory of a search or a sweep",
        group=_PANELS[ARGUMENTS],
    ),
]
RunDirectories = Annotated[
    Path,
    Parameter(
        converter=as_path,
        help="The run directories of two or more searches",
        group=_PANELS[ARGUMENTS],
    ),
]
Fresh = Annotated[
    bool,
    Parameter(
        help="Start over; otherwise an existing run is continued",
        negative="",
        show_default="off",
    ),
]
DryRun = Annotated[
    bool,
    Parameter(help="Print the plan and its cost; train nothing", negative="", show_default="off"),
]
Dashboard = Annotated[
    bool,
    Parameter(
        name="--dashboard",
        help="Serve the Optuna dashboard of the run while it goes on, and print its address",
        negative="",
        show_default="off",
    ),
]
Replay = Annotated[
    Path | None,
    Parameter(
        converter=as_path,
        help="Train the recorded trials of a search's run directory again, by its own settings, "
        "and compare their losses bit for bit; nothing is written. Takes --executor, "
        "--workers, --gpus-per-trial and --device",
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    Parameter(
        name="--json",
        help="Print the summary on standard output, progress on standard error",
        negative="",
        show_default="off",
    ),
]


def takes(*configs: type[Config], without: Iterable[str] = ()) -> Callable[[Command], Command]:
    """Gives a command a flag per option of the configurations; a decorator.

    Args:
        configs: Whose options; where two have one of the same name, the first one's.
        without: Names of options that the command does not take.
    """
    options: dict[str, Declared] = {}
    for config in configs:
        options = {**options_of(config), **options} if options else dict(options_of(config))
    for name in without:
        del options[name]

    def decorate(command: Command) -> Command:
        own = list(inspect.signature(command).parameters.values())[:-1]
        flags = [_parameter(option) for option in options.values()]
        every = sorted([*own, *flags], key=lambda parameter: parameter.kind)
        signature = inspect.Signature(every, return_annotation=int)

        @functools.wraps(command)
        def parsed(*arguments: Any, **values: Any) -> int:
            bound = signature.bind(*arguments, **values).arguments
            given = {n: bound.pop(n) for n in options if bound.get(n) is not None}
            bound = {name: value for name, value in bound.items() if name not in options}
            first = [bound.pop(p.name, None) for p in own if p.kind is p.POSITIONAL_ONLY]
            try:
                return command(*first, **bound, **given)
            except (OptionError, UnknownNameError) as error:
                raise _by_flag(error, options, given) from error

        parsed.__signature__ = signature  # type: ignore[attr-defined]
        parsed.options = options  # type: ignore[attr-defined]
        parsed.__annotations__ = {p.name: p.annotation for p in every}
        return parsed

    return decorate


def options_taken(command: Command) -> Mapping[str, Declared]:
    """The options that `takes` gave a command, by name."""
    taken: Mapping[str, Declared] = getattr(command, "options", {})
    return taken


def application(commands: Sequence[Command], name: str) -> App:
    """The commands as subcommands of one program; a single one is the program itself."""
    settings: dict[str, Any] = {
        "name": name,
        "version": lambda: version("asymnas"),
        "help_format": "plaintext",
        "result_action": "return_value",
        "suppress_keyboard_interrupt": False,
        "group_arguments": _PANELS[ARGUMENTS],
        "group_parameters": _HOW,
        "default_parameter": Parameter(allow_repeating=True),
    }
    if len(commands) == 1:
        app = App(default_command=commands[0], help=_help(commands[0]), **settings)
    else:
        app = App(help="Neural architecture search of asymmetric autoencoders.", **settings)
        for command in commands:
            app.command(command, name=command.__name__, help=_help(command))
            app[command.__name__]["--help"].group = _ABOUT
        completion = "Set up Tab in your shell (bash, zsh or fish) to complete commands and flags."
        app.register_install_completion_command(help=completion, group=_ABOUT, result_action=None)
    app["--help"].group = app["--version"].group = _ABOUT
    return app


def run(app: App, tokens: Sequence[str] | None = None) -> int:
    """Runs a program and returns its exit code; an error is one line on standard error.

    Exit codes: what the command returns; 1 for a failure; 2 for bad arguments; 130 interrupted.

    Args:
        app: What `application` made.
        tokens: The command line; by default this process's.
    """
    try:
        return app(tokens, exit_on_error=False, print_error=False) or OK
    except CycloptsError as error:
        return _fail(BAD_ARGUMENTS, _usage(error))
    except ConfigError as error:
        return _fail(BAD_ARGUMENTS, str(error))
    except AsymnasError as error:
        return _fail(FAILED, str(error))
    except OSError as error:
        reason = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        advice = "What had finished is saved; mend this and run the command again."
        return _fail(FAILED, f"{reason}. {advice}")
    except KeyboardInterrupt:
        return INTERRUPTED


#: What stands for a character that the output's encoding lacks; others become `\\xe9` or `\\u03b2`.
PLAIN = {
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{NO-BREAK SPACE}": " ",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{MIDDLE DOT}": "|",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
}
_IN_PLAIN = "asymnas.plain"  # the name of an error handler for encoders


def _in_plain(error: UnicodeError) -> tuple[str, int]:
    """Characters that an encoding lacks, in those that every one has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    plain = [PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking]
    return "".join(plain), error.end


codecs.register_error(_IN_PLAIN, _in_plain)


def _print_in_plain() -> None:
    """Makes whatever is printed printable, on a terminal of any encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it is closed, another one in a test
            stream.reconfigure(errors=_IN_PLAIN)


def run_and_exit(app: App, tokens: Sequence[str] | None = None) -> NoReturn:
    """Runs a program as the only thing that this process does.

    Garbage collection is rare meanwhile and left out at the end: it would go through all objects of
    the imported libraries, a second or more of each start and two of each exit.

    Args:
        app: What `application` made.
        tokens: The command line; by default this process's.
    """
    gc.set_threshold(NEW_OBJECTS)
    _print_in_plain()
    code = run(app, tokens)
    gc.freeze()
    sys.exit(code)


def serve(command: Command) -> NoReturn:
    """Serves `python -m asymnas.X`, and exits."""
    run_and_exit(application([command], f"python -m asymnas.{command.__name__}"))


def _help(command: Command) -> str:
    """The docstring, one line per paragraph: the terminal breaks them."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _parameter(option: Declared) -> inspect.Parameter:
    described = Parameter(
        name=None if option.is_required else option.flag,
        help=option.option.help,
        group=_PANELS[option.option.panel],
        show_default=False if option.is_required else option.default,
        metavar=None if option.is_switch else option.rule.form,
        allow_leading_hyphen=not option.is_switch,
    )
    if option.is_required:
        return inspect.Parameter(
            option.name,
            inspect.Parameter.POSITIONAL_ONLY,
            annotation=Annotated[str, described],
        )
    given: Any = bool | None if option.is_switch else str | None
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[given, described],
    )


def _fail(code: int, message: str) -> int:
    line = without_passwords(" ".join(message.split()))
    Terminal(stderr=True).print(f"error: {line}", style="bold red")
    return code


def _usage(error: CycloptsError) -> str:
    """What is wrong with the flags themselves."""
    if isinstance(error, UnusedCliTokensError):
        return f"unexpected argument {(error.unused_tokens or [''])[0]!r}; see --help"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        what = "a value" if error.keyword else "to be given"
        return f"{error.keyword or error.argument.name} needs {what}; see --help"
    if isinstance(error, CoercionError) and error.token is not None:  # not of the declared options
        flag, value = error.token.keyword or "", error.token.value
        argument = error.argument.name if error.argument is not None else ""
        if choices := get_args(error.target_type):
            return f"{flag or argument} must be one of {', '.join(choices)} but got {value!r}"
        if error.target_type is int:
            return f"{flag or argument} must be a whole number but got {value!r}"
        name = flag.removeprefix("--no-").removeprefix("--")
        return f"{flag} takes no value (write --{name} or --no-{name}) but got {value!r}"
    error.verbose = False
    message = str(error)
    if "Did you mean" not in message and "Available commands" not in message:
        message += " See --help."
    return message[:1].lower() + message[1:]


def _by_flag(
    error: OptionError | UnknownNameError,
    options: Mapping[str, Declared],
    given: Mapping[str, Given],
) -> ConfigError:
    """The error with the flag that it is about, if it is about one that was given."""
    if isinstance(error, OptionError):
        if error.name in given and error.value == given[error.name]:
            return OptionError(options[error.name].flag, error.rule, error.value)
        return error
    for name, value in given.items():
        if error.name in re.split("[,:?]", str(value)):
            return UnknownNameError(f"{options[name].flag}: {error}", name=error.name)
    return error
