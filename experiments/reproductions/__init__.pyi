from .athey_segal import Played as Played
from .base import Claim as Claim
from .base import Reproduction as Reproduction
from .claims import papers as papers
from .claims import reproduce as reproduce
from .claims import sentence as sentence
from .liu_misprints import (
    FirstPrice as FirstPrice,
)
from .liu_misprints import (
    FlippedStep as FlippedStep,
)
from .liu_misprints import (
    HighestRival as HighestRival,
)
from .liu_misprints import (
    NoSecondInstalment as NoSecondInstalment,
)
from .liu_misprints import (
    OffByEpsilon as OffByEpsilon,
)
from .liu_misprints import (
    OpenLoop as OpenLoop,
)
from .liu_misprints import (
    OwnBid as OwnBid,
)
from .liu_misprints import (
    PaidTeam as PaidTeam,
)
from .liu_misprints import (
    PrintedFee as PrintedFee,
)
from .liu_misprints import (
    UndiscountedTarget as UndiscountedTarget,
)
from .liu_misprints import (
    Untransposed as Untransposed,
)
from .liu_misprints import (
    UntransposedSolver as UntransposedSolver,
)
