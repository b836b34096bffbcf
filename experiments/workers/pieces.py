"""Do pieces of work and record them: what every command has in common, whatever a piece is.

A piece is one call whose value has an entry for each of its keys: `key`, `files`, `summary`. What fails twice is
recorded with its reason; what users wrote may fail, an error of dynmech's own ends the run.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pool import Call, Done, Workers
from dynmech.sim.log.run_folder import RunFolder


@dataclass(frozen=True, eq=False)
class Piece:
    """One call, and what comes of it.

    Attributes:
        keys: its entries' names in the journal.
        users: the parts that users wrote, as `mechanism 'mine'`; empty: ours alone.
        function, thing, args, parcel: of the call.
        kind: pieces of one kind are not tried any more once one had to be ended from outside; empty: always tried.
    """

    keys: tuple[str, ...]
    users: tuple[str, ...]
    function: Callable[..., list[dict[str, Any]]]
    thing: Any
    parcel: Callable[[], Parcel]
    args: tuple[Any, ...] = ()
    kind: str = ""

    @property
    def whose(self) -> str:
        """Whose code it runs, in words."""
        return " or ".join(self.users)


def do_pieces(pieces: Iterable[Piece], folder: RunFolder, workers: Workers, advance: Callable[[int], None]) -> None:
    """Do pieces and record them; `pieces` are made only as workers become free.

    Raises:
        DynmechError: code of ours fails.
        StorageError: nothing more can be written.
    """
    ended: dict[str, str] = {}
    for result in workers.run(_calls(pieces, folder, ended, advance)):
        piece: Piece = result.key
        if result.answer.error is None:
            remark = f"{piece.whose}: {result.answer.wrote}" if result.answer.wrote else ""
            folder.record(*result.answer.value, remark=remark)
        elif result.answer.bare or piece.users:
            _fail(piece, result, folder, ended)
        else:
            raise result.answer.error
        advance(len(piece.keys))


def _calls(
    pieces: Iterable[Piece], folder: RunFolder, ended: dict[str, str], advance: Callable[[int], None]
) -> Iterator[Call]:
    """Yield a call per piece that is worth trying."""
    for piece in pieces:
        reason = ended.get(piece.kind)
        if reason is None:
            yield Call(piece, piece.function, piece.thing, piece.parcel, piece.args, bool(piece.users))
            continue
        for key in piece.keys:
            folder.fail(key, f"not tried, as another of its shards failed: {reason}", 0)
        advance(len(piece.keys))


def _fail(piece: Piece, result: Done, folder: RunFolder, ended: dict[str, str]) -> None:
    """Record why a piece failed."""
    reason = attribute_error(piece.users, result)
    for key in piece.keys:
        folder.fail(key, reason, result.tries)
    if result.answer.bare and piece.users and piece.kind:
        ended[piece.kind] = reason


def attribute_error(users: Iterable[str], result: Done) -> str:
    """Return an error as one line that says whose code raised it."""
    text, whose = str(result.answer.error), " or ".join(users)
    return f"{whose}: {text}" if result.answer.bare and whose else text
