"""The list of pages beside a page of the reference: made once for each folder, where no entry is the page itself.

The theme asks for it on every page, and it is the same on all that stand in no table of contents: modules and sources.
"""

from functools import partial
from typing import Any

from sphinx.application import Sphinx

ALIKE = ("reference/dynmech.", "_modules/")
"""How the names of such pages begin."""


def share(
    made: dict[str, str], _app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: object
) -> None:
    """Have pages of one folder use the list of the first of them; links are relative to the folder."""
    if page.startswith(ALIKE) and "orphan" in (context.get("meta") or {"orphan": True}):
        context["toctree"] = partial(_once, made, page.rpartition("/")[0], context["toctree"])


def _once(made: dict[str, str], folder: str, make: Any, **options: Any) -> str:
    key = f"{folder} {sorted(options.items())}"
    if key not in made:
        made[key] = make(**options)
    return made[key]


def setup(app: Sphinx) -> dict[str, bool]:
    """As a Sphinx extension."""
    app.connect("html-page-context", partial(share, {}), priority=100)  # before the theme asks
    return {"parallel_read_safe": True, "parallel_write_safe": True}
