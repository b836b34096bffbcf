"""The unit of money changes nothing that is said: verdicts, named states and words, and figures relative to it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech import export
from dynmech.experiments.catalog.names import MECHANISMS, load
from dynmech.experiments.cli.screens.sweep_screen import shown_columns
from dynmech.experiments.runs.case_choice import worst_case
from dynmech.experiments.runs.simulation import make_game_of
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.searches.exact import exact_gains
from dynmech.experiments.sweeps.simulated_play import gains_verdict
from dynmech.experiments.sweeps.sweep_frames import surely_gains
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.builders import single_object
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.money import in_units

UNITS = (1e-9, 1e-7, 1e6, 1e9)

DIGITS = 1e-9
"""Figures agree up to this, relative to the economy's scale or themselves."""

IN_MONEY = ("linked",)
"""Mechanisms whose options are amounts of money: their payments do not follow the unit."""

AMOUNTS = ("gain", "bound", "lie", "truth")
"""Keys of a witness that are amounts."""

AUCTION = "repeated-auction:bidders=2,values=3,discount=0.7"

SAMPLE = (
    (AUCTION, "pay-your-report"),
    (AUCTION, "pivot"),
    ("oil-leases-prior", "cremer-mclean"),
    ("correlated-first-signal", "revenue-optimal"),
    ("single-buyer:nodes=3", "virtual-pivot"),
)

SCENARIOS = (
    "bilateral-trade",
    "common-state",
    "correlated-first-signal",
    "graded-ore",
    "lowest-bid-auction:bidders=2",
    "non-separable",
    "oil-leases",
    "oil-leases-prior",
    "power-plants",
    "public-good",
    "repeated-auction:values=2",
    "single-buyer:nodes=3",
    "sponsored-search:depth=1,nodes=2",
    "supply-chain:nodes=2",
    "trading-game",
)


def economy(name: str) -> TableEnvironment:
    environment = load(name)
    assert isinstance(environment, TableEnvironment)
    return environment


def said(environment: TableEnvironment, mechanism: str) -> tuple[dict[str, Any], dict[str, Any]] | str:
    """Words, and amounts of money, of an audit; the refusal where there is none."""
    try:
        data = dm.audit(environment, mechanism).to_dict()
    except Refusal as error:
        return str(error).partition(":")[0]
    witness = data["witness"] or {}
    least = data["tolerance"] * data["scale"]
    words = {
        "promises": [(one["promise"], one["status"]) for one in data["promises"]],
        "conditions": {name: one["holds"] for name, one in data["conditions"].items()},
        "where": [one["where"] for one in data["promises"]],
        "witness": {key: value for key, value in witness.items() if key not in AMOUNTS},
        "ties": data["ties"],
        "gaining": [row["agent"] for row in data["gains"] if row["kind"] == "exact" and row["gain"] > least],
    }
    amounts = {f"gain {k}": row["gain"] for k, row in enumerate(data["gains"])} | {"scale": data["scale"]}
    amounts |= data["truth"] | {f"budget {kind}": value for kind, value in data["budget"].items()}
    amounts |= {f"stay {kind}": value for kind, value in data["participation"].items()}
    amounts |= {f"worst {one['promise']}": one["worst"] for one in data["promises"]}
    return words, amounts


def assert_follows(found: Any, wanted: Any, unit: float, scale: float, what: str) -> None:
    """Amounts in the other unit are the same amounts."""
    if wanted is None:
        assert found is None, what
        return
    one, two = (np.asarray(value, dtype=np.float64) for value in (found, wanted))
    np.testing.assert_allclose(one / unit, two, rtol=DIGITS, atol=DIGITS * scale, err_msg=what)


def hold_against_units(environment: TableEnvironment, mechanism: str, units: tuple[float, ...] = UNITS) -> bool:
    """Compare over all units; return whether the mechanism fits."""
    wanted = said(environment, mechanism)
    for unit in units:
        found = said(in_units(environment, unit), mechanism)
        if isinstance(wanted, str) or isinstance(found, str):
            assert found == wanted, f"{mechanism} × {unit:g}"
            continue
        assert json.dumps(found[0]) == json.dumps(wanted[0]), f"{mechanism} × {unit:g}"
        assert found[1].keys() == wanted[1].keys()
        for key, amount in wanted[1].items():
            assert_follows(found[1][key], amount, unit, environment.scale, f"{mechanism} × {unit:g}: {key}")
    return not isinstance(wanted, str)


@pytest.mark.parametrize(("name", "mechanism"), SAMPLE)
def test_an_audit_says_the_same_in_any_unit(name: str, mechanism: str) -> None:
    assert hold_against_units(economy(name), mechanism)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_mechanism_is_judged_alike_in_any_unit(name: str) -> None:
    tried = [mechanism for mechanism in MECHANISMS.names() if mechanism not in IN_MONEY]
    assert sum(hold_against_units(economy(name), mechanism) for mechanism in tried) >= 5


def test_the_smallest_gain_is_told_from_none_in_any_unit() -> None:
    """Planted: the second bidder's high value, worth more than the tolerance, or less, of the scale."""
    for unit in (1.0, *UNITS):
        for share, gains in ((2e-5, True), (1e-8, False)):
            values = np.array([[0.0, 0.0], [1.0 - share, 1.0]]) * unit
            stay = np.broadcast_to(np.full((2, 2), 0.5), (3, 2, 2))
            auction = single_object(values.tolist(), [stay, stay], np.full((2, 2), 0.25), 0.5)
            exact = dm.audit(auction, "pay-your-report").promises.iloc[0]
            assert bool(exact["worst"] > 1e-6 * auction.scale) is gains, (unit, share)


def tables(result: StressResult, unit: float) -> Iterator[tuple[str, Any]]:
    """What a stress test says: words as they are, amounts in the economy's first unit."""
    gains, mechanisms = result.gains, result.mechanisms
    for column in ("mechanism", "family", "agent", "strategy", "words", "found", "agrees", "given", "tried"):
        yield column, gains[column].tolist()
    for column in ("mechanism", "verdict", "breaks", "exact", "participation_violations"):
        yield column, mechanisms[column].tolist()
    for column in ("gain", "half_width", "exact", "given_gain"):
        yield column, gains[column].to_numpy() / unit
    for column in ("worst_gain", "welfare", "first_best", "revenue", "net_revenue", "worst_deficit"):
        yield column, mechanisms[column].to_numpy() / unit
    yield "scale", np.array(result.scale / unit)


@pytest.mark.parametrize("unit", [1e-7, 1e9])
def test_a_stress_test_finds_the_same_in_any_unit(unit: float, tmp_path: Path) -> None:
    environment = economy("repeated-auction:bidders=2,values=3,discount=0.5")
    named = ["pay-your-report", "pivot"]
    results = [
        stress(one, named, episodes=150, tail=0.01, out=tmp_path / str(k))
        for k, one in enumerate((environment, in_units(environment, unit)))
    ]
    for (column, wanted), (_, found) in zip(tables(results[0], 1.0), tables(results[1], unit), strict=True):
        if isinstance(wanted, list):
            assert found == wanted, column
        else:
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9 * environment.scale, err_msg=column)
    assert results[0].mechanisms["verdict"].tolist() == ["not_promised", "holds"]
    chosen = [worst_case(result.folder) for result in results]
    assert len({(one.mechanism, one.case) for one in chosen}) == 1, "replay shows the same lie"
    assert all(one.why.startswith("the worst lie") for one in chosen)
    tex = [export(result, "latex", tmp_path / f"{k}.tex").read_text("utf-8") for k, result in enumerate(results)]
    cells = [next(row for row in text.splitlines() if "pay-your-report" in row).split(" & ") for text in tex]
    dashes = [["textendash" in cell for cell in row] for row in cells]
    assert dashes[0] == dashes[1], "a dash where nothing gains, and nowhere else"
    assert not all(dashes[0])


@pytest.mark.parametrize("unit", UNITS)
def test_a_sweep_says_the_same_in_any_unit(unit: float, tmp_path: Path) -> None:
    environment = economy(AUCTION)
    found = [
        dm.sweep(one, {"discount": [0.5, 0.7]}, ["pay-your-report", "pivot"], out=tmp_path / str(k))
        for k, one in enumerate((environment, in_units(environment, unit)))
    ]
    told = [[line.rpartition(" gains ")[0] for line in one.told("ex_ante")] for one in found]
    assert told[0] == told[1]
    assert told[0][0].startswith("pay-your-report: a deviation gains at 2 of 2 points")
    assert shown_columns("pivot", found[0].figures) == shown_columns("pivot", found[1].figures)


def test_a_simulated_gain_is_told_from_none_in_any_unit() -> None:
    environment = economy(AUCTION)
    pivot = dm.make_mechanism("pivot", environment)
    for unit in (1.0, *UNITS):
        row = {"gain": 0.3 * unit, "half_width": 0.1 * unit, "lower": 0.2 * unit}
        assert gains_verdict(pivot, [row]) == "breaks", unit
        assert gains_verdict(pivot, [{**row, "lower": 0.0}]) == "not_refuted", unit
        assert surely_gains({"tolerance": 0.0}, row), unit
        assert not surely_gains({"tolerance": 0.25 * unit}, row), unit


def test_the_cut_of_an_infinite_horizon_is_the_same_in_any_unit() -> None:
    environment = economy(AUCTION)
    games = [
        make_game_of(one, "pivot", None, 1e-3) for one in (environment, *(in_units(environment, u) for u in UNITS))
    ]
    assert len({game.periods for game in games}) == 1
    assert games[0].tail <= 1e-3 * environment.scale
    assert_follows(games[-1].tail, games[0].tail, UNITS[-1], environment.scale, "tail")


def test_what_a_stress_test_searches_exactly_has_the_economys_tolerance() -> None:
    environment = economy(AUCTION)
    for unit in UNITS:
        exact = exact_gains(make_game_of(in_units(environment, unit), "pay-your-report", None, 1e-3))
        assert sorted(exact.witnesses) == [0, 1]
        assert not exact.holds()
        assert exact_gains(make_game_of(in_units(environment, unit), "pivot", None, 1e-3)).holds()


@pytest.mark.parametrize("unit", UNITS)
def test_bounds_follow_the_unit(unit: float) -> None:
    sale, buyer = economy("two-period-sale:grid=3,buyers=1"), economy("single-buyer:nodes=3")
    wanted, found = dm.bound(sale).data(), dm.bound(in_units(sale, unit)).data()
    assert [one["kind"] for one in found["binding"]] == [one["kind"] for one in wanted["binding"]]
    assert_follows(found["revenue"], wanted["revenue"], unit, sale.scale, "revenue")
    first, other = dm.relaxation(buyer), dm.relaxation(in_units(buyer, unit))
    assert first.continuum is not None
    assert other.continuum is not None
    assert_follows(other.continuum.value, first.continuum.value, unit, buyer.scale, "continuum")
    assert_follows(other.grid, first.grid, unit, buyer.scale, "grid")


@pytest.mark.parametrize("unit", UNITS)
def test_conditions_are_checked_relative_to_the_scale(unit: float) -> None:
    """Planted: common values broken by a millionth of the scale are seen, by a millionth of that not."""
    environment = economy(AUCTION)
    stage = environment.stage(0)
    for share, private in ((1e-6, False), (1e-12, True)):
        utility = stage.utility.copy()
        utility[0, -1, 0, 0] += share * environment.scale
        moved = in_units(replace(environment, stages=(replace(stage, utility=utility),)), unit)
        answers = {condition.name: condition for condition in all_conditions(moved)}
        assert answers["private values"].holds is private
