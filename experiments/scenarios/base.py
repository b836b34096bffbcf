"""The base class of scenarios: economies with a name and options."""

from abc import ABC, abstractmethod
from typing import ClassVar

from dynmech.sim.economy.environment import Environment


class Scenario(ABC):
    """An economy with a name and options; users derive from it.

    The options are the keyword parameters of `__init__`, with a type and a default each. On the command line, in study
    files and for `dynmech.load` the economy is then `name:key=value,…`. What is wrong with an option is raised as
    `dynmech.DynmechError` in one line, which names the option.

    Attributes
    ----------
    name : str
        What it is called on the command line: letters and digits with `-`, `.` and `_` between.
    source : str
        Where in the literature it stands.
    summary : str
        What it is, in one sentence.

    Examples
    --------
    >>> import numpy as np
    >>> from dynmech.sim.economy.builders import single_object
    >>> class Sale(Scenario):
    ...     name = "sale"
    ...     summary = "one object for two bidders, whose values are drawn anew each time"
    ...
    ...     def __init__(self, discount: float = 0.9) -> None:
    ...         self.discount = discount
    ...
    ...     def build(self) -> Environment:
    ...         anew = np.full((3, 2, 2), 0.5)  # P(next value | decision, value); decisions: nobody, bidder 1, bidder 2
    ...         return single_object([[0, 1], [0, 1]], [anew, anew], np.full((2, 2), 0.25), self.discount)
    >>> Sale().build().agents
    ('bidder 1', 'bidder 2')
    """

    name: ClassVar[str]
    source: ClassVar[str] = ""
    summary: ClassVar[str] = ""

    @abstractmethod
    def build(self) -> Environment:
        """Build the economy from the options.

        Returns
        -------
        Environment
            A `TableEnvironment` (finite signals and decisions), or one that is given by functions.
        """
