"""What somebody may have meant who typed a name that is not there."""

from collections.abc import Iterable


def near_name(typed: object, known: Iterable[object]) -> str:
    """Return `; did you mean 'NAME'?` for the known name that is most like what was typed; nothing if none is.

    >>> near_name("decision", ("everything", "decisions", "own")), near_name("zzz", ("own",))
    ("; did you mean 'decisions'?", '')
    >>> near_name("Firm-1", ("firm 1", "firm 2"))
    "; did you mean 'firm 1'?"
    """
    from difflib import get_close_matches  # not needed until something is wrong

    names = {str(name).casefold(): str(name) for name in known}
    close = get_close_matches(str(typed).casefold(), names, n=1)
    return f"; did you mean {names[close[0]]!r}?" if close else ""
