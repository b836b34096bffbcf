"""Put a changed function in place of a loaded one, so that nothing has to be imported anew.

It runs in the copy and imports nothing of ours.
"""

import gc
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType


def replace(path: Path, before: str, after: str) -> bool:
    """Give the functions loaded from a file the code that they have after a change; False where that cannot be done.

    Both texts differ within one function. Every function object that is made of it is found, wrapped or not.
    """
    changed = [
        (old, new) for old, new in zip(_functions(before, path), _functions(after, path), strict=True) if old != new
    ]
    if len(changed) != 1:
        return False
    ((old, new),) = changed
    if sum(code.co_qualname == old.co_qualname for code in _functions(before, path)) != 1:
        return False  # two of the same name: which one is loaded is not known
    if old.co_freevars != new.co_freevars:
        return False
    # Not isinstance: some objects of a full process (dead proxies) cannot be asked what they are.
    functions: list[FunctionType] = [one for one in gc.get_objects() if type(one) is FunctionType]
    loaded = [one for one in functions if _is(one.__code__, old, path)]
    for function in loaded:
        function.__code__ = new
    return bool(loaded)


def _is(code: CodeType, wanted: CodeType, path: Path) -> bool:
    return code.co_qualname == wanted.co_qualname and Path(code.co_filename).resolve() == path.resolve()


def _functions(source: str, path: Path) -> list[CodeType]:
    """The code of every function that stands in no other one, in order."""
    return list(_within(compile(source, str(path), "exec", dont_inherit=True)))


def _within(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if not isinstance(constant, CodeType):
            continue
        # A class' body has a name of its own and makes no locals; a function does.
        if constant.co_flags & 0x2:
            yield constant
        else:
            yield from _within(constant)
