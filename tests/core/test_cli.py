"""Flags from options; errors as one line; exit codes."""

import gc
import io
import sys
from dataclasses import dataclass
from typing import Annotated

import pytest

from asymnas.core.cli import (
    DryRun,
    Given,
    StudyFile,
    application,
    options_taken,
    run,
    run_and_exit,
    takes,
)
from asymnas.core.declarations import ARGUMENTS, DATA, SEARCH, Count, Names, Option, check, make
from asymnas.core.errors import (
    ConfigError,
    DataError,
    DeviceError,
    OptionError,
    StudyError,
    UnknownNameError,
)


@dataclass(frozen=True, kw_only=True)
class Base:
    """What is drawn from."""

    size: Annotated[Count, Option("How large", DATA)] = 20_000
    names: Annotated[Names, Option("Which ones", SEARCH)] = ("a", "b")
    loud: Annotated[bool, Option("Whether", SEARCH)] = False
    secret: Annotated[str, Option("Not for this command", SEARCH)] = "x"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """With an argument."""

    place: Annotated[str, Option("Where", ARGUMENTS)]
    size: Annotated[Count, Option("Another size", DATA)] = 5

    def __post_init__(self) -> None:
        check(self)


seen: list[object] = []


@takes(Base, without=["secret"])
def draw(study: StudyFile = None, /, *, dry_run: DryRun = False, **given: Given) -> int:
    """Draw
    things.

    More of it.
    """
    seen.append((study, dry_run, given))
    if "names" in given:
        raise UnknownNameError("no thing is called 'c'; there are: a, b", name="c")
    make(Base, given)
    return 0


@takes(Placed, Base)
def place(**given: Given) -> int:
    """Place things."""
    seen.append(given)
    return 7


def failing(error: BaseException):
    def fail() -> int:
        """Fails."""
        raise error

    return fail


@pytest.fixture
def call(capsys):
    """Exit code, standard output and standard error of a program of two commands."""
    seen.clear()

    def call(*tokens, commands=(draw, place)):
        code = run(application(commands, "things"), tokens)
        return code, *capsys.readouterr()

    return call


def test_only_what_is_given_is_given(call):
    assert call("draw") == (0, "", "")
    assert call("draw", "x.py", "--size", "3k", "--dry-run", "--no-loud") == (0, "", "")
    assert [str(seen[0][0]), *seen[0][1:]] == ["None", False, {}]
    assert [str(seen[1][0]), *seen[1][1:]] == ["x.py", True, {"size": "3k", "loud": False}]


def test_the_code_of_the_command_is_that_of_the_process(call):
    assert call("place", "here")[0] == 7
    assert seen == [{"place": "here"}]


def test_of_two_options_of_one_name_the_first_counts():
    assert set(options_taken(place)) == {"place", "size", "names", "loud", "secret"}
    assert options_taken(place)["size"].option.help == "Another size"
    assert "secret" not in options_taken(draw)
    assert options_taken(failing(ValueError())) == {}


def test_the_last_of_a_repeated_flag_counts(call):
    call("place", "x", "--size", "3", "--size", "4")
    assert seen == [{"place": "x", "size": "4"}]


def test_help_has_a_line_for_each_option_with_its_default(call):
    code, out, err = call("draw", "--help")
    assert (code, err) == (0, "")
    text = " ".join(out.replace("│", " ").split())
    assert "Draw things. More of it." in text
    for line in (
        "--size N How large [default: 20k]",
        "--names A,B Which ones [default: a,b]",
        "--loud --no-loud Whether [default: off]",
        "--dry-run Print the plan and its cost; train nothing [default: off]",
    ):
        assert line in text
    assert "secret" not in text


def test_a_single_command_is_the_program(call):
    assert call("--size", "4", commands=[draw])[0] == 0
    assert "--size" in call("--help", commands=[draw])[1]


def test_no_command_prints_the_commands(call):
    code, out, _ = call()
    assert code == 0
    assert "Draw things." in out
    assert "Place things." in out


def test_version(call):
    code, out, _ = call("--version")
    assert (code, out.strip().split(".")[0].isdigit()) == (0, True)


@pytest.mark.parametrize(
    ("tokens", "line"),
    [
        (
            ["draw", "--size", "lots"],
            "--size must be a count from 1 to 100G (150000, 150k, 1.5M) but got 'lots'",
        ),
        (
            ["draw", "--size=-5"],
            "--size must be a count from 1 to 100G (150000, 150k, 1.5M) but got '-5'",
        ),
        (
            ["draw", "--size", "-5"],
            "--size must be a count from 1 to 100G (150000, 150k, 1.5M) but got '-5'",
        ),
        (["draw", "--sise", "3"], "unknown option: --sise. Did you mean --size?"),
        (["draw", "--secret", "3"], "unknown option: --secret. See --help."),
        (["draw", "--size"], "--size needs a value; see --help"),
        (["draw", "x", "y"], "unexpected argument 'y'; see --help"),
        (
            ["draw", "--loud=maybe"],
            "--loud takes no value (write --loud or --no-loud) but got 'maybe'",
        ),
        (["draw", "--names", "a,c"], "--names: no thing is called 'c'; there are: a, b"),
        (["place"], "PLACE needs to be given; see --help"),
        (
            ["drw"],
            'unknown command "drw". Did you mean "draw"? Available commands: draw, place.',
        ),
    ],
)
def test_bad_arguments_are_one_line_and_exit_with_two(call, tokens, line):
    assert call(*tokens) == (2, "", f"error: {line}\n")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("a\nb"), 2, "a b"),
        (OptionError("size", "small", 9), 2, "size must be small but got 9"),
        (UnknownNameError("no x"), 2, "no x"),
        (DataError("not there"), 1, "not there"),
        (StudyError("[red]in use[/red]"), 1, "[red]in use[/red]"),
        (DeviceError("no CUDA " + "x" * 300), 1, "no CUDA " + "x" * 300),
        (
            OSError(28, "No space left on device", "/data/x"),
            1,
            "No space left on device: /data/x. What had finished is saved; mend this and run the "
            "command again.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_a_command_are_one_line(call, error, code, line):
    assert call(commands=[failing(error)]) == (code, "", f"error: {line}\n")


def test_ctrl_c_is_no_error(call):
    assert call(commands=[failing(KeyboardInterrupt())]) == (130, "", "")


def test_a_fault_of_the_program_keeps_its_traceback(call):
    with pytest.raises(ZeroDivisionError):
        call(commands=[failing(ZeroDivisionError())])


def test_a_process_exits_with_the_code_and_collects_no_garbage_at_the_end():
    threshold = gc.get_threshold()
    try:
        with pytest.raises(SystemExit) as exited:
            run_and_exit(application([failing(KeyboardInterrupt())], "things"), [])
        assert exited.value.code == 130
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)


MARKS = "\N{MINUS SIGN}0.2\N{NO-BREAK SPACE}% 3 \N{MULTIPLICATION SIGN} \N{PLUS-MINUS SIGN}1"
WORDS = "a \xb7 b \N{EN DASH} caf\xe9\N{HORIZONTAL ELLIPSIS} \N{GREEK SMALL LETTER TAU} \udce9"

#: What is printed, by the encoding of the output; every character counts, a minus above all.
PRINTED = {
    "ascii": r"-0.2 % 3 x +-1 a | b - caf\xe9... \u03c4 \udce9",
    "latin-1": "-0.2\xa0% 3 \xd7 \xb11 a \xb7 b - caf\xe9... \\u03c4 \\udce9",
    "cp1252": "-0.2\xa0% 3 \xd7 \xb11 a \xb7 b \u2013 caf\xe9\u2026 \\u03c4 \\udce9",
    "cp437": "-0.2\xa0% 3 x \xb11 a \xb7 b - caf\xe9... \u03c4 \\udce9",
    "koi8-r": "-0.2\xa0% 3 x +-1 a \xb7 b - caf\\xe9... \\u03c4 \\udce9",
    "shift-jis": "\N{MINUS SIGN}0.2 % 3 \xd7 \xb11 a | b - caf\\xe9\u2026 \u03c4 \\udce9",
    "utf-8": f"{MARKS} {WORDS[:-1]}\\udce9",
}


@pytest.mark.parametrize("encoding", PRINTED)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_output_of_any_encoding(monkeypatch, encoding, name):
    def shout() -> int:
        """Shouts."""
        if name == "stderr":
            raise DataError(f"{MARKS} {WORDS}")
        print(f"{MARKS} {WORDS}", end="")
        return 0

    raw = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(raw, encoding=encoding))
    with pytest.raises(SystemExit) as caught:
        run_and_exit(application([shout], "shout"), [])
    getattr(sys, name).flush()
    printed = raw.getvalue().decode(encoding).removeprefix("error: ").removesuffix("\n")
    expected = PRINTED[encoding]
    assert printed == (expected if name == "stdout" else " ".join(expected.split()))
    assert caught.value.code == (1 if name == "stderr" else 0)


def test_output_that_is_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit, match="0"):
        run_and_exit(application([lambda: 0], "quiet"), [])
