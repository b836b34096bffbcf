"""The best response as a strategy by name: in runs and tournaments, with the exact gain inside its interval."""

import json
from pathlib import Path

import numpy as np
import pytest

from dynmech import audit, run
from dynmech.agents.oracle.best_response import NAME, BestResponse
from dynmech.agents.oracle.search import Family, Information
from dynmech.agents.strategies.mixture import Mixture
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.completion import complete_strategy
from dynmech.experiments.runs.simulation import Case, Sampling, lone_deviation, made_for, pilot
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.play.game import ProtocolOptions, make_game


def test_a_run_of_the_best_response_earns_the_exact_gain(tmp_path: Path) -> None:
    exact = audit("oil-leases-prior", "cremer-mclean")
    result = run("oil-leases-prior", "cremer-mclean", {"firm 1": "best-response"}, episodes=4000, out=tmp_path / "run")
    row = result.agents.set_index("agent").loc["firm 1"]
    assert row["strategy"] == "best-response"
    gain = exact.gains.query("family == 'best_response' and information == 'ex_ante' and agent == 'firm 1'").gain.item()
    assert abs(row["gain"] - gain) <= 2 * row["gain_half_width"]
    assert row["gain"] > 1


def test_only_who_knows_the_others_signals_spies() -> None:
    """Or tells its partners its own."""
    assert [BestResponse().spies, BestResponse("ex_post").spies, BestResponse(partners="firm 2").spies] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mechanism", ["pay-your-report", "team"])
def test_who_sees_the_others_signals_earns_what_the_search_says(seed: int, mechanism: str) -> None:
    """Simulated under random correlated economies, against the ex ante value of the ex post search."""
    environment = load(f"random:seed={seed},agents=2,signals=3,decisions=3,horizon=3,discount=0.9")
    rules = make_mechanism(mechanism, environment)
    found = audit(environment, rules)
    game = make_game(environment, rules, tail=1e-9)
    strategy = BestResponse("ex_post").made_for(game, 0)
    assert strategy.spies
    assert strategy.key() == "best-response:information=ex_post"
    search = found.searches[0]
    best, truth = (
        search.values[family, Information.EX_POST].ex_ante for family in (Family.BEST_RESPONSE, Family.PRESCRIBED)
    )
    gains = pilot(game, [lone_deviation(game, 0, strategy, "spy")], Sampling(6000, 1, 6000))["spy"][0]
    error = gains.std() / np.sqrt(len(gains))
    assert abs(gains.mean() - (best - truth)) <= 4 * error + 1e-9
    interim = search.values[Family.BEST_RESPONSE, Information.INTERIM].ex_ante
    assert best >= interim - 1e-9, "who knows more earns no less"


def test_inside_a_mixture_it_is_made_too() -> None:
    environment = OilLeasesPrior().build()
    game = make_game(environment, CremerMcLean(environment))
    mixed = Mixture("half", [Truthful(), BestResponse()], [0.5, 0.5])
    case = made_for(game, Case("half", (mixed, Truthful())))
    assert case.tied
    gains = pilot(game, [case], Sampling(6000, 2, 6000))["half"][0]
    assert abs(gains.mean() - 1) <= 4 * gains.std() / np.sqrt(len(gains))
    assert isinstance(mixed.parts[1], BestResponse), "what was given stays as it was"


def test_what_cannot_be_worked_out_is_one_line() -> None:
    environment = OilLeasesPrior().build()
    rules = CremerMcLean(environment)
    hidden = make_game(environment, rules, ProtocolOptions(disclosure="own"))
    with pytest.raises(Refusal, match="it needs everything public"):
        BestResponse().made_for(hidden, 0)
    continuous = load("trading-game-continuous")
    game = make_game(continuous, make_mechanism("continuous-trade", continuous))
    with pytest.raises(Refusal, match="is not finite"):
        BestResponse().made_for(game, 0)


def test_the_line_that_the_audit_prints_plays_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["audit", "oil-leases-prior", "cremer-mclean", "--policy", "worst.csv"])
    shown = capsys.readouterr().out
    assert (
        "To play the worst deviation: dynmech run oil-leases-prior cremer-mclean --strategy 'firm 1=best-response'"
        in shown
    )
    assert "0,firm 1,0,,,,1,0" in (tmp_path / "worst.csv").read_text()
    with pytest.raises(SystemExit) as stop:
        main(["run", "oil-leases-prior", "cremer-mclean", "--strategy", "firm 1=best-response", "--episodes", "50"])
    assert stop.value.code == 0


STUDY = """
environment = "oil-leases-prior"
mechanisms = ["cremer-mclean"]
episodes = 400
[strategies]
truth = "truthful"
best = "best-response"
"""


def test_a_tournament_has_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.toml").write_text(STUDY)
    with pytest.raises(SystemExit) as stop:
        main(["tournament", "study.toml"])
    assert stop.value.code == 0
    assert "best" in capsys.readouterr().out


def test_it_is_listed_and_completed(capsys: pytest.CaptureFixture[str]) -> None:
    assert complete_strategy("firm 1=best") == [f"firm 1={NAME}"]
    with pytest.raises(SystemExit):
        main(["list", "strategies", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["strategies"]}
    assert rows[NAME]["options"] == ["information=interim", "exit=false", "partners="]
    assert list(rows) == sorted(rows)


PAIR = {"bidder 1": "best-response:partners=bidder 2", "1": "best-response:partners=0"}


def test_partners_play_the_joint_best_response(tmp_path: Path) -> None:
    economy = "repeated-auction:horizon=2"
    found = audit(economy, "pay-your-report", coalitions=[[0, 1]])
    exact = found.gains.query("family == 'best_response' and information == 'ex_ante'").gain.item()
    alone = audit(economy, "pay-your-report").gains.query("family == 'best_response' and information == 'ex_ante'").gain
    assert exact > alone.sum() + 0.1
    played = run(economy, "pay-your-report", PAIR, episodes=4000, out=tmp_path / "pair")
    gain, half = played.agents["gain"].sum(), played.agents["gain_half_width"].sum()
    assert abs(gain - exact) <= half
    with pytest.raises(InputError, match="another run"):  # each alone is something else
        run(economy, "pay-your-report", dict.fromkeys(PAIR, "best-response"), episodes=4000, out=tmp_path / "pair")


def test_partners_who_see_everything_gain_no_less() -> None:
    environment = load("random:seed=4,agents=3,signals=2,decisions=3,horizon=2,discount=0.9")
    rules = make_mechanism("pay-your-report", environment)
    search = audit(environment, rules, coalitions=[[0, 2]]).searches[0]
    game, gains = make_game(environment, rules, tail=1e-9), {}
    for kind, information in (("interim", Information.INTERIM), ("ex_post", Information.EX_POST)):
        best, truth = (search.values[one, information].ex_ante for one in (Family.BEST_RESPONSE, Family.PRESCRIBED))
        profile = [BestResponse(kind, partners="2"), Truthful(), BestResponse(kind, partners="agent 1")]  # type: ignore[arg-type]
        case = made_for(game, Case("pair", tuple(profile)))
        sums = pilot(game, [case], Sampling(6000, 1, 6000))["pair"][[0, 2]].sum(axis=0)
        gains[kind] = best - truth
        assert abs(sums.mean() - gains[kind]) <= 4 * sums.std() / np.sqrt(len(sums)) + 1e-9
    assert gains["ex_post"] > gains["interim"] > 0


@pytest.mark.parametrize("partners", ["bidder 3", "bidder 1", "bidder 2+1", "bidder 2+"])
def test_a_partner_is_another_agent(partners: str) -> None:
    environment = load("repeated-auction:horizon=2")
    game = make_game(environment, make_mechanism("pivot", environment))
    assert BestResponse(partners="bidder-2").made_for(game, 0).agent == 0
    with pytest.raises(InputError, match="is no other agent, or named twice; agents: bidder 1, bidder 2"):
        BestResponse(partners=partners).made_for(game, 0)
