"""The shapes of `--json` of the small commands and of errors, as types.

Those of the commands that play and bound stand in `result_shapes`, which publishes all of them; that of `audit` in
`experiments.audits.audit_schema`.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Shape(BaseModel):
    """No key that is not named, no value that must be converted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: Literal[2] = Field(alias="schema")


class ErrorShape(Shape):
    """Of every command: what is wrong, in one line."""

    error: str


class NameShape(BaseModel):
    """One name that there is; of what cannot be used, `source` is `unavailable` and `about` says why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    source: str
    options: list[str]
    about: str


class ListShape(Shape):
    """Of `list`; a kind that was not asked for is not there."""

    scenarios: list[NameShape] | None = None
    mechanisms: list[NameShape] | None = None
    strategies: list[NameShape] | None = None


class FindingShape(BaseModel):
    """One check of a plug-in, and the economies that it was tried on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    what: str
    status: Literal["holds", "fails", "not checked"]
    why: str
    where: list[str]


class CheckShape(Shape):
    """Of `check`."""

    rows: list[FindingShape]


class NewShape(Shape):
    """Of `new`: the files, and the command to try next."""

    module: str
    test: str
    try_: str = Field(alias="try")


class ExportShape(Shape):
    """Of `export`: the file, and its format; of `export ENV MECHANISM` that is `mechanism`."""

    file: str
    to: Literal["gambit", "gameanalysis", "samplegame", "csv", "latex", "npz", "mechanism"]


class ReportShape(Shape):
    """Of `report`: the file."""

    page: str


class GainShape(BaseModel):
    """A deviator's gain in the episode, and its mean over all; discounted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    episode: float
    mean: float


class ReplayShape(Shape):
    """Of `replay`: one episode, a row per period and agent; keys `truth …` hold prescribed play."""

    mechanism: str
    case: str
    episode: int
    deviators: dict[str, str]
    played: list[dict[str, Any]]
    gains: dict[str, GainShape]
    chosen: str


class ClaimShape(BaseModel):
    """A claim of a paper; null: the paper prints nothing, nothing was derived another way, or played."""

    model_config = ConfigDict(extra="forbid", strict=True)

    paper: str
    claim: str
    printed: float | None
    derived: float | None
    exact: float | None
    simulated: float | None
    interval: list[float] | None
    tolerance: float
    verdict: Literal["agrees", "slip", "derived", "fails"]
    note: str


class ReproduceShape(Shape):
    """Of `reproduce`: a row per claim."""

    rows: list[ClaimShape]


class VerifyShape(Shape):
    """Of `verify`: whether every claim is proved, a line for each that is, or one for the first that is not."""

    file: str
    proved: bool
    lines: list[str]


class LawShape(BaseModel):
    """A law of the next signals: `period` is null where one stage repeats, `whose` is `all`, `public` or an agent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    period: int | None
    whose: str
    decision: str
    profile: str
    observed: int
    radius: float


class EstimateShape(Shape):
    """Of `estimate`: how often each law was seen, and how far from the estimate it may be, in L1, all laws together."""

    environment: str
    file: str
    log: str
    by: Literal["joint", "agent"]
    markets: int
    transitions: int
    dropped: int
    smoothing: float
    confidence: float
    assumed: str
    rows: list[LawShape]
    unseen: int


class OneDesignShape(Shape):
    """Of `design` without `--map`: the mechanism, or which goals clash; null: not there, or not written."""

    environment: str
    rule: str
    status: Literal["possible", "impossible", "open"]
    objective: float | None
    largest_transfer: float | None
    memory: str
    goals: list[str]
    options: dict[str, Any]
    clashes: list[list[str]]
    relaxations: dict[str, float | None]
    unique: bool
    free_entries: int
    mechanism: str | None
    certificate: str | None
    sentence: str
    safety: dict[str, Any] | None
    audit: dict[str, Any] | None


class MapCellShape(BaseModel):
    """Whether goals can be had together with a memory, and the least possible largest transfer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    memory: str
    goals: list[str]
    status: Literal["possible", "impossible", "open"]
    largest_transfer: float | None


class MapShape(Shape):
    """Of `design --map`: a cell for each memory and set of goals."""

    environment: str
    rule: str
    forms: dict[str, str]
    largest: float
    memories: list[str]
    sentence: str
    cells: list[MapCellShape]


class DesignShape(RootModel[OneDesignShape | MapShape]):
    """Of `design`: one of two."""


SHAPES: dict[str, type[BaseModel]] = {
    "error": ErrorShape,
    "list": ListShape,
    "check": CheckShape,
    "new": NewShape,
    "export": ExportShape,
    "report": ReportShape,
    "replay": ReplayShape,
    "reproduce": ReproduceShape,
    "verify": VerifyShape,
    "estimate": EstimateShape,
    "design": DesignShape,
}
"""By command; `error` of all."""
