"""`estimate`: an economy from a log of reports and decisions."""

from collections.abc import Mapping
from pathlib import Path

from dynmech.experiments.catalog.accepted import as_environment
from dynmech.experiments.estimation.estimate_result import Estimate
from dynmech.experiments.estimation.panel import read_panel
from dynmech.experiments.estimation.panel_files import read_log
from dynmech.experiments.estimation.transition_counts import count_transitions
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.counts import radii
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import estimated_environment
from dynmech.sim.economy.kernels import JointKernel

WAYS = ("joint", "agent")
"""Profile by profile, or agent by agent, the public state by itself."""


@checked_arguments
def estimate(
    log: str | Path,
    environment: object,
    *,
    by: str | None = None,
    smoothing: float = 0.0,
    confidence: float = 0.95,
    columns: Mapping[str, str] | None = None,
    only: Mapping[str, str] | None = None,
) -> Estimate:
    """Estimate an economy's law of motion from what was reported and decided.

    Parameters
    ----------
    log : str or Path
        A run folder, or a Parquet or CSV file with a row per (episode, period, agent), or per (episode, period) with a
        column of signals per agent.
    environment : str, path or Environment
        The economy whose agents, signals, decisions, utilities, prior and discount are kept.
    by : str, optional
        `joint`: the law of the next profile given the whole profile; `agent`: of every agent's next signal given its
        own. Unless given: as the economy's own kernel is.
    smoothing : float
        Added to every count before frequencies are taken.
    confidence : float
        That all laws lie within the radii that are shown.
    columns : mapping of str to str, optional
        Names of columns by role (`episode`, `period`, `agent`, `report`, `decision`, `public`), or by agent's name.
    only : mapping of str to str, optional
        Columns, and the value that rows must have there to be counted.

    Returns
    -------
    Estimate
        The economy with its counts; `rows` and `unseen` are DataFrames, `save` writes the environment file.

    Raises
    ------
    InputError
        The log cannot be read, or says what the economy does not know; the message names row and column.
    Refusal
        The economy is not finite, or has nothing to estimate.

    Notes
    -----
    Reports are taken for signals: that agents told the truth is assumed. A law that was never seen is taken to be
    uniform, and its radius is 2. Radii: Weissman et al. (2003), for every number of times that a law may have been seen
    along play, all laws together; ‖smoothed − raw‖₁ is added.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import dynmech as dm
    >>> with TemporaryDirectory() as folder:
    ...     run = dm.run("repeated-auction:horizon=6", "pivot", episodes=200, out=f"{folder}/run")
    ...     found = dm.estimate(run.folder, "repeated-auction")
    >>> found.transitions, found.by, len(found.unseen)
    (1000, 'agent', 7)
    """
    economy = as_environment(environment)
    if not isinstance(economy, TableEnvironment):
        raise Refusal(f"estimate: environment {economy.name!r} is not finite; estimate it on a grid")
    first = next((stage.kernel for stage in economy.stages if stage.kernel is not None), None)
    if first is None:
        raise Refusal(f"estimate: environment {economy.name!r} has one period only, and no law of motion")
    if by not in (None, *WAYS):
        raise InputError(f"estimate: by {by!r} is neither {WAYS[0]!r} nor {WAYS[1]!r}")
    joint = isinstance(first, JointKernel) if by is None else by == "joint"
    path = Path(log)
    panel = read_panel(read_log(path, only or {}), economy, columns or {}, str(path))
    counts, dropped = count_transitions(panel, economy, joint=joint, smoothing=smoothing)
    found = Estimate(
        environment=estimated_environment(economy, counts),
        log=str(path),
        markets=panel.markets,
        transitions=sum(counts.transitions(s) for s in range(len(counts.stages))),
        dropped=dropped,
        confidence=confidence,
    )
    radii(counts, 0, confidence)  # raises where the confidence is none
    if not found.transitions:
        raise InputError(f"{path}: holds no two consecutive periods of one market in which everything is known")
    return found
