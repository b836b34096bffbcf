"""The OpenSpiel game as OpenSpiel holds its own games: simulations, texts that load again, observers."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyspiel", reason="OpenSpiel is no dependency: pip install dynmech[spiel]")

import pyspiel

from dynmech.experiments.bridges.openspiel import export_game
from dynmech.experiments.bridges.openspiel_game import MechanismGame
from dynmech.experiments.bridges.openspiel_observer import MechanismObserver
from dynmech.experiments.bridges.openspiel_periods import Settled
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.play.disclosure import POLICIES
from tests.builders.shown_play import Machine, changing_economy

NAMED = "dynmech(env=oil-leases-prior,mechanism=linked)"


def machine(seed: int, disclosure: str = "everything", agents: int = 2) -> MechanismGame:
    """A game of rules at random: lotteries with even seeds, public states where 3 divides the seed."""
    environment = changing_economy(seed, agents=agents)
    return export_game(environment, Machine(environment, seed), disclosure)


def nodes(game: Any) -> Iterator[Any]:
    """All states of a game."""
    open_states = [game.new_initial_state()]
    while open_states:
        state = open_states.pop()
        yield state
        if not state.is_terminal():
            open_states += [state.child(action) for action in state.legal_actions()]


# Loaded by name, written down, read again


@pytest.mark.parametrize("disclosure", POLICIES)
def test_random_simulations_with_serialisation(disclosure: str) -> None:
    game = pyspiel.load_game(f"dynmech(env=oil-leases-prior,mechanism=linked,disclosure={disclosure})")
    pyspiel.random_sim_test(game, 3, True, False)
    for seed in (9, 18):
        pyspiel.random_sim_test(machine(seed, disclosure), 3, True, False)


def test_random_simulations_of_three_agents() -> None:
    pyspiel.random_sim_test(machine(2, agents=3), 3, True, False)


def test_names_with_options_survive_the_text_of_a_game() -> None:
    names = {"env": "repeated-auction:bidders=2,horizon=2", "mechanism": "groves:phi=pivot"}
    game = pyspiel.load_game("dynmech", names)
    again = pyspiel.load_game(str(game))
    assert str(again) == str(game) == str(export_game(names["env"], names["mechanism"]))
    assert again.get_type().long_name == "groves on repeated-auction"
    assert again.rules.environment.horizon == 2
    state = game.new_initial_state()
    while not state.is_terminal():
        state.apply_action(state.legal_actions()[-1 if state.current_player() < 1 else 0])
    _, read = pyspiel.deserialize_game_and_state(pyspiel.serialize_game_and_state(game, state))
    assert read.returns() == state.returns() != [0.0, 0.0]
    assert str(read) == str(state)


def test_a_game_of_objects_is_read_again_while_they_exist() -> None:
    environment = OilLeasesPrior().build()
    game = export_game(environment, Linked(environment))
    assert pyspiel.load_game(str(game)).rules is game.rules
    text = str(game)
    del game
    with pytest.raises(InputError, match=r"objects that are gone; .*make it from names or files"):
        pyspiel.load_game(text)


def test_what_does_not_load_says_why_in_one_line() -> None:
    with pytest.raises(InputError, match=r"no mechanism; write load_game\('dynmech\(env="):
        pyspiel.load_game("dynmech(env=oil-leases-prior)")
    with pytest.raises(InputError, match="did you mean 'oil-leases-prior'"):
        pyspiel.load_game("dynmech(env=oil-leases-prio,mechanism=linked)")
    with pytest.raises(InputError, match="disclosure: 'all' is none of everything"):
        pyspiel.load_game("dynmech(env=oil-leases-prior,mechanism=linked,disclosure=all)")
    with pytest.raises(Refusal, match="infinite horizon is infinite; give a horizon"):
        pyspiel.load_game("dynmech(env=random,mechanism=team)")
    with pytest.raises(Refusal, match="is not finite; use its version on a grid"):
        export_game("continuous-licence", "contingent-density")


def test_openspiels_own_algorithms_run_on_it() -> None:
    """Counterfactual regret, in C++, falls."""
    game = machine(9)
    solver = pyspiel.CFRSolver(game)
    solver.evaluate_and_update_policy()
    first = pyspiel.nash_conv(game, solver.tabular_average_policy())
    for _ in range(3):
        solver.evaluate_and_update_policy()
    assert pyspiel.nash_conv(game, solver.tabular_average_policy()) < first - 0.01


# Observers


def kinds() -> list[Any]:
    """All kinds of observation that OpenSpiel knows."""
    private = pyspiel.PrivateInfoType
    return [
        pyspiel.IIGObservationType(public_info=public, perfect_recall=recall, private_info=whose)
        for public in (True, False)
        for recall in (True, False)
        for whose in (private.NONE, private.SINGLE_PLAYER, private.ALL_PLAYERS)
    ]


def confused(game: MechanismGame) -> list[str]:
    """Return the kinds of observation whose tensor and text do not tell the same states apart."""
    observers = {str(k): game.make_py_observer(kind) for k, kind in enumerate(kinds())}
    texts: dict[tuple[str, bytes], set[str]] = defaultdict(set)
    tensors: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for state in nodes(game):
        for player in range(game.num_players()):
            for key, observer in observers.items():
                observer.set_from(state, player)
                text, tensor = observer.string_from(state, player), observer.tensor.tobytes()
                texts[key, tensor].add(text)
                tensors[key, text].add(tensor)
    return sorted({key for found in (texts, tensors) for (key, _), seen in found.items() if len(seen) > 1})


@pytest.mark.parametrize("disclosure", POLICIES)
def test_tensors_and_texts_tell_the_same_states_apart(disclosure: str) -> None:
    assert confused(machine(9, disclosure)) == []


def remembers(game: MechanismGame, recall: bool = True) -> None:
    """Who is shown the same has seen and sent the same before, and sees the same number of messages."""
    pasts: dict[tuple[int, str], set[tuple[Any, ...]]] = defaultdict(set)
    open_states: list[tuple[Any, tuple[tuple[Any, ...], ...]]] = [(game.new_initial_state(), ((), ()))]
    while open_states:
        state, seen = open_states.pop()
        if state.is_terminal():
            continue
        player = state.current_player()
        if player >= 0:
            text = state.information_state_string() if recall else state.observation_string()
            pasts[player, text].add((seen[player], len(state.legal_actions())))
        for action in state.legal_actions():
            now = [(*one, text, action) if i == player else one for i, one in enumerate(seen)]
            open_states.append((state.child(action), (now[0], now[1])))
    assert {len(past) for past in pasts.values()} == {1}, "other pasts, one information state"


@pytest.mark.parametrize("disclosure", POLICIES)
def test_information_states_forget_nothing(disclosure: str) -> None:
    remembers(machine(3, disclosure))


def test_what_is_announced_is_told_to_all_digits() -> None:
    texts = set()
    for announced in (1_234_567.0, 1_234_568.0):
        settled = Settled(None, (0,), (0,), (0,), 0, announced, (0,), (0.0,), (0.0,))
        texts.add(settled.shown_to_all("announced", recall=True))
    assert texts == {"[1234567>0]", "[1234568>0]"}


def test_an_observation_forgets() -> None:
    """A planted violation of perfect recall, which the test above would see."""
    with pytest.raises(AssertionError, match="other pasts"):
        remembers(pyspiel.load_game(NAMED), recall=False)


def test_a_player_knows_its_own_signal_alone() -> None:
    game = machine(3)
    stage = game.rules.environment.stage(0)
    for player in range(2):
        texts = {
            state.information_state_string(player)
            for state in nodes(game)
            if state.t == 0 and state.profile is not None and not state.reports
        }
        assert len(texts) == max(1, len(stage.public)) * len(stage.signals[player])


def test_pieces_of_a_tensor() -> None:
    game = pyspiel.load_game(NAMED)
    observer: MechanismObserver = game.make_py_observer(pyspiel.IIGObservationType(perfect_recall=True))
    state = game.new_initial_state()
    profile = state.legal_actions()[-1]
    state.apply_action(profile)
    state.apply_action(1)  # firm 1 sends the second of its messages, firm 2 the only one it has
    observer.set_from(state, 0)
    assert observer.dict["sent"].tolist() == [0, 1]
    observer.set_from(state, 1)
    assert observer.dict["sent"].tolist() == [0, 0]
    state.apply_action(0)
    observer.set_from(state, 1)
    assert observer.dict["player"].tolist() == [0, 1]
    assert observer.dict["period"].tolist() == [0, 1, 0, 0]
    assert observer.dict["reports"][0].tolist() == [[0, 1], [1, 0]]
    assert observer.dict["reports"][1:].sum() == 0
    assert observer.dict["decisions"][0].sum() == 1
    assert observer.tensor.sum() == sum(part.sum() for part in observer.dict.values())
    np.testing.assert_array_equal(observer.tensor, state.information_state_tensor(1))


def test_observations_take_no_parameters() -> None:
    game = pyspiel.load_game(NAMED)
    with pytest.raises(InputError, match="takes no parameters, not"):
        game.make_py_observer(None, {"depth": 3})


def test_refusals_of_rules() -> None:
    environment = OilLeasesPrior().build()
    with pytest.raises(Refusal, match="private actions, replies, or messages"):
        export_game(environment, Team(environment, reports="payoffs"))


def test_a_memory_that_is_not_finite_is_refused() -> None:
    class Average(Linked):
        def memory_size(self, t: int) -> int | None:  # type: ignore[override]
            return None if t else 1

    environment = OilLeasesPrior().build()
    with pytest.raises(Refusal, match="period 1: mechanism 'linked' has a memory that is not finite"):
        export_game(environment, Average(environment))
