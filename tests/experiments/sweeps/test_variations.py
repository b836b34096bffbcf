"""What varies, read from text and from Python."""

import pytest

from dynmech.experiments.sweeps.contenders import contenders_of
from dynmech.experiments.sweeps.variations import Variation, combinations, read_variations, variations_of
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.sim.core.errors import InputError


def test_options_of_an_economy_and_of_mechanisms() -> None:
    read = read_variations(["discount=0.5,0.9", "balanced:base=groves:phi=pivot,team"])
    assert read == [
        Variation("", "discount", ("0.5", "0.9")),
        Variation("balanced", "base", ("groves:phi=pivot", "team")),
    ]
    assert [variation.typed() for variation in read] == ["discount=0.5,0.9", "balanced:base=groves:phi=pivot,team"]
    assert variations_of({"discount": [0.5, 0.9], "balanced:base": ["groves:phi=pivot", "team"]}) == read
    assert variations_of({"cap": [None, True, 3]})[0].values == ("none", "true", "3")
    assert list(combinations([read[0], Variation("", "values", ("2", "3"))])) == [
        {"discount": "0.5", "values": "2"},
        {"discount": "0.5", "values": "3"},
        {"discount": "0.9", "values": "2"},
        {"discount": "0.9", "values": "3"},
    ]


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([], "nothing varies; write --vary OPTION=VALUE"),
        (["discount"], "--vary 'discount': write OPTION=VALUE,…"),
        (["=0.5"], "--vary '=0.5': write OPTION=VALUE,…"),
        (["discount="], "--vary 'discount': a value is missing"),
        (["discount=0.5,,0.9"], "--vary 'discount': a value is missing"),
        (["discount=0.5,0.5"], "'0.5' is given twice"),
        (["discount=0.5", "discount=0.9"], "'discount' is given twice; write discount=VALUE,VALUE"),
        (["balanced:=x"], "--vary 'balanced:': write OPTION"),
        ([":base=x"], "--vary ':base': write OPTION"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(texts: list[str], why: str) -> None:
    with pytest.raises(InputError) as error:
        read_variations(texts)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_values_are_a_list() -> None:
    with pytest.raises(InputError, match=r"discount: '0.5' is no list of values"):
        variations_of({"discount": "0.5"})
    with pytest.raises(InputError, match=r"discount: 0.5 is no list of values"):
        variations_of({"discount": 0.5})  # type: ignore[dict-item]


def test_only_the_mechanism_itself_takes_its_options() -> None:
    bases = read_variations(["balanced:base=pivot,team"])
    assert [one.text for one in contenders_of(["balanced:force=true", "pivot"], bases)] == [
        "balanced:force=true,base=pivot",
        "balanced:force=true,base=team",
        "pivot",
    ]
    assert [one.text for one in contenders_of([], bases)] == ["balanced:base=pivot", "balanced:base=team"]
    assert [one.text for one in contenders_of([Pivot], [])] == ["pivot"]
    with pytest.raises(InputError, match="'balanced' is none of the mechanisms; add --mechanism balanced"):
        contenders_of(["pivot"], bases)
    with pytest.raises(InputError, match="mechanism 'pivot' is given twice"):
        contenders_of(["pivot", Pivot], [])
