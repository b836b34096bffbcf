"""Files that users name, as somebody might hand them over: sound ones of every format, and what may be done to them."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import dynmech as dm

Use = Callable[[Path], object]
"""What the program does with a file."""

LONG_HORIZON = 12
"""Periods beyond which an economy that could be read is not audited."""

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 10**6, 10**9, 2**63, -(2**63), 10**400, 0.5, -0.5, 1e-320, 1e308, -1e308),
    *(float("nan"), float("inf"), -float("inf"), "", "x", "0", "\0", "\x1b[2J", "\ud800", "é" * 300, "x" * 5000),
    *([], [[]], [[[]]], [0], [1.0], ["a"], ["a", "a"], {}, {"a": 1}, {"": {}}, [None], [True]),
)
"""Values of every kind, to stand where another is expected."""


class Format(NamedTuple):
    """A format of files: how the name of one ends, a sound one, and what is done with it."""

    ending: str
    sound: bytes
    use: Use


def formats(group: str, folder: Path) -> dict[str, Format]:
    """The formats of a group, by name."""
    makers = {"economies": _economies, "mechanisms": _mechanisms, "proofs": _proofs, "data": _data, "studies": _studies}
    return makers[group](folder)


FORMATS = {
    "economies": ("economy", "endless economy", "counts", "chains"),
    "mechanisms": ("mechanism", "endless mechanism", "near", "profile", "terms"),
    "proofs": ("certificate", "infeasibility"),
    "data": (".csv", ".csv.gz", ".csv.xz", ".parquet", "map"),
    "studies": ("study", "tournament"),
}
"""Every format that the program reads from users, by group."""


def _saved(folder: Path, name: str, write: Callable[[Path], object]) -> bytes:
    write(folder / name)
    return (folder / name).read_bytes()


def _economy(path: Path) -> None:
    """Read an economy, and ask what a lie gains."""
    economy = dm.load(path)
    if economy.horizon is None or economy.horizon <= LONG_HORIZON:
        dm.audit(economy, "team")


def _economies(folder: Path) -> dict[str, Format]:
    rows = dm.simulate("oil-leases", "linked", episodes=40, seed=1).outcomes()
    rows.to_csv(folder / "log.csv", index=False)
    leases, stock = dm.load("oil-leases"), dm.load("repeated-auction:values=2,bidders=2")
    assert isinstance(leases, dm.TableEnvironment)
    assert isinstance(stock, dm.TableEnvironment)
    counted = dm.estimate(folder / "log.csv", "oil-leases", smoothing=1.0).environment
    trade = {"costs": [0, 1], "values": [1, 2], "seller": [[1, 0], [0, 1]], "buyer": [[0.5, 0.5], [0, 1]]}
    return {
        "economy": Format(".json", _saved(folder, "a.json", partial(dm.save_environment, leases)), _economy),
        "endless economy": Format(".json", _saved(folder, "b.json", partial(dm.save_environment, stock)), _economy),
        "counts": Format(".json", _saved(folder, "c.json", partial(dm.save_environment, counted)), _economy),
        "chains": Format(".json", json.dumps(trade).encode(), lambda path: dm.load(f"bilateral-trade:chain={path}")),
    }


def _mechanisms(folder: Path) -> dict[str, Format]:
    profile = dm.equilibrium("oil-leases-prior", "cremer-mclean")
    profile.save(folder / "p.json")
    linked = dm.make_mechanism("linked", dm.load("oil-leases"))
    pivot = dm.make_mechanism("pivot", dm.load("repeated-auction:values=2,bidders=2"))
    terms = {"phi": [[0.0, 1.0], [0.5, 0.0]]}
    return {
        "mechanism": Format(
            ".json",
            _saved(folder, "m.json", partial(dm.save_mechanism, linked)),
            lambda path: dm.audit("oil-leases", str(path)),
        ),
        "endless mechanism": Format(
            ".json",
            _saved(folder, "n.json", partial(dm.save_mechanism, pivot)),
            lambda path: dm.audit("repeated-auction:values=2,bidders=2", str(path)),
        ),
        "near": Format(".json", (folder / "m.json").read_bytes(), lambda path: dm.design("oil-leases", near=str(path))),
        "profile": Format(
            ".json",
            (folder / "p.json").read_bytes(),
            lambda path: dm.audit("oil-leases-prior", "cremer-mclean", profile=path),
        ),
        "terms": Format(
            ".json",
            json.dumps(terms).encode(),
            lambda path: dm.audit("repeated-auction:values=2,bidders=2", f"groves:phi={path}"),
        ),
    }


def _proofs(folder: Path) -> dict[str, Format]:
    dm.certify(dm.audit("oil-leases-prior", "cremer-mclean"), folder / "proof.json")
    dm.design("oil-leases", memory="none", certificate=folder / "clash.json")
    return {
        "certificate": Format(".json", (folder / "proof.json").read_bytes(), dm.verify),
        "infeasibility": Format(".json", (folder / "clash.json").read_bytes(), dm.verify),
    }


def _data(folder: Path) -> dict[str, Format]:
    rows = dm.simulate("oil-leases", "linked", episodes=6, seed=1).outcomes()
    rows.to_csv(folder / "few.csv", index=False)
    rows.to_csv(folder / "few.csv.gz", index=False)
    rows.to_csv(folder / "few.csv.xz", index=False)
    rows.to_parquet(folder / "few.parquet")

    def use(path: Path) -> object:
        return dm.estimate(path, "oil-leases")

    return {
        name: Format(name, (folder / f"few{name}").read_bytes(), use)
        for name in (".csv", ".csv.gz", ".csv.xz", ".parquet")
    } | {
        "map": Format(
            ".json",
            _saved(folder, "map.json", lambda path: dm.possibility_map("oil-leases", memories=["none"], out=path)),
            lambda path: repr(dm.possibility_map("oil-leases", memories=["none"], out=path)),
        )
    }


def _studies(_folder: Path) -> dict[str, Format]:
    study = (
        b'environment = "oil-leases"\nmechanism = "linked"\nepisodes = 4\nseed = 3\n[strategies]\n"firm 1" = "random"\n'
    )
    league = (
        b'environment = "oil-leases"\nmechanisms = ["linked", "team"]\nepisodes = 4\n'
        b'[strategies]\ntruth = "truthful"\nlie = "misreport:map=flip"\n'
    )
    return {
        "study": Format(".toml", study, dm.load_study),
        "tournament": Format(".toml", league, dm.load_tournament),
    }


# Few bytes that ask for much


def bombs(sound: bytes) -> dict[str, bytes]:
    """Small files of a format in JSON that ask for much time or memory, by what they ask for."""
    asked: dict[str, Any] = {
        "many agents": _many_agents,
        "a long horizon": lambda data: _everywhere(data, "horizon", 2**20 - 1),
        "a longer horizon": lambda data: _everywhere(data, "horizon", 10**9),
        "many memories": lambda data: _everywhere(data, "memory", 10**9),
        "many actions": lambda data: _everywhere(data, "private_actions", [[f"a{k}" for k in range(60)]] * 6),
        "actions far apart": lambda data: _everywhere(data, "sees", [[0, 10**9], [0, 10**9]]),
        "many replies": lambda data: _everywhere(data, "replies", [[f"r{k}" for k in range(3000)]] * 2),
        "many decisions": lambda data: _everywhere(data, "decisions", [f"d{k}" for k in range(100_000)]),
        "many lags": lambda data: _everywhere(data, "lags", 10**9),
        "a discount close to 1": lambda data: _everywhere(data, "discount", 1 - 1e-16),
        "tiny chances": lambda data: _everywhere(data, "prior", 5e-324),
    }
    out = {}
    for what, change in asked.items():
        data = json.loads(sound)
        change(data)
        changed_bytes = json.dumps(data).encode()
        if changed_bytes != json.dumps(json.loads(sound)).encode():
            out[what] = changed_bytes
    return {**out, "empty lists": b"[" + b"[]," * 1_000_000 + b"[]]", "depth": b"[" * 900 + b"]" * 900}


def _everywhere(data: Any, key: str, value: Any) -> None:
    """Put a value wherever a key stands."""
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for part in inside:
        _everywhere(part, key, value)
    if isinstance(data, dict) and key in data:
        data[key] = value


def _many_agents(data: Any) -> None:
    """Forty agents with two signals each."""
    agents = [f"agent {k}" for k in range(40)]
    _everywhere(data, "agents", agents)
    _everywhere(data, "signals", [["low", "high"]] * len(agents))


# What may be done to them


def hostile(sound: bytes, luck: random.Random) -> bytes:
    """A file with something wrong in what it says, or in its bytes."""
    if luck.random() < 0.75:
        try:
            data = json.loads(sound)
        except ValueError:
            return damaged(sound, luck)
        for _ in range(luck.choice((1, 1, 1, 2, 4))):
            data = changed(data, luck)
        return json.dumps(data).encode("utf-8", "surrogatepass")
    return damaged(sound, luck)


def changed(data: Any, luck: random.Random) -> Any:
    """JSON with one value that is another, is gone, stands twice, or lies deeper."""
    places = list(_places(data))
    path = luck.choice(places)
    if not path:
        return deepcopy(luck.choice(ODD))
    inside = data
    for step in path[:-1]:
        inside = inside[step]
    last = path[-1]
    match luck.randrange(8):
        case 0 | 1 | 2:
            inside[last] = deepcopy(luck.choice(ODD))
        case 3:
            del inside[last]
        case 4 if isinstance(inside, list):
            inside.insert(last, json.loads(json.dumps(inside[last])))
        case 4:
            inside[luck.choice(("", "x", "schema", "kind", "__class__"))] = deepcopy(luck.choice(ODD))
        case 5:
            inside[last] = [inside[last]]
        case 6:
            for _ in range(luck.choice((70, 400))):
                inside[last] = [inside[last]]
        case _ if isinstance(inside[last], int | float) and not isinstance(inside[last], bool):
            inside[last] = luck.choice((inside[last] + 1, -inside[last], inside[last] * 1e6, inside[last] + 1e-7))
        case _:
            other = luck.choice(places)
            found = data
            for step in other:
                found = found[step]
            inside[last] = json.loads(json.dumps(found))
    return data


def _places(data: Any, path: tuple[Any, ...] = (), depth: int = 12) -> Any:
    """Every place in JSON, as the steps that lead there; of long lists the first few."""
    yield path
    if depth and isinstance(data, dict):
        for key, value in data.items():
            yield from _places(value, (*path, key), depth - 1)
    elif depth and isinstance(data, list):
        for k, value in enumerate(data[:5]):
            yield from _places(value, (*path, k), depth - 1)


def damaged(data: bytes, luck: random.Random) -> bytes:
    """A file with some bytes changed, gone, or said twice."""
    out = bytearray(data)
    for _ in range(luck.choice((1, 1, 2, 5, 30))):
        place = luck.randrange(len(out) + 1)
        length = luck.choice((1, 2, 10, 200))
        match luck.randrange(6):
            case 0:
                out[place : place + 1] = bytes([luck.choice((0, 10, 34, 44, 127, 128, 255, luck.randrange(256)))])
            case 1 if place < len(out):
                out[place] ^= 1 << luck.randrange(8)
            case 2:
                del out[place : place + length]
            case 3:
                out[place:place] = out[place : place + length]
            case 4:
                del out[place:]
            case _:
                out[place:place] = luck.choice(
                    (b"[" * 3000, b"1e999", b"-", b"\xef\xbb\xbf", b'"', b"9" * 5000, b"\n\n")
                )
    return bytes(out)
