"""`design`: goals in, an audited mechanism or the reason why there is none out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.accepted import MechanismLike, as_environment, as_mechanism
from dynmech.experiments.certificates.certifying import save_certificate
from dynmech.experiments.certificates.infeasibility import infeasibility
from dynmech.experiments.designs.design_result import Design
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.mechanisms.design.clashes import GoalLattice
from dynmech.mechanisms.design.decision_rule import DecisionRule, efficient_rule, rule_of
from dynmech.mechanisms.design.designed_mechanism import designed_mechanism
from dynmech.mechanisms.design.given_transfers import repairing
from dynmech.mechanisms.design.goals import MAXIMISED, MINIMISED, Goals, Memory
from dynmech.mechanisms.design.seeking import Found, Task, seek, task
from dynmech.mechanisms.tables.mechanism_files import save_mechanism
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.whole_files import require_place
from dynmech.sim.economy.environment import TableEnvironment

GAIN = 1e-9
"""Gains above this share of the economy's scale are an error of the program's."""


def design(
    environment: object,
    *,
    rule: MechanismLike = "efficient",
    memory: str = "last",
    incentive: str = "ex-post",
    participation: str = "none",
    budget: str = "none",
    budget_level: str = "ex-post",
    largest: float | None = None,
    margin: float = 0.0,
    maximise: str | None = None,
    minimise: str | None = None,
    near: MechanismLike | None = None,
    out: str | Path | None = None,
    certificate: str | Path | None = None,
    progress: Progress = silent,
) -> Design:
    """Return a mechanism that does what is asked, or the goals that cannot be had together.

    Parameters
    ----------
    environment : str, path or Environment
        A finite economy, or its name or file.
    rule : str, class or Mechanism
        What is decided: `efficient`, or the rule of a mechanism that decides by the current reports alone.
    memory : str
        What transfers may depend on beside the current reports: `none`, `last`, `lags=L`, or `history` (finite
        horizons).
    incentive : str
        `ex-post`: truth is best whatever the others' current signals are; `bayesian`; or `none`.
    participation : str
        `none`, `ex-ante`, `interim`, `ex-post`, `exit` (leaving at any time never pays) or `default` (taking
        the decision without paying never pays; leaving before it may).
    budget : str
        `none`, `no-deficit` or `balanced`.
    budget_level : str
        Where the budget counts: `ex-post`, `period` or `ex-ante`.
    largest : float, optional
        A bound on every transfer; without one feasibility is decided within 1000 times the economy's scale.
    margin : float
        By how much every lie must lose.
    maximise, minimise : str, optional
        What is best among mechanisms that do it: `revenue` or `margin`, or `largest` (the largest transfer, unless
        something else is asked for) or `deficit`; of a repair `change` (the largest change of a transfer) or
        `total-change` (all changes added up).
    near : str, class or Mechanism, optional
        A mechanism to repair: its rule is kept, and its transfers are changed as little as possible.
    out : str or Path, optional
        The mechanism file to write.
    certificate : str or Path, optional
        Where to write the proof that there is none, for `dynmech verify`; packed where its name ends in `.gz`.
    progress : callable
        Told what is being done.

    Returns
    -------
    Design
        The mechanism, its transfers and its audit; or what clashes.

    Raises
    ------
    InputError
        A goal is none of those listed, or goals contradict each other.
    Refusal
        The economy is not finite, the rule does not fit, or the program would be too large.

    Notes
    -----
    By the one-shot-deviation principle truth is a best response after every history iff no single lie gains at any
    state that own lies and the others' truth can lead to; that is linear in transfers. Among transfers that are
    best, those with the least sum of squares are returned, so that the tables are unique.

    Examples
    --------
    >>> import dynmech as dm
    >>> result = dm.design("oil-leases", incentive="ex-post")
    >>> result.status, round(result.objective, 6)
    ('possible', 3.25)
    >>> dm.design("oil-leases", memory="none").clashes
    (('truthful firm 1',),)
    """
    require_place(out, certificate)
    economy = as_environment(environment)
    if not isinstance(economy, TableEnvironment):
        raise Refusal(f"design: environment {economy.name!r} is not finite; give a grid of it")
    goals = Goals(
        memory=Memory.read(memory),
        incentive=incentive,
        participation=participation,
        budget=budget,
        budget_level=budget_level,
        largest=largest,
        margin=margin,
        objective=objective(maximise, minimise or ("change" if near is not None and maximise is None else None)),
    )
    refuse_what_is_not_offered(goals, near is not None)
    own = None if near is None else as_mechanism(near, economy)
    asked = task(economy, as_rule(rule, economy) if own is None else rule_of(own), goals)
    if own is not None:
        asked = repairing(asked, own)
    result = answer(asked, progress)
    if out is not None and result.mechanism is not None:
        save_mechanism(result.mechanism, out)
        result = replace(result, path=str(out))
    if certificate is not None and result.proof is not None:
        save_certificate(result.proof, Path(certificate))
        result = replace(result, certificate=str(certificate))
    return result


def objective(maximise: str | None, minimise: str | None) -> str:
    """Return what is best.

    Raises
    ------
    InputError
        Both are given, or one is none of those listed.

    >>> objective(None, None), objective("revenue", None)
    ('largest', 'revenue')
    """
    if maximise is not None and minimise is not None:
        raise InputError("design: --maximise and --minimise: give one of them")
    if maximise is not None and maximise not in MAXIMISED:
        raise InputError(f"maximise {maximise!r}: it is none of {', '.join(MAXIMISED)}")
    if minimise is not None and minimise not in MINIMISED:
        raise InputError(f"minimise {minimise!r}: it is none of {', '.join(MINIMISED)}")
    return maximise or minimise or "largest"


def refuse_what_is_not_offered(goals: Goals, repair: bool) -> None:
    """Refuse goals that no program here states.

    Raises
    ------
    Refusal
        Which, and what would be possible.
    """
    if goals.participation == "default" and goals.incentive == "bayesian":
        raise Refusal("participation default: offered with --incentive ex-post or none, not with bayesian")
    if goals.budget == "none" and goals.budget_level != "ex-post":
        raise InputError(f"budget-level {goals.budget_level}: of which budget? give --budget no-deficit or balanced")
    changes = goals.objective in ("change", "total-change")
    if repair and not changes:
        raise InputError(f"near: a repair changes little; --minimise change or total-change, not {goals.objective}")
    if repair and (goals.incentive, goals.participation, goals.budget) == ("none", "none", "none"):
        raise InputError(
            "near: nothing is asked, so nothing is to repair; give --incentive, --participation or --budget"
        )
    if changes and not repair:
        raise InputError(f"minimise {goals.objective}: from which mechanism? give --near MECHANISM")


def as_rule(rule: MechanismLike, environment: TableEnvironment) -> DecisionRule:
    """Return the decision rule that is meant.

    Raises
    ------
    InputError
        No such mechanism.
    Refusal
        It does not fit, or decides by what it remembers.
    """
    if rule == "efficient":
        return efficient_rule(environment)
    if rule == "free":
        raise Refusal("rule free: not offered here; --rule efficient, a mechanism, or `dynmech bound` would do")
    return rule_of(as_mechanism(rule, environment))


def answer(asked: Task, progress: Progress = silent) -> Design:
    """Solve, audit what was found, or say what clashes."""
    done = progress(f"design of {asked.environment.name}", 3)
    found = seek(asked)
    done(1)
    if found.status == "possible":
        result = _audited(asked, found)
        done(2)
        return result
    result = _without(asked, found)
    done(2)
    return result


def _audited(asked: Task, found: Found) -> Design:
    """Return the mechanism with its audit; what the exact search refutes is open."""
    mechanism = designed_mechanism(asked, found)
    verdict = audit(asked.environment, mechanism, exit=asked.goals.participation == "exit")
    kind = "ex_post" if asked.goals.incentive == "ex-post" else "interim"
    gains = [one.gain for one in verdict.figures if (one.family, one.information) == ("best_response", kind)]
    most = max(gains, default=0.0)
    if asked.goals.incentive != "none" and not most <= GAIN * asked.unit:
        reason = f"The exact search finds a gain of {most:.3g} in what the program found: an error of the program's."
        return Design(asked, "open", found, reason=reason)
    return Design(asked, "possible", found, mechanism, verdict)


def _without(asked: Task, found: Found) -> Design:
    """Return what clashes, and whether that is proved."""
    lattice = GoalLattice(asked.problem, asked.inside)
    clashes = lattice.minimal_clashes()
    if not clashes:
        return Design(asked, "open", found, reason="The solver gave up, or goals are missed by less than it can tell.")
    names = tuple(tuple(lattice.names[k] for k in sorted(clash)) for clash in clashes)
    gives = {lattice.names[k]: lattice.relaxation(k) for k in sorted(lattice.everything)}
    amounts = {name: None if value is None else value * asked.unit for name, value in gives.items()}
    proof = infeasibility(asked, lattice, clashes)
    if proved(proof):
        return Design(asked, "impossible", found, clashes=names, relaxations=amounts, certified=True, proof=proof)
    reason = "The solver finds no transfers that do it, but no proof that there are none."
    return Design(asked, "open", found, clashes=names, relaxations=amounts, reason=reason)


def proved(proof: dict[str, Any]) -> bool:
    """Return whether the separate checker accepts a proof."""
    from dynmech.experiments.certificates import verify_infeasible

    try:
        verify_infeasible.check(json.loads(json.dumps(proof)))
    except (verify_infeasible.verify.Unproved, verify_infeasible.verify.Malformed):
        return False
    return True
