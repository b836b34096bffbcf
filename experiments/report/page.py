"""`dynmech report RUN -o run.html`: what a run found, as one self-contained file.

It is made from the folder alone: `result.json`, which every command leaves there, and `run.json`. No script, no link to
anywhere; names are shown, never run. A folder of tournaments on several economies makes one page.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dynmech.experiments.report.run_page import run_context
from dynmech.experiments.report.stress_page import stress_context
from dynmech.experiments.report.toml_text import toml_text
from dynmech.experiments.report.tournament_page import tournament_context
from dynmech.experiments.runs.failures import said_once
from dynmech.experiments.runs.foreign_folders import reading
from dynmech.experiments.runs.moments import amount, signed
from dynmech.experiments.runs.rerun_command import checked_command
from dynmech.experiments.runs.results import open_runs, read_whole
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.plain_text import BIDIRECTIONAL
from dynmech.sim.core.whole_files import write_whole

CONTEXTS = {"stress": stress_context, "run": run_context, "tournament": tournament_context}
"""What each kind of page needs."""

BREAKS = re.compile(r"(?<=_)|(?<=\.)(?=\d+-)")
"""Where the name of a profile may break."""


def render_report(folder: Path | str) -> str:
    """Return the page of a run folder, or of the folder of a tournament on several economies.

    Raises
    ------
    InputError
        It is no run folder, or its run has not been finished.
    """
    with reading(folder):
        return _rendered(folder)


def _rendered(folder: Path | str) -> str:
    """As `render_report`."""
    runs, result = open_runs(folder), read_whole(folder)
    if result["kind"] not in CONTEXTS:
        what = "a sweep" if result["kind"] == "sweep" else "a comparison of estimates or laws"
        raise InputError(
            f"{folder}: there is no page of {what}; `{result['kind']}` itself writes a table and a picture"
        )
    template = _templates().get_template(f"{result['kind']}.html")
    made = [{**run.manifest, "folder": run.folder.name} for run in runs]
    command = checked_command(result["kind"], result.get("command"))
    return template.render(result=result, runs=made, command=command, **CONTEXTS[result["kind"]](result))


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("dynmech.experiments.report"), autoescape=True, undefined=StrictUndefined
    )
    environment.finalize = _plain
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {
        "amount": lambda value, digits=2: "–" if value is None else amount(float(value), digits),
        "signed": lambda value, digits=2: "–" if value is None else signed(float(value), digits),
        "share": lambda value, top: 0 if not value or value <= 0 or not top else round(100 * value / top),
        "name": _name,
        "isolated": _isolated,
        "profile": _profile,
        "names": lambda names: _listed([_name(one) for one in names]),
        "pretty": lambda data: json.dumps(data, indent=1, ensure_ascii=False),
        "said_once": said_once,
        "toml": toml_text,
        "study": _study,
    }
    return environment


def _plain(value: Any) -> Any:
    """Return what is to be shown; plain text cannot change the direction of what follows it."""
    return BIDIRECTIONAL.sub("\ufffd", value) if type(value) is str else value


def _isolated(text: object) -> Markup:
    """Return a text whose direction of writing ends with it."""
    return Markup("<bdi>{}</bdi>").format(text)


def _name(text: object) -> Markup:
    """Return a user's text, shown as it is; lines may break after , and :, its direction of writing ends with it."""
    return Markup("<bdi>{}</bdi>").format(text).replace(",", Markup(",<wbr>")).replace(":", Markup(":<wbr>"))


def _profile(name: str) -> Markup:
    """Return the name of a profile, breaking only between roles and between strategies."""
    pieces = [Markup('<span class="piece">{}</span>').format(one) for one in BREAKS.split(name)]
    return Markup("<bdi>{}</bdi>").format(Markup("<wbr>").join(pieces))


def _listed(names: list[Markup]) -> Markup:
    """Return names as `a, b and c`."""
    if len(names) < 2:
        return Markup("").join(names)
    return Markup(" and ").join([Markup(", ").join(names[:-1]), names[-1]])


def _study(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study without what is empty."""
    return {key: value for key, value in study.items() if value not in (None, "", {}, [])}


def report(folder: Path | str, target: Path | str) -> Path:
    """Write a run as one page that opens offline.

    Parameters
    ----------
    folder : Path or str
        The folder of a finished stress test, run or tournament; of one on several economies: the folder above theirs.
    target : Path or str
        The HTML file to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        It is no run folder, its run has not been finished, or the file cannot be written.
    """
    text, path = render_report(folder), Path(target)
    write_whole(path, text)
    return path
