"""What becomes of bills: enforced, or paid voluntarily, and then what follows where an agent does not pay.

Enforced payments are always made. They are debited without a word, or, where it is asked for (`billed`), each bill and
its payment are events between the designer's and the agent's process, and stand in the log.

Every period the designer bills each agent: this period's charge, and what falls due. Being paid is never refused. Where
payment is voluntary, an agent that leaves a shortfall of any size, `grace` periods after the bill was due, is in
*default*. Who is in good standing is public.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name

RULES = ("exclude", "ignore")
"""What follows a default: the agent is out from the next period on, or nothing."""

PAYMENTS = ("enforced", "billed", "voluntary")

AUTO = "auto"
"""A deposit that is worked out: for each agent the least with which no default gains."""


@dataclass(frozen=True)
class PaymentTerms:
    """The terms on which bills are sent and answered.

    Attributes:
        voluntary: whether agents may pay as they like; if not, they answer every bill by paying it.
        default: `exclude`: the decision of that period stands; from then on the agent's messages are replaced by
            defaults, it neither pays nor is paid, and its payoff is its outside option, 0 unless the economy names one.
            `ignore`: nothing follows.
        grace: periods within which a bill can still be paid, with interest by 1/δ; at the end of a finite horizon all
            is due at once.
        deposit: what is lost at default, in units of utility of that period; a number for all agents, or `auto`. It
            lies in escrow from the start and bears (1 − δ)/δ a period, so that it costs who pays nothing.
    """

    default: str = "exclude"
    grace: int = 0
    deposit: float | str = 0.0
    voluntary: bool = True

    def __post_init__(self) -> None:
        if self.default not in RULES:
            raise InputError(
                f"default: {shown(self.default)} is none of {', '.join(RULES)}{near_name(str(self.default), RULES)}"
            )
        if not isinstance(self.grace, int) or isinstance(self.grace, bool) or self.grace < 0:
            raise InputError(f"grace: {shown(self.grace)} is not a whole number of periods, 0 or more")
        if self.deposit != AUTO and not (isinstance(self.deposit, int | float) and isfinite(self.deposit)):
            raise InputError(f"deposit: {shown(self.deposit)} is neither a number nor {AUTO!r}")
        if self.deposit != AUTO and float(self.deposit) < 0:
            raise InputError(f"deposit: {float(self.deposit):g} is below 0")

    @property
    def excludes(self) -> bool:
        """Whether who is in default is out."""
        return self.default == "exclude"

    def data(self) -> dict[str, Any]:
        """Plain data."""
        if not self.voluntary:
            return {"billed": True}
        return {"default": self.default, "grace": self.grace, "deposit": self.deposit}


def payment_terms(
    payments: str, default: str | None = None, grace: int | None = None, deposit: float | str | None = None
) -> PaymentTerms | None:
    """Return the terms on which bills are sent and answered; None where payments are debited.

    Raises:
        InputError: an unknown word, a number out of range, or an option that enforced payments leave no room for.

    >>> payment_terms("enforced") is None, payment_terms("voluntary", grace=1)
    (True, PaymentTerms(default='exclude', grace=1, deposit=0.0, voluntary=True))
    """
    if payments not in PAYMENTS:
        hint = near_name(payments, PAYMENTS)
        raise InputError(f"payments: {shown(payments)} is none of {', '.join(PAYMENTS)}{hint}")
    asked = {"default": default, "grace": grace, "deposit": deposit}
    if payments != "voluntary":
        if idle := [name for name, value in asked.items() if value is not None]:
            raise InputError(f"{idle[0]}: only with payments=voluntary, as enforced payments are always made")
        return None if payments == "enforced" else PaymentTerms(voluntary=False)
    return PaymentTerms(**{name: _number(name, value) for name, value in asked.items() if value is not None})


def _number(name: str, value: Any) -> Any:
    """Return a deposit as a number, if it is typed as one."""
    if name != "deposit" or not isinstance(value, str) or value == AUTO:
        return value
    try:
        return float(value)
    except ValueError:
        return value
