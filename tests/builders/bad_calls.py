"""Calls of the command line with bad input, each with the line that must come of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.sim.economy.files import environment_to_data

RUN = ["run", "oil-leases", "linked", "--episodes", "20", "--out", "out"]
"""A short run that works; what follows spoils it."""


RECORD = frozenset({"out", "out/run.json", "out/shards.jsonl"})
"""A run folder that holds nothing but the reason of a failure."""


@dataclass(frozen=True)
class Bad:
    """A call that must fail: its words, fragments of the line it must give, files that it needs, and what it leaves.

    Its exit code is 1 where what is named does not fit or breaks the rules of play, 2 where it makes no sense.
    """

    call: list[str]
    says: list[str]
    files: dict[str, str] = field(default_factory=dict)
    leaves: frozenset[str] = frozenset()
    code: int = 2


def environment(change: Callable[[dict], None]) -> str:  # type: ignore[type-arg] # parsed JSON
    """The oil leases' file with one thing spoilt."""
    data = environment_to_data(OilLeases().build())
    change(data)
    return json.dumps(data)


def unbalanced(data: dict) -> None:  # type: ignore[type-arg]
    data["prior"] = [[0.5], [0.6]]


def not_a_number(data: dict) -> None:  # type: ignore[type-arg]
    data["stages"][1]["utility"][0][1][0][1] = float("nan")


def negative(data: dict) -> None:  # type: ignore[type-arg]
    data["stages"][0]["kernel"]["joint"][0][1] = [[[-0.25, 1.25]]]


def misspelt(data: dict) -> None:  # type: ignore[type-arg]
    data["discuont"] = data.pop("discount")


def strategy(body: str, head: str = "    width = 0") -> str:
    """A plug-in with one strategy, `planted`."""
    return (
        "import numpy as np\n"
        "from dynmech.agents.strategies.base import Strategy\n"
        "class Planted(Strategy):\n"
        "    name = 'planted'\n"
        "    source = 'here'\n"
        f"{head}\n"
        "    def message(self, view):\n"
        f"        {body}\n"
    )


def mechanism(body: str, method: str = "charge(self, now, messages, decision, acts)") -> str:
    """A plug-in with one mechanism, `planted`: the team mechanism with one rule of its own."""
    return (
        "import numpy as np\n"
        "from dynmech.mechanisms.groves.team import Team\n"
        "class Planted(Team):\n"
        "    name = 'planted'\n"
        f"    def {method}:\n"
        f"        {body}\n"
    )


def planted(text: str, *says: str) -> Bad:
    """Firm 1 plays a strategy from a plug-in; what it breaks is recorded."""
    call = [*RUN, "--plugin", "p.py", "--strategy", "firm 1=planted"]
    return Bad(call, [*says, "; recorded in out"], {"p.py": text}, RECORD, code=1)


STUDY = 'environment = "oil-leases"\nmechanism = "linked"\nepisodes = 20\nout = "out"\n'
PLANTED_RUN = ["run", "oil-leases", "planted", "--episodes", "20", "--out", "out", "--plugin", "p.py"]

BAD: dict[str, Bad] = {
    # names
    "unknown scenario": Bad(
        ["run", "oil-lease", "linked"], ["unknown scenario 'oil-lease'; did you mean 'oil-leases'"]
    ),
    "scenario with a very long name": Bad(["run", "x" * 400, "linked"], ["unknown scenario 'xxx"]),
    "unknown mechanism": Bad(["run", "oil-leases", "likned"], ["unknown mechanism 'likned'; did you mean 'linked'?"]),
    "mechanism like nothing": Bad(
        ["run", "oil-leases", "zzz"], ["unknown mechanism 'zzz'; known: ", "contingent-spanning"]
    ),
    "scenario of a plug-in file that was not given": Bad(
        ["audit", "quarries", "handicap"],
        [
            "unknown scenario 'quarries'; known: ad-exchange, ",
            "… (all 32: dynmech list); of your own? give --plugin FILE (in a study: plugins)",
        ],
    ),
    "strategy of a plug-in file that was not given": Bad(
        [*RUN, "--strategy", "firm 1=zzz"], ["unknown strategy 'zzz'; known: ", "of your own? give --plugin FILE"]
    ),
    "unknown strategy": Bad([*RUN, "--strategy", "firm 1=one-shoot"], ["did you mean 'one-shot'?"]),
    "unknown agent": Bad([*RUN, "--strategy", "firm 3=truthful"], ["no agent 'firm 3'; agents: firm 1, firm 2"]),
    "agent number too large": Bad([*RUN, "--strategy", "2=truthful"], ["no agent '2'; agents: firm 1, firm 2"]),
    "unknown kind of list": Bad(["list", "mechanism"], ["'mechanism' is none of scenarios, mechanisms, strategies"]),
    # what may have been meant; of scenarios, mechanisms, strategies and their options see above and below
    "command like another": Bad(["audti", "oil-leases", "linked"], ["No such command 'audti'. Did you mean 'audit'?"]),
    "flag like another": Bad([*RUN, "--episode", "3"], ["No such option: --episode (Possible options: --episodes)"]),
    "kind of list in the singular": Bad(["list", "scenario"], ["; did you mean 'scenarios'?"]),
    "kind of module like another": Bad(["new", "strategi", "x"], ["; did you mean 'strategy'?"]),
    "agent like another": Bad([*RUN, "--strategy", "frim 1=truthful"], ["no agent 'frim 1'", "did you mean 'firm 1'?"]),
    "agent without its space": Bad([*RUN, "--latency", "Firm2=0.1"], ["; did you mean 'firm 2'?"]),
    "map like another": Bad([*RUN, "--strategy", "0=misreport:map=flp"], ["; did you mean 'flip'?"]),
    "disclosure like another": Bad([*RUN, "--disclosure", "decision"], ["; did you mean 'decisions'?"]),
    "level of the log like another": Bad([*RUN, "--log", "sumary"], ["; did you mean 'summary'?"]),
    "latency like another": Bad([*RUN, "--latency", "all=unifrom:0.2"], ["; did you mean 'uniform'?"]),
    "paper like another": Bad(["reproduce", "lui"], ["'lui' is none of ", "; did you mean 'liu'?"]),
    "member like another": Bad(
        ["audit", "oil-leases", "linked", "--coalition", "firm 1+frm 2"], ["; did you mean 'firm 2'?"]
    ),
    "base like another": Bad(
        ["run", "oil-leases", "balanced:base=pivto"], ["unknown mechanism 'pivto'; did you mean 'pivot'?"]
    ),
    # options of names
    "nothing after the colon": Bad(["run", "oil-leases", "linked:"], ["nothing follows the colon", "linked:key=value"]),
    "unknown option": Bad(["run", "oil-leases", "linked:prize=3"], ["unknown option 'prize'; did you mean 'price'?"]),
    "option of a name without options": Bad(
        ["run", "oil-leases", "pay-your-report:a=1"], ["unknown option 'a'; options: none"]
    ),
    "option twice": Bad(["run", "oil-leases", "linked:low=1,low=2"], ["option 'low' is given twice"]),
    "option without value": Bad(["run", "oil-leases", "linked:low"], ["'low' is not of the form key=value"]),
    "option of the wrong type": Bad(["run", "oil-leases", "linked:low=much"], ["option low='much'", "valid number"]),
    "scenario's option out of range": Bad(
        ["run", "repeated-auction:fatigue=2", "team"], ["fatigue: 2 is not in [0, 1]"]
    ),
    "scenario's size is text": Bad(["run", "random:agents=two", "team"], ["option agents='two'", "valid integer"]),
    "discount 1 without horizon": Bad(["run", "repeated-auction:discount=1", "team"], ["discount: 1 needs a finite"]),
    "script with an empty entry": Bad([*RUN, "--strategy", "0=scripted:messages=4//6"], ["has an empty entry"]),
    "map without images": Bad([*RUN, "--strategy", "0=misreport:map="], ["map: '' is neither one of flip"]),
    "condition without a sign": Bad(
        [*RUN, "--strategy", "0=contingent:when=rain"], ["condition 'rain' is not of the form"]
    ),
    "condition on no period": Bad([*RUN, "--strategy", "0=contingent:when=period>=x"], ["'x' is not a period"]),
    # what only play shows
    "map with too many images": Bad(
        [*RUN, "--strategy", "firm 1=one-shot:map=4/6/4"],
        ["strategy 'one-shot:period=0,map=4/6/4' of agent 'firm 1': ", "3 images for 2 messages"],
    ),
    "map into no message": Bad([*RUN, "--strategy", "0=one-shot:map=5/4"], ["'5' is none of 0..1: '4', '6'"]),
    "condition on no agent": Bad(
        [*RUN, "--strategy", "0=contingent:when=report[me]==4"], ["no agent 'me'; agents: firm 1, firm 2"]
    ),
    "condition on what is hidden": Bad(
        [*RUN, "--disclosure", "own", "--strategy", "firm 2=contingent:when=report[firm 1]==4"],
        ["the disclosure policy hides the reports"],
        code=1,
    ),
    # mechanisms that do not fit
    "refused in a run": Bad(
        ["run", "oil-leases", "cremer-mclean"], ["does not fit environment 'oil-leases'", "agent 'firm 1'"], code=1
    ),
    "refused when named in a stress test": Bad(
        ["stress", "oil-leases", "--mechanism", "cremer-mclean"],
        ["do not identify that of agent 'firm 1'"],
        code=1,
    ),
    "mechanism twice": Bad(
        ["stress", "oil-leases", "--mechanism", "team", "--mechanism", "team"], ["'team' is given twice"]
    ),
    # the command line itself
    "unknown command": Bad(["strss", "oil-leases"], ["No such command 'strss'"]),
    "unknown flag": Bad([*RUN, "--sed", "3"], ["No such option: --sed"]),
    "missing environment": Bad(["stress"], ["Missing argument 'ENV'"]),
    "missing mechanism": Bad(["run", "oil-leases"], ["a mechanism is missing; write run ENV MECHANISM"]),
    "too many arguments": Bad(["run", "oil-leases", "linked", "team"], ["unexpected extra argument"]),
    "episodes in words": Bad(["run", "oil-leases", "linked", "--episodes", "many"], ["--episodes", "valid integer"]),
    "negative episodes": Bad([*RUN, "--episodes", "-3"], ["episodes: -3 is below 0"]),
    "one episode": Bad([*RUN, "--episodes", "1"], ["episodes: 1 is below 2"]),
    "no episodes in a run": Bad([*RUN, "--episodes", "0"], ["episodes: 0 is below 2"]),
    "negative seed": Bad([*RUN, "--seed", "-1"], ["seed: -1 is below 0"]),
    "blocks of nothing": Bad([*RUN, "--block", "0"], ["block: 0 is below 1"]),
    "negative shard": Bad([*RUN, "--shard", "-8"], ["shard: -8 is below 0"]),
    "deadline after the period": Bad([*RUN, "--deadline", "1.5"], ["deadline: 1.5 is not in [0, 1)"]),
    "deadline NaN": Bad([*RUN, "--deadline", "nan"], ["deadline: nan is not in [0, 1)"]),
    "no tail": Bad([*RUN, "--tail", "0"], ["tail: 0 is not a number of at least 1e-12"]),
    "tail that takes for ever": Bad(
        ["run", "repeated-auction:discount=0.999999", "pivot"], ["periods, more than 100,000", "larger tail"]
    ),
    "latency of no kind": Bad(
        [*RUN, "--latency", "all=gauss:0.1"], ["'gauss' is none of constant, uniform, exponential"]
    ),
    "latency in words": Bad([*RUN, "--latency", "all=soon"], ["'soon' is not a number"]),
    "negative latency": Bad([*RUN, "--latency", "firm 1=-1"], ["latency: -1 is not a number of at least 0"]),
    "latency of nobody": Bad([*RUN, "--latency", "firm 9=0.1"], ["no agent 'firm 9'"]),
    "latency twice": Bad(
        [*RUN, "--latency", "firm 1=0.1", "--latency", "0=0.2"], ["latency: agent 'firm 1' is given twice"]
    ),
    "disclosure of no kind": Bad(
        [*RUN, "--disclosure", "nothing"], ["'nothing' is none of everything, announced, decisions, own"]
    ),
    "strategy without =": Bad([*RUN, "--strategy", "truthful"], ["--strategy 'truthful': not of the form AGENT="]),
    "same agent twice": Bad([*RUN, "--strategy", "0=random", "--strategy", "0=truthful"], ["agent '0' is given twice"]),
    "same agent by name and number": Bad(
        [*RUN, "--strategy", "0=random", "--strategy", "firm-1=random"], ["agent 'firm 1' is given twice"]
    ),
    # environment files
    "missing file": Bad(["run", "none.json", "team"], ["none.json: cannot be read: No such file"]),
    "directory as file": Bad(["run", "./", "team"], ["cannot be read: Is a directory"]),
    "broken JSON": Bad(
        ["run", "e.json", "team"], ["e.json: not JSON (line 1, column 1"], {"e.json": '{"schema": 1, }'}
    ),
    "JSON that is a list": Bad(["run", "e.json", "team"], ["is a JSON object, not a list"], {"e.json": "[1, 2]"}),
    "probabilities": Bad(
        ["run", "e.json", "team"], ["prior: probabilities sum to 1.1, expected 1"], {"e.json": environment(unbalanced)}
    ),
    "negative probability": Bad(
        ["run", "e.json", "team"],
        ["stages[0].kernel.joint[0][1][0][0][0]", "-0.25 is negative"],
        {"e.json": environment(negative)},
    ),
    "NaN": Bad(
        ["run", "e.json", "team"],
        ["stages[1].utility[0][1][0][1]: nan is not a finite number"],
        {"e.json": environment(not_a_number)},
    ),
    "unknown key": Bad(["run", "e.json", "team"], ["e.json: "], {"e.json": environment(misspelt)}),
    # studies
    "missing study": Bad(["run", "s.toml"], ["s.toml: cannot be read: No such file"]),
    "broken TOML": Bad(["run", "s.toml"], ["s.toml: not TOML: Invalid value"], {"s.toml": "environment = "}),
    "unknown key in a study": Bad(
        ["run", "s.toml"], ["episode: unknown key; did you mean 'episodes'?"], {"s.toml": STUDY + "episode = 3\n"}
    ),
    "wrong type in a study": Bad(
        ["run", "s.toml"], ["seed: '1' is not a whole number"], {"s.toml": STUDY + 'seed = "1"\n'}
    ),
    "study without mechanism": Bad(
        ["run", "s.toml"], ["mechanism: missing"], {"s.toml": 'environment = "oil-leases"\n'}
    ),
    "study with too few episodes": Bad(
        ["run", "s.toml"],
        ["episodes: 1 is below 2"],
        {"s.toml": 'environment = "a"\nmechanism = "b"\nepisodes = 1\n'},
    ),
    "study and a flag that it holds": Bad(
        ["run", "s.toml", "--episodes", "30"], ["'episodes' stands in it, not beside it"], {"s.toml": STUDY}
    ),
    "study and a mechanism": Bad(
        ["run", "s.toml", "team"], ["'mechanism' stands in it, not beside it"], {"s.toml": STUDY}
    ),
    # plug-ins
    "missing plug-in": Bad(["list", "--plugin", "p.py"], ["plug-in p.py: no such file"]),
    "plug-in that is no Python": Bad(["list", "--plugin", "p.txt"], ["not a Python file"], {"p.txt": "hello"}),
    "plug-in that raises": Bad(
        ["list", "--plugin", "p.py"],
        ["plug-in p.py: ZeroDivisionError: division by zero (p.py, line 2)"],
        {"p.py": "x = 1\nx / 0\n"},
    ),
    "plug-in with a syntax error": Bad(
        ["list", "--plugin", "p.py"], ["plug-in p.py: SyntaxError", "line 2"], {"p.py": "x = 1\nx = = 2\n"}
    ),
    "plug-in that exits": Bad(
        ["list", "--plugin", "p.py"], ["plug-in p.py: SystemExit: 0"], {"p.py": "raise SystemExit(0)\n"}
    ),
    "plug-in that defines nothing": Bad(
        ["list", "--plugin", "p.py"], ["it defines no named strategy, mechanism or scenario"], {"p.py": "x = 1\n"}
    ),
    "plug-in that steals a name": Bad(
        ["list", "--plugin", "p.py"],
        ["strategy 'random' is there already"],
        {"p.py": strategy("pass").replace("'planted'", "'random'")},
    ),
    "plug-in with one name twice": Bad(
        ["list", "--plugin", "p.py"],
        ["two classes are called strategy 'planted'"],
        {"p.py": strategy("pass") + strategy("pass").replace("class Planted", "class Other")},
    ),
    "plug-in name of two words": Bad(
        ["list", "--plugin", "p.py"],
        ["strategy 'a b': a name is letters and digits"],
        {"p.py": strategy("pass").replace("'planted'", "'a b'")},
    ),
    "plug-in strategy without message": Bad(
        ["list", "--plugin", "p.py"],
        ["strategy 'planted' lacks message"],
        {"p.py": strategy("pass").replace("def message", "def massage")},
    ),
    "planted strategy that raises": planted(
        strategy("raise KeyError('x')"),
        "strategy 'planted' of agent 'firm 1' in period 0",
        "message raised KeyError: 'x'",
    ),
    "planted strategy that exits": planted(strategy("raise SystemExit(0)"), "message raised SystemExit: 0"),
    "planted strategy that returns a list": planted(
        strategy("return [0] * view.size"), "period 0", "returned list", "expected an array of shape (24,)"
    ),
    "planted strategy that returns nothing": planted(strategy("pass"), "returned NoneType None"),
    "planted strategy that returns floats": planted(
        strategy("return np.zeros(view.size)"), "returned type float64", "expected elements of 0..1: '4', '6'"
    ),
    "planted strategy that returns NaN": planted(
        strategy("return np.full(view.size, np.nan)"), "returned type float64, first value nan"
    ),
    "planted strategy of the wrong shape": planted(
        strategy("return np.zeros((view.size, 1), int)"), "an array of shape (24, 1), expected (24,)"
    ),
    "planted strategy outside its messages": planted(
        strategy("return np.full(view.size, 2)"), "returned 2 (row 0 of the block), outside 0..1"
    ),
    "planted strategy with its own dice": planted(
        strategy("return np.random.randint(0, view.space.size, view.size)"), "period", "it draws outside its stream"
    ),
    "planted strategy that peeks": planted(strategy("return view.others[:, 1]"), "without declaring spies = True"),
    "planted mechanism that raises": Bad(
        PLANTED_RUN,
        ["mechanism 'planted' in period 0: charge raised IndexError: no such table"],
        {"p.py": mechanism("raise IndexError('no such table')")},
        code=1,
    ),
    "planted mechanism that raises at the start": Bad(
        PLANTED_RUN,
        ["mechanism 'planted': ValueError: cannot (p.py, line 6)"],
        {"p.py": mechanism("raise ValueError('cannot')", "messages(self, t, agent)")},
        code=1,
    ),
    "planted mechanism that cannot say what it asks": Bad(
        PLANTED_RUN,
        ["mechanism 'planted'", "ValueError: cannot"],
        {"p.py": mechanism("raise ValueError('cannot')", "prescribed(self, now, agent, signal)")},
        code=1,
    ),
    "planted mechanism that charges NaN": Bad(
        PLANTED_RUN,
        ["mechanism 'planted' in period 0", "finite number"],
        {"p.py": mechanism("return np.full(messages.shape, np.nan)")},
        code=1,
    ),
    "planted mechanism that decides nothing": Bad(
        PLANTED_RUN,
        ["mechanism 'planted' in period 0: decide returned"],
        {"p.py": mechanism("return np.full(len(messages), 7)", "decide(self, now, messages)")},
        code=1,
    ),
    "planted mechanism that cannot be built": Bad(
        PLANTED_RUN,
        ["mechanism 'planted': RuntimeError: no (p.py, line 6)"],
        {"p.py": mechanism("raise RuntimeError('no')", "__init__(self, environment)")},
    ),
    # run folders
    "out is a file": Bad([*RUN[:-1], "p.txt"], ["p.txt: a file, not a folder"], {"p.txt": "hello"}),
    "out below a file": Bad([*RUN[:-1], "p.txt/out"], ["p.txt/out: ", "Not a directory"], {"p.txt": "hello"}),
    "out holds something else": Bad(
        [*RUN[:-1], "mine"], ["mine: not empty, and not a run; choose another --out"], {"mine/notes.txt": "hello"}
    ),
    "out holds a damaged run": Bad(
        [*RUN[:-1], "mine"], ["run.json: cannot be read"], {"mine/run.json": '{"schema": 1, "conf'}
    ),
    "out holds half a run": Bad(
        [*RUN[:-1], "mine"],
        ["run.json: damaged, 'configuration_hash' is missing"],
        {"mine/run.json": '{"schema": 3, "configuration": {}}'},
    ),
    "out holds a run of another schema": Bad(
        [*RUN[:-1], "mine"],
        ["mine: was written by an older version (schema 1); play it again"],
        {"mine/run.json": '{"schema": 1}'},
    ),
    # workers, limits and levels
    "fewer workers than none": Bad([*RUN, "--workers", "-1"], ["workers: -1 is below 0"]),
    "workers in words": Bad([*RUN, "--workers", "some"], ["--workers", "valid integer"]),
    "no time": Bad([*RUN, "--time-limit", "0"], ["time limit: 0 s is not a positive number of seconds"]),
    "time NaN": Bad([*RUN, "--time-limit", "nan"], ["time limit: nan s is not a positive number of seconds"]),
    "no memory": Bad([*RUN, "--memory-limit", "0"], ["memory limit: 0 GB is not a positive size"]),
    "memory NaN": Bad([*RUN, "--memory-limit", "nan"], ["memory limit: nan GB is not a positive size"]),
    "hardly any memory": Bad([*RUN, "--memory-limit", "0.0001"], ["bytes is below one megabyte"]),
    "level of no kind": Bad([*RUN, "--log", "all"], ["log: 'all' is none of full, episodes, summary"]),
    "level of no kind in a stress test": Bad(
        ["stress", "oil-leases", "--mechanism", "linked", "--log", "all"], ["log: 'all' is none of"]
    ),
}
