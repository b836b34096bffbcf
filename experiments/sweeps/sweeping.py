"""`sweep`: mechanisms on an economy while options of either vary, resumable and on several processes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from dynmech.experiments.catalog.accepted import MechanismLike, as_environment, mechanism_text
from dynmech.experiments.runs.execution import Desk, Outcome, Planner, RunSpec, execute
from dynmech.experiments.runs.loading import as_workers, open_environment, run_isolated
from dynmech.experiments.runs.simulation import Progress, Sampling, silent
from dynmech.experiments.sweeps.cell_figures import measured_entry
from dynmech.experiments.sweeps.contenders import Contender, name_of
from dynmech.experiments.sweeps.sweep_plan import Cell, SweepPlan
from dynmech.experiments.sweeps.sweep_result import SweepResult
from dynmech.experiments.sweeps.variations import variations_of
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pieces import Piece, do_pieces
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.log.run_folder import RunFolder
from dynmech.sim.play.payment_terms import PaymentTerms


@checked_arguments
def sweep(
    environment: object,
    vary: Mapping[str, Sequence[Any]],
    mechanisms: MechanismLike | Sequence[MechanismLike] = (),
    *,
    episodes: int = 1000,
    seed: int = 0,
    out: Path | str | None = None,
    tail: float = 1e-4,
    plugins: Sequence[Path] = (),
    payments: PaymentTerms | None = None,
    workers: Workers | int | None = None,
    progress: Progress = silent,
) -> SweepResult:
    """Work out gains, welfare, revenue, budget and transfers while options vary. The same call resumes.

    Parameters
    ----------
    environment : str, path or Environment
        A scenario with its other options. Of a file or a finite economy only `discount` can vary.
    vary : mapping of str to sequence
        Values by option: `discount` is the economy's, `balanced:base` that of the mechanism `balanced`. All
        combinations are worked out.
    mechanisms : str, class or Mechanism, or a sequence of these
        A mechanism, a class or a name with options, or several; none: those whose options vary, else all that fit.
    episodes : int
        Of what is simulated, where no exact audit fits; at least 2.
    seed : int
        Of all random numbers.
    out : Path or str, optional
        The run folder; without one it lies in `runs/`.
    tail : float
        Share of all discounted weight that a simulation leaves out of an infinite horizon.
    plugins : sequence of Path
        Files that users' classes come from; they are part of what makes two sweeps the same.
    payments : PaymentTerms, optional
        Of voluntary payments; without them every bill is paid.
    workers : Workers or int, optional
        Processes, and limits of users' code; or how many processes.
    progress : Progress
        Is told of phases and of finished work.

    Returns
    -------
    SweepResult
        `figures` and `gains` are DataFrames, `plot()` draws them.

    Raises
    ------
    InputError
        An option or a value is wrong, before anything is worked out.
    PlayError
        Nothing could be worked out: a user's code fails everywhere.
    StorageError
        The run folder cannot be written; the same call resumes.

    Notes
    -----
    Figures are those of `audit`: exact where it is, else simulated with a 95 % interval, which allows for all agents
    and families of one economy and mechanism.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import dynmech as dm
    >>> with TemporaryDirectory() as folder:
    ...     found = dm.sweep("repeated-auction:horizon=2", {"values": [2, 3]}, ["pivot"], out=f"{folder}/sweep")
    >>> found
    sweep of repeated-auction:horizon=2: values (2 values)
    pivot: no deviation gains anything ex ante at any of 2 points
    >>> found.figures[["values", "best_response"]].values.tolist()
    [[2.0, 0.0], [3.0, 0.0]]
    """
    workers = as_workers(workers)
    if episodes < 2:
        raise InputError(f"episodes: {episodes} is below 2; an interval needs two")
    plan = SweepPlan.of(environment, variations_of(vary), mechanisms, Sampling(episodes, seed), tail, plugins)
    plan = replace(plan, terms=payments)
    first = _opened(plan.economy(plan.points[0]), workers)
    hashes = [environment_hash(_opened(plan.economy(values), workers)) for values in plan.points]
    plan = _checked(plan, first, workers)
    configuration = plan.configuration(first.name, hashes)
    where = Path(out) if out is not None else None
    spec = RunSpec("sweep", plan.typed, configuration, where, command=plan.command())
    return execute(spec, SweepPlanner(plan), workers, progress)


@dataclass(frozen=True, eq=False)
class SweepPlanner(Planner[list[Cell], list[dict[str, Any]], SweepResult]):
    """Works out every mechanism on every economy of a plan."""

    sweep: SweepPlan

    def plan(self, desk: Desk) -> list[Cell]:  # noqa: ARG002
        """Return every mechanism on every economy."""
        return list(self.sweep.cells())

    def play(self, work: list[Cell], desk: Desk) -> None:
        """Work out the cells that are not recorded yet, and record them."""
        advance = desk.progress("sweeping", len(work))
        left = [cell for cell in work if not desk.folder.has(cell.key)]
        advance(len(work) - len(left))
        do_pieces(map(_piece, left), desk.folder, desk.workers, advance)

    def keys(self, work: list[Cell], folder: RunFolder) -> Iterator[str]:  # noqa: ARG002
        """Return the names of all cells."""
        return (cell.key for cell in work)

    def sum_up(self, work: list[Cell], folder: RunFolder) -> list[dict[str, Any]]:
        """Return what is known of the cells.

        Raises
        ------
            PlayError: of none.
        """
        found = [_record(cell, folder) for cell in work if folder.has(cell.key)]
        if not found:
            raise PlayError(folder.failures()[0]["failed"])
        return found

    def tell(self, found: list[dict[str, Any]], outcome: Outcome) -> SweepResult:
        """Return the result."""
        return SweepResult(
            environment=self.sweep.typed,
            varied={variation.name: list(variation.values) for variation in self.sweep.variations},
            cells=found,
            named=self.sweep.named,
            **vars(outcome),
        )

    def kept(self, result: SweepResult) -> dict[str, Any]:
        """Return all of it."""
        return result.to_dict()


def _piece(cell: Cell) -> Piece:
    """Return a cell as a piece of work."""
    thing = (cell, cell.code())
    return Piece((cell.key,), tuple(cell.users()), measured_entry, thing, partial(Parcel.of, thing))


def _opened(economy: object, workers: Workers) -> Environment:
    """Return the economy of a point.

    Raises
    ------
        InputError: no such scenario, option or file, or a value out of range.
    """
    return open_environment(economy, workers) if isinstance(economy, str) else as_environment(economy)


def _checked(plan: SweepPlan, economy: Environment, workers: Workers) -> SweepPlan:
    """Return the plan, every mechanism tried on the first economy: options and values are right, or nothing begins.

    Where nobody named the mechanisms, those that cannot be made without an option are left out.
    """
    kept = []
    for contender in plan.contenders:
        try:
            _try(contender, economy, workers)
        except InputError:
            if plan.named:
                raise
            continue
        kept.append(contender)
    return replace(plan, contenders=tuple(kept))


def _try(contender: Contender, economy: Environment, workers: Workers) -> None:
    """Make a mechanism once, a user's in a process of its own; that it does not fit, or fails, is found again later."""
    try:
        if users := contender.users():
            run_isolated(workers, users, _build, contender.theirs(), contender, economy)
        else:
            contender.build(economy)
    except (Refusal, PlayError):
        return


def _build(_: list[object], contender: Contender, economy: Environment) -> None:
    contender.build(economy)


def _record(cell: Cell, folder: RunFolder) -> dict[str, Any]:
    """Return a cell's place and what was recorded of it."""
    own = {f"{name_of(cell.contender.given)}:{option}": value for option, value in cell.contender.own.items()}
    (summary,) = folder.summaries([cell.key])
    group = mechanism_text(cell.contender.given)
    return {"values": {**cell.values, **own}, "group": group, "mechanism": cell.contender.text, **summary}
