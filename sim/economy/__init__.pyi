from .beliefs import (
    belief_matrices as belief_matrices,
)
from .beliefs import (
    next_belief as next_belief,
)
from .beliefs import (
    others_next as others_next,
)
from .beliefs import (
    prior_belief as prior_belief,
)
from .builders import (
    from_arrays as from_arrays,
)
from .builders import (
    random_environment as random_environment,
)
from .builders import (
    single_object as single_object,
)
from .builders import (
    trade as trade,
)
from .buyer_with_two_signals import TwoPeriodBuyer as TwoPeriodBuyer
from .buyer_with_two_signals import two_period_buyer as two_period_buyer
from .density import (
    DensityEnvironment as DensityEnvironment,
)
from .density import (
    density_environment as density_environment,
)
from .density import (
    gauss_legendre as gauss_legendre,
)
from .draws import Inverse as Inverse
from .draws import Move as Move
from .environment import (
    Environment as Environment,
)
from .environment import (
    State as State,
)
from .environment import (
    TableEnvironment as TableEnvironment,
)
from .environment import (
    check_terms as check_terms,
)
from .files import load_environment as load_environment
from .files import save_environment as save_environment
from .function import FunctionEnvironment as FunctionEnvironment
from .interval_trading_game import (
    TradingGameEnvironment as TradingGameEnvironment,
)
from .interval_trading_game import (
    cost as cost,
)
from .interval_trading_game import (
    expected_cost as expected_cost,
)
from .interval_trading_game import (
    expected_own_cost as expected_own_cost,
)
from .interval_trading_game import (
    expected_value as expected_value,
)
from .interval_trading_game import (
    mean_value as mean_value,
)
from .interval_trading_game import (
    quantity as quantity,
)
from .interval_trading_game import (
    trading_game as trading_game,
)
from .kernels import (
    IndependentKernel as IndependentKernel,
)
from .kernels import (
    JointKernel as JointKernel,
)
from .kernels import (
    Kernel as Kernel,
)
from .kernels import (
    Operator as Operator,
)
from .kernels import (
    cumulate as cumulate,
)
from .separable import (
    Economy as Economy,
)
from .separable import (
    FirstSignal as FirstSignal,
)
from .separable import (
    Grid as Grid,
)
from .separable import (
    Later as Later,
)
from .separable import (
    Law as Law,
)
from .separable import (
    Power as Power,
)
from .separable import (
    Scale as Scale,
)
from .separable import (
    SeparableEnvironment as SeparableEnvironment,
)
from .separable import (
    midpoints as midpoints,
)
from .separable import (
    separable_environment as separable_environment,
)
from .separable_builders import (
    arms as arms,
)
from .separable_builders import (
    beta_signal as beta_signal,
)
from .separable_builders import (
    beta_states as beta_states,
)
from .separable_builders import (
    items as items,
)
from .separable_builders import (
    state_labels as state_labels,
)
from .stage import Stage as Stage
from .stage import labels_text as labels_text
from .symmetry import asymmetry as asymmetry
