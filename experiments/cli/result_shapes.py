"""The shapes of `--json` of the commands that play and bound: what their results hold in Python.

Keys are named, all of them; tables are rows, whose own columns are named where they are always the same. What depends
on the economy (`payoff of AGENT`, options that vary) is left open.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from dynmech.experiments.cli.json_shapes import SHAPES as SMALL, Shape


class _Part(BaseModel):
    """A part of an object: no key that is not named, no value that must be converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


Number = Annotated[float | None, Field(strict=True)]
"""Null where it is not known."""

Row = dict[str, Any]


class _Played(Shape):
    """What every run folder's result has; `command` makes it again, null where something was given as an object."""

    folder: str
    reused: bool
    remarks: list[Row]
    damaged: list[str]
    command: str | None


class PlayedAgentShape(_Part):
    """An agent of a run, and what it earns; discounted, with half the width of a 95 % interval."""

    agent: str
    strategy: str
    payoff: Number
    payoff_half_width: Number
    gain: Number
    gain_half_width: Number


class RunShape(_Played):
    """Of `run`."""

    environment: str
    mechanism: str
    episodes: int
    periods: int
    tail: float
    welfare: Number
    welfare_half_width: Number
    first_best: Number
    revenue: Number
    revenue_half_width: Number
    net_revenue: Number
    net_revenue_half_width: Number
    worst_deficit: Number
    participation_violations: int
    participation_cells: int
    worst_participation: Number
    agents: list[PlayedAgentShape]
    story: Row | None
    learning: list[Row]
    default_rate: list[float] | None = None
    claims_outstanding: list[float] | None = None
    designers_loss: float | None = None
    designers_loss_half_width: float | None = None


class StressGainShape(_Part):
    """What one family's best member gains an agent under a mechanism: simulated, and exactly."""

    mechanism: str
    family: str
    complexity: int
    agent: str
    strategy: str
    words: str
    gain: Number
    half_width: Number
    found: bool
    exact: Number
    exact_bound: Number
    apart: Number
    one_sided: bool
    agrees: bool | None
    given: str
    given_gain: Number
    given_half_width: Number
    tried: int
    case: str
    default_rate: float | None = None
    designers_loss: float | None = None


class FarthestShape(_Part):
    """Where a simulated figure lies farthest from its exact one."""

    comparisons: int
    apart: float
    where: dict[str, str]
    simulated: float
    exact: float
    chance: float
    likely: bool


class StressShape(_Played):
    """Of `stress`; rows of `mechanisms` have a `payoff of AGENT` for each."""

    sentence: str
    environment: str
    scale: float
    comparisons: int
    gains: list[StressGainShape]
    mechanisms: list[Row]
    refusals: dict[str, str]
    untried: dict[str, Any]
    failures: list[Row]
    stories: dict[str, Any]
    asked: list[str]
    farthest: FarthestShape | None


class CellShape(_Part):
    """A mechanism at one point of a sweep; figures are null where they are not known."""

    values: dict[str, str]
    group: str
    mechanism: str
    refused: str
    backend: str
    reason: str
    verdict: str
    gains: list[Row]
    figures: dict[str, Number]
    tolerance: Number
    half_widths: dict[str, Number]


class SweepShape(_Played):
    """Of `sweep`."""

    environment: str
    varied: dict[str, list[str]]
    cells: list[CellShape]
    named: bool
    failures: list[Row]


class BindingShape(_Part):
    """A constraint that binds, and what a unit of slack in it would add."""

    kind: str
    agent: str
    history: str
    type: str
    report: str
    multiplier: float


class ProgramBoundShape(Shape):
    """Of `bound`, by a linear program over all mechanisms; `net_revenue` is `upper`."""

    environment: str
    revenue: float
    net_revenue: float
    lower: Number
    upper: float
    periods: int
    first_best: float
    lotteries: bool
    constraints: int
    variables: int
    binding: list[BindingShape]


class RelaxedBoundShape(Shape):
    """Of `bound`, by the economy in which only first signals are private; null: not worked out, see `refused`."""

    environment: str
    relaxed_continuum: dict[str, float] | None
    relaxed_grid: Number
    everybody_can_be_left_out: Row | None
    relaxed: Number
    dynamic: Number
    revenue: Number
    net_revenue: Number
    gap: Number
    constraints: int | None
    variables: int | None
    refused: str


class BoundShape(RootModel[ProgramBoundShape | RelaxedBoundShape]):
    """Of `bound`: one of two."""


class SidesShape(_Part):
    """A figure between two bounds, which are one where it is exact."""

    lower: float
    upper: float


class AgentGainShape(SidesShape):
    """What an agent gains from leaving a profile."""

    agent: str


class EquilibriumShape(Shape):
    """Of `equilibrium`: the profile found, the largest gain from it, and what it and the truth are worth."""

    environment: str
    mechanism: str
    agents: list[str]
    scale: float
    tolerance: float
    found: bool
    epsilon: SidesShape
    gains: list[AgentGainShape]
    recall: str
    rounds: int
    truthful: bool
    profile: Row
    truth: Row
    situations: list[Row]


class TournamentGameShape(_Part):
    """One economy and mechanism of a tournament; `truth` is null where truth by all was not played."""

    environment: str
    mechanism: str
    agents: list[str]
    roles: list[Row]
    verdict: str
    sentence: str
    exact: Row | None
    truth: Row | None
    payoffs: list[Row]
    profiles: list[Row]
    not_refuted: list[Any]
    undecided: list[Any]
    negligible: float
    dominated: list[Row]
    population: list[Row]
    coalitions: list[Row]
    comparisons: list[Row]
    unequal: list[Any]
    folder: str


class TournamentShape(Shape):
    """Of `tournament`; `study` is what was asked for, in the keys of a study file."""

    sentence: str
    study: Row
    profiles: int
    possible: int
    sampled: bool
    assumed: list[Any]
    reused: bool
    refusals: dict[str, Any]
    failures: list[Row]
    farthest: FarthestShape | None
    games: list[TournamentGameShape]


class RobustRowShape(_Part):
    """A mechanism built on estimates from so many draws out of every law; null where none could be built."""

    mechanism: str
    draws: int
    gain_median: Number
    gain_90: Number
    gain_ex_ante_median: Number
    gain_ex_ante_90: Number
    truthful: Number
    welfare_lost: Number
    deficit: Number
    largest_transfer: Number
    replications: int
    refused: int


class SlopeShape(_Part):
    """How a mechanism's median gain falls with the draws, on log–log scales, with a 95 % interval."""

    mechanism: str
    slope: Number
    low: Number
    high: Number


class BallShape(_Part):
    """The largest gain under any law in the ball: at least `lower`, at most `upper`."""

    mechanism: str
    radius: float
    lower: Number
    upper: Number


class RadiusShape(_Part):
    """Up to which radius truth is best under every law: from `lower` on proved, from `upper` on refuted."""

    mechanism: str
    lower: Number
    upper: Number


class NeededShape(_Part):
    """From how many draws on 95 % of estimates keep to the target; null: from none that was tried."""

    mechanism: str
    target: float
    draws: int | None


class RobustShape(_Played):
    """Of `robust`."""

    environment: str
    by: str
    smoothing: float
    seed: int
    utility_error: float
    discount_error: float
    tolerance: float
    rows: list[RobustRowShape]
    slopes: list[SlopeShape]
    ball: list[BallShape]
    robustness_radius: list[RadiusShape]
    needed: list[NeededShape]
    refusals: dict[str, str]
    failures: list[Row]


SHAPES: dict[str, type[BaseModel]] = {
    **SMALL,
    "run": RunShape,
    "stress": StressShape,
    "sweep": SweepShape,
    "tournament": TournamentShape,
    "bound": BoundShape,
    "equilibrium": EquilibriumShape,
    "robust": RobustShape,
}
"""By command; `error` of all."""


def json_schemas() -> dict[str, Any]:
    """Return the JSON Schema of each; `docs/commands.schema.json` holds them."""
    return {name: shape.model_json_schema() for name, shape in SHAPES.items()}
