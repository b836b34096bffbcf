"""Mechanism files: JSON, checked field by field; an error names the path of the bad value.

Schema 1:

    {"schema": 1, "kind": "mechanism", "name": …, "agents": [...], "horizon": T or null, "periods": [PERIOD, …],
     "source": …, "promises": {"incentive": …, "budget": …, "participation": …, "efficient": …, "assumptions": [...]},
     "lags": 0, "transfer_bound": B}

`periods` holds one entry per period; under an infinite horizon two: the first, and the one that repeats. Memory is a
number below `memory`, and 0 when play begins. A PERIOD, with X for the axes of a message profile (the public state,
where there is one, then each agent's message):

    {"memory": M, "public": [...], "signals": [[...] per agent], "decisions": [...], "messages": [[...] per agent],
     "prescribed": [array (M, public, signals) per agent], "default": [array (M, public) per agent],
     "decide": array (M, X) of decisions, or "lottery": array (M, X, decisions) of chances,
     "charge": array (agents, M, X), "due": array (agents, M, X), "remember": array (M, X) of memories}

`public` is left out where there are no public states (arrays have no axis for it then). `messages` are the signals, and
`prescribed` the truth, unless given; `default` is the first message, `charge` and `due` are 0, `remember` is 0. Under a
lottery `charge` and `remember` have one more axis, the decision that is drawn. Messages, decisions and memories are
numbered from 0 in the order of their labels. Where actions are observed or replies asked for there are also `sees` (per
agent a list with a number per action, or null), `replies` (per agent labels, or null) and `reply` (per agent an array
(M, X) or null), and `charge` and `remember` have a last axis: what is seen of agent 0's action, …, agent 0's reply, ….
`lags` is 0 unless something falls due, else 1; `transfer_bound` is the largest payment. Only the first line is needed.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

SCHEMA = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PromisesFile(_Model):
    """What a mechanism claims."""

    incentive: StrictStr = "none"
    budget: StrictStr = "none"
    participation: StrictStr = "none"
    efficient: StrictBool = False
    assumptions: list[StrictStr] = []


class PeriodFile(_Model):
    """One period's rules."""

    memory: StrictInt
    public: list[StrictStr] = []
    signals: list[list[StrictStr]]
    decisions: list[StrictStr]
    messages: list[list[StrictStr]] | None = None
    prescribed: list[list[Any]] | None = None
    default: list[list[Any]] | None = None
    decide: list[Any] | None = None
    lottery: list[Any] | None = None
    charge: list[Any] | None = None
    due: list[Any] | None = None
    remember: list[Any] | None = None
    sees: list[list[StrictInt] | None] | None = None
    replies: list[list[StrictStr] | None] | None = None
    reply: list[list[Any] | None] | None = None


class MechanismFile(_Model):
    """A finite mechanism as tables."""

    schema_: StrictInt = Field(alias="schema")
    kind: Literal["mechanism"]
    name: StrictStr
    agents: list[StrictStr]
    horizon: StrictInt | None
    periods: list[PeriodFile]
    source: StrictStr = ""
    promises: PromisesFile = PromisesFile()
    lags: StrictInt | None = None
    transfer_bound: StrictFloat | None = None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a mechanism file; `docs/mechanism.schema.json` holds it."""
    return MechanismFile.model_json_schema(by_alias=True)
