"""Study files: what they say is what is run, and what is wrong in them is said field by field."""

import json
from pathlib import Path

import pytest

from dynmech.experiments.runs.study import Study, json_schema, load_study
from dynmech.sim.core.errors import InputError

SOUND = """
environment = "oil-leases-prior"
mechanism = "cremer-mclean"
episodes = 20_000
seed = 7
out = "runs/mine"
plugins = ["mine.py", "more/yours.py"]
deadline = 0.5
disclosure = "decisions"
tail = 1e-3

[strategies]
"firm 1" = "belief-manipulation"
firm-2 = "one-shot:period=1,map=flip"

[latency]
all = "exponential:0.1"
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "study.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(folder: Path, text: str | bytes) -> str:
    """The one line with which a study is refused, without the file's name."""
    path = write(folder, text)
    with pytest.raises(InputError) as caught:
        load_study(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert len(said.splitlines()) == 1
    return said.removeprefix(f"{path}: ")


def test_every_field_is_read(tmp_path: Path) -> None:
    assert load_study(write(tmp_path, SOUND)) == Study(
        environment="oil-leases-prior",
        mechanism="cremer-mclean",
        episodes=20_000,
        seed=7,
        out="runs/mine",
        plugins=["mine.py", "more/yours.py"],
        deadline=0.5,
        disclosure="decisions",
        tail=1e-3,
        strategies={"firm 1": "belief-manipulation", "firm-2": "one-shot:period=1,map=flip"},
        latency={"all": "exponential:0.1"},
    )


def test_two_fields_are_enough(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, 'environment = "oil-leases"\nmechanism = "linked"\n'))
    assert (study.environment, study.mechanism, study.strategies, study.episodes) == (
        "oil-leases", "linked", {}, 10_000
    )  # fmt: skip


def test_what_editors_leave_does_no_harm(tmp_path: Path) -> None:
    plain = load_study(write(tmp_path, SOUND))
    assert load_study(write(tmp_path, b"\xef\xbb\xbf" + SOUND.encode())) == plain, "a mark of the encoding"
    assert load_study(write(tmp_path, SOUND.replace("\n", "\r\n"))) == plain


def test_a_whole_number_is_a_number(tmp_path: Path) -> None:
    assert load_study(write(tmp_path, SOUND.replace("deadline = 0.5", "deadline = 0"))).deadline == 0


HEAD = 'environment = "oil-leases"\nmechanism = "linked"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 'environment: missing; write environment = "…"; mechanism: missing; write mechanism = "…"'),
        ('environment = "oil-leases"\n', 'mechanism: missing; write mechanism = "…"'),
        (f"{HEAD}episode = 3\n", "episode: unknown key; did you mean 'episodes'?"),
        (
            f"{HEAD}zzz = 3\n",
            "zzz: unknown key; known: environment, mechanism, strategies, episodes, seed, out, plugins, deadline, "
            "latency, disclosure, tail, payments, default, grace, deposit",
        ),
        (
            f'{HEAD}"two\\nlines" = 3\n',
            "'two\\nlines': unknown key; known: environment, mechanism, strategies, episodes, seed, out, plugins, "
            "deadline, latency, disclosure, tail, payments, default, grace, deposit",
        ),
        (f"{HEAD}episodes = 1\n", "episodes: 1 is below 2"),
        (f"{HEAD}episodes = 2_000_000_000\n", "episodes: 2000000000 is above 1,000,000,000"),
        (f'{HEAD}episodes = "many"\n', "episodes: 'many' is not a whole number"),
        (f"{HEAD}episodes = 20.0\n", "episodes: 20.0 is not a whole number"),
        (f"{HEAD}episodes = true\n", "episodes: True is not a whole number"),
        (f"{HEAD}seed = -1\n", "seed: -1 is below 0"),
        (f"{HEAD}seed = 9223372036854775808\n", "seed: 9223372036854775808 is above 9,223,372,036,854,775,807"),
        (
            f"{HEAD}seed = 0x{'f' * 5000}\n",
            "seed: a value of type int that cannot be shown is above 9,223,372,036,854,775,807",
        ),
        (f'{HEAD}tail = "small"\n', "tail: 'small' is not a number"),
        (f"{HEAD}deadline = true\n", "deadline: True is not a number"),
        (f"{HEAD}deadline = 1979-05-27\n", "deadline: datetime.date(1979, 5, 27) is not a number"),
        (f"{HEAD}out = 3\n", "out: 3 is not a text; write it in quotes"),
        (f'{HEAD}out = "a\\u0000b"\n', "out: 'a\\x00b' has a character that cannot be printed"),
        (f'{HEAD}out = "{"a" * 5000}"\n', f"out: '{'a' * 58}… is longer than 4,000 characters"),
        (f'{HEAD}plugins = "mine.py"\n', "plugins: 'mine.py' is not a list; write it in brackets"),
        (f"{HEAD}plugins = [1]\n", "plugins[0]: 1 is not a text; write it in quotes"),
        (f'{HEAD}strategies = "random"\n', "strategies: 'random' is not a table; give it a line for each agent"),
        (f'{HEAD}[strategies]\n"firm 1" = 3\n', "strategies.'firm 1': 3 is not a text; write it in quotes"),
        (f'{HEAD}[latency]\nall = 0.2\n', "latency.all: 0.2 is not a text; write it in quotes"),
        (f'{HEAD}[latency]\n"a\\nb" = "0.2"\n', "latency.'a\\nb': 'a\\nb' has a character that cannot be printed"),
        (
            f'{HEAD}seed = "1"\nepisode = 3\nepisodes = 0\n',
            "episodes: 0 is below 2; seed: '1' is not a whole number; episode: unknown key; did you mean 'episodes'?",
        ),
    ],
)  # fmt: skip
def test_every_wrong_field_is_named_with_what_would_be_right(text: str, line: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("environment = ", "not TOML: Invalid value (at end of document)"),
        ("environment = [\n", "not TOML: "),
        ("a = 1\na = 2\n", "not TOML: Cannot overwrite a value (at line 2, column 6)"),
        (b"environment = \"caf\xe9\"\n", "cannot be read: it is not UTF-8 text"),
        (b"a = \"\x00\"\n", "not TOML: Illegal character '\\x00' (at line 1, column 6)"),
        (f"{HEAD}seed = {'9' * 5000}\n", "not a study: a number has too many digits"),
        (f"{HEAD}seed = {'[' * 3000}\n", "not a study: its tables or lists are nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_not_toml_is_named_by_line_and_column(text: str | bytes, line: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text).startswith(line)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "absent.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(InputError) as caught:
            load_study(path)
        assert str(caught.value) == f"{path}: cannot be read: {reason}"


def test_a_study_without_end_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"zero\.toml: not a study: it has more than 4\.19 MB"):
        load_study(tmp_path / "zero.toml")


def test_the_published_schema_is_this_one_and_explains_every_key() -> None:
    """`docs/study.schema.json`, with which editors complete what is written."""
    kept = json.loads((Path(__file__).parents[3] / "docs" / "study.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()
    assert all(field.get("description") for field in kept["properties"].values())
    assert kept["properties"]["payments"]["enum"] == ["enforced", "billed", "voluntary"]
