"""What one agent gains by lies and payments, beside lies alone; the deposit with which no default gains."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dynmech.agents.oracle.deposits import Deposit, find_deposit
from dynmech.agents.oracle.gains import Search, Values, family_gains, search_deviator
from dynmech.agents.oracle.payments import build_payment_problem
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.play.payment_terms import AUTO, PaymentTerms


@dataclass(frozen=True, eq=False, kw_only=True)
class PaymentSearch(Search):
    """What one agent can gain by lies and payments.

    Attributes:
        needed: the least deposit with which no default gains; None where beliefs are not covered.
        held: the deposit that it has put down.
        lies: the problem in which every bill is paid, of which `figures` and `values` of the family `lies` are.
    """

    needed: Deposit | None
    held: float
    lies: Problem


def search_payments(
    game: FiniteGame,
    who: tuple[int, ...],
    terms: PaymentTerms,
    *,
    all_states: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> PaymentSearch:
    """Return what one agent gains: every family over lies and payments, and the family `lies` with every bill paid.

    Raises:
        Refusal: too large; or the deposit is to be worked out, and messages do not reveal what the others know.
    """
    problem = build_payment_problem(game, who, terms)
    needed, refused = None, ""
    try:
        needed = find_deposit(problem)
    except Refusal as error:
        refused = str(error)
    if terms.deposit == AUTO and needed is None:
        raise Refusal(f"audit: deposit: it cannot be worked out: {refused}")
    held = needed.amount if terms.deposit == AUTO and needed else float(terms.deposit)
    search = search_deviator(problem.with_deposit(held), all_states=all_states, advance=advance)
    lies = build_problem(game, who)
    values = _values(lies)
    figures = {**search.figures, Family.LIES: family_gains(lies, values, Family.LIES, all_states)}
    kept = {key: value for key, value in values.items() if key[0] is Family.LIES}
    parts = replace(
        search,
        values={**search.values, **kept},
        figures=figures,
        deposit=None if needed is None else needed.amount,
    )
    return PaymentSearch(**vars(parts), needed=needed, held=held, lies=lies)


def _values(lies: Problem) -> Values:
    """Return what prescribed play and the best lies are worth where every bill is paid."""
    values: Values = {}
    for information in Information:
        for family in (Family.PRESCRIBED, Family.LIES):
            if information is Information.EX_POST or lies.silence is None:
                values[family, information] = solve(lies, family, information)
    return values
