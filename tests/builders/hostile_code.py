"""How hostile plug-ins are written: a sound strategy, mechanism or scenario, of which one part is replaced."""

from textwrap import dedent, indent
from typing import NamedTuple


class Hostile(NamedTuple):
    """One hostile plug-in.

    Attributes:
        name: what it does, in words; different for each.
        kind: `strategy`, `mechanism` or `scenario`.
        hostility: `raises`, `hangs`, `ends`, `allocates`, `garbage`, `changes` or `writes`.
        source: the file.
        says: a regular expression for what is said of it: in the one line of a command that fails, or in the note
            beside results that it does not spoil (unwanted output; a family that is not tried).
        command: what brings it out, see `CALLS`.
        may_pass: whether it may also do no harm, so that nothing is said and the command succeeds.
    """

    name: str
    kind: str
    hostility: str
    source: str
    says: str
    command: str = "run"
    may_pass: bool = False


CALLS: dict[tuple[str, str], list[str]] = {
    ("strategy", "run"): ["run", "oil-leases", "linked", "--strategy", "firm 1=hostile"],
    ("strategy", "stress"): ["stress", "oil-leases", "--mechanism", "linked"],
    ("mechanism", "run"): ["run", "oil-leases", "hostile"],
    ("mechanism", "endless"): ["run", "repeated-auction:values=2,discount=0.5", "hostile"],
    ("scenario", "run"): ["run", "hostile", "team"],
    ("scenario", "numbers"): ["run", "hostile", "any-rule"],
}
"""Command lines by kind and command; `--plugin`, `--episodes` and `--out` come after."""

HEAD = """
    import gc, os, random, signal, subprocess, sys, threading, time, warnings
    import numpy as np
    from dynmech.agents.strategies.base import Strategy
    from dynmech.experiments.scenarios.base import Scenario
    from dynmech.experiments.scenarios.oil_leases import OilLeases
    from dynmech.mechanisms.rules.base import Mechanism
    from dynmech.mechanisms.groves.team import Team
    from dynmech.sim.economy.function import FunctionEnvironment
    from dynmech.sim.core.spaces import Finite, Interval
"""


def strategy(body: str, method: str = "message(self, view)", before: str = "", inside: str = "") -> str:
    """A strategy that tells the truth but for one method; `before` and `inside` its class stand other definitions."""
    truth = "" if method.startswith("message") else "def message(self, view):\n    return view.prescribed\n"
    decorator = "@classmethod\n" if method.startswith("candidates") else ""
    methods = f"{truth}{decorator}def {method}:\n{indent(dedent(body).strip(), '    ')}\n"
    return file("class Hostile(Strategy):", f"{dedent(inside)}\n{methods}", before)


CHARGE = "charge(self, now, messages, decision, acts)"


def mechanism(body: str, method: str = CHARGE, before: str = "", inside: str = "") -> str:
    """The team mechanism but for one rule."""
    decorator = "@property\n" if method.startswith("lags") else ""
    methods = f"{decorator}def {method}:\n{indent(dedent(body).strip(), '    ')}\n"
    return file("class Hostile(Team):", f"{dedent(inside)}\n{methods}", before)


def scenario(body: str, method: str = "build(self)", before: str = "") -> str:
    """The oil leases but for one method."""
    truth = "" if method.startswith("build") else "def build(self):\n    return OilLeases().build()\n"
    methods = f"{truth}def {method}:\n{indent(dedent(body).strip(), '    ')}\n"
    return file("class Hostile(Scenario):", methods, before)


def on_numbers(**parts: str) -> str:
    """A scenario given by functions, of two firms and two periods, in which some parts are replaced."""
    sound = {
        "agents": "('firm 1', 'firm 2')",
        "discount": "1.0",
        "horizon": "2",
        "signals": "(Finite(('4', '6')),) * 2",
        "decisions": "Finite(('1', '2'))",
        "law": "lambda t, last, decision, u: (u < 0.5).astype(int)",
        "payoff": "lambda t, signals, decision: signals * 1.0",
        "bound": "1.0",
    }
    arguments = ", ".join(f"{key}={value}" for key, value in {**sound, **parts}.items())
    return scenario(f"return FunctionEnvironment(name='hostile', {arguments})", before=ANY_RULE)


ANY_RULE = """
    class AnyRule(Mechanism):
        name = 'any-rule'
        def messages(self, t, agent):
            return self.environment.signal_space(t, agent)
        def prescribed(self, now, agent, signal):
            return signal
        def decide(self, now, messages):
            return messages[:, 0]
        def transfer_bound(self):
            return 0.0
"""
"""A mechanism that sells nothing, for economies that are given by functions."""


def file(opening: str, body: str, before: str) -> str:
    inside = indent(f"name = 'hostile'\nsource = 'a planted violation'\n{body}", "    ")
    return f"{dedent(HEAD)}\n{dedent(before)}\n\n{opening}\n    '''Hostile.'''\n\n{inside}"


TRUTH = "return view.prescribed"
LATE = "still running after"
