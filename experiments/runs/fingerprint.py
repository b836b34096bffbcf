"""Short hashes of environments and plug-ins: a run is resumed only with the same ones."""

import inspect
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from dynmech.experiments.catalog.names import is_shipped
from dynmech.sim.economy.density import DensityEnvironment
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.kernels import JointKernel


def environment_hash(environment: Environment) -> str:
    """16 hexadecimal digits over names and arrays (of a density, on three nodes); of other functions, over the name."""
    digest = sha256()
    if isinstance(environment, DensityEnvironment):
        return environment_hash(environment.on_grid(1, 3))
    if not isinstance(environment, TableEnvironment):
        return sha256(repr((environment.name, environment.discount, environment.horizon)).encode()).hexdigest()[:16]
    digest.update(repr((environment.agents, environment.discount, environment.horizon)).encode())
    digest.update(environment.prior.tobytes())
    for stage in environment.stages:
        digest.update(repr((stage.signals, stage.decisions, stage.public, stage.private_actions)).encode())
        digest.update(stage.utility.tobytes())
        digest.update(stage.cost_table.tobytes())
        kernel = stage.kernel
        if kernel is not None:
            for table in [kernel.table] if isinstance(kernel, JointKernel) else kernel.factors:
                digest.update(table.tobytes())
    return digest.hexdigest()[:16]


def code_hashes(things: Iterable[object]) -> dict[str, str]:
    """Hashes of the source of users' own classes, by name: the same name with other code is another run."""
    out = {}
    for thing in things:
        cls = thing if inspect.isclass(thing) else type(thing)
        if is_shipped(cls):
            continue
        try:
            source = getattr(sys.modules.get(cls.__module__), "__digest__", None) or inspect.getsource(cls)
        except (OSError, TypeError):  # typed at a prompt: nothing to read
            source = ""
        out[str(getattr(cls, "name", cls.__name__))] = sha256(source.encode()).hexdigest()[:16]
    return out


def file_hash(path: Path) -> str:
    """16 hexadecimal digits over a file's bytes."""
    return sha256(path.read_bytes()).hexdigest()[:16]
