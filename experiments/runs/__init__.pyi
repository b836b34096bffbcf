from .agent_profiles import agent_index as agent_index, strategy_profile as strategy_profile
from .assumptions import broken_assumptions as broken_assumptions
from .case_choice import Chosen as Chosen, worst_case as worst_case
from .execution import (
    Desk as Desk,
    Outcome as Outcome,
    Planner as Planner,
    RunSpec as RunSpec,
    Settings as Settings,
    execute as execute,
)
from .failures import said_once as said_once
from .loading import (
    as_workers as as_workers,
    check_case as check_case,
    make_workers as make_workers,
    open_environment as open_environment,
    open_game as open_game,
    open_strategy as open_strategy,
    require_fit as require_fit,
    run_isolated as run_isolated,
)
from .moments import Moments as Moments, amount as amount, signed as signed
from .pilot_choice import Contest as Contest, pick as pick
from .replaying import Replay as Replay, replay as replay
from .results import (
    Run as Run,
    open_runs as open_runs,
    read_run as read_run,
    read_whole as read_whole,
    save_result as save_result,
)
from .run_result import RunResult as RunResult
from .running import make_protocol as make_protocol, run as run
from .shards import (
    Job as Job,
    make_job as make_job,
    play_jobs as play_jobs,
    shard_keys as shard_keys,
    users_code as users_code,
)
from .shown_result import ShownResult as ShownResult
from .simulation import (
    Case as Case,
    Progress as Progress,
    Sampling as Sampling,
    default_folder as default_folder,
    lone_deviation as lone_deviation,
    pilot as pilot,
    silent as silent,
    slug as slug,
    versions as versions,
)
from .stress_result import (
    StressResult as StressResult,
    describe_gain as describe_gain,
    gain_table as gain_table,
    gainers as gainers,
    headline as headline,
)
from .stressing import stress as stress
from .study import Study as Study, Text as Text, in_words as in_words, load_study as load_study, read_toml as read_toml
from .tally import Tally as Tally, first_best as first_best, properties as properties
from .to_json import print_json as print_json
from .verdicts import Verdict as Verdict, status as status, together as together
