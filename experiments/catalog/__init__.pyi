from .names import (
    MECHANISMS as MECHANISMS,
)
from .names import (
    SCENARIOS as SCENARIOS,
)
from .names import (
    STRATEGIES as STRATEGIES,
)
from .names import (
    is_shipped as is_shipped,
)
from .names import (
    make_environment as make_environment,
)
from .names import (
    make_mechanism as make_mechanism,
)
from .names import (
    make_strategy as make_strategy,
)
from .names import (
    mechanism_classes as mechanism_classes,
)
from .names import (
    use_plugins as use_plugins,
)
from .options import (
    construct as construct,
)
from .options import (
    explained as explained,
)
from .options import (
    options_of as options_of,
)
from .options import (
    shown as shown,
)
from .options import (
    split as split,
)
