from .fused_games import (
    Script as Script,
    engines_of as engines_of,
    known_engine as known_engine,
    obstacle as obstacle,
    play_fused as play_fused,
    script_of as script_of,
)
