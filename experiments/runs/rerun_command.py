"""The line that makes a run again, from what its call was given."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dynmech.experiments.runs.simulation import Sampling
from dynmech.sim.play.game import ProtocolOptions

DEFAULTS = {"--tail": "0.0001", "--log": "full", "--shard": "0"}
"""What need not be said."""


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
    """`dynmech COMMAND …` as it is typed in a shell; the run folder is left to be chosen.

    Args:
        what: what follows the command.
        options: more of them, as they are typed.

    >>> command_line("run", ["oil-leases", "linked"], Sampling(50), agents=(), protocol=None, options={}, plugins=[])
    'dynmech run oil-leases linked --episodes 50 --seed 0'
    """
    words = ["dynmech", command, *what]
    given = {"--episodes": sampling.episodes, "--seed": sampling.seed, "--shard": sampling.shard, **options}
    words += [word for name, value in given.items() if DEFAULTS.get(name) != str(value) for word in (name, str(value))]
    return shlex.join([*words, *_conduct(agents, protocol or ProtocolOptions()), *_each("--plugin", map(str, plugins))])


def _conduct(agents: Sequence[str], protocol: ProtocolOptions) -> list[str]:
    """House rules."""
    words = [] if protocol.deadline == 0 else ["--deadline", repr(protocol.deadline)]
    if protocol.latency:
        pairs = zip(agents, protocol.latency, strict=True)
        words += _each("--latency", (f"{who}={one.kind}:{one.value!r}" for who, one in pairs))
    return words if protocol.disclosure == "everything" else [*words, "--disclosure", protocol.disclosure]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
