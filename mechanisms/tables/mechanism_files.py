"""Read and write mechanism files; their schema is in `dynmech.mechanisms.tables.mechanism_schema`."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.tables.mechanism_schema import SCHEMA
from dynmech.mechanisms.tables.reading import act_tail, mechanism_from_data, message_axes
from dynmech.mechanisms.tables.tabulated_mechanism import PeriodTable, TabulatedMechanism
from dynmech.mechanisms.tables.writing_out import written_out
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.checks import on_one_line
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.json_files import read_json
from dynmech.sim.core.whole_files import write_whole
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.stage import Stage


@checked_arguments
def load_mechanism(path: str | Path, environment: Environment) -> TabulatedMechanism:
    """Read a mechanism file for an economy.

    Parameters
    ----------
    path : str or Path
        A JSON file; the docstring of `dynmech.mechanisms.tables.mechanism_schema` gives its schema.
    environment : Environment
        The finite economy that it is for: agents, horizon and labels must be the same.

    Returns
    -------
    TabulatedMechanism
        The mechanism, checked.

    Raises
    ------
    InputError
        The file cannot be read, is not JSON, or a field is wrong; the message names the field.
    Refusal
        The mechanism is for another economy; the message names the first difference.
    """
    where = on_one_line(str(path))
    try:
        rules = mechanism_from_data(read_json(Path(path), "a mechanism"), environment)
    except Refusal as error:
        raise Refusal(f"{where}: {error}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    mechanism = TabulatedMechanism(environment, rules)
    mechanism.path = str(path)
    return mechanism


@checked_arguments
def save_mechanism(mechanism: Mechanism, path: str | Path) -> None:
    """Write a mechanism file; it is complete or absent, never half written.

    Parameters
    ----------
    mechanism : Mechanism
        Any finite mechanism; `load_mechanism` reads the same rules back, to the last digit.
    path : str or Path
        The file; if it exists, it is replaced.

    Raises
    ------
    Refusal
        The mechanism is not finite, or too large.
    InputError
        The file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import dynmech as dm
    >>> economy = dm.load("oil-leases")
    >>> with TemporaryDirectory() as folder:
    ...     save_mechanism(dm.make_mechanism("linked", economy), f"{folder}/linked.json")
    ...     again = load_mechanism(f"{folder}/linked.json", economy)
    >>> again.name, again.memory_size(0), again.memory_size(1)
    ('linked', 1, 5)
    """
    write_whole(Path(path), json.dumps(mechanism_to_data(mechanism)) + "\n")


def mechanism_to_data(mechanism: Mechanism) -> dict[str, Any]:
    """Return what the file holds, as plain data."""
    tables = mechanism.tables if isinstance(mechanism, TabulatedMechanism) else written_out(mechanism)
    environment = mechanism.environment
    assert isinstance(environment, TableEnvironment)
    promises = tables.promises
    return {
        "schema": SCHEMA,
        "kind": "mechanism",
        "name": tables.name,
        "source": tables.source,
        "agents": list(environment.agents),
        "horizon": environment.horizon,
        "promises": {
            "incentive": promises.incentive,
            "budget": promises.budget,
            "participation": promises.participation,
            "efficient": promises.efficient,
            "assumptions": list(promises.assumptions),
        },
        "lags": tables.lags,
        "transfer_bound": tables.bound,
        "periods": [_period_data(table, environment.stage(t)) for t, table in enumerate(tables.periods)],
    }


def _period_data(table: PeriodTable, stage: Stage) -> dict[str, Any]:
    """Return a period's tables as plain data; what is as it is by default is left out."""
    axes = (table.memories, *message_axes(stage, table.messages))
    tail = (*((len(stage.decisions),) if table.lottery is not None else ()), *act_tail(table.act_axes))
    data: dict[str, Any] = {"memory": table.memories}
    if stage.public:
        data["public"] = list(stage.public)
    data |= {"signals": [list(labels) for labels in stage.signals], "decisions": list(stage.decisions)}
    publics = (len(stage.public),) if stage.public else ()
    if table.messages != stage.signals or not _truthful(table):
        data["messages"] = [list(labels) for labels in table.messages]
        data["prescribed"] = [
            sent.reshape(table.memories, *publics, sent.shape[2]).tolist() for sent in table.prescribed
        ]
    if any(one.any() for one in table.default):
        data["default"] = [one.reshape(table.memories, *publics).tolist() for one in table.default]
    if table.decide is not None:
        data["decide"] = table.decide.reshape(axes).tolist()
    if table.lottery is not None:
        data["lottery"] = table.lottery.reshape(*axes, len(stage.decisions)).tolist()
    if table.charge.any():
        data["charge"] = table.charge.reshape(-1, *axes, *tail).tolist()
    if table.due.any():
        data["due"] = table.due.reshape(-1, *axes).tolist()
    if table.remember.any():
        data["remember"] = table.remember.reshape(*axes, *tail).tolist()
    if any(one is not None for one in (*table.sees, *table.replies)):
        data["sees"] = [None if seen is None else list(seen) for seen in table.sees]
        data["replies"] = [None if labels is None else list(labels) for labels in table.replies]
        data["reply"] = [
            None if labels is None else reply.reshape(*axes, *tail[: 1 if table.lottery is not None else 0]).tolist()
            for labels, reply in zip(table.replies, table.reply, strict=True)
        ]
    return data


def _truthful(table: PeriodTable) -> bool:
    """Return whether the truth is prescribed, whatever is remembered."""
    return all(np.array_equal(sent, np.broadcast_to(np.arange(sent.shape[2]), sent.shape)) for sent in table.prescribed)
