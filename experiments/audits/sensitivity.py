"""On which number of the economy a gain hangs: `audit --sensitivity`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from dynmech.agents.robustness.derivatives import Derivatives
from dynmech.agents.robustness.deviations import Hinges, ex_ante_hinges, ex_post_hinges
from dynmech.agents.robustness.robust_values import walk_of
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, AuditedGain
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import figure, first_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.labels import profile_text
from dynmech.sim.economy.stage import Stage, labels_text

CHANGE = 0.01
"""Of a probability, of the discount factor, or of a utility relative to the scale: what an effect is of."""

SMALL = 1e-9
"""A gain up to which a lie is said to gain nothing."""

MOST = 200
"""Rows kept per kind of information."""

COLUMNS = ("information", "agent", "gain", "unique", "input", "label", "value", "derivative", "effect")


def with_sensitivity(audit: Audit) -> Audit:
    """Return the audit with its sensitivity among the details, where JSON and screen find it.

    Raises:
        InputError: there is no exact search of agents one by one.
        Refusal: it is too large.
    """
    return replace(audit, details={**audit.details, "sensitivity": sensitivity_rows(audit)})


def check_sensitivity(request: AuditRequest) -> None:
    """Raise InputError where an audit is asked for that has no sensitivity, before it is made."""
    if given := [name for name in request.given() if name not in ("--tolerance", "--all-states")]:
        raise InputError(f"audit: --sensitivity: is of exact gains of agents one by one, not with {', '.join(given)}")


def sensitivity_rows(audit: Audit) -> list[dict[str, Any]]:
    """Return the derivative of the largest gain in every input of the economy, largest effects first.

    Of best responses: ex ante, of the agent that gains most; and ex post, at the state of its largest gain. Where
    nobody gains ex post, of the lie that loses least. Inputs: `law` and `prior` (mass moves to an outcome from all
    others in proportion), `utility` of the deviator, `discount`. The mechanism stays as it is.

    Raises:
        InputError, Refusal: as `with_sensitivity`.
    """
    check_sensitivity(audit.request)
    game = audit.game
    if audit.backend != "exact" or game is None:
        raise InputError("audit: --sensitivity: gains are not exact here; their derivatives are not known")
    rows = []
    for information, hinges_of in (("ex_ante", ex_ante_hinges), ("ex_post", ex_post_of(audit.tolerance))):
        best = [g for g in audit.figures if g.family == "best_response" and g.information == information]
        known = [gain for gain in best if gain.kind == "exact"]
        if not known:
            continue
        rows += _rows(game, known, hinges_of)
    return rows


def ex_post_of(tolerance: float) -> "Callable[..., Hinges]":
    """Return `ex_post_hinges` with its tolerance."""
    return lambda walk: ex_post_hinges(walk, tolerance)


def _rows(game: FiniteGame, gains: Sequence[AuditedGain], hinges_of: Callable[..., Hinges]) -> list[dict[str, Any]]:
    """Return the rows of one kind of information."""
    environment = game.environment
    agent = environment.agents.index(first_of(gains, lambda gain: gain.gain).agent)
    hinges = hinges_of(walk_of(game, agent))
    shared: dict[str, Any] = {
        "information": hinges.information,
        "agent": environment.agents[agent],
        "gain": hinges.derivatives.value,
        "unique": hinges.unique,
    }
    rows = [
        {**shared, "input": kind, "label": label, "value": value, "derivative": slope, "effect": slope * CHANGE * unit}
        for kind, label, value, slope, unit in _inputs(environment, agent, hinges.derivatives)
    ]
    least = 1e-9 * environment.scale
    kept = [row for row in rows if abs(row["derivative"]) > least]
    return sorted(kept, key=lambda row: -abs(row["effect"]))[:MOST]


Input = tuple[str, str, float, float, float]
"""Kind, label, value, derivative, and the unit in which it changes."""


def _inputs(environment: TableEnvironment, agent: int, told: Derivatives) -> Iterator[Input]:
    """Yield every number of the economy that the gain may hang on."""
    name = environment.agents[agent]
    for s, stage in enumerate(environment.stages):
        when = f" in period {s}" if len(environment.stages) > 1 else ""
        law, following = told.law[s], environment.stages[min(s + 1, len(environment.stages) - 1)]
        if law is not None and isinstance(stage.kernel, IndependentKernel):
            yield from _independent(environment, stage, following, stage.kernel, law, when)
        elif law is not None and isinstance(stage.kernel, JointKernel):
            yield from _joint(stage, following, stage.kernel, law, when)
        for event in np.flatnonzero(told.utility[s]):
            d, k = divmod(int(event), stage.size)
            label = f"utility of {name} from decision {stage.decisions[d]} at {_profile(stage, k)}{when}"
            value = float(stage.utility[agent].reshape(-1)[event])
            yield "utility", label, value, float(told.utility[s][event]), environment.scale
    prior = environment.prior.reshape(-1)
    slopes = told.prior - told.prior @ prior
    for profile in np.flatnonzero((prior > 0) & (prior < 1)):
        label = f"P({profile_text(environment, 0, int(profile))}) at first"
        yield "prior", label, float(prior[profile]), float(slopes[profile]), 1.0
    yield "discount", "the discount factor", environment.discount, told.discount, 1.0


def _profile(stage: Stage, k: int) -> str:
    return f"({labels_text(stage.labelled_axes, k)})"


def _joint(stage: Stage, following: Stage, kernel: JointKernel, law: FloatArray, when: str) -> Iterator[Input]:
    """Yield probabilities of next profiles."""
    rows = kernel.rows().reshape(law.shape)
    slopes = law - (law * rows).sum(axis=1, keepdims=True)
    for event, k in np.argwhere((rows > 0) & (rows < 1) & (slopes != 0)):
        d, before = divmod(int(event), stage.size)
        text = f"P({labels_text(following.labelled_axes, int(k))} | {labels_text(stage.labelled_axes, before)})"
        label = f"{text} after decision {stage.decisions[d]}{when}"
        yield "law", label, float(rows[event, k]), float(slopes[event, k]), 1.0


def _independent(
    environment: TableEnvironment, stage: Stage, following: Stage, kernel: IndependentKernel, law: FloatArray, when: str
) -> Iterator[Input]:
    """Yield probabilities of every axis' next signals."""
    owners = [*(["the public state"] * stage.offset), *environment.agents]
    for j, factor in enumerate(kernel.factors):
        slopes = factor_slopes(kernel, law, j)
        slopes -= (slopes * factor).sum(axis=2, keepdims=True)
        now, then = stage.labelled_axes[j], following.labelled_axes[j]
        for d, a, b in np.argwhere((factor > 0) & (factor < 1) & (slopes != 0)):
            label = f"P({then[b]} | {now[a]}) of {owners[j]} after decision {stage.decisions[d]}{when}"
            yield "law", label, float(factor[d, a, b]), float(slopes[d, a, b]), 1.0


def factor_slopes(kernel: IndependentKernel, law: FloatArray, axis: int) -> FloatArray:
    """Return derivatives in one axis' table, `(D, A_j, A'_j)`, from those in the law of the profile, `(D S, S')`."""
    count, axes, after = kernel.decisions, kernel.axes, kernel.next_axes
    table = law.reshape(count, *axes, *after)
    others = kernel.others(axis).reshape(count, *axes, prod(after) // after[axis])
    moved = np.moveaxis(table, 1 + len(axes) + axis, -1).reshape(count, *axes, -1, after[axis])
    joint = (moved * others[..., None]).sum(axis=-2)
    rest = tuple(1 + k for k in range(len(axes)) if k != axis)
    out: FloatArray = joint.sum(axis=rest)
    return out


def hinge_sentences(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return, per kind of information, the input that the gain hangs on most."""
    out = []
    for information in dict.fromkeys(row["information"] for row in rows):
        first = next(row for row in rows if row["information"] == information)
        by = "1 % of the scale" if first["input"] == "utility" else f"{CHANGE:g}"
        sure = "" if first["unique"] else " (several deviations do equally well: one way only)"
        known, effect, size = information.replace("_", " "), first["effect"], figure(abs(first["effect"]))
        if first["gain"] > SMALL:
            text = f"The gain of {first['agent']} {known}, {figure(first['gain'])}, hangs most on {first['label']}: "
            text += f"{by} more {'adds' if effect > 0 else 'takes off'} {size}"
        else:
            text = f"No lie of {first['agent']} gains anything {known}; the one that loses least loses "
            text += f"{figure(max(0.0, -first['gain']))}, which hangs most on {first['label']}: by {by} more it loses "
            text += f"{size} {'less' if effect > 0 else 'more'}"
        out.append(f"{text}{sure}.")
    return out
