"""Write a run in a format of other programs: which there are, of which kind of run, and under which name."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dynmech.experiments.exports.sources import KINDS, Source, open_source
from dynmech.experiments.runs.foreign_folders import reading
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.whole_files import write_whole

Writer = Callable[[Source, str | None], str | bytes]
"""From a run and the mechanism that was chosen to the contents of a file."""


@dataclass(frozen=True)
class Format:
    """A format: the suffix of its files, and who writes it, by kind of run."""

    suffix: str
    writers: dict[str, Writer]


def _gambit(source: Source, mechanism: str | None) -> str:
    from dynmech.experiments.exports.gambit import nfg_text
    from dynmech.experiments.exports.payoff_tensors import payoff_tensor

    tensor = payoff_tensor(source.game(mechanism))
    if not tensor.whole:
        raise InputError(f"{source.folder}: not every profile was played; give --to gameanalysis, csv or npz")
    return nfg_text(tensor, f"{source.episodes} episodes per profile; {source.provenance.text()}")


def _gameanalysis(source: Source, mechanism: str | None) -> str:
    from dynmech.experiments.exports.gameanalysis import game_data

    return json.dumps(game_data(source.game(mechanism))) + "\n"


def _samplegame(source: Source, mechanism: str | None) -> str:
    from dynmech.experiments.exports.gameanalysis import samplegame_data
    from dynmech.experiments.tournament.from_result import sampled_game

    game = source.game(mechanism)
    folder = source.folders[game["environment"]]
    return json.dumps(samplegame_data(sampled_game(game, folder, source.result["study"]["seed"]))) + "\n"


def _csv(source: Source, mechanism: str | None) -> str:
    from dynmech.experiments.exports import tables

    if source.kind == "tournament":
        return tables.csv_text(tables.tournament_table(source, mechanism))
    from dynmech.experiments.exports.robust_tables import robust_table

    made = {"run": tables.run_table, "stress": tables.stress_table, "sweep": tables.sweep_table, "robust": robust_table}
    return tables.csv_text(made[source.kind](source))


def _latex(source: Source, mechanism: str | None) -> str:
    from dynmech.experiments.exports.latex_tables import latex_tables

    return latex_tables(source, mechanism)


def _npz(source: Source, mechanism: str | None) -> bytes:
    from dynmech.experiments.exports import arrays

    if source.kind == "tournament":
        return arrays.npz_bytes(arrays.tournament_arrays(source, mechanism))
    if source.kind == "robust":
        from dynmech.experiments.exports.robust_tables import robust_arrays

        return arrays.npz_bytes(robust_arrays(source) | arrays.about(source))
    made = {"run": arrays.run_arrays, "stress": arrays.stress_arrays, "sweep": arrays.sweep_arrays}
    return arrays.npz_bytes(made[source.kind](source))


FORMATS = {
    "gambit": Format(".nfg", {"tournament": _gambit}),
    "gameanalysis": Format(".json", {"tournament": _gameanalysis}),
    "samplegame": Format(".samplegame.json", {"tournament": _samplegame}),
    "csv": Format(".csv", dict.fromkeys(KINDS, _csv)),
    "latex": Format(".tex", dict.fromkeys(KINDS, _latex)),
    "npz": Format(".npz", dict.fromkeys(KINDS, _npz)),
}
"""The formats by name."""


@checked_arguments
def export(run: object, to: str, path: Path | str | None = None, mechanism: str | None = None) -> Path:
    """Write a run for another program: its game, its figures as arrays, or its tables.

    Parameters
    ----------
    run : str, Path, RunResult, StressResult, SweepResult, Tournament or RobustResult
        A finished run, by its folder or by what the call that played it has returned.
    to : str
        Of a tournament `gambit` (a game in strategic form, `.nfg`), `gameanalysis` (its profiles with mean payoffs)
        or `samplegame` (with payoffs by batch of episodes); of every run `csv`, `latex` (tables with booktabs) or `npz`
        (arrays with labels and standard errors, of a tournament payoff tensors).
    path : Path or str, optional
        The file to write; without one it is named after the run folder and lies in the working directory.
    mechanism : str, optional
        Of a tournament under several mechanisms the one whose game is meant; csv, latex and npz take all unless given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        It is no finished run, has nothing of this format, the file's suffix is another format's, or the file cannot be
        written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import dynmech as dm
    >>> with TemporaryDirectory() as folder:
    ...     result = dm.run("oil-leases", "linked", episodes=50, out=f"{folder}/oil")
    ...     text = dm.export(result, "csv", f"{folder}/oil.csv").read_text()
    >>> text.partition(chr(10))[0]
    'environment,mechanism,agent,strategy,payoff,payoff_half_width,gain,gain_half_width'
    """
    if to not in FORMATS:
        raise InputError(f"export: {to!r} is none of {', '.join(FORMATS)}")
    if path is not None:
        _require_own_suffix(to, Path(path))
    with reading(run):
        source, form = open_source(run), FORMATS[to]
    writer = form.writers.get(source.kind)
    if writer is None:
        here = ", ".join(name for name, other in FORMATS.items() if source.kind in other.writers)
        what = f"{KINDS[source.kind]} is no game, which {to} holds"
        raise InputError(f"{source.folder}: {what}; give --to {here}, or play a tournament")
    if mechanism is not None and source.kind != "tournament":
        raise InputError(f"{source.folder}: {KINDS[source.kind]} is exported whole; leave out --mechanism")
    file = Path(path) if path is not None else Path(f"{source.name}{form.suffix}")
    with reading(source.folder):
        content = writer(source, mechanism)
    write_whole(file, content)
    return file


def _require_own_suffix(to: str, path: Path) -> None:
    """Raise if the name of a file says that it is of another format; suffixes that no format has are all right."""
    own, ending = FORMATS[to].suffix, path.suffix.lower()
    others = [name for name, form in FORMATS.items() if ending and form.suffix.endswith(ending)]
    if others and to not in others:
        raise InputError(
            f"export: {path}: {ending} is of {others[0]}; let the name end in {own}, or give --to {others[0]}"
        )
