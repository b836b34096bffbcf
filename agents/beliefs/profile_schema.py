"""Profile files: what every agent plays, as JSON, checked field by field; an error names the path of the bad value.

Schema 1:

    {"schema": 1, "kind": "profile", "agents": [...], "horizon": T or null, "recall": "none" | "reports" | "signals",
     "periods": 1, "strategies": {agent: a strategy's name with options, or [PERIOD, …]}}

An agent that is left out does what the mechanism asks. `[PERIOD, …]` holds one entry per period; under an infinite
horizon two: the first, and the one that repeats. A PERIOD:

    {"signals": [...], "messages": [...], "public": [...], "memories": [MEMORY, …],
     "send": array (memories, public, signals) of messages, or (memories, public, signals, messages) of chances}

`signals`, `messages` and `public` are labels, as in a mechanism file; messages are numbered from 0 in their order.
`public` is left out where there are no public states (`send` has no axis for it then). `memories` says what each row is
for: `{"memory": m}` is the mechanism's public memory; with recall `reports` a MEMORY also has `"reports"`, the last
messages that counted, by label, `"decision"`, what was decided last, and `"public"`, the last public state where there
are any; with `signals` also `"signal"`, the agent's own last signal. With `"periods": P` the P − 1 periods before that
are recalled, too: a MEMORY lists them in `"earlier"`, the latest first, as far as there were any. In the first period
there is nothing to recall. Without `memories`, and with recall `none`, there is a row for every memory of the
mechanism. What is not in the list plays as prescribed.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

SCHEMA = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PastFile(_Model):
    """A period that is over, as far as the profile recalls it."""

    reports: list[StrictStr] | None = None
    decision: StrictStr | None = None
    public: StrictStr | None = None
    signal: StrictStr | None = None


class MemoryFile(PastFile):
    """What is recalled: the mechanism's memory, the last period, and those before it."""

    memory: StrictInt
    earlier: list[PastFile] | None = None


class PeriodFile(_Model):
    """What one agent sends in a period."""

    signals: list[StrictStr]
    messages: list[StrictStr]
    public: list[StrictStr] = []
    memories: list[MemoryFile] | None = None
    send: list[Any]


class ProfileFile(_Model):
    """What every agent plays."""

    schema_: StrictInt = Field(alias="schema")
    kind: Literal["profile"]
    agents: list[StrictStr]
    horizon: StrictInt | None
    recall: Literal["none", "reports", "signals"] = "none"
    periods: StrictInt = 1
    strategies: dict[StrictStr, StrictStr | list[PeriodFile]] = {}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a profile file; `docs/profile.schema.json` holds it."""
    return ProfileFile.model_json_schema(by_alias=True)
