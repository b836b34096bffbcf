"""Environment files: JSON, checked field by field; an error names the path of the bad value.

Schema 1:

    {"schema": 1, "name": …, "agents": [...], "discount": δ, "horizon": T or null, "prior": array A,
     "stages": [{"signals": [[...] per agent], "decisions": [...], "utility": array (N, D, *A),
                 "kernel": {"joint": array (D, *A, *A')} or {"independent": [array (D, A_j, A'_j) per axis]} or null,
                 "public": [...], "cost": array (D,) or (D, O), "private_actions": [[...] per agent]}],
     "counts": {"smoothing": α, "stages": [{"joint": array (D, S, S')} or {"independent": [array (D, A_j, A'_j) per
                                            axis]} or null]}}

Arrays are nested lists of numbers; `public`, `cost`, `private_actions`, `counts` and `outside` (what each agent enjoys
in a period in which it is excluded, array (N,)) may be left out; `counts` are what the kernels were estimated from.
Axes: see `environment`.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError

from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.checks import check_text, on_one_line, shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.json_files import first_problem, numbers, read_json
from dynmech.sim.core.whole_files import write_whole
from dynmech.sim.economy.counts import Counts, Tables
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import EstimatedEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

SCHEMA = 1

LONGEST = 100_000
"""Periods that a file may ask for."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class KernelFile(_Model):
    """A law of motion: of all signals together, or agent by agent."""

    joint: list[Any] | None = None
    independent: list[list[Any]] | None = None


class StageFile(_Model):
    """What may happen in a period, what it is worth, and what follows."""

    signals: list[list[StrictStr]]
    decisions: list[StrictStr]
    utility: list[Any]
    kernel: KernelFile | None = None
    public: list[StrictStr] = []
    cost: list[Any] | None = None
    private_actions: list[list[StrictStr]] = []


class CountsFile(_Model):
    """What the laws of motion were estimated from."""

    smoothing: StrictFloat | StrictInt
    stages: list[KernelFile | None]


class EnvironmentFile(_Model):
    """A finite economy as tables."""

    schema_: StrictInt = Field(alias="schema")
    name: StrictStr
    agents: list[StrictStr]
    discount: StrictFloat
    horizon: StrictInt | None
    prior: list[Any]
    stages: list[StageFile]
    counts: CountsFile | None = None
    outside: list[Any] | None = None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of an environment file; `docs/environment.schema.json` holds it."""
    return EnvironmentFile.model_json_schema(by_alias=True)


@checked_arguments
def load_environment(path: str | Path) -> TableEnvironment:
    """Read an environment file.

    Parameters
    ----------
    path : str or Path
        A JSON file; the docstring of `dynmech.sim.economy.files` gives its schema.

    Returns
    -------
    TableEnvironment
        The environment, checked.

    Raises
    ------
    InputError
        The file cannot be read, is not JSON, or a field is wrong; the message names the field.
    """
    where = on_one_line(str(path))
    try:
        return environment_from_data(read_json(Path(path), "an environment"))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except RecursionError:
        raise InputError(f"{where}: not an environment: its lists are nested too deeply") from None


@checked_arguments
def save_environment(environment: TableEnvironment, path: str | Path) -> None:
    """Write an environment file; it is complete or absent, never half written.

    Parameters
    ----------
    environment : TableEnvironment
        What is written; `load_environment` reads the same back, to the last digit.
    path : str or Path
        The file; if it exists, it is replaced.

    Raises
    ------
    InputError
        The file cannot be written, or the environment is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from dynmech.sim.economy.builders import from_arrays
    >>> environment = from_arrays(np.zeros((1, 1, 2)), [np.full((1, 2, 2), 0.5)], np.full(2, 0.5), 0.9)
    >>> with TemporaryDirectory() as folder:
    ...     save_environment(environment, f"{folder}/small.json")
    ...     load_environment(f"{folder}/small.json").agents
    ('agent 1',)
    """
    if not isinstance(environment, TableEnvironment):
        name = getattr(environment, "name", type(environment).__name__)
        raise InputError(f"environment {name!r}: only a finite one can be written to a file")
    write_whole(Path(path), json.dumps(environment_to_data(environment)) + "\n")


def environment_from_data(data: Any) -> TableEnvironment:
    """Return the environment in a file's parsed JSON; raise InputError at the first bad field."""
    if not isinstance(data, dict):
        raise InputError(f"an environment is a JSON object, not a {type(data).__name__}")
    try:
        parsed = EnvironmentFile.model_validate(data)
    except ValidationError as error:
        raise InputError(first_problem(error)) from None
    if parsed.schema_ != SCHEMA:
        raise InputError(f"schema: {shown(parsed.schema_)} is unknown, expected {SCHEMA}")
    check_text(parsed.name, "name")
    if parsed.horizon is not None and parsed.horizon > LONGEST:
        raise InputError(f"horizon: {parsed.horizon} is above {LONGEST:,} (null means infinitely many periods)")
    fields: dict[str, Any] = {
        "name": parsed.name,
        "agents": tuple(parsed.agents),
        "prior": numbers(parsed.prior, "prior"),
        "stages": tuple(_stage(stage, f"stages[{s}]") for s, stage in enumerate(parsed.stages)),
        "discount": parsed.discount,
        "horizon": parsed.horizon,
        "outside": () if parsed.outside is None else tuple(numbers(parsed.outside, "outside").tolist()),
    }
    if parsed.counts is None:
        return TableEnvironment(**fields)
    return EstimatedEnvironment(**fields, counts=_counts(parsed.counts))


def environment_to_data(environment: TableEnvironment) -> dict[str, Any]:
    """Return what the file holds, as plain data."""
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "name": environment.name,
        "agents": list(environment.agents),
        "discount": environment.discount,
        "horizon": environment.horizon,
        "prior": environment.prior.tolist(),
        "stages": [_stage_data(stage) for stage in environment.stages],
    }
    if environment.outside:
        data["outside"] = list(environment.outside)
    if isinstance(environment, EstimatedEnvironment):
        data["counts"] = _counts_data(environment.counts)
    return data


def _counts(parsed: CountsFile) -> Counts:
    """Return counts from their parsed JSON."""
    joint = any(stage is not None and stage.joint is not None for stage in parsed.stages)
    stages: list[Tables | None] = []
    for s, stage in enumerate(parsed.stages):
        where = f"counts.stages[{s}]"
        if stage is None:
            stages.append(None)
        elif stage.joint is not None and stage.independent is None:
            stages.append((numbers(stage.joint, f"{where}.joint"),))
        elif stage.independent and not joint:
            each = enumerate(stage.independent)
            stages.append(tuple(numbers(table, f"{where}.independent[{j}]") for j, table in each))
        else:
            raise InputError(f"{where}: give either 'joint' or 'independent', the same in all stages")
    return Counts(tuple(stages), joint, float(parsed.smoothing))


def _counts_data(counts: Counts) -> dict[str, Any]:
    """Return counts as plain data; they are whole numbers."""
    stages: list[dict[str, Any] | None] = []
    for tables in counts.stages:
        whole = [table.astype(int).tolist() for table in tables or ()]
        stages.append(None if tables is None else {"joint": whole[0]} if counts.joint else {"independent": whole})
    return {"smoothing": counts.smoothing, "stages": stages}


def _stage(parsed: StageFile, where: str) -> Stage:
    """Return a stage from its parsed JSON."""
    utility = numbers(parsed.utility, f"{where}.utility")
    signals = tuple(tuple(labels) for labels in parsed.signals)
    axes = tuple(len(labels) for labels in signals)
    if parsed.public:
        axes = (len(parsed.public), *axes)
    kernel: JointKernel | IndependentKernel | None = None
    if parsed.kernel is not None:
        if (parsed.kernel.joint is None) == (parsed.kernel.independent is None):
            raise InputError(f"{where}.kernel: give either 'joint' or 'independent'")
        if parsed.kernel.joint is not None:
            table = numbers(parsed.kernel.joint, f"{where}.kernel.joint")
            kernel = JointKernel(table, axes, table.shape[1 + len(axes) :])
        elif parsed.kernel.independent is not None:
            kernel = IndependentKernel(
                tuple(numbers(f, f"{where}.kernel.independent[{j}]") for j, f in enumerate(parsed.kernel.independent))
            )
    return Stage(
        signals=signals,
        decisions=tuple(parsed.decisions),
        utility=utility,
        kernel=kernel,
        public=tuple(parsed.public),
        cost=None if parsed.cost is None else numbers(parsed.cost, f"{where}.cost"),
        private_actions=tuple(tuple(labels) for labels in parsed.private_actions),
    )


def _stage_data(stage: Stage) -> dict[str, Any]:
    """Return a stage as plain data."""
    data: dict[str, Any] = {
        "signals": [list(labels) for labels in stage.signals],
        "decisions": list(stage.decisions),
        "utility": stage.utility.tolist(),
        "kernel": None,
    }
    if isinstance(stage.kernel, JointKernel):
        data["kernel"] = {"joint": stage.kernel.table.tolist()}
    elif isinstance(stage.kernel, IndependentKernel):
        data["kernel"] = {"independent": [factor.tolist() for factor in stage.kernel.factors]}
    if stage.public:
        data["public"] = list(stage.public)
    if stage.cost is not None:
        data["cost"] = stage.cost.tolist()
    if stage.private_actions:
        data["private_actions"] = [list(labels) for labels in stage.private_actions]
    return data
