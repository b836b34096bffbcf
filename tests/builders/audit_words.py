"""An audit by the command line, and its verdicts in words."""

import pytest

from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.cli.app import main


def verdicts(found: Audit) -> dict[str, str]:
    return {verdict.promise: verdict.status for verdict in found.verdicts}


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err
