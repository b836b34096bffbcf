"""`dynmech report RUN -o run.html`: what a run found, as one self-contained file.

It is made from the folder alone: `result.json`, which every command leaves there, and `run.json`. No link to anywhere;
names are shown, never run. One script, ours, sorts and filters tables; the page's policy names its hash, so that no
other runs, and without it the page is complete. A folder of tournaments on several economies makes one page.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dynmech.experiments.figures.html_tables import style
from dynmech.experiments.figures.html_text import isolated, name, names, profile
from dynmech.experiments.report.drawing import strip_svg
from dynmech.experiments.report.run_page import run_context
from dynmech.experiments.report.stress_page import stress_context, tag
from dynmech.experiments.report.toml_text import toml_text
from dynmech.experiments.report.tournament_page import tournament_context
from dynmech.experiments.runs.failures import said_once
from dynmech.experiments.runs.foreign_folders import reading
from dynmech.experiments.runs.moments import amount, signed
from dynmech.experiments.runs.rerun_command import checked_command
from dynmech.experiments.runs.results import open_runs, read_whole
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.plain_text import BIDIRECTIONAL
from dynmech.sim.core.whole_files import write_whole

CONTEXTS = {"stress": stress_context, "run": run_context, "tournament": tournament_context}
"""What each kind of page needs."""


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
    context = CONTEXTS[result["kind"]](result)
    script = _script()
    shared = {"style": Markup(style()), "script": Markup(script), "script_hash": _hash(script)}
    return template.render(result=result, runs=made, command=command, **shared, **context)


def _script() -> str:
    """Return the script that sorts and filters tables."""
    return files(__package__).joinpath("templates", "tables.js").read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return what the page's policy calls a script by; it covers every byte between its tags."""
    return b64encode(sha256(script.encode()).digest()).decode()


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
        "name": name,
        "isolated": isolated,
        "profile": profile,
        "names": names,
        "strip": strip_svg,
        "tag": tag,
        "pretty": lambda data: json.dumps(data, indent=1, ensure_ascii=False),
        "said_once": said_once,
        "toml": toml_text,
        "study": _study,
    }
    return environment


def _plain(value: Any) -> Any:
    """Return what is to be shown; plain text cannot change the direction of what follows it."""
    return BIDIRECTIONAL.sub("\ufffd", value) if type(value) is str else value


def _study(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study without what is empty."""
    return {key: value for key, value in study.items() if value not in (None, "", {}, [])}


@checked_arguments
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
