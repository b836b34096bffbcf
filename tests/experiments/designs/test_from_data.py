"""Designs that hold under every law that data leaves possible: by laws that are drawn, by the checker, by forgeries."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.experiments.certificates import verify, verify_robust
from dynmech.experiments.certificates.robust_truth import robust_truth, with_bounds
from dynmech.experiments.designs.design_result import Design
from dynmech.experiments.designs.designing import design
from dynmech.experiments.designs.from_data import least_observations, seek_safe, seen_equally
from dynmech.experiments.robustness.drawn_counts import draw_counts
from dynmech.mechanisms.design.designed_mechanism import designed_mechanism
from dynmech.mechanisms.design.seeking import seek
from dynmech.mechanisms.tables.tabulated_mechanism import TabulatedMechanism
from dynmech.mechanisms.tables.writing_out import written_out
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import EstimatedEnvironment, estimated_environment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.laws_of_motion import laws
from tests.builders.lottery_mechanisms import Raffle


def estimated(environment: TableEnvironment, draws: int, seed: int = 1) -> EstimatedEnvironment:
    """An economy with laws estimated from so many draws out of every row."""
    return estimated_environment(environment, draw_counts(environment, draws, seed, 0, joint=True, smoothing=1.0))


def small(seed: int, horizon: int | None) -> TableEnvironment:
    """Two agents, two signals, laws that tell them apart."""
    rng = np.random.default_rng(seed)
    return random_environment(rng, signals=2, decisions=2, horizon=horizon, discount=0.6, correlation=1.0)


def drawn_near(environment: TableEnvironment, radii: Any, rng: np.random.Generator) -> TableEnvironment:
    """The economy under a law that is as far from its own as the radii allow, in every row another way."""
    stages = []
    for s, stage in enumerate(environment.stages):
        own = radii[s]
        if stage.kernel is None or own is None:
            stages.append(stage)
            continue
        law = laws(environment, s).copy()
        for place in np.ndindex(law.shape[:2]):
            law[place] = moved(law[place], own[place], rng)
        axes, after = stage.kernel.axes, stage.kernel.next_axes
        stages.append(replace(stage, kernel=JointKernel(law.reshape(-1, *axes, *after), axes, after)))
    plain = {name: getattr(environment, name) for name in ("name", "agents", "prior", "discount", "horizon")}
    return TableEnvironment(stages=tuple(stages), **plain)


def moved(row: FloatArray, radius: float, rng: np.random.Generator) -> FloatArray:
    """A law that is `radius` away, or as far as there is mass to move: all of it from some outcomes to one."""
    out, goal, left = row.copy(), rng.integers(len(row)), radius / 2
    for k in rng.permutation(len(row)):
        if k != goal:
            step = min(out[k], left)
            out[k], out[goal], left = out[k] - step, out[goal] + step, left - step
    return out


def gain(environment: TableEnvironment, tables: Any) -> float:
    """The largest gain ex post, relative to the scale, of the same mechanism under another law."""
    found = dm.audit(environment, TabulatedMechanism(environment, tables)).figures
    kinds = [one.gain for one in found if (one.family, one.information) == ("best_response", "ex_post")]
    return max(kinds) / environment.scale


CASES = [(1, 2, 4000), (5, 3, 30000), (4, None, 3000000)]


@pytest.mark.parametrize(("seed", "horizon", "draws"), CASES)
def test_no_law_of_the_confidence_set_breaks_what_is_designed_from_data(
    seed: int, horizon: int | None, draws: int
) -> None:
    """Laws at the border of every ball, drawn; without a margin such laws break the cheapest transfers."""
    environment = estimated(small(seed, horizon), draws)
    found = design(environment, margin="auto")
    assert found.possible, found.sentence
    assert found.certified
    assert found.mechanism is not None
    assert found.safety is not None
    cheapest = design(environment)
    assert cheapest.mechanism is not None
    assert found.objective is not None
    assert cheapest.objective is not None
    assert found.objective >= cheapest.objective - 1e-9
    rng, worst = np.random.default_rng(seed), 0.0
    for _ in range(4):
        other = drawn_near(environment, found.safety.radii, rng)
        assert gain(other, found.mechanism.tables) <= 1e-9
        worst = max(worst, gain(other, cheapest.mechanism.tables))
    assert worst > 1e-6  # what has no margin is broken by the same laws


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_thousand_laws(seed: int) -> None:
    """The same on many economies, with 50 laws each."""
    environment = estimated(small(seed, 2 + seed % 2), 30000)
    found = design(environment, margin="auto")
    if not found.possible:  # without a margin either, or is more data what it takes?
        assert (found.status == "impossible") == (not design(environment).possible)
        assert found.status in ("impossible", "open")
        return
    assert found.mechanism is not None
    assert found.safety is not None
    rng = np.random.default_rng(seed)
    for _ in range(50):
        assert gain(drawn_near(environment, found.safety.radii, rng), found.mechanism.tables) <= 1e-9


def test_too_few_data_says_how_many_would_do() -> None:
    """One observation of every law more or less is what decides, up to the stated hundredth."""
    environment = estimated(small(9, 2), 40)
    found = design(environment, margin="auto")
    assert (found.status, found.certified) == ("open", False)
    assert found.safety is not None
    least = found.safety.least
    assert least is not None
    assert f"were every law seen {least:,} times" in found.sentence
    for count, status in ((least, "possible"), (int(least / 1.02), "impossible")):
        radii = seen_equally(environment, count, 0.95)
        assert seek_safe(found.task, radii, tidy=False)[1].status == status
    sure = replace(found.safety, confidence=0.999)
    more = least_observations(found.task, sure)
    assert more is not None
    assert more > least


@pytest.mark.parametrize("joint", [True, False])
def test_what_would_be_had_with_more_data_is_what_is_had_with_it(joint: bool) -> None:
    """Laws that were seen equally often have the radii that are said of so many observations, smoothing included."""
    plain = small(1, 2)
    if not joint:
        plain = random_environment(
            np.random.default_rng(1), signals=2, decisions=2, horizon=2, correlation=0.0, independent=True
        )
    for draws in (20, 1000):
        environment = estimated_environment(plain, draw_counts(plain, draws, 1, 0, joint=joint, smoothing=1.0))
        for s, said in enumerate(seen_equally(environment, draws, 0.95)):
            assert said is not None
            assert said == pytest.approx(environment.radii(s), rel=1e-12)


def test_where_the_goals_clash_anyway_the_clash_is_shown() -> None:
    """No transfers make truth best for agent 2 even under the estimated law itself."""
    found = design(estimated(small(6, 3), 30000), margin="auto")
    assert found.status == "impossible"
    assert found.clashes


def test_what_safety_costs_falls_with_data_and_rises_with_confidence() -> None:
    """Every design for larger balls is one for smaller ones."""
    found = design(estimated(small(9, 2), 30000), margin="auto", observations=[10_000, 100_000, 10_000_000])
    prices = found.price
    assert list(prices["observations"].unique()) == [10_000, 100_000, 10_000_000]
    for _, by in prices.groupby("confidence"):
        assert (by["largest_transfer"].dropna().diff().dropna() <= 1e-6).all()
    for _, by in prices.groupby("observations"):
        assert (by["largest_transfer"].dropna().diff().dropna() >= -1e-6).all()
    plain = design(found.task.environment).objective
    assert prices["largest_transfer"].iloc[-1] == pytest.approx(plain, rel=0.2)


def test_pooled_signals_are_treated_alike_to_the_last_bit() -> None:
    """Laws that data cannot tell apart get no margin: the same transfers now and after."""
    environment = dm.load("oil-leases-prior")
    assert isinstance(environment, TableEnvironment)
    radii = tuple(
        None if stage.kernel is None else np.full((len(stage.decisions), stage.size), 0.1)
        for stage in environment.stages
    )
    task, found = seek_safe(design(environment).task, radii)
    assert found.status == "possible"
    proof = with_bounds(robust_truth(designed_mechanism(task, found), radii))
    assert max(proof["gains"]) < 1e-12
    assert len(verify_robust.check(json.loads(json.dumps(proof)))) == 2


# The checker


@pytest.fixture(scope="module")
def safe() -> Design:
    """A design with its proof."""
    return design(estimated(small(9, 2), 30000), margin="auto")


def spoiled(proof: dict[str, Any], what: str) -> dict[str, Any]:
    """A forgery, its hashes put right."""
    out = json.loads(json.dumps(proof))
    if what == "radii":
        out["radii"] = [None if own is None else [[4 * x for x in row] for row in own] for own in out["radii"]]
    elif what == "charge":
        table = out["mechanism"]["periods"][0]["charge"]
        spoil_first(table, 1.0)
    elif what == "values":
        out["values"][0][-1][0][0] += 1.0
    elif what == "missing memory":
        out["values"][1][-1] = out["values"][1][-1][:1]
    elif what == "utility":
        spoil_first(out["environment"]["stages"][0]["utility"], 2.0)
    elif what == "prescribed":
        for period in out["mechanism"]["periods"]:
            ask_for_lies(period)
    out["hashes"] = {part: verify_hash(out[part]) for part in out["hashes"]}
    return out


def ask_for_lies(period: dict[str, Any]) -> None:
    """The same for who does what it is asked: agent 1's two messages change places, so that truth is what loses."""
    for name in ("decide", "remember"):
        if name in period:
            period[name] = np.flip(np.array(period[name]), axis=1).tolist()
    for name in ("charge", "due"):
        if name in period:
            period[name] = [np.flip(np.array(own), axis=1).tolist() for own in period[name]]
    period["prescribed"] = [[order] * period["memory"] for order in ([1, 0], [0, 1])]


def spoil_first(nested: list[Any], by: float) -> None:
    """Move the first number of nested lists."""
    while isinstance(nested[0], list):
        nested = nested[0]
    nested[0] += by


def verify_hash(part: Any) -> str:
    """The hash that the checker wants."""
    import hashlib

    return hashlib.sha256(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize("what", ["radii", "charge", "values", "missing memory", "utility", "prescribed"])
def test_a_forged_proof_is_not_taken(safe: Design, what: str) -> None:
    """Each in one place, with hashes that fit."""
    assert safe.proof is not None
    assert verify_robust.check(json.loads(json.dumps(safe.proof)))
    with pytest.raises(verify.Unproved):
        verify_robust.check(spoiled(safe.proof, what))


@pytest.mark.parametrize(
    "broken",
    [
        lambda proof: proof.update(radii=[]),
        lambda proof: proof.update(radii=[[[3.0] * 4] * 2, None]),
        lambda proof: proof.update(radii=[None, None]),
        lambda proof: proof["hashes"].update(mechanism="0"),
        lambda proof: proof.update(values=proof["values"][:1]),
        lambda proof: proof["values"][0].pop(),
    ],
)
def test_a_broken_file_is_no_certificate(safe: Design, broken: Any) -> None:
    """Each is told apart from a claim that does not follow."""
    proof = json.loads(json.dumps(safe.proof))
    broken(proof)
    with pytest.raises((verify.Malformed, TypeError)):
        verify_robust.check(proof)


def test_a_mechanism_without_margin_is_not_proved_robust() -> None:
    """The cheapest transfers of the same economy: right at radius 0 where lies lose, not near it."""
    environment = estimated(small(9, 2), 30000)
    mechanism = design(environment).mechanism
    assert mechanism is not None
    radii = tuple(None if stage.kernel is None else environment.radii(s) for s, stage in enumerate(environment.stages))
    with pytest.raises(verify.Unproved):
        verify_robust.check(json.loads(json.dumps(robust_truth(mechanism, radii))))


def test_files_and_the_command_line_check_it(safe: Design, tmp_path: Path) -> None:
    """The proof and the mechanism are written; the proof is verified from its file."""
    environment = safe.task.environment
    dm.save_environment(environment, tmp_path / "data.json")
    found = dm.design(
        dm.load(str(tmp_path / "data.json")),
        margin="auto",
        out=tmp_path / "safe.json",
        certificate=tmp_path / "proof.json.gz",
    )
    assert found.possible
    checked = dm.verify(tmp_path / "proof.json.gz")
    assert checked.proved
    assert "under any law within the radii" in checked.said[0]
    again = dm.audit(dm.load(str(tmp_path / "data.json")), str(tmp_path / "safe.json"))
    assert again.verdict == "holds"


def test_data_of_another_file(tmp_path: Path) -> None:
    """The economy's utilities, the file's laws."""
    environment = small(9, 2)
    known = estimated(environment, 30000)
    dm.save_environment(known, tmp_path / "data.json")
    found = design(replace(environment, outside=(0.5, 0.25)), margin="auto", data=tmp_path / "data.json")
    assert found.possible
    assert found.task.environment.outside == (0.5, 0.25)
    assert found.objective == design(known, margin="auto").objective
    assert seek(found.task).status == "possible"


def test_wrong_words_are_refused_in_one_line(tmp_path: Path) -> None:
    """What is wrong, and what would be right."""
    known = estimated(small(9, 2), 100)
    with pytest.raises(InputError, match="was not estimated, it has no counts; give --data FILE"):
        design("oil-leases", margin="auto")
    with pytest.raises(InputError, match="'much': it is neither a number nor 'auto'"):
        design(known, margin="much")
    with pytest.raises(InputError, match="belongs to --margin auto"):
        design(known, margin=0.5, observations=[10])
    with pytest.raises(InputError, match="confidence: belongs to --margin auto"):
        design(known, confidence=0.5)
    with pytest.raises(InputError, match="0 is no number of times"):
        design(known, margin="auto", observations=[0])
    with pytest.raises(Refusal, match="offered with --incentive ex-post"):
        design(known, margin="auto", incentive="bayesian")
    with pytest.raises(InputError, match="or the largest"):
        design(known, margin="auto", maximise="margin", largest=5)
    with pytest.raises(InputError, match=r"confidence: 1\.5 is not between 0 and 1"):
        design(known, margin="auto", confidence=1.5)
    dm.save_environment(known, tmp_path / "data.json")
    with pytest.raises(InputError, match="are not those of environment 'oil-leases'"):
        design("oil-leases", margin="auto", data=tmp_path / "data.json")
    with pytest.raises(InputError, match="it has no counts"):
        design("oil-leases", margin="auto", data="oil-leases")
    never = estimated_environment(small(9, 2), replace(known.counts, smoothing=0.0))
    counts = draw_counts(small(9, 2), 3, 1, 0, joint=True)
    assert never is not None
    with pytest.raises(InputError, match="never followed what was seen"):
        design(estimated_environment(small(9, 2), counts), margin="auto")


def test_tables_written_out_keep_the_proof(safe: Design) -> None:
    """Memories that are the same mechanism from there on are told by what they do, not by their numbers."""
    assert safe.mechanism is not None
    assert safe.safety is not None
    copy = TabulatedMechanism(safe.task.environment, written_out(safe.mechanism))
    assert verify_robust.check(json.loads(json.dumps(with_bounds(robust_truth(copy, safe.safety.radii)))))


def test_only_truth_is_said_to_hold_under_every_law() -> None:
    """Staying and the budget are those of the estimated law, and the sentence says so."""
    found = design(estimated(small(9, 2), 30000), margin="auto", participation="exit")
    assert found.possible
    proved, rest = found.sentence.split(" (certified), and under the estimated one ")
    assert proved.endswith("% confidence set of the data")
    assert "leav" in rest
    assert "leav" not in proved


class Later(Raffle):
    """Planted: what is reported first changes nothing at once, and one thing in the next period."""

    def __init__(self, environment: TableEnvironment, what: str) -> None:
        super().__init__(environment, 1)
        odds, prices, late = self.odds, self.prices[:, :, :1, :1], self.late[:, :, :1]
        self.odds, self.prices, self.late = (np.zeros(table.shape) for table in (odds, self.prices, self.late))
        self.odds[..., 0] = 1.0
        if what == "odds":
            self.odds[1:] = odds[1:, :1]
        elif what == "prices":
            self.prices[:, 1:] += prices[:, 1:]
        else:
            self.late[:, 1:] += late[:, 1:]


@pytest.mark.parametrize(("what", "horizon"), [("all", 2), ("all", None), ("odds", 2), ("prices", 2), ("late", None)])
def test_what_is_proved_of_any_mechanism_is_not_exceeded_under_any_law(what: str, horizon: int | None) -> None:
    """Lotteries, dues and memories at random: the exact search gains no more under laws that are drawn, but something.

    Where reports change nothing but what comes later, memories must be told apart by all that they do.
    """
    environment, rng = small(1, horizon), np.random.default_rng(1)
    mechanism = Raffle(environment, 1) if what == "all" else Later(environment, what)
    radii = tuple(
        None if stage.kernel is None else rng.choice([0, 0.05, 0.3], (len(stage.decisions), stage.size))
        for stage in environment.stages
    )
    proof = json.loads(json.dumps(with_bounds(robust_truth(mechanism, radii))))
    assert len(verify_robust.check(proof)) == 2
    for _ in range(2):
        other = drawn_near(environment, radii, rng)
        found = dm.audit(other, TabulatedMechanism(other, written_out(mechanism))).figures
        gains = {one.agent: one.gain for one in found if (one.family, one.information) == ("best_response", "ex_post")}
        assert max(gains.values()) > 0.05
        for agent, proved in zip(environment.agents, proof["gains"], strict=True):
            assert gains[agent] <= proved + 1e-9
