"""Names and texts of users in HTML: shown as they are, never run, and unable to turn the text around them."""

import re

from markupsafe import Markup

PROFILE_BREAKS = re.compile(r"(?<=_)|(?<=\.)(?=\d+-)")
"""Where the name of a profile may break."""


def isolated(text: object) -> Markup:
    """Return a text whose direction of writing ends with it."""
    return Markup("<bdi>{}</bdi>").format(text)


def name(text: object) -> Markup:
    """Return a user's text, shown as it is; lines may break after , and :, its direction of writing ends with it."""
    return isolated(text).replace(",", Markup(",<wbr>")).replace(":", Markup(":<wbr>"))


def names(texts: list[str]) -> Markup:
    """Return names as `a, b and c`."""
    found = [name(text) for text in texts]
    if len(found) < 2:
        return Markup("").join(found)
    return Markup(" and ").join([Markup(", ").join(found[:-1]), found[-1]])


def profile(text: str) -> Markup:
    """Return the name of a profile, breaking only between roles and between strategies."""
    pieces = [Markup('<span class="piece">{}</span>').format(one) for one in PROFILE_BREAKS.split(text)]
    return Markup("<bdi>{}</bdi>").format(Markup("<wbr>").join(pieces))
