"""Packages that are installed beside ours and offer strategies, mechanisms and scenarios."""

from pathlib import Path
from textwrap import dedent

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES

REGISTRIES = (SCENARIOS, MECHANISMS, STRATEGIES)

STRATEGY = '''
from pathlib import Path
import numpy as np
from dynmech.agents.strategies.base import Strategy
Path(__file__).with_suffix(".imported").touch()

class Shade(Strategy):
    """Reports a step lower."""
    name = "shade"
    def __init__(self, step: int = 1):
        self.step = step
    def message(self, view):
        return np.maximum(view.prescribed - self.step, 0)
'''

MECHANISM = '''
import numpy as np
from dynmech.mechanisms.rules.base import DirectMechanism

class Lump(DirectMechanism):
    """Everybody pays a fee whatever happens, and more for the highest report."""
    name = "lump"
    def __init__(self, environment, fee: float = 0.5):
        super().__init__(environment)
        self.fee = fee
    def charge(self, now, messages, decision, acts):
        return self.fee + np.where(messages == messages.max(axis=1, keepdims=True), 1.0, 0.0)
    def transfer_bound(self):
        return self.fee + 1
'''

SCENARIO = '''
from dynmech.experiments.scenarios.base import Scenario
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction

class Bazaar(Scenario):
    """Two sales."""
    name = "bazaar"
    def build(self):
        return RepeatedAuction(values=2, horizon=2).build()
'''

ALL_THREE = {
    "dynmech.strategies": {"shade": "shady.strategies:Shade"},
    "dynmech.mechanisms": {"lump": "shady.rules:Lump"},
    "dynmech.scenarios": {"bazaar": "shady.places:Bazaar"},
}


def install(
    site: Path,
    name: str,
    points: dict[str, dict[str, str]],
    modules: dict[str, str],
    *,
    version: str = "1.0",
) -> None:
    """What pip leaves behind: a package and a folder of metadata beside it."""
    (site / name).mkdir(parents=True, exist_ok=True)
    for module, source in {"__init__": "", **modules}.items():
        (site / name / f"{module}.py").write_text(dedent(source), encoding="utf-8")
    metadata = site / f"{name}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    text = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in points.items()
    )
    (metadata / "entry_points.txt").write_text(text, encoding="utf-8")


def install_shady(site: Path) -> None:
    """The sound package, one thing of each kind."""
    install(site, "shady", ALL_THREE, {"strategies": STRATEGY, "rules": MECHANISM, "places": SCENARIO})


def offering(value: str, name: str = "odd") -> dict[str, dict[str, str]]:
    return {"dynmech.strategies": {name: value}}
