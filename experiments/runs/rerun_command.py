"""Write the command line that makes a run again."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dynmech.experiments.runs.simulation import Sampling
from dynmech.sim.play.game import ProtocolOptions

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
    """Return the options that set deadline, latency and disclosure, where they are not the default."""
    words = [] if protocol.deadline == 0 else ["--deadline", repr(protocol.deadline)]
    if protocol.latency:
        pairs = zip(agents, protocol.latency, strict=True)
        words += _each("--latency", (f"{who}={latency.kind}:{latency.value!r}" for who, latency in pairs))
    return words if protocol.disclosure == "everything" else [*words, "--disclosure", protocol.disclosure]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
