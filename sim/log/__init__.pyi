from .journal import Journal as Journal
from .run_folder import RunFolder as RunFolder
from .run_folder import configuration_hash as configuration_hash
from .run_folder import read_ledger as read_ledger
from .shard_files import write_shard as write_shard
from .tables import (
    episodes_table as episodes_table,
)
from .tables import (
    gains_table as gains_table,
)
from .tables import (
    outcomes_table as outcomes_table,
)
from .tables import (
    rounds_table as rounds_table,
)
from .tables import (
    write_table as write_table,
)
