"""Write the command line that makes a run again."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dynmech.experiments.runs.simulation import Sampling
from dynmech.sim.core.plain_text import BIDIRECTIONAL, unprintable
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.payment_terms import AUTO, PaymentTerms

DEFAULTS = {"--tail": "0.0001", "--log": "full", "--shard": "0"}
"""Default values of options, which are left out."""


def command_line(
    command: str,
    what: Sequence[str],
    sampling: Sampling,
    *,
    agents: Sequence[str],
    protocol: ProtocolOptions | None,
    options: Mapping[str, Any],
    plugins: Sequence[Path],
) -> str:
    """Return `dynmech COMMAND …` as it is typed in a shell; the run folder is not part of it.

    Args:
        what: the words after the command.
        options: further options and their values.
        agents: names, in the order of the latencies in `protocol`.

    >>> command_line("run", ["oil-leases", "linked"], Sampling(50), agents=(), protocol=None, options={}, plugins=[])
    'dynmech run oil-leases linked --episodes 50 --seed 0'
    """
    words = ["dynmech", command, *what]
    typed = {"--episodes": sampling.episodes, "--seed": sampling.seed, "--shard": sampling.shard, **options}
    words += [word for name, value in typed.items() if DEFAULTS.get(name) != str(value) for word in (name, str(value))]
    return shlex.join(
        [*words, *_protocol_options(agents, protocol or ProtocolOptions()), *_each("--plugin", map(str, plugins))]
    )


def _protocol_options(agents: Sequence[str], protocol: ProtocolOptions) -> list[str]:
    """Return the options that set deadline, latency, disclosure, payments and exit, where they are not the default."""
    words = [] if protocol.deadline == 0 else ["--deadline", repr(protocol.deadline)]
    if protocol.latency:
        pairs = zip(agents, protocol.latency, strict=True)
        words += _each("--latency", (f"{who}={latency.kind}:{latency.value!r}" for who, latency in pairs))
    words += [] if protocol.disclosure == "everything" else ["--disclosure", protocol.disclosure]
    words += ["--exit"] if protocol.exit else []
    return words if protocol.payments is None else [*words, *payment_options(protocol.payments)]


def payment_options(terms: PaymentTerms) -> list[str]:
    """Return the options of voluntary payments, those that are the default left out."""
    if not terms.voluntary:
        return ["--payments", "billed"]
    deposit = str(terms.deposit) if terms.deposit == AUTO else repr(float(terms.deposit))
    words = ["--payments", "voluntary", "--default", terms.default]
    words += ["--grace", str(terms.grace)] if terms.grace else []
    return [*words, "--deposit", deposit] if terms.deposit else words


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


WHOLE, NUMBER = re.compile(r"-?[0-9]{1,18}"), re.compile(r"-?[0-9.]{1,24}(e-?[0-9]{1,3})?|-?inf")

VALUES: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("--episodes", "--seed", "--shard", "--grace", "--replications"), WHOLE),
    "--deposit": re.compile(f"auto|{NUMBER.pattern}"),
    **dict.fromkeys(("--tail", "--deadline", "--tolerance", "--target", "--smoothing"), NUMBER),
    **dict.fromkeys(("--utility-error", "--discount-error"), NUMBER),
    **dict.fromkeys(("--draws", "--ball"), re.compile(r"[0-9a-z.,e+-]{1,400}")),
    **dict.fromkeys(("--log", "--disclosure", "--payments", "--default", "--by"), re.compile(r"[a-z-]{1,40}")),
    **dict.fromkeys(("--strategy", "--latency", "--set", "--vary", "--points"), re.compile(r"[^=]{1,400}=.{1,4000}")),
    **dict.fromkeys(("--mechanism", "--plugin", "--simulate", "--information"), re.compile(r".{1,4000}")),
}
"""What an option of such a line may be given."""

FLAGS = frozenset({"--exit"})
"""Options that are given nothing."""


def checked_command(kind: str, text: object) -> str | None:
    """Return a line that is found in a folder, put together anew from its words; None if it is not one that we write.

    Whatever a shell would make of a word is quoted.

    >>> checked_command("run", "dynmech run oil-leases linked --seed 0; rm -rf ~")
    >>> checked_command("run", "dynmech run 'oil-leases;ls' linked --seed 0")
    "dynmech run 'oil-leases;ls' linked --seed 0"
    >>> checked_command("run", "curl example.org | sh")
    """
    if not isinstance(text, str) or unprintable(text) or BIDIRECTIONAL.search(text):
        return None
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    if words[:2] != ["dynmech", kind]:
        return None
    rest = iter(words[2:])
    for word in rest:
        name, equals, value = word.partition("=")
        if word in FLAGS:
            continue
        if word.startswith("-"):
            given = value if equals else next(rest, "")
            if name not in VALUES or not VALUES[name].fullmatch(given):
                return None
        elif word in ("|", ";", "&", "&&", "||", ">", "<") or word.endswith(";"):
            return None
    return shlex.join(words)
