"""Conditions on the history: what they look at, and what is no condition."""

import pytest

from dynmech.agents.strategies.contingent import Contingent
from dynmech.agents.strategies.history_conditions import Condition
from dynmech.sim.core.errors import InputError, PlayError
from tests.builders.strategy_games import said


@pytest.mark.parametrize(
    ("when", "reports"),
    # Ann sees a all along and lies c; Bob says a b a c, so the decisions are left, right, left, right.
    [
        ("period>=2", "aacc"),
        ("period<=1", "ccaa"),
        ("period==3", "aaac"),
        ("period!=0", "accc"),
        ("decision==left", "acac"),
        ("decision==0", "acac"),
        ("decision!=left", "aaca"),
        ("report[Bob]==b", "aaca"),
        ("report[Bob]!=a", "aaca"),
        ("report[Bob]==c", "aaaa"),  # Bob says c in the last period, and no period follows
        ("report[Ann]==a", "acac"),  # she lies once, has then said c, is back at the truth, and so on
        ("public==wet", "caca"),
        ("public!=1", "acac"),
        ("period>=1 & public==wet", "aaca"),
        ("decision==left&report[Bob]==a&period<=1", "acaa"),
        ("decision==up", "aaaa"),  # what does not exist equals nothing
        ("report[Bob]!=z", "accc"),
    ],
)
def test_a_condition_holds_where_it_says(when: str, reports: str) -> None:
    assert said(Contingent(when, "high"), "aaaa", "abac", public="wdwd") == reports


def test_a_condition_looks_at_the_last_period_however_far_the_strategy_remembers() -> None:
    class Elephant(Contingent):
        """Remembers everything."""

        memory_periods = None

    assert said(Elephant("report[Bob]==b", "high"), "aaaa", "abac") == "aaca"


def test_a_condition_may_be_a_function() -> None:
    assert said(Contingent(lambda view: view.signal == 1, "low"), "abcb") == "aaca"


@pytest.mark.parametrize(
    ("when", "disclosure", "what"),
    [
        ("report[Bob]==a", "decisions", "condition 'report[Bob]==a': the disclosure policy hides the reports"),
        ("report[Bob]==a", "own", "condition 'report[Bob]==a': the disclosure policy hides the reports"),
        ("report[Eve]==a", "everything", "condition 'report[Eve]==a': no agent 'Eve'; agents: Ann, Bob"),
    ],
)
def test_a_condition_on_what_is_hidden_or_absent_is_stopped(when: str, disclosure: str, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        said(Contingent(when), "aba", disclosure=disclosure)
    assert str(caught.value) == f"strategy 'contingent' of agent 'Ann' in period 1: {what}"


def test_under_own_outcomes_decisions_that_are_alike_cannot_be_told_apart() -> None:
    """Nobody cares for left or right here, so Ann is told the first of both."""
    assert said(Contingent("decision==left", "high"), "aaa", "aba", disclosure="own") == "acc"
    assert said(Contingent("decision==right", "high"), "aaa", "aba", disclosure="own") == "aaa"


FORM = "is not of the form period>=1, decision==x, report[agent]==x or public==x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"condition '' {FORM}"),
        ("weather==wet", f"condition 'weather==wet' {FORM}"),
        ("decision=left", f"condition 'decision=left' {FORM}"),
        ("decision>=left", f"condition 'decision>=left' {FORM}"),
        ("report==a", f"condition 'report==a' {FORM}"),
        ("report[]==a", f"condition 'report[]==a' {FORM}"),
        ("period>=1&", f"condition '' {FORM}"),
        ("period>=soon", "condition 'period>=soon': 'soon' is not a period"),
        ("period>=-1", "condition 'period>=-1': '-1' is not a period"),
    ],
)
def test_a_condition_that_is_no_condition_gets_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Condition(text)
    assert str(caught.value) == message
