"""The documentation is true: what it shows runs, what it links to is there, and its gallery is the one of this tree."""

import ast
import importlib
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import polars as pl
import pytest
from docutils import nodes  # type: ignore[import-untyped] # it has no types
from docutils.utils.math import MathError  # type: ignore[import-untyped]

from docs.gallery import EPISODES, HEAD, PAGE, SHOWN, first_sentence, section
from docs.markdown import restructured
from docs.mathml import translated
from docs.reference import CITED, FLOORS, modules, path_of_tests, write_reference
from docs.typography import typeset
from dynmech.experiments.catalog.names import SCENARIOS
from dynmech.experiments.cli.app import main
from dynmech.experiments.reproductions.claims import papers

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    str(path.relative_to(DOCS))
    for path in DOCS.rglob("*.md")
    if path.name not in ("design.md", "gallery.md", "tour.md")
)
THEORY = re.findall(r"^(theory/\w+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
BLOCK = re.compile(r"^```(?:\{code-block\} )?(\w+)\n((?::\w+: [^\n]*\n)*)(.*?)^```$", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"`dynmech ((?:audit|bound) [^`]+)`(?: \(exit code (\d)\))?")
SHORT = ["--episodes", "50"]


class Block(NamedTuple):
    """A fenced block: its language, its options (`:caption:`, `:class:`), its text."""

    language: str
    options: dict[str, str]
    text: str


def read(page: str) -> str:
    """A page's text."""
    return (DOCS / page).with_suffix(".md").read_text(encoding="utf-8")


def blocks(text: str) -> Iterator[Block]:
    """Every block of a page, in order."""
    found = BLOCK.findall(text)
    assert len(found) == len(re.findall(r"^```(?:\{code-block\} )?\w", text, re.MULTILINE))
    for language, options, body in found:
        yield Block(language, dict(re.findall(r":(\w+): (.*)", options)), body.lstrip("\n"))


def run_command(line: str, out: pytest.CaptureFixture[str]) -> None:
    """A `dynmech …` line, with few episodes if it does not say how many; a comment may give the exit code."""
    code = re.search(r"# exit code (\d)$", line)
    arguments = shlex.split(line, comments=True)
    assert arguments.pop(0) == "dynmech"
    if arguments[0] in ("run", "stress") and "--episodes" not in arguments:
        arguments += SHORT
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    shown = out.readouterr()
    assert stop.value.code == (int(code[1]) if code else 0), (line, shown.err)
    assert shown.out.strip(), line


def run_page(text: str, out: pytest.CaptureFixture[str]) -> dict[str, object]:
    """A page from top to bottom in the working directory: files are saved, commands and code run."""
    scope: dict[str, object] = {}
    for block in blocks(text):
        if "caption" in block.options:
            Path(block.options["caption"]).write_text(block.text, encoding="utf-8")
        elif block.options.get("class") == "install":
            assert all(line in README for line in block.text.splitlines())
        elif block.language == "python":
            exec(block.text, scope)
        elif block.language == "sh":
            for line in block.text.splitlines():
                run_command(line, out)
        else:
            assert block.language == "text"
    return scope


LONG = ("learners.md", "robustness.md", "sweeps.md", "tournaments.md", "tutorials/reinforcement_learner.md")
"""Pages that play for long; they run with the slow tests."""


LESS = {
    "learners.md": (('=q-learning"', '=q-learning:rounds=60"'), ("rounds=1000", "rounds=60"), ("200 --", "20 --")),
    "tutorials/reinforcement_learner.md": (("episodes=2500", "episodes=200"), ("10_200", "10_020")),
}
"""Pages that learn for long, and what is put in place of what for the quick suite."""


@pytest.mark.parametrize("page", LESS)
def test_learners_run_with_less_to_play(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = read(page)
    for more, less in LESS[page]:
        assert more in text
        text = text.replace(more, less)
    monkeypatch.chdir(tmp_path)
    assert run_page(text, capsys)


@pytest.mark.parametrize("page", [pytest.param(p, marks=pytest.mark.slow) if p in LONG else p for p in PAGES])
def test_a_page_runs_from_top_to_bottom(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scope = run_page(read(page), capsys)
    assert scope or not any(block.language == "python" and not block.options for block in blocks(read(page)))
    if page == "logs.md":
        pandas, duck = scope["by_pandas"], scope["by_duckdb"]
        assert duck["gain"].tolist() == pytest.approx(pandas.tolist())  # type: ignore[attr-defined, index]
        polars = dict(scope["by_polars"].select(pl.concat_str("mechanism", "case"), "gain").iter_rows())  # type: ignore[attr-defined]
        assert polars == pytest.approx({"".join(key): gain for key, gain in pandas.items()})  # type: ignore[attr-defined]
        assert (scope["again"] - scope["told"]).abs().max() < 1e-9  # type: ignore[operator]
        assert len(scope["worst"]) == 10  # type: ignore[arg-type]
    if page == "tutorials/reinforcement_learner.md":
        assert 1.5 < scope["learned"] <= 2.2  # type: ignore[operator]
    if page == "runs.md":
        pairs = list(zip(scope["one"], scope["two"], strict=True))  # type: ignore[call-overload]
        assert pairs
        assert all(a.read_bytes() == b.read_bytes() for a, b in pairs)


@pytest.mark.parametrize("page", ["own/strategy.md", "own/mechanism.md", "own/scenario.md"])
def test_an_example_of_ones_own_is_short(page: str) -> None:
    examples = [block.text.splitlines() for block in blocks(read(page)) if "caption" in block.options]
    assert examples
    for example in examples:
        assert 20 <= len(example) <= 30
        assert max(map(len, example)) <= 100


def test_a_page_that_is_wrong_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for wrong in (
        "```sh\ndynmech audit oil-leases-prior cremer-mclean\n```",
        "```sh\ndynmech audit oil-leases-prior linked # exit code 1\n```",
        "```sh\nls\n```",
        "```{code-block} sh\n:class: install\n\npip install something-else\n```",
        "```ruby\nputs 1\n```",
    ):
        with pytest.raises(AssertionError):
            run_page(wrong, capsys)


# Links


def missing(text: str) -> list[str]:
    """Modules, objects, tests and pages that a page links to and that are not there."""
    gone = []
    for role, name in re.findall(r"\{py:(\w+)\}`([\w.]+)`", text):
        try:
            importlib.import_module(name) if role == "mod" else pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            gone.append(name)
    for file, test in CITED.findall(text):
        if test not in functions(ROOT / path_of_tests(file)):
            gone.append(f"{file}::{test}")
    return gone


def functions(path: Path) -> set[str]:
    """Names of a module's functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = read(page)
    assert not missing(text)
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if "reference/" not in link:
            assert (DOCS / page).parent.joinpath(link).is_file(), link
    assert len(re.findall(r"\{test\}`", text)) == len(CITED.findall(text))


def test_links_that_lead_nowhere_are_caught() -> None:
    wrong = [
        "{py:mod}`mechanisms.nobody`",
        "{py:class}`dynmech.mechanisms.rules.base.Nobody`",
        "{test}`test_docs::test_nobody`",
    ]
    assert missing(" ".join(wrong)) == [
        "mechanisms.nobody",
        "dynmech.mechanisms.rules.base.Nobody",
        "test_docs::test_nobody",
    ]


def statements(page: str) -> list[list[str]]:
    """The rows of a page's tables of statements, cell by cell."""
    rows = [line.strip("|").split(" | ") for line in read(page).splitlines() if line.startswith("| ")]
    return [row for row in rows if row[0].strip() not in ("statement", "---")]


@pytest.mark.parametrize("page", THEORY)
def test_every_statement_has_a_module_a_check_and_a_test(page: str) -> None:
    assert len(statements(page)) > 8
    for row in statements(page):
        assert len(row) == 4, row
        assert "{py:mod}" in row[1], row
        assert row[2].strip(), row
        assert CITED.search(row[3]), row


def checks() -> list[tuple[str, int]]:
    """Every audit that a theory page states, once, with the exit code that it states."""
    found = [match for page in THEORY for match in CHECK.findall(read(page))]
    return sorted({(command, int(code or 0)) for command, code in found})


@pytest.mark.parametrize(("command", "code"), checks())
def test_checks_come_out_as_stated(command: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(command))
    assert stop.value.code == code, capsys.readouterr().err


@pytest.mark.parametrize("page", THEORY)
def test_papers_that_are_reproduced_are_those_of_the_command(page: str) -> None:
    named = set(re.findall(r"dynmech reproduce ([\w-]+)", read(page)))
    (paper,) = named
    assert paper in papers()
    assert paper.replace("-", "_").startswith(Path(page).name)


NUMBERED = re.compile(r"(Theorem|Proposition|Lemma|Corollary|Remark|Example)s? (\d[\d.]*)(?: (?:and|to) (\d[\d.]*))?")


def unnamed(row: list[str]) -> list[str]:
    """Numbers of the statement that a row opens with, and that none of its modules claims in its docstrings."""
    match = NUMBERED.match(row[0].strip())
    numbers = [number.rstrip(".") for number in match.groups()[1:] if number] if match else []
    said = "".join(source(name) for name in re.findall(r"\{py:mod\}`([\w.]+)`", row[1]))
    return [number for number in numbers if not re.search(rf"(?<![\d.§]){re.escape(number)}(?![\d.]*\d)", said)]


def source(module: str) -> str:
    """A module's text."""
    return (ROOT / module.removeprefix("dynmech.").replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", THEORY)
def test_modules_claim_the_statements_that_they_are_cited_for(page: str) -> None:
    assert sum(NUMBERED.match(row[0].strip()) is not None for row in statements(page)) > 5
    assert [(row[0], missed) for row in statements(page) if (missed := unnamed(row))] == []


def test_a_module_that_is_about_something_else_is_caught() -> None:
    row = ["Lemma 3.2: rents", "{py:mod}`dynmech.mechanisms.virtual.rents`"]
    assert not unnamed(row)
    assert unnamed(["Lemmas 3.2 and 5.2: rents", row[1]]) == ["5.2"]
    assert unnamed([row[0], "{py:mod}`dynmech.mechanisms.groves.team`"]) == ["3.2"]


def test_the_contents_list_every_page() -> None:
    contents = re.findall(r"^([\w/]+)$", read("index.md"), re.MULTILINE)
    pages = {str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md")} - {"index"}
    assert {page for page in contents if not page.startswith("reference/")} == pages
    linked = {link.removesuffix(".md") for link in re.findall(r"\]\(([\w/]+\.md)\)", read("index.md"))}
    assert linked == pages


# Gallery and reference


def test_the_gallery_shows_every_scenario_once() -> None:
    assert re.findall(r"^## (.+)$", read("gallery.md"), re.MULTILINE) == sorted(SCENARIOS.names())
    assert set(SHOWN) <= set(SCENARIOS.names())


QUICK = ("oil-leases", "bilateral-trade-continuous", "non-separable")


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in sorted(SCENARIOS.names())],
)
def test_the_gallery_is_what_its_command_writes(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.startswith(HEAD.format(episodes=EPISODES))
    assert f"\n{section(name)}" in page


def test_a_sentence_ends_at_its_full_stop() -> None:
    assert first_sentence("Who would care: all of us. And more.") == "Who would care: all of us."
    assert first_sentence("Only δ = 0.9 counts.") == "Only δ = 0.9 counts."


def test_reference_pages_follow_the_tree(tmp_path: Path) -> None:
    (tmp_path / "sim.gone.rst").write_text("old", encoding="utf-8")
    write_reference(tmp_path)
    written = {path.stem for path in tmp_path.glob("*.rst")}
    names = {name for floor in FLOORS for name, _ in modules(floor)}
    assert written == names | {"tests"}
    assert ":doc:`dynmech.sim.play.loop <dynmech.sim.play.loop>`" in (tmp_path / "dynmech.sim.rst").read_text(
        encoding="utf-8"
    )
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.rst")}
    write_reference(tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.rst")}


@pytest.mark.parametrize(
    ("markdown", "rst"),
    [
        ("Runs `a*b` of |x| and x_.", r"Runs ``a*b`` of \|x\| and x\_."),
        ("a*(r) and *not* r^*", r"a\*(r) and *not* r^\*"),
        ("Formula\n\n    p = q*\n\nend", "Formula\n\n\n::\n\n    p = q*\n\n\nend"),
        ("| a | b |\n| --- | --- |\n| `x` | |y |", None),
        ("Text:\n- one\n  more\n- two", "Text:\n\n- one\n  more\n- two"),
        ("L.", r"\L."),
        ("Args:\n    x: |x|, `(n,)`.", "\nArgs:\n    x: \\|x\\|, ``(n,)``.\n"),
    ],
)
def test_docstrings_keep_their_meaning_in_restructured_text(markdown: str, rst: str | None) -> None:
    written = "\n".join(restructured(markdown.splitlines()))
    if rst is None:
        assert ".. list-table::" in written
        assert "* - a" in written
    else:
        assert written == rst


def test_sections_of_numpydoc_keep_their_form() -> None:
    section = ["Parameters", "----------", "x : str | None", "    One.", "", "    Two: `a*b`."]
    written = restructured(["A.", "", *section, "", "Notes", "-----", "As", "", "    p = q*"])
    told = [line for line in written if line]
    assert told[1:6] == ["Parameters", "----------", "x : str \\| None", "    One.", "    Two: ``a*b``."]
    assert told[6:] == ["Notes", "-----", "As", "::", "    p = q*"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("θ_t^i of V_{−i}(θ_1)", "θ_(t)^(i) of V_(−i)(θ_(1))"),
        ("u^i_t and u_t^s^j", "u_(t)^(i) and u_(t)^(s j)"),
        ("Σ_{j≠i} α̂_j v_j − max_d x′_{t+1}", "Σ_(j≠i) α̂_(j) v_(j) − max_(d) x′_(t+1)"),
        (
            "ρθ_1, ½θ_1, c_× > 2 c_+, 10^−9, Γ^link, (Gy)_k, a*_{−i}, z_ijt",
            "ρθ_(1), ½θ_(1), c_(×) > 2 c_(+), 10^(−9), Γ^(link), (Gy)_(k), a*_(−i), z_(ijt)",
        ),
        ("p_{a<b}", "p_(a<b)"),
        *((code, code) for code in ("snake_case, x_value, 20_000", "__init__, a^, _t and 3 ^ 4")),
    ],
)
def test_indices_are_set_and_names_are_not(written: str, shown: str) -> None:
    assert "".join(as_plain(node) for node in typeset(written)) == shown


def as_plain(node: nodes.Node) -> str:
    """A node of a text as `base_(below)^(above)`, read from its MathML by a parser of XML."""
    if not isinstance(node, nodes.raw):
        return str(node.astext())
    (scripted,) = ElementTree.fromstring(node.astext())
    base, *indices = ("".join(part.itertext()) for part in scripted)
    marks = {"msub": "_", "msup": "^", "msubsup": "_^"}[scripted.tag]
    return base + "".join(f"{mark}({index})" for mark, index in zip(marks, indices, strict=True))


def test_tex_becomes_mathml_and_a_slip_is_told() -> None:
    shown = ElementTree.fromstring(translated(r"\sum_{j \neq i} u^j(a) = \frac{1}{N}", block=True))
    assert shown.get("display") == "block"
    assert {"msup", "mfrac"} <= {element.tag.rpartition("}")[2] for element in shown.iter()}
    assert "≠" in "".join(shown.itertext())
    with pytest.raises(MathError):
        translated(r"\nosuch x", block=False)
