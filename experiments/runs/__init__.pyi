from .checking import (
    Finding as Finding,
)
from .checking import (
    check_environment as check_environment,
)
from .checking import (
    check_mechanism as check_mechanism,
)
from .checking import (
    check_plugins as check_plugins,
)
from .checking import (
    check_strategy as check_strategy,
)
from .exact import Collusion as Collusion
from .exact import Exact as Exact
from .exact import collusion as collusion
from .fingerprint import code_hashes as code_hashes
from .fingerprint import environment_hash as environment_hash
from .fingerprint import file_hash as file_hash
from .loading import (
    check_case as check_case,
)
from .loading import (
    make_workers as make_workers,
)
from .loading import (
    open_environment as open_environment,
)
from .loading import (
    open_game as open_game,
)
from .loading import (
    open_plugins as open_plugins,
)
from .loading import (
    open_strategy as open_strategy,
)
from .loading import (
    require_fit as require_fit,
)
from .loading import (
    tried as tried,
)
from .moments import Moments as Moments
from .moments import amount as amount
from .moments import signed as signed
from .pilot_choice import Contest as Contest
from .pilot_choice import pick as pick
from .replaying import Replay as Replay
from .replaying import replay as replay
from .results import (
    Run as Run,
)
from .results import (
    open_runs as open_runs,
)
from .results import (
    read_run as read_run,
)
from .results import (
    read_whole as read_whole,
)
from .results import (
    save_result as save_result,
)
from .running import RunResult as RunResult
from .running import agent_index as agent_index
from .running import make_conduct as make_conduct
from .running import run as run
from .shards import (
    Job as Job,
)
from .shards import (
    make_job as make_job,
)
from .shards import (
    play_jobs as play_jobs,
)
from .shards import (
    shard_keys as shard_keys,
)
from .shards import (
    users_code as users_code,
)
from .simulation import (
    Case as Case,
)
from .simulation import (
    Progress as Progress,
)
from .simulation import (
    Sampling as Sampling,
)
from .simulation import (
    default_folder as default_folder,
)
from .simulation import (
    lone_deviation as lone_deviation,
)
from .simulation import (
    pilot as pilot,
)
from .simulation import (
    silent as silent,
)
from .simulation import (
    slug as slug,
)
from .simulation import (
    versions as versions,
)
from .stressing import (
    StressResult as StressResult,
)
from .stressing import (
    describe_gain as describe_gain,
)
from .stressing import (
    gain_table as gain_table,
)
from .stressing import (
    gainers as gainers,
)
from .stressing import (
    headline as headline,
)
from .stressing import (
    stress as stress,
)
from .study import Study as Study
from .study import Text as Text
from .study import in_words as in_words
from .study import load_study as load_study
from .study import read_toml as read_toml
from .tally import Tally as Tally
from .tally import first_best as first_best
from .tally import properties as properties
from .to_json import print_json as print_json
