"""What bounds under worst laws cost, and what one audit on an estimate does, beside an audit."""

from statistics import median

from benchmarks.base import Row, cpu_seconds
from dynmech import audit, load, make_mechanism
from dynmech.agents.robustness.balls import Ball
from dynmech.agents.robustness.pair_bound import upper_bound
from dynmech.agents.robustness.robust_values import walk_of
from dynmech.experiments.robustness.drawn_counts import draw_counts
from dynmech.experiments.robustness.estimation_cost import cost_of
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import estimated_environment

ECONOMY, MECHANISM = "random:agents=2,signals=4,decisions=3", "contingent-spanning"


def measure(pairs: int) -> list[Row]:
    """Audit, bound over a ball, and audit on an estimate, in turns."""
    environment = load(ECONOMY)
    assert isinstance(environment, TableEnvironment)
    runs = [_once(environment) for _ in range(pairs + 1)][1:]
    audited, bounded, estimated = (median(run[k] for run in runs) for k in range(3))
    work = f"{MECHANISM} on {ECONOMY}"
    near, drawn = (median(run[k] / run[0] for run in runs) for k in (1, 2))
    return [
        Row(f"worst laws of {work}", bounded, "s", "an audit", audited, 1 / near, "40 audits", near <= 40),
        Row(f"an estimate of {work}", estimated, "s", "an audit", audited, 1 / drawn, "an audit", drawn <= 1),
    ]


def _once(environment: TableEnvironment) -> tuple[float, float, float]:
    """CPU seconds of the audit, of the bound for both agents, and of one replication."""
    rules = make_mechanism(MECHANISM, environment)
    game, ball = FiniteGame(environment, rules), Ball.around(environment, 0.1)

    def replicate() -> None:
        economy = estimated_environment(environment, draw_counts(environment, 100, 0, 0, joint=True))
        cost_of(environment, make_mechanism(MECHANISM, economy), 0.0)

    return (
        cpu_seconds(lambda: audit(environment, rules)),
        cpu_seconds(lambda: [upper_bound(walk_of(game, i), ball) for i in range(2)]),
        cpu_seconds(replicate),
    )
