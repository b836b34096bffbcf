"""A scenario: an economy with a name and options."""

from abc import ABC, abstractmethod
from typing import ClassVar

from dynmech.sim.economy.environment import Environment


class Scenario(ABC):
    """Options are the keyword parameters of `__init__`; `build` makes the environment.

    Attributes:
        name: how it is called on the command line.
        source: where in the literature it stands.
        summary: what it is, in one sentence.
    """

    name: ClassVar[str]
    source: ClassVar[str] = ""
    summary: ClassVar[str] = ""

    @abstractmethod
    def build(self) -> Environment:
        """The environment."""
