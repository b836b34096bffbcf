from .autoregressive_law import autoregression as autoregression
from .beliefs import (
    belief_matrices as belief_matrices,
    next_belief as next_belief,
    others_next as others_next,
    prior_belief as prior_belief,
)
from .bounded_laws import (
    BetaLaw as BetaLaw,
    Law as Law,
    PowerLaw as PowerLaw,
    TruncatedNormalLaw as TruncatedNormalLaw,
    UniformLaw as UniformLaw,
)
from .builders import (
    from_arrays as from_arrays,
    random_environment as random_environment,
    single_object as single_object,
    trade as trade,
)
from .buyer_with_two_signals import TwoPeriodBuyer as TwoPeriodBuyer, two_period_buyer as two_period_buyer
from .chains import persistent_chain as persistent_chain
from .counts import Counts as Counts, radii as radii
from .density import (
    DensityEnvironment as DensityEnvironment,
    density_environment as density_environment,
    gauss_legendre as gauss_legendre,
)
from .environment import (
    Environment as Environment,
    State as State,
    TableEnvironment as TableEnvironment,
    check_terms as check_terms,
)
from .estimated import (
    EstimatedEnvironment as EstimatedEnvironment,
    estimated_environment as estimated_environment,
)
from .files import load_environment as load_environment, save_environment as save_environment
from .function import FunctionEnvironment as FunctionEnvironment
from .interval_trading_game import (
    TradingGameEnvironment as TradingGameEnvironment,
    cost as cost,
    expected_cost as expected_cost,
    expected_own_cost as expected_own_cost,
    expected_value as expected_value,
    mean_value as mean_value,
    quantity as quantity,
    trading_game as trading_game,
)
from .kernels import (
    IndependentKernel as IndependentKernel,
    JointKernel as JointKernel,
    Operator as Operator,
    cumulate as cumulate,
)
from .labels import own_text as own_text, profile_text as profile_text, shown_period as shown_period
from .lagged_signals import finite_memory as finite_memory
from .laws_of_motion import (
    FactoredLaw as FactoredLaw,
    LawOfMotion as LawOfMotion,
    WrittenLaw as WrittenLaw,
    law_of_motion as law_of_motion,
    laws as laws,
)
from .separable import (
    Economy as Economy,
    FirstSignal as FirstSignal,
    Grid as Grid,
    Later as Later,
    Power as Power,
    Scale as Scale,
    SeparableEnvironment as SeparableEnvironment,
    midpoints as midpoints,
    separable_environment as separable_environment,
)
from .separable_builders import (
    arms as arms,
    beta_signal as beta_signal,
    beta_states as beta_states,
    items as items,
    state_labels as state_labels,
)
from .stage import Stage as Stage, labels_text as labels_text
from .symmetry import asymmetry as asymmetry
from .units import in_units as in_units, in_units_of_scale as in_units_of_scale, money_scale as money_scale
