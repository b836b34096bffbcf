"""`dynmech sweep`: the same numbers as from Python, as a table, as JSON, and as a picture."""

import json
from pathlib import Path

import pytest

from dynmech.experiments.audits.continuous import measure
from dynmech.experiments.audits.correlation import sweep_correlation
from dynmech.experiments.cli.app import main
from dynmech.experiments.scenarios.continuous_licence import ContinuousLicence
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity


def swept(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as left:
        main(["sweep", *line])
    assert left.value.code == code
    found = capsys.readouterr()
    return found.err if code else found.out


def test_a_sweep_over_correlation(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    values = ["0.4", "0.2", "0"]
    data = json.loads(swept(capsys, "common-state", "informativeness", *values, "--json"))["rows"]
    frame = sweep_correlation("common-state", "informativeness", [0.4, 0.2, 0])
    assert [row["largest_transfer"] for row in data] == [*frame["largest_transfer"][:2], None]
    assert data[1]["worst_deficit"] == frame["worst_deficit"][1]
    assert "cancel" not in data[0]["refused"]
    picture = tmp_path / "fading.png"
    shown = swept(capsys, "common-state", "informativeness", *values, "--plot", str(picture))
    assert f"{frame['largest_transfer'][0]:.4g}" in shown
    assert "informativeness=0" in shown
    assert "what the others may say cancels" in shown.replace("\n", " ")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_mechanism_and_other_options_are_heeded(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["graded-ore:discount=0.5", "echo", "0.6", "--mechanism", "contingent-convex:transfers=smallest", "--json"]
    (row,) = json.loads(swept(capsys, *line))["rows"]
    (expected,) = sweep_correlation(
        "graded-ore:discount=0.5", "echo", [0.6], "contingent-convex:transfers=smallest"
    ).to_dict("records")
    assert row["largest_transfer"] == pytest.approx(expected["largest_transfer"])
    assert row["refused"] == ""


def test_epsilon_as_transfers_may_grow(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "epsilon.png"
    data = json.loads(swept(capsys, "continuous-licence", "ridge", "0.1", "0.001", "--plot", str(picture), "--json"))[
        "rows"
    ]
    assert [row["method"] for row in data] == ["ridge", "ridge"]
    assert data[0]["epsilon_everywhere"] > data[1]["epsilon_everywhere"]
    assert data[0]["size"] < data[1]["size"]
    found = measure(ContingentDensity(ContinuousLicence().continuous(), "ridge", ridge=0.1))
    assert data[0]["epsilon"] == pytest.approx(found.epsilon)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "epsilon everywhere" in swept(capsys, "continuous-licence", "ridge", "0.1")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["spectrum", "weather", "1"], "unknown option 'weather'"),
        (["continuous-licence", "bound", "x"], "sweep: bound: 'x' is no number of 0 or more"),
        (["continuous-licence", "bound", "nan"], "sweep: bound: 'nan' is no number of 0 or more"),
        (["continuous-licence", "gamma", "1"], "is not finite"),
        (["spectrum", "correlation"], "Missing argument"),
        (["random", "correlation", "0", "--plot", "none.png"], "nothing to draw"),
    ],
)
def test_bad_input_gets_one_line(capsys: pytest.CaptureFixture[str], line: list[str], why: str) -> None:
    said = swept(capsys, *line, code=2)
    assert why in said
    assert len(said.strip().splitlines()) == 1
