from .groves import Groves as Groves
from .pivot import Pivot as Pivot
from .pivot_with_fees import PivotWithFees as PivotWithFees
from .static_vcg import StaticVCG as StaticVCG
from .static_vcg_efficient import StaticVCGEfficient as StaticVCGEfficient
from .suppress_repeats import SuppressRepeats as SuppressRepeats
from .team import Team as Team
from .trading_pivot import TradingPivot as TradingPivot
