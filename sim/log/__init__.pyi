from .journal import Journal as Journal
from .run_folder import RunFolder as RunFolder, configuration_hash as configuration_hash, read_manifest as read_manifest
from .shard_files import write_shard as write_shard
from .tables import (
    episodes_table as episodes_table,
    gains_table as gains_table,
    outcomes_table as outcomes_table,
    rounds_table as rounds_table,
    write_table as write_table,
)
