"""A short hash of an economy: two economies of the same hash are the same."""

from hashlib import sha256

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
    if environment.outside:
        digest.update(repr(environment.outside).encode())
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
