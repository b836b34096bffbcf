"""Play in memory: the rows of a run, and mechanisms and strategies given as classes and objects."""

import shlex
from pathlib import Path

import pandas as pd
import pytest

import dynmech as dm
from dynmech.agents.strategies.misreport import Misreport
from dynmech.experiments.catalog.accepted import MechanismLike, mechanism_text
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.runs import strategy

STRATEGIES = {"firm 1": "misreport:map=flip"}


def test_the_rows_are_those_of_a_run(tmp_path: Path) -> None:
    run = dm.run("oil-leases-prior", "cremer-mclean", STRATEGIES, episodes=60, seed=3, out=tmp_path / "run")
    played = dm.simulate("oil-leases-prior", "cremer-mclean", STRATEGIES, episodes=60, seed=3)
    logged = dm.read_run(tmp_path / "run")
    for name in ("outcomes", "episodes", "gains"):
        ours = getattr(played, name)().astype(object)
        theirs = getattr(logged, name)(case="deviation").astype(object)[list(ours.columns)]
        pd.testing.assert_frame_equal(ours, theirs.reset_index(drop=True), check_dtype=False)
    pd.testing.assert_frame_equal(played.agents, run.agents)


def test_names_classes_and_objects_are_one(tmp_path: Path) -> None:
    environment = OilLeasesPrior().build()
    ways: list[tuple[str | TableEnvironment, MechanismLike]] = [
        ("oil-leases-prior", "linked"),
        (environment, Linked),
        (environment, Linked(environment)),
    ]
    ways.append(("oil-leases-prior", Linked(environment)))
    results = [dm.simulate(where, rules, {"firm 1": Misreport("flip")}, episodes=40).agents for where, rules in ways]
    for other in results[1:]:
        pd.testing.assert_frame_equal(results[0], other)
    audits = [dm.audit(where, rules).to_dict()["gains"] for where, rules in ways]
    assert all(other == audits[0] for other in audits)
    named = dm.run(environment, Linked(environment), episodes=20, out=tmp_path / "object")
    assert (
        named.agents["payoff"].tolist()
        == dm.run(environment, "linked", episodes=20, out=tmp_path / "name").agents["payoff"].tolist()
    )
    stressed = dm.stress(environment, [Linked, CremerMcLean], episodes=40, out=tmp_path / "stress")
    assert set(stressed.mechanisms["mechanism"]) == {"linked", "cremer-mclean"}


def test_what_is_none_of_these_is_one_line() -> None:
    environment = OilLeasesPrior().build()
    other = dm.load("repeated-auction:values=2")
    with pytest.raises(InputError, match="it was made for another environment, 'oil-leases-prior'"):
        dm.audit(other, Linked(environment))
    with pytest.raises(InputError, match="an object of type int is neither a name, nor a class of mechanisms"):
        dm.audit(environment, 3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="class Linked is neither a name, nor a class of strategies"):
        dm.simulate(environment, "linked", {"firm 1": Linked})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="an object of type float is neither a name, nor a path"):
        dm.audit(0.5, "linked")
    with pytest.raises(InputError, match="an object of type int is neither a name, nor a path"):
        dm.load(3)  # type: ignore[arg-type]
    for several in (dm.stress, dm.sweep, dm.robust):
        given = ({"discount": [0.5]}, 3) if several is dm.sweep else (3,)
        with pytest.raises(InputError, match="an object of type int is neither a name, nor a class of mechanisms"):
            several("repeated-auction", *given)
    with pytest.raises(InputError, match="an object of type dict is neither a study nor its file"):
        dm.tournament({})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="an object of type str is no audit"):
        dm.certify("oil-leases", "proof.json")  # type: ignore[arg-type]


def test_an_economy_may_be_a_name_a_path_or_an_object_everywhere(tmp_path: Path) -> None:
    name, file = "two-period-sale:grid=2", tmp_path / "sale.json"
    made = dm.load(name)
    assert dm.load(made) is made
    assert isinstance(made, TableEnvironment)
    dm.save_environment(made, file)
    for takes in (dm.bound, dm.relaxation):
        texts = {repr(takes(given)).partition(" ")[2] for given in (name, made, file, str(file))}
        assert len(texts) == 1
    assert dm.load(file).agents == dm.load(str(file)).agents == made.agents
    for play in (dm.run, dm.stress):
        outs = (tmp_path / f"{play.__name__}-{k}" for k in range(2))
        one, two = (
            play(given, "revenue-optimal", episodes=20, out=out) for given, out in zip((made, file), outs, strict=True)
        )
        assert one.command is None
        assert shlex.split(two.command)[2] == str(file)
        with pytest.raises(InputError, match="an object of type int is neither a name, nor a path"):
            play(3, "revenue-optimal")
    curve = dm.epsilon_curve("continuous-licence", ridges=(0.1,), methods=("ridge",))
    assert curve["parameter"].tolist() == [0.1]


def test_one_plug_in_need_not_be_a_list(tmp_path: Path) -> None:
    file = tmp_path / "lone.py"
    file.write_text(strategy("lone", "return view.prescribed", head="width = 0"), encoding="utf-8")
    assert [finding.status for finding in dm.check_plugins(str(file), "oil-leases")] == ["holds"]
    dm.use_plugins(str(file))
    assert dm.make_strategy("lone").name == "lone"


def test_an_objects_options_stand_in_its_name() -> None:
    environment = dm.load("repeated-auction:values=2")
    made = dm.make_mechanism("pivot", environment)
    assert mechanism_text(made) == "pivot"
    assert mechanism_text("linked:low=3") == "linked:low=3"
    team = dm.make_mechanism("once:base=team", environment)
    with pytest.raises(InputError, match="option 'base' is no text"):
        mechanism_text(team)
    assert mechanism_text(Linked) == "linked"


def test_it_prints_two_lines_and_a_table() -> None:
    played = dm.simulate("oil-leases-prior", "cremer-mclean", {"firm 1": "best-response"}, episodes=400)
    assert repr(played).count("\n") == 1
    assert "firm 1 (best-response)" in repr(played)
    assert "<table" in played._repr_html_()
