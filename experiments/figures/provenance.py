"""What makes a run again: its seed, the hash of its configuration and its command, for files that leave its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynmech.sim.core.errors import InputError
from dynmech.sim.log.run_folder import read_manifest

STUDY = "dynmech tournament, study in run.json"
"""What is said of a tournament whose study was not read from a file."""


@dataclass(frozen=True)
class Provenance:
    """Where a file comes from; what is not known is left out.

    Attributes:
        seed: of all random numbers.
        configuration: the hash of the run's configuration.
        command: the line that makes the run again.
    """

    seed: int | None = None
    configuration: str = ""
    command: str = ""

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any], command: str | None = None) -> "Provenance":
        """Return that of a run by the contents of its `run.json`."""
        study = manifest["configuration"].get("command") == "tournament"
        return cls(manifest.get("seed"), manifest["configuration_hash"], command or (STUDY if study else ""))

    @classmethod
    def of_folder(cls, folder: Path, command: str | None = None) -> "Provenance":
        """Return that of a run folder; of one that is gone, the command alone."""
        try:
            return cls.of_manifest(read_manifest(folder), command)
        except InputError:
            return cls(command=command or "")

    def fields(self) -> dict[str, str]:
        """Return what is known, by name.

        >>> Provenance(0, "5f3a", "dynmech stress oil-leases").fields()
        {'Seed': '0', 'Configuration': '5f3a', 'Command': 'dynmech stress oil-leases'}
        """
        seed = "" if self.seed is None else str(self.seed)
        named = {"Seed": seed, "Configuration": self.configuration, "Command": self.command}
        return {name: text for name, text in named.items() if text}

    def text(self) -> str:
        """Return the same on one line.

        >>> Provenance(0, "5f3a", "dynmech stress oil-leases").text()
        'seed 0; configuration 5f3a; command: dynmech stress oil-leases'
        """
        command = f"command: {self.command}" if self.command else ""
        known = [f"{name.lower()} {value}" for name, value in self.fields().items() if name != "Command"]
        return " ".join("; ".join([*known, command] if command else known).split())
