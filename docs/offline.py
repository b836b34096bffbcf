"""A page must open without a network: whatever it would load from elsewhere is a warning, and so fails the build."""

import re
from collections.abc import Iterable
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

LOADED = re.compile(r"""<(?:img|script|iframe|link|source)\b[^>]*?\b(?:src|href)=["']((?:https?:)?//[^"']+)""")


def outside(body: str, files: Iterable[object]) -> list[str]:
    """Addresses elsewhere that a page's body or its files refer to; links that a reader follows are none.

    >>> outside('<a href="https://a.org">A</a> <img src="https://b.org/b.png">', ["_static/c.css", "//d.org/d.js"])
    ['//d.org/d.js', 'https://b.org/b.png']
    """
    names = [str(getattr(file, "filename", file)) for file in files]
    return [name for name in names if re.match(r"(?:https?:)?//", name)] + LOADED.findall(body)


def check(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Warn of a page that loads anything."""
    files = [*context.get("css_files", ()), *context.get("script_files", ())]
    for address in outside(context.get("body", ""), files):
        logging.getLogger(__name__).warning("page %r loads %s: pages must open offline", page, address)


def setup(app: Sphinx) -> dict[str, bool]:
    """As a Sphinx extension."""
    app.connect("html-page-context", check, priority=900)  # when all others have had their say
    return {"parallel_read_safe": True, "parallel_write_safe": True}
