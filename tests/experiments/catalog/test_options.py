"""`name:key=value,…`: from text to objects, and back to text."""

import inspect

import pytest
from hypothesis import given, strategies as st

from dynmech.experiments.catalog.names import STRATEGIES, load, make_mechanism, make_strategy
from dynmech.experiments.catalog.options import construct, options_of, shown, split
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import Environment, TableEnvironment

word = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=6)


@given(word, st.dictionaries(word, st.text(st.characters(exclude_characters=","), max_size=8), max_size=4))
def test_what_was_joined_is_split(name: str, options: dict[str, str]) -> None:
    text = name + (":" + ",".join(f"{k}={v}" for k, v in options.items()) if options else "")
    assert split(text, "strategy") == (name, options)


def test_values_may_hold_colons_and_equals_signs() -> None:
    assert split("contingent:when=report[a:b]==4&period>=1,map=6/4", "strategy") == (
        "contingent",
        {"when": "report[a:b]==4&period>=1", "map": "6/4"},
    )


class Shop:
    """Something with an option of every kind."""

    def __init__(
        self, price: float, size: int = 2, open: bool = True, until: int | None = 3, label: str = "none"
    ) -> None:
        if price < 0:
            raise InputError(f"price: {price:g} is below 0")
        if price == 13:
            raise ZeroDivisionError("unlucky")
        self.got = (price, size, open, until, label)


def made(**given: str) -> tuple[object, ...]:
    return construct(Shop, "shop", "corner", given).got


def test_text_becomes_the_type_that_is_asked_for() -> None:
    assert made(price="2.5") == (2.5, 2, True, 3, "none")
    assert made(price="1e-3", size="7", open="false", until="none", label="a b") == (0.001, 7, False, None, "a b")
    assert made(price="1", label="none") == (1.0, 2, True, 3, "none"), "a text may be the word none"
    assert [type(value) for value in made(price="1", size="7")] == [float, int, bool, int, str]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "shop 'corner': option 'price' is required"),
        ({"price": "dear"}, "shop 'corner': option price='dear': input should be a valid number"),
        ({"price": "1", "size": "2.5"}, "shop 'corner': option size='2.5': input should be a valid integer"),
        ({"price": "1", "size": "none"}, "shop 'corner': option size='none': input should be a valid integer"),
        ({"price": "1", "open": "perhaps"}, "shop 'corner': option open='perhaps': input should be a valid boolean"),
        ({"price": "1", "pirce": "2"}, "shop 'corner': unknown option 'pirce'; did you mean 'price'?"),
        ({"price": "1", "x": "2"}, "shop 'corner': unknown option 'x'; options: price, size, open, until, label"),
        ({"price": "-1"}, "shop 'corner': price: -1 is below 0"),
        ({"price": "13"}, "shop 'corner': ZeroDivisionError: unlucky"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as raised:
        made(**given)
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)


class Odd(Team):
    """A mechanism that calls its environment something else, and takes anything."""

    name = "odd"
    source = "here"

    def __init__(self, environment: TableEnvironment, fee: float = 0.0, **rest: float) -> None:
        super().__init__(environment)
        self.fee = fee


def test_the_environment_is_no_option() -> None:
    assert list(options_of(Linked)) == ["low", "high", "price"]
    assert list(options_of(PayYourReport)) == []
    assert list(options_of(Odd)) == ["fee"]
    environment = load("oil-leases")
    assert construct(Odd, "mechanism", "odd", {"fee": "2"}, environment).fee == 2


def test_options_reach_the_economy() -> None:
    environment = load("repeated-auction:bidders=3,values=2,horizon=4,discount=0.5")
    assert (len(environment.agents), environment.horizon, environment.discount) == (3, 4, 0.5)
    assert load("repeated-auction:horizon=none").horizon is None


def test_a_refusal_stays_a_refusal() -> None:
    environment: Environment = load("repeated-auction")
    with pytest.raises(Refusal, match="does not fit environment 'repeated-auction'"):
        make_mechanism("linked", environment)


@pytest.mark.parametrize("name", STRATEGIES.all())
def test_a_strategy_is_made_again_from_its_key(name: str) -> None:
    strategy = make_strategy(name)
    again = make_strategy(strategy.key())
    assert type(again) is type(strategy)
    assert again.key() == strategy.key()
    assert set(strategy.options()) == set(options_of(type(strategy))), "every option is in the key"


@pytest.mark.parametrize("name", STRATEGIES.all())
def test_defaults_are_shown_as_they_are_typed(name: str) -> None:
    cls = STRATEGIES.get(name)
    typed = ",".join(f"{key}={shown(p.default)}" for key, p in options_of(cls).items())
    assert make_strategy(f"{name}:{typed}" if typed else name).key() == make_strategy(name).key()
    assert all(p.default is not inspect.Parameter.empty for p in options_of(cls).values())
