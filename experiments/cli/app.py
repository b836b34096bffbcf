"""The command line: `dynmech COMMAND …`; results on standard output, progress on standard error.

Exit 0: done, and what was promised holds. Exit 1: an answer that one must look at (`help_text` says which). Exit 2: bad
input, one line on standard error; with `--json` an object with the key `error` on standard output, too. Exit 141:
nobody reads standard output any more.

Help, version and completion of names load no numerical library: at its top a command's module imports what describes
its options; what does its work is imported in its function.
"""

import errno
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any

import typer

from dynmech import __version__
from dynmech.experiments.cli.audit import audit_command
from dynmech.experiments.cli.bound import bound_command
from dynmech.experiments.cli.check import check_command
from dynmech.experiments.cli.design import design_command
from dynmech.experiments.cli.endings import told_endings
from dynmech.experiments.cli.equilibrium import equilibrium_command
from dynmech.experiments.cli.estimate import estimate_command
from dynmech.experiments.cli.export import export_command
from dynmech.experiments.cli.help_text import epilog
from dynmech.experiments.cli.listing import list_command
from dynmech.experiments.cli.new import new_command
from dynmech.experiments.cli.replay import replay_command
from dynmech.experiments.cli.report import report_command
from dynmech.experiments.cli.reproduce import reproduce_command
from dynmech.experiments.cli.robust import robust_command
from dynmech.experiments.cli.run import run_command
from dynmech.experiments.cli.shared import SCHEMA
from dynmech.experiments.cli.streams import OutputLostError, careful_streams
from dynmech.experiments.cli.stress import stress_command
from dynmech.experiments.cli.sweep import sweep_command
from dynmech.experiments.cli.tournament import tournament_command
from dynmech.experiments.cli.verify import verify_command
from dynmech.sim.core.errors import DynmechError, PlayError, Refusal
from dynmech.sim.core.memory_budget import require_addresses
from dynmech.sim.core.plain_text import harmless

PLAYING = ("run", "stress", "tournament")
"""Commands that end with exit code 1 where what was asked for does not fit, or breaks the rules of play."""

LONGEST = 900
"""Characters of an error that are shown: what was typed or read may be anything."""

MACHINE = (errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
"""Errors that say that the machine lacks something, wherever that is noticed."""

INTERRUPTED = 130
"""Exit code after Ctrl-C; Typer gives it back as well."""

COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_command,
    "check": check_command,
    "new": new_command,
    "run": run_command,
    "stress": stress_command,
    "audit": audit_command,
    "equilibrium": equilibrium_command,
    "tournament": tournament_command,
    "report": report_command,
    "export": export_command,
    "replay": replay_command,
    "bound": bound_command,
    "reproduce": reproduce_command,
    "sweep": sweep_command,
    "verify": verify_command,
    "estimate": estimate_command,
    "robust": robust_command,
    "design": design_command,
}
"""In the order of the help."""

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, command in COMMANDS.items():
    app.command(name, epilog=epilog(name))(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dynmech {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A laboratory for dynamic mechanisms: does it hold, and if not, what does the worst lie earn?"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `dynmech`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with careful_streams(), told_endings() as heard:
            code = _run(words)
            if code == INTERRUPTED and heard:
                code = 128 + heard[0]
    except OutputLostError as lost:
        with careful_streams():  # standard output leads nowhere now; standard error may be lost as well
            if lost.line:
                _say(lost.line)
        code = lost.code
    if arguments is None:
        _end_workers()
    sys.exit(code)


def _end_workers() -> None:
    """End this program's idle workers before it leaves: one that is still starting would miss what goes with us.

    Programs that call `main` with words keep theirs for the next call.
    """
    pool = sys.modules.get("dynmech.experiments.workers.pool")
    if pool is not None and pool.EXECUTORS:
        pool.Loky(1).end()


@cache
def _command() -> Any:
    """Return the command line as Click's object, which takes Typer a while to make."""
    return typer.main.get_command(app)


def _run(words: Sequence[str]) -> int:
    """Run the command that the words name and return its exit code."""
    try:
        require_addresses()
        code = _command().main(list(words) or ["--help"], prog_name="dynmech", standalone_mode=False)
    except DynmechError as error:
        unplayed = words[:1] and words[0] in PLAYING and isinstance(error, PlayError | Refusal)
        return _fail(str(error), words, 1 if unplayed else 2)
    except Exception as error:
        if lack := _lack(error):
            return _fail(lack, words)
        if isinstance(error.__cause__, KeyboardInterrupt):
            code = INTERRUPTED
        elif hasattr(error, "format_message"):
            return _fail(error.format_message(), words)
        else:
            raise
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        _say("interrupted; the same line resumes", words)
    return code if isinstance(code, int) else 0


def _lack(error: Exception) -> str:
    """Return what the machine has too little of, in words; empty where that is not what failed."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in MACHINE:
        return f"the machine: {error.strerror or text}{f' ({error.filename})' if error.filename else ''}"
    starved = isinstance(error, ImportError) and any(words in text for words in ("annot allocate", "failed to map"))
    if isinstance(error, MemoryError) or starved or "can't start new thread" in text:
        return "the machine: not enough memory"
    return ""


def _fail(text: str, words: Sequence[str], code: int = 2) -> int:
    """Say what is wrong in one line and return the exit code."""
    line = harmless(" ".join(text.split()))
    if len(line) > LONGEST:
        line = f"{line[: LONGEST * 2 // 3]} … {line[-LONGEST // 4 :]}"
    _say(line, words)
    return code


def _say(line: str, words: Sequence[str] = ()) -> None:
    """Write one line to standard error, and a JSON object to standard output where one was asked for."""
    if "--json" in words:
        from dynmech.experiments.runs.to_json import print_json

        print_json({"schema": SCHEMA, "error": line})
    sys.stderr.write(f"dynmech: {line}\n")
