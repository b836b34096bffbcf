from .fingerprint import code_hashes as code_hashes, file_hash as file_hash, plugin_hash as plugin_hash
from .names import (
    MECHANISMS as MECHANISMS,
    SCENARIOS as SCENARIOS,
    STRATEGIES as STRATEGIES,
    is_shipped as is_shipped,
    load as load,
    make_mechanism as make_mechanism,
    make_strategy as make_strategy,
    mechanism_classes as mechanism_classes,
    take_in_plugins as take_in_plugins,
)
from .options import (
    construct as construct,
    explained as explained,
    options_of as options_of,
    shown as shown,
    split as split,
)
