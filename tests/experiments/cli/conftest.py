"""What commands need that tests call one after the other."""

from pathlib import Path

import pytest

from tests.builders.cli_calls import prepare


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs, studies and plug-ins, once for a file."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare(folder)
    return folder
