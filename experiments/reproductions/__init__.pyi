from .base import Claim as Claim, Reproduction as Reproduction
from .claims import counted as counted, papers as papers, reproduce as reproduce, sentence as sentence
from .figures import Played as Played
from .liu_misprints import (
    ActionsThatConcernOthers as ActionsThatConcernOthers,
    FirstPrice as FirstPrice,
    FlippedStep as FlippedStep,
    HighestRival as HighestRival,
    NoSecondInstalment as NoSecondInstalment,
    OffByEpsilon as OffByEpsilon,
    OpenLoop as OpenLoop,
    OwnBid as OwnBid,
    PaidTeam as PaidTeam,
    PrintedFee as PrintedFee,
    UndiscountedTarget as UndiscountedTarget,
    Untransposed as Untransposed,
    UntransposedSolver as UntransposedSolver,
)
