"""A tournament's study: what is to be played, as a TOML file, checked whole before anything is played.

    mechanisms = ["pivot", "cremer-mclean"]
    episodes = 2000

    [environment]
    use = "spectrum"
    sweep = { discount = [0.8, 0.9] }

    [strategies]
    truth = "truthful"
    low = { use = "misreport:map=down", noise = 0.1 }
    either = { mix = { truth = 0.5, low = 0.5 } }

    [roles.bidder]
    agents = ["bidder 1", "bidder 2", "bidder 3"]
    strategies = ["truth", "low", "either"]

    [coalitions]
    cartel = ["bidder 1", "bidder 2"]

Without roles, agents that are alike share one (of an economy of functions: all), with every strategy. A coalition plays
the oracle's joint best response to prescribed play; it stands beside the profiles.
"""

from collections.abc import Mapping
from itertools import product
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.delayed import Delayed
from dynmech.agents.strategies.mixture import Mixture
from dynmech.agents.strategies.noisy import Noisy
from dynmech.agents.strategies.shaded import Shaded
from dynmech.experiments.catalog.names import make_strategy
from dynmech.experiments.catalog.options import shown as typed
from dynmech.experiments.runs.study import (
    DEFAULT,
    DEPOSIT,
    ENVIRONMENT,
    GRACE,
    LARGEST_SEED,
    MOST_EPISODES,
    OUT,
    PAID,
    PLUGINS,
    SEED,
    TAIL,
    OneOf,
    Text,
)
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.payment_terms import PAYMENTS, RULES, PaymentTerms, payment_terms


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _swept(values: list[Any]) -> list[Any]:
    if not values:
        raise ValueError("is empty; give the values that the option takes")
    for value in values:
        if not isinstance(value, str | int | float):
            raise ValueError(f"holds {shown(value)}, which is neither a text, a number nor true or false")
    if len({typed(value) for value in values}) < len(values):
        raise ValueError("holds a value twice")
    return values


class EnvironmentEntry(_Strict):
    """An economy, or one for each combination of some options."""

    use: Text = Field(description=ENVIRONMENT)
    sweep: dict[Text, Annotated[list[Any], AfterValidator(_swept)]] = Field(
        {}, description="Options and the values that they take: an economy for each combination."
    )

    def texts(self) -> list[str]:
        """Return each economy as it is typed on the command line.

        >>> EnvironmentEntry(use="spectrum:signals=2", sweep={"discount": [0.8, 0.9]}).texts()
        ['spectrum:signals=2,discount=0.8', 'spectrum:signals=2,discount=0.9']
        """
        out = []
        for values in product(*self.sweep.values()):
            options = ",".join(f"{key}={typed(value)}" for key, value in zip(self.sweep, values, strict=True))
            out.append(self.use + ("," if ":" in self.use else ":") + options if options else self.use)
        return out


class StrategyEntry(_Strict):
    """A strategy with wrappers, or a mixture of others of the study."""

    use: Text | None = Field(None, description="A strategy's name, with options (misreport:map=down).")
    mix: dict[Text, float] | None = Field(None, description="In place of use: probabilities of others of the study.")
    shade: float | None = Field(None, description="Share of the range by which every message is lowered.")
    delay: int | None = Field(None, description="Sends what it would have sent so many periods ago.")
    noise: float | None = Field(None, description="Probability of any message in place of the one that is meant.")


class RoleEntry(_Strict):
    """Agents that choose among the same strategies (none named: all); alike unless it says otherwise."""

    agents: list[Text] = Field(min_length=1, description="Names of agents.")
    strategies: list[Text] = Field([], description="Names of strategies of the study; all, where none is named.")
    symmetric: bool = Field(True, description="They are alike, which is checked; false: a role for each.")


class OrText:
    """A text may stand for the table: a published schema says so."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """Return the schema of the table, beside that of a text."""
        return {"anyOf": [{"type": "string"}, handler(core)]}


def _entry(key: str) -> BeforeValidator:
    """Return a validator that reads a bare text as `{key: text}`."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class Study(_Strict):
    """A study; see the module, and `dynmech.experiments.tournament.loading` for how it is read.

    Attributes:
        title: for the page.
        environment, mechanisms, strategies, roles: what is played.
        truth: which strategy is the truthful one.
        coalitions: agents who act together, beside the profiles (see `dynmech.experiments.tournament.coalitions`).
        episodes: per profile (rounded up so that every order of like agents is played equally often).
        width: play on until the 95 % interval of every payoff is no wider (None: `episodes` are all).
        most: episodes per profile at most, where there is a width.
        profiles: where there are more, a sample of so many is played.
        seed, tail, log, out, plugins, payments, default, grace, deposit: as of `run`.
    """

    title: Text = Field("", description="Of the page.")
    environment: Annotated[EnvironmentEntry, _entry("use"), OrText()] = Field(description=ENVIRONMENT)
    mechanisms: list[Text] = Field(min_length=1, description="Mechanisms under which all is played; see dynmech list.")
    strategies: dict[Text, Annotated[StrategyEntry, _entry("use"), OrText()]] = Field(
        min_length=1, description="What is played, by name: a strategy, or a table that wraps or mixes some."
    )
    roles: dict[Text, RoleEntry] = Field(
        {}, description="Who chooses among what; else agents that are alike share a role."
    )
    truth: Text = Field("truth", description="Which of the strategies is the truthful one.")
    coalitions: dict[Text, Annotated[list[Text], Field(min_length=1)]] = Field(
        {}, description="Agents who act together, beside the profiles."
    )
    episodes: int = Field(2000, ge=2, le=MOST_EPISODES, description="Per profile.")
    width: float | None = Field(None, gt=0, description="Play on until no payoff's 95 % interval is wider.")
    most: int = Field(
        100_000, ge=2, le=MOST_EPISODES, description="Episodes per profile at most, where there is a width."
    )
    profiles: int = Field(5000, ge=1, le=100_000, description="Where there are more, a sample of so many is played.")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description=SEED)
    tail: float = Field(1e-4, gt=0, description=TAIL)
    log: Annotated[Text, OneOf("full", "episodes", "summary")] = Field("summary", description="How much is logged.")
    out: Text | None = Field(None, description=OUT)
    plugins: list[Text] = Field([], description=PLUGINS)
    payments: Annotated[Text, OneOf(*PAYMENTS)] = Field("enforced", description=PAID)
    default: Annotated[Text, OneOf(*RULES)] | None = Field(None, description=DEFAULT)
    grace: int | None = Field(None, description=GRACE)
    deposit: float | Text | None = Field(None, description=DEPOSIT)

    @property
    def terms(self) -> PaymentTerms | None:
        """The terms of voluntary payments; None where payments are enforced.

        Raises:
            InputError: an option is wrong.
        """
        return payment_terms(self.payments, self.default, self.grace, self.deposit)

    def data(self, *, out: bool = True) -> dict[str, Any]:
        """Return the study as plain data; without what is about voluntary payments where payments are enforced."""
        bills = {"payments", "default", "grace", "deposit"} if self.payments == "enforced" else set()
        return self.model_dump(exclude=bills | (set() if out else {"out"}))

    def build_strategies(self) -> dict[str, Strategy]:
        """Return the strategies by name.

        Raises:
            InputError: one cannot be made.
        """
        built: dict[str, Strategy] = {}
        for name in self.strategies:
            build_strategy(name, self.strategies, built)
        return {name: built[name] for name in self.strategies}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a tournament's study; `docs/tournament.schema.json` holds it."""
    about = {"title": "Tournament", "description": "A tournament: what is played, as docs/tournaments.md says."}
    return {**Study.model_json_schema(), **about}


def build_strategy(
    name: str, entries: Mapping[str, StrategyEntry], built: dict[str, Strategy], above: tuple[str, ...] = ()
) -> Strategy:
    """Return one strategy of a study; the strategies that it mixes are put into `built`.

    Raises:
        InputError: it cannot be made, or is a part of itself.
    """
    if name in above:
        raise InputError(f"mix: it is a part of itself ({' > '.join((*above, name))})")
    if name not in built:
        entry = entries[name]
        if entry.mix is not None:
            parts = [build_strategy(part, entries, built, (*above, name)) for part in entry.mix]
            built[name] = Mixture(name, parts, list(entry.mix.values()))
        else:
            assert entry.use is not None
            built[name] = _wrapped(make_strategy(entry.use), entry)
    return built[name]


def _wrapped(strategy: Strategy, entry: StrategyEntry) -> Strategy:
    """Return a strategy with its wrappers: shading first, then delay, then noise."""
    if entry.shade is not None:
        strategy = Shaded(strategy, entry.shade)
    if entry.delay is not None:
        strategy = Delayed(strategy, entry.delay)
    if entry.noise is not None:
        strategy = Noisy(strategy, entry.noise)
    return strategy
