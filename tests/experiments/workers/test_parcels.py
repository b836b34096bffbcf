"""Parcels: what is packed comes out alike in another process, a plug-in's classes by their file."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.names import STRATEGIES, take_in_plugins
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pool import Call, Workers
from dynmech.sim.core.errors import InputError, StorageError
from tests.builders.runs import no_space, planted, strategy
from tests.builders.sandboxed import QUICK, asked


def test_a_parcel_holds_what_was_packed(tmp_path: Path) -> None:
    sealed, free = np.arange(4.0).reshape(2, 2).T, np.zeros(2)
    sealed.flags.writeable = False
    for parcel in (Parcel.of((sealed, free)), Parcel.of((sealed, free)).kept(tmp_path / "p")):
        one, two = parcel.open()
        assert np.array_equal(one, sealed)
        assert (one.flags.writeable, two.flags.writeable) == (False, True)
        assert one.strides == sealed.strides, "laid out alike: sums are in the same order"
    assert Parcel.of(0).kept(tmp_path / "q").payload == b"", "what lies in a file is not sent"


def test_a_parcel_that_has_changed_is_not_opened(tmp_path: Path) -> None:
    parcel = Parcel.of([1, 2]).kept(tmp_path / "p")
    (tmp_path / "p").write_bytes((tmp_path / "p").read_bytes() + b"x")
    with pytest.raises(InputError, match="p: changed while it was in use"):
        parcel.open()


def test_a_parcel_for_which_there_is_no_room_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(StorageError, match="p: cannot be written: No space left on device"):
        Parcel.of(0).kept(tmp_path / "p")


def name_of(thing: Strategy) -> str:
    return thing.name


def test_a_plugin_travels_by_its_path_and_must_be_the_same_there(tmp_path: Path) -> None:
    path = planted(tmp_path / "p.py", strategy("traveller", "return view.prescribed"))
    take_in_plugins([path])
    parcel = Parcel.of(STRATEGIES.get("traveller")())
    assert [Path(place) for place, _ in parcel.plugins] == [path]
    assert asked(Workers(2, QUICK), Call(0, name_of, None, lambda: parcel, users=True)) == "traveller"
    path.write_text(path.read_text() + "\n# changed\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"p\.py: changed while it was in use"):
        asked(Workers(2, QUICK), Call(0, name_of, None, lambda: parcel, users=True))


def test_a_class_of_a_script_travels_by_value() -> None:
    class Local(Strategy):
        name = "local"
        source = "here"

        def message(self, view: Any) -> Any:
            return view.prescribed

    assert asked(Workers(2, QUICK), Call(0, name_of, Local(), partial(Parcel.of, Local()), users=True)) == "local"
