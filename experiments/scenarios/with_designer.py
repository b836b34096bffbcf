"""Any other economy with the designer as its last agent, who takes the money, bears the costs and may be asked.

What everybody knows, wants and can do is as in the base economy. A mechanism such as `commitment` can then let the
designer choose, and what it gains by breaking its word is searched as any agent's gain is.

Who would care: whoever must believe a designer that learns as it goes, and the designer who would like to be believed.
"""

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.registry import Registry
from dynmech.sim.economy.designer_seat import has_designer, with_designer
from dynmech.sim.economy.environment import Environment, TableEnvironment


class WithDesigner(Scenario):
    """A base economy and its designer.

    Args:
        base: an economy, or the name of one that needs no options. As text with options:
            `base=repeated-auction:values=2`, several joined by `+`.
    """

    name = "with-designer"
    source = "any economy of the others; the designer's seat is ours"
    summary = "another economy whose designer is an agent too, and may break its word"

    def __init__(self, base: str | Environment = "oil-leases") -> None:
        known = Registry("scenario", Scenario, "dynmech.experiments.scenarios")  # type: ignore[type-abstract]
        made = known.get(base)().build() if isinstance(base, str) else base
        if not isinstance(made, TableEnvironment):
            raise InputError(f"base: {made.name!r} is not finite; its designer cannot be seated")
        if has_designer(made):
            raise InputError(f"base: {made.name!r} has a designer among its agents already")
        self.base = made

    def build(self) -> TableEnvironment:
        """Return the base economy with the designer's seat."""
        return with_designer(self.base)
