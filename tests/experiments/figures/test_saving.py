"""Pictures say what makes them again, in every format, and are the same bytes every time."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from PIL import Image

from dynmech import plot_stress, read_run, stress, write_plots
from dynmech.experiments.figures.forms import FORMS, figure_form
from dynmech.experiments.figures.heat_map import draw_gains
from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.figures.saving import save_figure
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.sim.core.errors import InputError

ABOUT = Provenance(7, "0123456789abcdef", r"dynmech run 'a (b) \c é' --seed 7")
TABLE = pd.DataFrame({"one-shot": [1.0, float("nan")]}, index=["m", "n"])


def metadata(path: Path) -> dict[str, str]:
    """Seed, configuration and command as the file says them, read without what wrote it."""
    if path.suffix == ".png":
        with Image.open(path) as picture:
            return {str(key): str(value) for key, value in picture.info.items() if key in ABOUT.fields()}
    if path.suffix == ".svg":
        return svg_metadata(path)
    data = path.read_bytes()
    found = {}
    for key in (b"Keywords", b"Subject"):
        text = re.search(rb"/" + key + rb" \(((?:[^\\)]|\\.)*)\)", data, re.DOTALL)
        if text is not None:
            raw = re.sub(rb"\\(.)", lambda m: {b"n": b"\n", b"r": b"\r"}.get(m[1], m[1]), text[1], flags=re.DOTALL)
            found[key.decode()] = raw[2:].decode("utf-16-be") if raw[:2] == b"\xfe\xff" else raw.decode("latin-1")
    return named(found.get("Keywords", "").split(", "), found.get("Subject"))


def svg_metadata(path: Path) -> dict[str, str]:
    """That of an SVG file, from its RDF."""
    dc, rdf = "{http://purl.org/dc/elements/1.1/}", "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    root = ElementTree.parse(path).getroot()
    assert root.find(f".//{dc}date") is None
    description = root.find(f".//{dc}description")
    words = [str(item.text) for item in root.findall(f".//{dc}subject/{rdf}Bag/{rdf}li")]
    return named(words, None if description is None else description.text)


def named(words: list[str], command: str | None) -> dict[str, str]:
    """`seed=7` and its like, by name."""
    pairs = (word.partition("=") for word in words if word)
    found = {key.capitalize(): value for key, _, value in pairs}
    return found | ({"Command": command} if command else {})


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_says_what_makes_it_again(form: str, tmp_path: Path) -> None:
    path = save_figure(draw_gains(TABLE, "t", "n"), tmp_path / f"a.{form}", ABOUT)
    assert metadata(path) == ABOUT.fields()
    other = save_figure(draw_gains(TABLE, "t", "n"), tmp_path / f"b.{form}", Provenance(8, "x"))
    assert metadata(other) == {"Seed": "8", "Configuration": "x"}
    assert metadata(save_figure(draw_gains(TABLE, "t", "n"), tmp_path / f"c.{form}")) == {}


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_same_bytes_every_time_and_has_no_date(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = save_figure(draw_gains(TABLE, "t", "n"), tmp_path / f"a.{form}", ABOUT).read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    second = save_figure(draw_gains(TABLE, "t", "n"), tmp_path / f"b.{form}", ABOUT).read_bytes()
    assert first == second
    assert not re.search(rb"CreationDate|ModDate|dc:date|tIME", first)
    assert first.startswith({"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[form])


def test_letters_of_a_pdf_are_truetype(tmp_path: Path) -> None:
    """Publishers refuse Type 3."""
    data = save_figure(draw_gains(TABLE, "t", "n"), tmp_path / "a.pdf", ABOUT).read_bytes()
    assert b"/FontFile2" in data
    assert b"/Subtype /Type3" not in data


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.pdf.gz", "png"])
def test_another_suffix_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pictures are PDF, SVG or PNG; let the name end in \.pdf, \.svg or \.png"):
        save_figure(draw_gains(TABLE, "t", "n"), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    assert figure_form("X.SVG") == "svg"


@pytest.fixture(scope="module")
def leases(tmp_path_factory: pytest.TempPathFactory) -> StressResult:
    """A small stress test."""
    return stress("oil-leases-prior", "linked", episodes=40, log="summary", out=tmp_path_factory.mktemp("s") / "run")


def test_a_result_draws_itself_with_its_run_s_metadata(leases: StressResult, tmp_path: Path) -> None:
    expected = {
        "Seed": "0",
        "Configuration": read_run(leases.folder).manifest["configuration_hash"],
        "Command": str(leases.command),
    }
    for form in FORMS:
        path = leases.plot(tmp_path / f"gains.{form}")
        assert isinstance(path, Path)
        assert metadata(path) == expected
        assert path.read_bytes() == plot_stress(leases, tmp_path / f"again.{form}").read_bytes()
    assert not isinstance(leases.plot(), Path)
    with pytest.raises(InputError, match="pictures are PDF, SVG or PNG"):
        leases.plot("gains.bmp")


@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_all_pictures_of_a_run_in_another_format(form: str, leases: StressResult, tmp_path: Path) -> None:
    drawn = write_plots(leases.folder, tmp_path, form)
    assert [path.name for path in drawn] == [f"gains.{form}", f"tradeoff.{form}"]
    assert [metadata(path)["Command"] for path in drawn] == [leases.command] * 2
    with pytest.raises(InputError, match="pictures: 'gif' is none of pdf, svg, png"):
        write_plots(leases.folder, tmp_path, "gif")
