"""Where truth breaks: a profile from which nobody gains much, beside the truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynmech.agents.beliefs.equilibrium_search import Judged, find_equilibrium
from dynmech.agents.beliefs.played_profile import PlayedProfile
from dynmech.agents.beliefs.profile_files import memory_data, message_labels, own_rows, save_profile
from dynmech.agents.beliefs.profiles import Profile, prescribed_profile
from dynmech.agents.beliefs.recall import RECALLS
from dynmech.experiments.audits.audit_request import TOLERANCE
from dynmech.experiments.audits.audit_result import Truth
from dynmech.experiments.audits.belief_audit import worth_of
from dynmech.experiments.catalog.accepted import MechanismLike, as_environment, as_mechanism, described
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.ties import figure
from dynmech.sim.economy.environment import Environment, TableEnvironment

if TYPE_CHECKING:
    import pandas as pd

ROUNDS = 128
"""Rounds of fictitious play."""


@dataclass(frozen=True, eq=False, repr=False)
class Equilibrium(ShownResult):
    """A profile, what everybody gains from leaving it, and what it is worth beside the truth.

    Attributes
    ----------
    names : tuple of str
        Economy and mechanism.
    judged : Judged
        The profile and the largest gains from it, ex ante.
    tolerance : float
        Relative to the economy's scale: up to which a gain is none.
    worth, truth : Truth
        What the profile is worth, and the truth.
    """

    names: tuple[str, str]
    judged: Judged
    tolerance: float
    worth: Truth
    truth: Truth

    @property
    def profile(self) -> Profile:
        """The profile: `dynmech.audit(…, profile=…)` takes it."""
        return self.judged.profile

    @property
    def environment(self) -> TableEnvironment:
        """The economy."""
        return self.profile.game.environment

    @property
    def epsilon(self) -> float:
        """The largest gain of any agent from any deviation, ex ante; an upper bound of it."""
        return self.judged.epsilon

    @property
    def found(self) -> bool:
        """Whether nobody gains more than the tolerance."""
        return self.epsilon <= self.tolerance * self.environment.scale

    @checked_arguments
    def save(self, path: str | Path) -> None:
        """Write the profile as a file, which `audit --profile` takes.

        Parameters
        ----------
        path : str or Path
            The JSON file; it is complete or absent, never half written.
        """
        save_profile(self.profile, path)

    def data(self) -> dict[str, Any]:
        """Return everything as plain data."""
        agents = self.environment.agents
        return {
            "environment": self.names[0],
            "mechanism": self.names[1],
            "agents": list(agents),
            "scale": self.environment.scale,
            "tolerance": self.tolerance,
            "found": self.found,
            "epsilon": {"lower": self.judged.at_least, "upper": self.epsilon},
            "gains": [
                {"agent": name, "lower": max(0.0, gain.lower - gain.error), "upper": gain.upper + gain.error}
                for name, gain in zip(agents, self.judged.gains, strict=True)
            ],
            "recall": self.profile.recall,
            "rounds": self.judged.rounds,
            "truthful": self.profile.is_prescribed,
            "profile": asdict(self.worth),
            "truth": asdict(self.truth),
            "situations": situations(self.profile),
        }

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        scale = self.environment.scale
        name = f"{self.names[1]} on {self.names[0]}"
        if self.profile.is_prescribed and self.found:
            return f"{name}: the truth is an equilibrium: no deviation gains anything ex ante."
        rounds = f"after {self.judged.rounds} round{'s' * (self.judged.rounds != 1)} of replies"
        if self.found:
            return f"{name}: {rounds} an equilibrium: no deviation from it gains anything ex ante."
        most = figure(self.epsilon, 4, scale=scale)
        gains = f"at most {most}" if self.judged.at_least < 0.999 * self.epsilon else most
        where = "the truth itself" if self.profile.is_prescribed else f"a profile, {rounds},"
        return f"{name}: no equilibrium was found; from {where} some deviation gains {gains} ex ante."

    def lines(self) -> list[str]:
        """Return the sentence, and payoffs, welfare and revenue beside the truth."""
        told = [f"{what} {profile:.6g} (truth {truth:.6g})" for what, profile, truth in self.rows()]
        return [self.sentence, ", ".join(told)]

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return what is compared, and the profile."""
        import pandas as pd

        return {"comparison": self.comparison, "profile": pd.DataFrame(situations(self.profile))}

    @property
    def comparison(self) -> "pd.DataFrame":
        """A row per figure: under the profile, under the truth."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=["what", "profile", "truth"])

    def rows(self) -> list[tuple[str, float, float]]:
        """Return what is compared: payoffs, welfare, revenue, and net revenue where there is a cost."""
        worth, truth = self.worth, self.truth
        assert worth.payoff is not None
        assert truth.payoff is not None
        pairs = zip(self.environment.agents, worth.payoff, truth.payoff, strict=True)
        out = [(f"payoff of {name}", one, other) for name, one, other in pairs]
        kinds = ["welfare", "revenue"]
        if any(bool(stage.cost_table.any()) for stage in self.environment.stages):
            kinds.append("net_revenue")
        return out + [(kind.replace("_", " "), getattr(worth, kind), getattr(truth, kind)) for kind in kinds]


def situations(profile: Profile) -> list[dict[str, Any]]:
    """Return what everybody sends, a row per situation in which there is a choice."""
    out = []
    environment = profile.game.environment
    for t in range(profile.game.entries):
        stage = environment.stage(t)
        for i, name in enumerate(environment.agents):
            labels = message_labels(profile.game, t, i)
            if len(labels) == 1:
                continue
            rows, of_row = own_rows(profile, t, i)
            first = np.unique(of_row, return_index=True)[1]
            for row, at in zip(rows, first, strict=True):
                for (o, k), _ in np.ndenumerate(profile.chances[t][i][at, ..., 0]):
                    chances = profile.chances[t][i][at, o, k]
                    sent = {labels[r]: float(chances[r]) for r in np.flatnonzero(chances)}
                    public = {"public": stage.public[o]} if stage.public else {}
                    recalled = memory_data(profile, t, i, row)
                    asked = labels[int(profile.game.tables[t].prescribed[i][recalled["memory"], o, k])]
                    out.append(
                        {"period": t, "agent": name, "signal": stage.signals[i][k], **public, "recalled": recalled,
                         "sends": sent, "prescribed": asked}
                    )  # fmt: skip
    return out


@checked_arguments
def equilibrium(
    environment: object,
    mechanism: MechanismLike,
    *,
    recall: str = "auto",
    tolerance: float = TOLERANCE,
    rounds: int = ROUNDS,
    progress: Progress = silent,
) -> Equilibrium:
    """Look for an equilibrium of a mechanism: what may be played where truth is not best.

    Parameters
    ----------
    environment : str, path or Environment
        A finite economy, or its name or file.
    mechanism : str, class or Mechanism
        A mechanism, a class, or a name with options.
    recall : {"auto", "none", "reports", "signals"}
        What strategies may depend on beside the own signal and the mechanism's memory: nothing; last period's messages
        and decision; also the own last signal. `auto` tries one after the other until a profile is found.
    tolerance : float
        Up to which a gain is none, relative to the economy's scale.
    rounds : int
        Of fictitious play, at most, where replies in turn cycle.
    progress : callable
        Told the name and the number of pieces of every phase; returns what is called as pieces are done.

    Returns
    -------
    Equilibrium
        The best profile that was found: `epsilon`, the largest gain of any agent from any deviation, ex ante, exactly
        (or an upper bound of it, where beliefs are endless); payoffs, welfare and revenue beside the truth.

    Raises
    ------
    InputError
        No such name, or an option that makes no sense.
    Refusal
        The economy or the mechanism is not finite, too large, or acts on replies or observed actions.

    Notes
    -----
    Agents reply in turn until nobody changes anything; where that cycles, by fictitious play in behaviour strategies.
    Strategies are those that recall no more than `recall`; deviations are any at all.

    Examples
    --------
    >>> import dynmech as dm
    >>> result = dm.equilibrium("oil-leases-prior", "cremer-mclean")
    >>> result.found, round(result.worth.revenue, 6), round(result.truth.revenue, 6)
    (True, 9.0, 9.0)
    >>> result.comparison.set_index("what").loc["payoff of firm 1"].round(6).tolist()
    [5.5, 3.5]
    """
    economy = as_environment(environment)
    rules = as_mechanism(mechanism, economy)
    names = described(environment, economy.name), described(mechanism, rules.name)
    return search_equilibrium(economy, rules, names, recall, tolerance, rounds, progress)


def search_equilibrium(
    economy: Environment,
    rules: Mechanism,
    names: tuple[str, str],
    recall: str,
    tolerance: float,
    rounds: int,
    progress: Progress,
) -> Equilibrium:
    """Look for an equilibrium of an opened game; see `equilibrium`."""
    if not isinstance(economy, TableEnvironment):
        raise Refusal(f"equilibrium: environment {economy.name!r} is not finite")
    if recall not in ("auto", *RECALLS):
        raise InputError(f"recall: {recall!r} is none of auto, {', '.join(RECALLS)}")
    if not tolerance >= 0:
        raise InputError(f"tolerance: {tolerance:g} is below 0")
    if rounds < 1:
        raise InputError(f"rounds: {rounds} is below 1")
    assert isinstance(rules.environment, TableEnvironment)
    game = FiniteGame(rules.environment, rules)
    advance = progress("looking for an equilibrium", 0)
    best: Judged | None = None
    refused: Refusal | None = None
    for one in _recalls(recall, game):
        try:
            judged = find_equilibrium(game, one, tolerance * game.environment.scale, rounds, advance)
        except Refusal as error:
            refused = error
            continue
        best = judged if best is None or judged.epsilon < best.epsilon else best
        if best.epsilon <= tolerance * game.environment.scale:
            break
    if best is None:
        assert refused is not None
        raise refused
    worth, truth = (worth_of(PlayedProfile.of(one)) for one in (best.profile, prescribed_profile(game)))
    return Equilibrium(names, best, tolerance, worth, truth)


def _recalls(recall: str, game: FiniteGame) -> Sequence[str]:
    """Return what is tried, in order: the most first where the horizon is finite, else the least first."""
    if recall != "auto":
        return (recall,)
    return RECALLS if game.environment.horizon is None else RECALLS[::-1]
