"""How Sphinx builds these pages: `sphinx-build -W docs build/docs`."""

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from docs.markdown import restructured  # noqa: E402 - found through the path above
from docs.reference import write_reference  # noqa: E402

project = "dynmech"
author = "the dynmech authors"
copyright = "the dynmech authors, MIT licence"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docs.mathml",
    "docs.name_index",
    "docs.navigation",
    "docs.typography",
    "docs.offline",
]
suppress_warnings = ["ref.python"]  # attributes of several classes share a name; their lists need no links
exclude_patterns = ["_build"]
default_role = "literal"
add_module_names = False
toc_object_entries = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_use_type_comments = False  # there are none, and looking for them parses every module once per member
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_use_ivar = True  # attributes as a list: autodoc shows each as a member already
napoleon_attr_annotations = False  # the signature has the types
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "dynmech"
html_static_path = ["static"]
html_css_files = ["dynmech.css"]
html_math_renderer = "mathml"
html_copy_source = False
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
"""What a button copies is what one types: no prompts, and no output of a session."""


def in_rst(_app: object, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Docstrings are Markdown; autodoc reads reStructuredText."""
    lines[:] = restructured(lines)


ARRAY = re.compile(r"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[~?(?:typing|numpy)\.(\w+)\]\]")
ALIASES = {"int64": "IntArray", "float64": "FloatArray", "bool": "BoolArray", "Any": "Array"}
"""Names of arrays in `dynmech.sim.core.arrays`, by the type of their elements."""


def with_aliases(
    _app: object, _what: str, _name: str, _object: object, _options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Arrays by the names that the code gives them."""
    return tuple(_aliased(text) for text in (signature, returns))  # type: ignore[return-value] # two in, two out


def _aliased(text: str | None) -> str | None:
    return text and ARRAY.sub(lambda match: ALIASES.get(match[1], match[0]), text)


def without_search(app: Any) -> None:
    """No page of a check is searched; the index would stem every word of the reference."""
    app.builder.search = False


def setup(app: Any) -> None:
    """The reference's pages are written before Sphinx looks for pages."""
    write_reference(HERE / "reference")
    app.add_object_type("test", "test", objname="test")
    app.connect("autodoc-process-docstring", in_rst, priority=400)  # before napoleon, at 500
    app.connect("autodoc-process-signature", with_aliases)
    if app.tags.has("check"):  # `sphinx-build -t check` is after warnings; neither gives any
        app.connect("builder-inited", without_search)
    else:
        app.setup_extension("sphinx.ext.viewcode")
