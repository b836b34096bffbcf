"""What `robust` is asked, before anything is worked out."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynmech.experiments.catalog.accepted import MechanismLike, as_environment, mechanism_list
from dynmech.experiments.catalog.fingerprint import code_hashes, file_hash, mechanism_files, with_plugin_files
from dynmech.experiments.robustness.ball_work import BallTask, read_radius
from dynmech.experiments.robustness.estimation_cost import Batch
from dynmech.experiments.sweeps.contenders import Contender, contenders_of
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.economy.kernels import JointKernel

TOGETHER = 10
"""Replications in one piece of work."""

MOST = 1_000_000
"""Mechanisms times numbers of draws times replications."""


@dataclass(frozen=True, eq=False)
class RobustPlan:
    """A comparison, frozen.

    Attributes:
        environment: the truth.
        typed: what it is called.
        given: the economy as it was given.
        contenders: the mechanisms.
        draws: transitions drawn out of every row, rising.
        replications: estimates per number of draws.
        joint, smoothing: how is estimated.
        target: a gain that is to be met, in money; None: not asked.
        ball: radii of balls around the economy's own law.
        utility_error, discount_error: by how much a deviator's utilities, and the discount factor, may be off besides.
        plugins: files that users' classes come from.
    """

    environment: TableEnvironment
    typed: str
    given: object
    contenders: tuple[Contender, ...]
    draws: tuple[int, ...]
    replications: int
    seed: int
    joint: bool
    smoothing: float
    target: float | None
    ball: tuple[float | str, ...]
    utility_error: float
    discount_error: float
    plugins: tuple[Path, ...]

    @classmethod
    def of(
        cls,
        environment: object,
        mechanisms: MechanismLike | Sequence[MechanismLike],
        draws: Sequence[int],
        *,
        by: str | None = None,
        ball: Sequence[float | str] = (),
        plugins: Sequence[Path] = (),
        **how: Any,
    ) -> "RobustPlan":
        """Return the plan, checked.

        Raises:
            InputError: a number is out of range, or a mechanism is given twice or made already.
            Refusal: the economy is not finite, or has no law of motion.
        """
        truth = as_environment(environment)
        if not isinstance(truth, TableEnvironment):
            raise Refusal(f"robust: environment {truth.name!r} is not finite; give its version on a grid")
        kernel = next((stage.kernel for stage in truth.stages if stage.kernel is not None), None)
        if kernel is None:
            raise Refusal(f"robust: environment {truth.name!r} has one period only, and no law of motion")
        joint = isinstance(kernel, JointKernel)
        if by not in (None, "joint", "agent"):
            raise InputError(f"robust: by {by!r} is neither 'joint' nor 'agent'")
        if by == "agent" and joint:
            raise InputError("robust: by 'agent': signals move together in this economy; its law is no product")
        given = tuple(mechanism_list(mechanisms))
        if not given:
            raise InputError("robust: name at least one mechanism")
        contenders = contenders_of(given, [])
        parts = [part for contender in contenders for part in contender.classes()]
        plan = cls(
            environment=truth,
            typed=str(environment) if isinstance(environment, str | Path) else truth.name,
            given=environment,
            contenders=tuple(contenders),
            draws=tuple(sorted(set(draws))),
            joint=joint or by == "joint",
            ball=tuple(dict.fromkeys(read_radius(word, truth) for word in ball)),
            plugins=with_plugin_files(plugins, parts),
            **how,
        )
        plan.check()
        return plan

    def check(self) -> None:
        """Raise InputError where a number is out of range, or a mechanism cannot be made for an estimate."""
        if self.draws and not 1 <= self.draws[0] <= self.draws[-1] <= 10**9:
            raise InputError(f"draws: {self.draws[0]} to {self.draws[-1]}; from 1 to 1,000,000,000 are possible")
        if self.replications < 1:
            raise InputError(f"replications: {self.replications} is below 1")
        if not 0 <= self.smoothing < float("inf"):
            raise InputError(f"smoothing: {self.smoothing:g} is not a number of 0 or more")
        self._check_errors()
        if self.target is not None and not 0 <= self.target < float("inf"):
            raise InputError(f"target: {self.target:g} is not a number of 0 or more")
        if self.target is not None and not self.draws:
            raise InputError("target: belongs to --draws, and there are none; with --ball they must be asked for")
        if (count := len(self.contenders) * len(self.draws) * self.replications) > MOST:
            raise InputError(f"robust: {count:,} audits are more than {MOST:,}")
        for contender in self.contenders:
            if self.draws and isinstance(contender.given, Mechanism):
                raise InputError(
                    f"mechanism {contender.text!r}: it was made already; give its name or its class, to be made anew"
                )

    def _check_errors(self) -> None:
        """Raise InputError where an error of utilities or of the discount factor is out of range."""
        for name, error in (("utility", self.utility_error), ("discount", self.discount_error)):
            if not 0 <= error < float("inf"):
                raise InputError(f"{name} error: {error:g} is not a number of 0 or more")
            if error and not self.ball:
                raise InputError(f"{name} error: belongs to --ball; with --ball 0 the law is the economy's own")
        if self.discount_error:
            low, high = (self.environment.discount + sign * self.discount_error for sign in (-1, 1))
            if low <= 0 or high > 1 or (high == 1 and self.environment.horizon is None):
                raise InputError(f"discount error: {low:g} to {high:g} are not all discount factors of this economy")

    @property
    def by(self) -> str:
        """How is estimated: `joint` or `agent`."""
        return "joint" if self.joint else "agent"

    def key(self, mechanism: int, draws: int, replication: int) -> str:
        """Return the name of a replication in the run folder."""
        return f"mechanism-{mechanism:03d}-draws-{draws:010d}-{replication:06d}"

    def batches(self) -> Iterator[Batch]:
        """Yield all work on estimates."""
        for m, contender in enumerate(self.contenders):
            for n in self.draws:
                for start in range(0, self.replications, TOGETHER):
                    some = tuple(range(start, min(start + TOGETHER, self.replications)))
                    keys = tuple(self.key(m, n, k) for k in some)
                    yield Batch(self.environment, contender, n, self.seed, some, self.joint, self.smoothing, keys)

    def tasks(self) -> Iterator[BallTask]:
        """Yield all work on balls: every radius, and the radius up to which nobody gains."""
        for m, contender in enumerate(self.contenders if self.ball else ()):
            for k, radius in enumerate((*self.ball, None)):
                name = "radius" if radius is None else f"{k:03d}"
                key = f"mechanism-{m:03d}-ball-{name}"
                errors = self.utility_error, self.discount_error
                yield BallTask(self.environment, contender, radius, *errors, (key,))

    def configuration(self) -> dict[str, Any]:
        """Return what makes two comparisons the same."""
        return {
            "command": "robust",
            "environment": self.environment.name,
            "economy": environment_hash(self.environment),
            "mechanisms": [contender.text for contender in self.contenders],
            "draws": list(self.draws),
            "replications": self.replications,
            "seed": self.seed,
            "by": self.by,
            "smoothing": self.smoothing,
            "ball": list(self.ball),
            "utility_error": self.utility_error,
            "discount_error": self.discount_error,
            "plugins": [file_hash(path) for path in self.plugins],
            "code": code_hashes(cls for contender in self.contenders for cls in contender.classes()),
            **mechanism_files(contender.text for contender in self.contenders),
        }

    def command(self) -> str | None:
        """Return the line that makes it again; None where something was given as an object."""
        texts = [contender.given for contender in self.contenders]
        if not isinstance(self.given, str) or not all(isinstance(text, str) for text in texts):
            return None
        words = ["dynmech", "robust", self.given, *map(str, texts)]
        words += ["--draws", ",".join(map(str, self.draws))] if self.draws else []
        words += ["--replications", str(self.replications), "--seed", str(self.seed), "--by", self.by]
        words += ["--ball", ",".join(map(str, self.ball))] if self.ball else []
        words += ["--utility-error", repr(self.utility_error)] if self.utility_error else []
        words += ["--discount-error", repr(self.discount_error)] if self.discount_error else []
        words += ["--smoothing", repr(self.smoothing)] if self.smoothing else []
        words += ["--target", repr(self.target)] if self.target is not None else []
        return shlex.join([*words, *(word for path in self.plugins for word in ("--plugin", str(path)))])
