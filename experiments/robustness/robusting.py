"""`robust`: what mechanisms that are built on estimates do under the truth, resumable and on several processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dynmech.experiments.catalog.accepted import MechanismLike
from dynmech.experiments.robustness.ball_work import BallTask, measured_ball
from dynmech.experiments.robustness.estimation_cost import Batch, measured_batch
from dynmech.experiments.robustness.robust_plan import RobustPlan
from dynmech.experiments.robustness.robust_result import Measured, RobustResult
from dynmech.experiments.runs.execution import Desk, Outcome, Planner, RunSpec, execute
from dynmech.experiments.runs.loading import as_workers
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pieces import Piece, do_pieces
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import PlayError
from dynmech.sim.log.run_folder import RunFolder

DRAWS = (30, 100, 300, 1000)

Work = Batch | BallTask


@checked_arguments
def robust(
    environment: object,
    mechanisms: MechanismLike | Sequence[MechanismLike],
    *,
    draws: int | Sequence[int] | None = None,
    replications: int = 50,
    seed: int = 0,
    by: str | None = None,
    smoothing: float = 0.0,
    target: float | None = None,
    ball: float | str | Sequence[float | str] = (),
    utility_error: float = 0.0,
    discount_error: float = 0.0,
    out: Path | str | None = None,
    plugins: Sequence[Path] = (),
    workers: Workers | int | None = None,
    progress: Progress = silent,
) -> RobustResult:
    """Build mechanisms on estimates of an economy, and audit them exactly under the truth. The same call resumes.

    Parameters
    ----------
    environment : str, path or Environment
        The truth.
    mechanisms : str, class, or a sequence of these
        What is built on each estimate, its decisions too.
    draws : int or sequence of int, optional
        Transitions that are drawn out of every row: of each decision and profile, or each decision and own signal.
        Unless given: 30, 100, 300 and 1000, or none where `ball` is given.
    replications : int
        Estimates per number of draws; every mechanism gets the same ones.
    seed : int
        Of all draws.
    by : str, optional
        `joint` or `agent`, as in `estimate`; unless given, as the economy's own law is.
    smoothing : float
        Added to every count.
    target : float, optional
        A gain, in money; `needed` says from how many draws on 95 % of estimates keep to it.
    ball : float, str, or sequence of these
        Radii in L1, or `data`: bounds of the largest gain under any law of motion whose rows are within the radius of
        the economy's own, and nothing where those have no mass; rules and transfers stay. `data`: within the confidence
        set of an economy that was estimated. The robustness radius is sought besides.
    utility_error : float
        By how much the deviator's utility of any decision at any profile may be off besides, either way, in `ball`.
    discount_error : float
        By how much the discount factor may be.
    out : Path or str, optional
        The run folder; without one it lies in `runs/`.
    plugins : sequence of Path
        Files that users' classes come from.
    workers : Workers or int, optional
        Processes, and limits of users' code; or how many processes.
    progress : Progress
        Is told of phases and of finished work.

    Returns
    -------
    RobustResult
        `rows`, `slopes`, `needed`, `ball` and `robustness_radius` are DataFrames, `plot()` draws them.

    Raises
    ------
    InputError
        A number, a name or an option is wrong.
    Refusal
        The economy is not finite.
    StorageError
        The run folder cannot be written; the same call resumes.

    Notes
    -----
    Gains are those of a best response under the true law of motion: ex post, largest over agents and states that some
    play leads to; and ex ante. Prior and utilities are known.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import dynmech as dm
    >>> with TemporaryDirectory() as folder:
    ...     found = dm.robust(
    ...         "repeated-auction:values=2", ["team", "pivot"], draws=[30], replications=5, by="joint", out=folder
    ...     )
    >>> found.rows[["mechanism", "truthful"]].values.tolist()
    [['team', 1.0], ['pivot', 0.0]]
    """
    staff = as_workers(workers)
    how: dict[str, Any] = {"replications": replications, "seed": seed, "smoothing": smoothing, "target": target}
    how |= {"utility_error": utility_error, "discount_error": discount_error}
    radii = (ball,) if isinstance(ball, int | float | str) else ball
    asked = (() if radii else DRAWS) if draws is None else (draws,) if isinstance(draws, int) else draws
    plan = RobustPlan.of(environment, mechanisms, asked, by=by, ball=radii, plugins=plugins, **how)
    where = Path(out) if out is not None else None
    spec = RunSpec("robust", plan.typed, plan.configuration(), where, command=plan.command())
    return execute(spec, RobustPlanner(plan), staff, progress)


@dataclass(frozen=True, eq=False)
class RobustPlanner(Planner[list[Work], Measured, RobustResult]):
    """Works out every mechanism on every estimate."""

    asked: RobustPlan

    def plan(self, desk: Desk) -> list[Work]:  # noqa: ARG002
        """Return all work."""
        return [*self.asked.batches(), *self.asked.tasks()]

    def play(self, work: list[Work], desk: Desk) -> None:
        """Work out what is not recorded yet."""
        advance = desk.progress("auditing", sum(len(batch.keys) for batch in work))
        left = [batch for batch in work if not all(map(desk.folder.has, batch.keys))]
        advance(sum(len(batch.keys) for batch in work) - sum(len(batch.keys) for batch in left))
        do_pieces(map(_piece, left), desk.folder, desk.workers, advance)

    def keys(self, work: list[Work], folder: RunFolder) -> Iterator[str]:  # noqa: ARG002
        """Return the names of all replications."""
        return (key for batch in work for key in batch.keys)

    def sum_up(self, work: list[Work], folder: RunFolder) -> Measured:
        """Return what was measured, by mechanism and number of draws, and by mechanism and radius.

        Raises
        ------
            PlayError: nothing.
        """
        found = Measured()
        for piece in work:
            summaries = list(folder.summaries([key for key in piece.keys if folder.has(key)]))
            text = piece.contender.text
            if isinstance(piece, Batch):
                found.drawn.setdefault(text, {}).setdefault(piece.draws, []).extend(summaries)
            else:
                found.bounds.setdefault(text, []).extend((piece.radius, summary) for summary in summaries)
        if not any(any(by_draws.values()) for by_draws in found.drawn.values()) and not any(found.bounds.values()):
            raise PlayError(folder.failures()[0]["failed"])
        return found

    def tell(self, found: Measured, outcome: Outcome) -> RobustResult:
        """Return the result."""
        return RobustResult.of(self.asked, found, outcome)

    def kept(self, result: RobustResult) -> dict[str, Any]:
        """Return all of it."""
        return result.to_dict()


def _piece(work: Work) -> Piece:
    """Return a batch, or a ball, as a piece of work."""
    thing = (work, tuple(work.contender.theirs()))
    function: Any = measured_batch if isinstance(work, Batch) else measured_ball
    return Piece(work.keys, tuple(work.contender.users()), function, thing, partial(Parcel.of, thing))
