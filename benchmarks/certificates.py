"""What a proof costs: certifying and checking, beside the audit."""

import json
from statistics import median

from benchmarks.base import Row, cpu_seconds
from dynmech import Environment, audit, load, make_mechanism
from dynmech.experiments.audits import Audit
from dynmech.experiments.certificates import verify
from dynmech.experiments.certificates.certifying import certificate

ECONOMY, MECHANISM = "random:agents=2,signals=6,decisions=3", "contingent-spanning"


def measure(pairs: int) -> list[Row]:
    """Audit, certify and check the same mechanism, in turns."""
    environment = load(ECONOMY)
    runs = [_once(environment) for _ in range(pairs + 1)][1:]
    audited, certified, checked = (median(run[k] for run in runs) for k in range(3))
    work = f"{MECHANISM} on {ECONOMY}"
    more, beside = (median(run[k] / run[0] for run in runs) for k in (1, 2))
    return [
        Row(f"certificate of {work}", certified, "s", "the audit", audited, 1 / more, "0.2 of the audit", more <= 0.2),
        Row("its check", checked, "s", "the audit", audited, 1 / beside, "as much as the audit", beside <= 1),
    ]


def _once(environment: Environment) -> tuple[float, float, float]:
    """CPU seconds of the audit, of the certificate and of its check."""
    rules = make_mechanism(MECHANISM, environment)
    made: list[str] = []
    found: list[Audit] = []
    return (
        cpu_seconds(lambda: found.append(audit(environment, rules))),
        cpu_seconds(lambda: made.append(json.dumps(certificate(rules, [(0,), (1,)], searches=found[0].searches)))),
        cpu_seconds(lambda: verify.check(json.loads(made[0]))),
    )
