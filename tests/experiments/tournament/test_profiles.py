"""Profiles: counted right, moved right, named so that no two are alike, sampled so that regrets are known."""

from itertools import product
from math import comb

import pytest
from hypothesis import given, strategies as st

from dynmech.experiments.tournament.profiles import (
    ORDERS,
    Profile,
    Role,
    all_profiles,
    assigned,
    canonical,
    count,
    design,
    label,
    moves,
    orders,
)

WORDS = ("a", "b-1", "a-b", "c")


@st.composite
def role_lists(draw: st.DrawFn) -> list[Role]:
    roles: list[Role] = []
    for number in range(draw(st.integers(1, 3))):
        first = sum(len(role.agents) for role in roles)
        agents = tuple(range(first, first + draw(st.integers(1, 3))))
        roles.append(Role(f"role {number}", agents, WORDS[: draw(st.integers(1, 4))]))
    return roles


@given(role_lists())
def test_all_profiles_are_there_once_and_have_names_of_their_own(roles: list[Role]) -> None:
    profiles = list(all_profiles(roles))
    assert len(profiles) == len(set(profiles)) == count(roles)
    assert len({label(profile, roles) for profile in profiles}) == len(profiles)
    every = product(*(role.strategies for role in roles for _ in role.agents))
    reduced = set()
    for picks in every:
        rest = iter(picks)
        reduced.add(tuple(canonical([next(rest) for _ in role.agents], role) for role in roles))
    assert reduced == set(profiles)


@given(role_lists())
def test_a_move_changes_one_agent_and_can_be_taken_back(roles: list[Role]) -> None:
    agents = sum(len(role.agents) for role in roles)
    for profile in all_profiles(roles):
        found = list(moves(profile, roles))
        assert len(found) == sum(
            len(set(way)) * (len(role.strategies) - 1) for way, role in zip(profile, roles, strict=True)
        )
        for move in found:
            before, after = (sorted(assigned(p, roles, agents)) for p in (profile, move.to))
            before.remove(move.old)
            after.remove(move.new)
            assert before == after
            assert any((back.to, back.old) == (profile, move.new) for back in moves(move.to, roles))


def test_twelve_strategies_of_three_agents_are_364_profiles() -> None:
    role = Role("carrier", (0, 1, 2), tuple(f"s{k}" for k in range(12)))
    assert count([role]) == comb(14, 3) == 364


def test_a_sample_holds_truth_and_all_its_deviations_and_is_the_same_again() -> None:
    roles = [Role("bidder", tuple(range(4)), ("truth", *(f"s{k}" for k in range(9))))]
    chosen, sampled = design(roles, "truth", 60, seed=3)
    assert sampled
    assert len(chosen) == len(set(chosen)) == 60
    truth: Profile = (("truth",) * 4,)
    assert {truth, *(move.to for move in moves(truth, roles))} <= set(chosen)
    known = [p for p in chosen if all(move.to in chosen for move in moves(p, roles))]
    assert len(known) >= 2  # truth, and one that was drawn at least
    assert design(roles, "truth", 60, seed=3) == (chosen, True)
    assert design(roles, "truth", 60, seed=4) != (chosen, True)


def test_where_all_profiles_are_few_enough_nothing_is_sampled() -> None:
    roles = [Role("bidder", (0, 1), ("truth", "low"))]
    assert design(roles, "truth", 3, 0) == (list(all_profiles(roles)), False)
    assert len(design(roles, "truth", 2, 0)[0]) == 2


def test_every_order_within_the_roles_is_played_and_no_other() -> None:
    roles = [Role("buyer", (0, 2), ("a",)), Role("seller", (1,), ("a",))]
    assert orders(roles, 3, 0) == ((0, 1, 2), (2, 1, 0))


@pytest.mark.parametrize("seed", [0, 1])
def test_of_too_many_orders_a_sample_is_drawn(seed: int) -> None:
    roles = [Role("bidder", (0, 1, 2, 3, 4), ("a",)), Role("seller", (5,), ("a",))]
    drawn = orders(roles, 6, seed)
    assert len(drawn) == ORDERS
    assert all(sorted(order[:5]) == list(range(5)) and order[5] == 5 for order in drawn)
    assert len(set(drawn)) > ORDERS / 2
    assert {order[0] for order in drawn} == set(range(5))
