"""The shape of `dynmech audit --json`, schema 2, as types; the JSON Schema that is published follows from them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["holds", "breaks", "undecided", "not_refuted", "outside_assumptions", "not_promised"]
ByAgent = list[float | None] | None
Positive = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    """No key that is not named, no value that must be converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class GainData(_Strict):
    """One gain: the figure, or the bounds between which it lies."""

    agent: str
    family: Literal["one_shot", "belief_manipulation", "best_response", "lies"]
    information: Literal["ex_ante", "on_path", "interim", "ex_post"]
    gain: float | None
    bound: float | None
    lower: float | None
    upper: float | None
    kind: Literal["exact", "bounds", "lower_bound", "refused"]
    states: Literal["reachable", "all"]
    confidence: float
    certified: bool


class TruthData(_Strict):
    """What prescribed play is worth, ex ante, expected and discounted."""

    payoff: list[float] | None
    utility: list[float] | None
    transfer: list[float] | None
    welfare: float | None
    first_best: float | None
    revenue: float | None
    net_revenue: float | None


class BudgetData(_Strict):
    """The least that the designer takes in: below 0 it is a deficit."""

    ex_ante: float | None
    expected_period: float | None
    ex_post: float | None


class ParticipationData(_Strict):
    """The worst continuation payoff of prescribed play, by agent."""

    ex_ante: ByAgent
    interim: ByAgent
    ex_post: ByAgent
    at_the_start: ByAgent = None


class EndsData(_Strict):
    """The figure lies between these two, exactly."""

    lower: float
    upper: float


class ProvedData(_Strict):
    """What a certificate proves of the budget, by kind, and of participation, by kind and agent."""

    budget: dict[Literal["ex_ante", "expected_period", "ex_post"], EndsData]
    participation: dict[Literal["ex_ante", "at_the_start", "interim", "ex_post"], list[EndsData | None]]


class PromiseData(_Strict):
    """A promise and what became of it."""

    promise: str
    status: Status
    worst: float | None
    bound: float | None
    where: dict[str, Any]


class ConditionData(_Strict):
    """What is known of a condition: None where it does not apply."""

    holds: bool | None
    value: float | None
    where: dict[str, str | int]
    note: str


class OptionsData(_Strict):
    """The options of the audit, and of the mechanism as typed."""

    mechanism: dict[str, str]
    coalitions: list[list[str]]
    exit: bool
    all_states: bool
    disclosure: Literal["everything", "announced", "decisions", "own"]
    payments: Literal["enforced", "voluntary"]
    bounds: bool = False
    width: float | None = None
    profile: str | None


class ProfileData(TruthData):
    """What everybody plays where it is not the truth, and what that is worth."""

    strategies: dict[str, str]
    recall: Literal["none", "reports", "signals"]


class TransferData(_Strict):
    """The largest transfer of prescribed play, and the bound that the mechanism declares."""

    value: float
    agent: str
    where: dict[str, Any]
    declared: float | None


class TiesData(_Strict):
    """On-path states in which another message does as well."""

    states: int
    of: int


class SituationData(_Strict):
    """One situation of the worst deviation, and the message sent there."""

    period: int | str
    agent: str
    signal: str
    last_signal: str
    reported: str
    public: str
    message: str
    prescribed: str
    act: str


class PaymentStateData(_Strict):
    """The payment stage that needs the deposit."""

    period: int | str
    profile: str
    message: str
    decision: str
    bill: float
    arrears: float
    staying: float
    after: float


class PaymentsData(_Strict):
    """The terms of voluntary payments; by agent what was put down, and what is needed ex post and ex ante."""

    default: Literal["exclude", "ignore"]
    grace: int
    deposit: float | Literal["auto"]
    held: list[float]
    needed_ex_ante: list[float | None]
    states: list[PaymentStateData | None]


class SensitivityData(_Strict):
    """An input of the economy, and what moves the largest gain; `effect`: of 0.01, of a utility of 1 % of the scale."""

    information: Literal["ex_ante", "ex_post"]
    agent: str
    gain: float
    unique: bool
    input: Literal["law", "prior", "utility", "discount"]
    label: str
    value: float
    derivative: float
    effect: float


class AuditData(_Strict):
    """One audit."""

    schema_: Literal[2] = Field(alias="schema")
    environment: str
    mechanism: str
    options: OptionsData
    agents: list[str]
    deviators: list[str]
    discount: float
    horizon: int | None
    scale: Positive
    tolerance: Annotated[float, Field(ge=0)]
    backend: Literal["exact", "first reports", "epsilon", "sampled", "bounds", "beliefs", "crowds"]
    reason: str | None
    verdict: Status
    sentence: str
    truth: TruthData
    gains: list[GainData]
    budget: BudgetData
    budget_refused: dict[str, str]
    largest_transfer: TransferData | None
    participation: ParticipationData
    proved: ProvedData | None = None
    deposit: list[float | None] | None
    promises: list[PromiseData]
    assumptions: list[str]
    violated_assumptions: list[str]
    conditions: dict[str, ConditionData]
    verified: str
    ties: list[TiesData]
    policy: list[SituationData] | None
    witness: dict[str, Any] | None
    sensitivity: list[SensitivityData] | None
    payments: PaymentsData | None = None
    profile: ProfileData | None = None
    first_reports: list[dict[str, Any]] = []
    approximate: dict[str, Any] = {}
    refused: str = ""
    tried: list[dict[str, Any]] = []
    brackets: list[dict[str, Any]] = []
    crowds: list[dict[str, Any]] = []


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of an audit; `docs/audit.schema.json` holds it."""
    return AuditData.model_json_schema()
