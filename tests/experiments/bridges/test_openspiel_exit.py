"""A process in which a game of ours was registered with OpenSpiel ends as any other."""

import subprocess
import sys

import pytest

pytest.importorskip("pyspiel", reason="OpenSpiel is no dependency: pip install dynmech[spiel]")

FORGOTTEN = """
import gc, sys
import dynmech.experiments.bridges.openspiel_game as game
game.loaded_game.__globals__.clear()
for name in [name for name in sys.modules if name.startswith("dynmech")]:
    del sys.modules[name]
del game
gc.collect()
"""
"""Nobody but OpenSpiel, which outlives Python, knows the function that was registered."""


def test_what_openspiel_alone_remembers_does_not_abort_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", FORGOTTEN], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
