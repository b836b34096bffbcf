"""Plug-ins that do everything that a plug-in should not, each with the line that must come of it.

A collection, not a test: `tests/experiments/workers/test_hostile.py` drives it. Every source defines one thing called `hostile`. None of them
touches files, the network, or other processes than its own and their children.
"""

# ruff: noqa: E501 - a plug-in a line

from tests.builders.hostile_code import CHARGE, LATE, TRUTH, Hostile, mechanism, on_numbers, scenario, strategy
from tests.builders.hostile_effects import changes, writes


def _raises() -> list[Hostile]:
    """Whatever can be raised, wherever."""

    def one(name: str, source: str, says: str, kind: str = "strategy", command: str = "run") -> Hostile:
        return Hostile(name, kind, "raises", source, says, command)

    who = r"strategy 'hostile' of agent 'firm 1'.*message raised "
    two = "class Two(Exception):\n    def __init__(self, a, b):\n        super().__init__(a)\n        self.b = b\n"
    mute = "class Mute(Exception):\n    def __str__(self):\n        raise SystemExit(1)\n"
    rule = r"mechanism 'hostile'.*"
    rules = {
        "messages(self, t, agent)": "ValueError: no",
        "prescribed(self, now, agent, signal)": "prescribed raised ValueError: no",
        "decide(self, now, messages)": "decide raised ValueError: no",
        CHARGE: "charge raised ValueError: no",
        "due(self, now, messages)": "due raised ValueError: no",
        "remember(self, now, messages, decision, acts)": "remember raised ValueError: no",
        "memory_size(self, t)": "ValueError: no",
        "asks(self, t, agent)": "asks raised ValueError: no",
        "transfer_bound(self)": "ValueError: no",
        "__init__(self, environment)": "ValueError: no",
    }
    return [
        one("message raises", strategy("raise ValueError('two\\nlines')"), f"{who}ValueError: two lines"),
        one("message raises what takes two arguments", strategy("raise Two('one', 'two')", before=two), f"{who}Two: one"),
        one("message raises what cannot be shown", strategy("raise Mute", before=mute), f"{who}Mute"),
        one(
            "message raises what is no Exception",
            strategy("raise Odd('x')", before="class Odd(BaseException): pass"),
            f"{who}Odd: x",
        ),
        one("message exits", strategy("raise SystemExit(0)"), f"{who}SystemExit: 0"),
        one("message exits by sys.exit", strategy("sys.exit('done')"), f"{who}SystemExit: done"),
        one("message interrupts", strategy("raise KeyboardInterrupt"), "KeyboardInterrupt|interrupted"),
        one("message recurses", strategy("return self.message(view)"), f"{who}RecursionError"),
        one("message stops an iteration", strategy("raise StopIteration(1)"), f"{who}StopIteration: 1"),
        one("message ends a generator", strategy("raise GeneratorExit"), f"{who}GeneratorExit"),
        one("message is cancelled", strategy("import asyncio\nraise asyncio.CancelledError"), f"{who}CancelledError"),
        one("message says it is out of memory", strategy("raise MemoryError"), f"{who}MemoryError"),
        one("message raises a group", strategy("raise ExceptionGroup('two', [OSError(1)])"), f"{who}ExceptionGroup: two"),
        one(
            "message raises at length",
            strategy("raise ValueError('x' * 10**7)"),
            r"strategy 'hostile' of agent 'firm 1' in period 0: message raised ValueError: x+…",
        ),
        one("message raises control characters", strategy("raise ValueError('\\x1b[31m\\u2028\\x00')"), f"{who}ValueError"),
        one("message raises half a character", strategy("raise ValueError('\\ud800')"), f"{who}ValueError"),
        one(
            "message raises what has two lines for a name",
            strategy("raise type('Two\\nLines', (Exception,), {})('x')"),
            f"{who}Two Lines: x",
        ),
        one("message warns that it will fail", strategy("raise UserWarning('soon')"), f"{who}UserWarning: soon"),
        one("a strategy's __init__ raises", strategy("raise ValueError('no')", "__init__(self)"), "'hostile': ValueError: no"),
        one("a strategy's __init__ exits", strategy("sys.exit(0)", "__init__(self)"), "'hostile': SystemExit: 0"),
        one(
            "describe raises",
            strategy("raise ValueError('no')", "describe(self, setting)"),
            "strategy 'hostile'.*ValueError: no",
            command="stress",
        ),
        one(
            "menu raises",
            strategy("raise ValueError('no')", "candidates(cls, context)"),
            "strategy 'hostile', candidates.*ValueError: no",
            command="stress",
        ),
        one(
            "menu raises half way",
            strategy("yield cls()\nraise SystemExit(1)", "candidates(cls, context)"),
            "strategy 'hostile', candidates.*SystemExit: 1",
            command="stress",
        ),
        one(
            "options raises",
            strategy("raise ValueError('no')", "options(self)"),
            "strategy 'hostile'.*ValueError: no",
        ),
        one(
            "a copy raises",
            strategy("raise ValueError('no')", "__deepcopy__(self, memo)"),
            r"strategy 'hostile' of agent 'firm 1': cannot be copied \(ValueError: no",
        ),
        one(
            "a trait raises",
            strategy(TRUTH, inside="@property\ndef width(self):\n    raise ValueError('no')\n"),
            "strategy 'hostile'.*ValueError: no",
        ),
        one("a strategy raises at import", "raise ValueError('no')", "plug-in .*ValueError: no"),
        one("a strategy exits at import", "import sys\nsys.exit(0)", "plug-in .*SystemExit: 0"),
        one("a strategy is no Python", "class Hostile(", "plug-in .*SyntaxError"),
        one("a strategy has null bytes", "x = 1\n\x00", "plug-in .*(SyntaxError|ValueError)"),
        one("a strategy recurses at import", "def f():\n    f()\nf()", "plug-in .*RecursionError"),
        *(
            one(f"a mechanism's {method.partition('(')[0]} raises", mechanism("raise ValueError('no')", method), rule + said, "mechanism")
            for method, said in rules.items()
        ),
        one("a mechanism's lags raises", mechanism("raise ValueError('no')", "lags(self)"), f"{rule}ValueError: no", "mechanism", "endless"),
        one("a mechanism's charge exits", mechanism("sys.exit(1)"), f"{rule}charge raised SystemExit: 1", "mechanism"),
        one(
            "a mechanism's charge raises what is no Exception",
            mechanism("raise Odd('x')", before="class Odd(BaseException): pass"),
            f"{rule}charge raised Odd: x",
            "mechanism",
        ),
        one(
            "a mechanism's charge raises what cannot be shown",
            mechanism("raise Mute", before=mute),
            f"{rule}charge raised Mute",
            "mechanism",
        ),
        one(
            "a mechanism's decide raises off the path",
            mechanism(
                "if (messages != np.array(self.seen[now.t])).any() and len(messages) > 1:\n"
                "    raise ValueError('a lie')\nreturn super().decide(now, messages)",
                "decide(self, now, messages)",
                inside="seen = ((0, 0), (0, 0))",
            ),
            f"{rule}decide raised ValueError: a lie",
            "mechanism",
        ),
        one("a scenario's __init__ raises", scenario("raise ValueError('no')", "__init__(self)"), "'hostile': ValueError: no", "scenario"),
        one("a scenario's build raises", scenario("raise ValueError('no')"), "'hostile': ValueError: no", "scenario"),
        one("a scenario's build exits", scenario("sys.exit(0)"), "'hostile': SystemExit: 0", "scenario"),
        one("a scenario's build recurses", scenario("return self.build()"), "'hostile': RecursionError", "scenario"),
        one(
            "a scenario's nature raises",
            on_numbers(law="lambda t, last, decision, u: {}['odds']"),
            "'hostile'.*KeyError: 'odds'",
            "scenario",
            "numbers",
        ),
        one(
            "a scenario's nature exits",
            on_numbers(law="lambda t, last, decision, u: sys.exit(3)"),
            "'hostile'.*SystemExit: 3",
            "scenario",
            "numbers",
        ),
        one(
            "a scenario's utility raises",
            on_numbers(payoff="lambda t, signals, decision: [][0]"),
            "'hostile'.*IndexError",
            "scenario",
            "numbers",
        ),
    ]  # fmt: skip


FOREVER = "while True:\n    pass"
DEAF = "while True:\n    try:\n        time.sleep(0.01)\n    except BaseException:\n        pass"


def _hangs() -> list[Hostile]:
    """Whatever does not come to an end."""

    def one(name: str, source: str, kind: str = "strategy", command: str = "run") -> Hostile:
        return Hostile(name, kind, "hangs", source, LATE, command)

    return [
        one("message loops", strategy(FOREVER)),
        one("message sleeps", strategy("time.sleep(10**6)")),
        one("message loops and cannot be stopped", strategy(DEAF)),
        one("message ignores every signal", strategy(
            "for k in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):\n    signal.signal(k, signal.SIG_IGN)\n" + FOREVER)),
        one("message waits for a lock", strategy("lock = threading.Lock()\nlock.acquire()\nlock.acquire()")),
        one("message computes one enormous number", strategy("return 7 ** (7 ** 7 ** 7)")),
        one("message waits for a process", strategy("subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)'])")),
        one("message hangs from period 1 on", strategy(f"while view.t:\n    pass\n{TRUTH}")),
        one("message hangs when it plays in earnest", strategy(f"while view.size > 24:\n    pass\n{TRUTH}")),
        one("a strategy's __init__ loops", strategy(FOREVER, "__init__(self)")),
        one("menu has no end", strategy("while True:\n    yield cls()", "candidates(cls, context)"), command="stress"),
        one("describe loops", strategy(FOREVER, "describe(self, setting)"), command="stress"),
        one("a strategy loops at import", FOREVER),
        one("a mechanism's decide loops", mechanism(FOREVER, "decide(self, now, messages)"), "mechanism"),
        one("a mechanism's __init__ sleeps", mechanism("time.sleep(10**6)", "__init__(self, environment)"), "mechanism"),
        one("a mechanism's transfer_bound loops", mechanism(FOREVER, "transfer_bound(self)"), "mechanism"),
        one("a scenario's build loops", scenario(FOREVER), "scenario"),
        one("a scenario's nature sleeps", on_numbers(law="lambda t, last, decision, u: time.sleep(10**6)"), "scenario", "numbers"),
    ]  # fmt: skip


GONE = "ended its process"


def _ends() -> list[Hostile]:
    """Whatever ends the process in which it runs."""

    def one(name: str, source: str, says: str = GONE, kind: str = "strategy", command: str = "run") -> Hostile:
        return Hostile(name, kind, "ends", source, says, command)

    return [
        one("message leaves at once", strategy("os._exit(0)"), rf"{GONE} \(exit code 0\)"),
        one("message leaves with a code", strategy("os._exit(3)"), rf"{GONE} \(exit code 3\)"),
        one("message kills itself", strategy("os.kill(os.getpid(), signal.SIGKILL)"), rf"{GONE} \(signal SIGKILL\)"),
        one("message terminates itself", strategy("os.kill(os.getpid(), signal.SIGTERM)"), rf"{GONE} \(signal SIGTERM\)"),
        one("message aborts", strategy("os.abort()"), rf"{GONE} \(signal SIGABRT\)"),
        one("message reads where nothing is", strategy("import ctypes\nctypes.string_at(1)"), rf"{GONE} \(signal SIGSEGV\)"),
        one("message leaves from a thread", strategy(
            "t = threading.Thread(target=os._exit, args=(4,))\nt.start()\nt.join()"), rf"{GONE} \(exit code 4\)"),
        one("message becomes another program", strategy(
            "os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(5)'])"), rf"{GONE} \(exit code 5\)"),
        one("message leaves when it plays in earnest", strategy(
            f"if view.size > 24:\n    os._exit(6)\n{TRUTH}"), rf"{GONE} \(exit code 6\)"),
        one("a strategy's __init__ leaves", strategy("os._exit(7)", "__init__(self)")),
        one("menu leaves", strategy("os._exit(8)\nyield", "candidates(cls, context)"), command="stress"),
        one("a strategy leaves at import", "import os\nos._exit(9)"),
        one("a mechanism's charge leaves", mechanism("os._exit(10)"), kind="mechanism"),
        one("a mechanism's remember aborts", mechanism(
            "os.abort()", "remember(self, now, messages, decision, acts)"), kind="mechanism"),
        one("a scenario's build leaves", scenario("os._exit(11)"), kind="scenario"),
        one("a scenario's nature leaves", on_numbers(law="lambda t, last, decision, u: os._exit(12)"), GONE, "scenario", "numbers"),
    ]  # fmt: skip


FULL = f"MemoryError|{GONE}|{LATE}"


def _allocates() -> list[Hostile]:
    """Whatever takes memory without end."""

    def one(name: str, source: str, kind: str = "strategy", command: str = "run") -> Hostile:
        return Hostile(name, kind, "allocates", source, FULL, command)

    return [
        one("message makes a list without end", strategy("x = []\nwhile True:\n    x.append(bytearray(1 << 20))")),
        one("message doubles a text", strategy("x = 'a'\nwhile True:\n    x += x")),
        one("message makes an enormous array", strategy("return np.ones(1 << 38)")),
        one("message keeps all that it makes, and swallows errors", strategy(
            "kept = []\nwhile True:\n    try:\n        kept.append(bytearray(1 << 24))\n    except MemoryError:\n        pass")),
        one("notes grow without end", strategy(
            f"view.private['x'] = np.ones(1 << 27)\nself.kept = getattr(self, 'kept', []) + [np.ones(1 << 29)]\n{TRUTH}")),
        one("menu holds an enormous list", strategy("return [cls()] * (1 << 38)", "candidates(cls, context)"), command="stress"),
        one("a strategy wants enormous luck", strategy(TRUTH, inside="width = 1 << 40"))._replace(
            says=f"width is 1099511627776, expected|{FULL}"),
        one("a mechanism's charge makes an enormous array", mechanism("return np.ones((len(messages), 1 << 36))"), "mechanism"),
        one("a scenario is enormous", scenario("return np.ones(1 << 40)"), "scenario"),
    ]  # fmt: skip


def _garbage() -> list[Hostile]:
    """Whatever is no answer."""

    def one(name: str, source: str, says: str, kind: str = "strategy", command: str = "run") -> Hostile:
        return Hostile(name, kind, "garbage", source, says, command)

    said = r"strategy 'hostile' of agent 'firm 1' in period 0: message returned "
    rule = r"mechanism 'hostile'.*"
    unseen = "class Unseen:\n    def __repr__(self):\n        raise SystemExit('no')\n    __str__ = __repr__\n"
    endless = "class Endless:\n    def __repr__(self):\n        return 'x' * 10**8\n"
    odd = "class Odd(np.ndarray):\n    def __array_finalize__(self, obj):\n        raise ValueError('no')\n"
    zeros = "np.zeros(view.size, int)"
    return [
        one("message returns nothing", strategy("pass"), f"{said}NoneType None"),
        one("message returns words", strategy("return 'truth'"), f"{said}str 'truth'"),
        one("message returns a list", strategy("return [0] * view.size"), f"{said}list "),
        one("message returns a generator", strategy("yield 0"), f"{said}generator "),
        one("message returns itself", strategy("return self"), f"{said}Hostile "),
        one("message returns the view", strategy("return view"), f"{said}View "),
        one("message returns what cannot be shown", strategy("return Unseen()", before=unseen), f"{said}Unseen"),
        one("message returns what is shown at length", strategy("return Endless()", before=endless), f"{said}Endless x+"),
        one("message returns one number", strategy("return np.array(0)"), rf"{said}an array of shape \(\), expected"),
        one("message returns a column", strategy("return np.zeros((view.size, 1), int)"), rf"{said}an array of shape"),
        one("message returns too many", strategy("return np.zeros(view.size + 1, int)"), rf"{said}an array of shape"),
        one("message returns an enormous view of one number", strategy(
            "return np.broadcast_to(np.zeros(1, int), (1 << 50,))"), rf"{said}an array of shape \(1125899906842624,\)"),
        one("message returns floats", strategy("return np.zeros(view.size)"), f"{said}type float64"),
        one("message returns NaN", strategy("return np.full(view.size, np.nan)"), f"{said}type float64, first value nan"),
        one("message returns truth values", strategy("return np.zeros(view.size, bool)"), f"{said}type bool"),
        one("message returns complex numbers", strategy("return np.zeros(view.size, complex)"), f"{said}type complex128"),
        one("message returns dates", strategy("return np.zeros(view.size, 'M8[s]')"), f"{said}type datetime64"),
        one("message returns records", strategy("return np.zeros(view.size, 'i4,i4')"), f"{said}type "),
        one("message returns objects", strategy("return np.array([None] * view.size)"), f"{said}type object"),
        one("message returns objects that cannot be shown", strategy(
            "x = np.empty(view.size, object)\nx[:] = [Unseen() for _ in x]\nreturn x", before=unseen), f"{said}type object"),
        one("message returns letters", strategy("return np.array(['4'] * view.size)"), f"{said}type <U1"),
        one("message returns what is too large", strategy("return np.full(view.size, 2)"), rf"{said}2 \(row 0"),
        one("message returns what is below 0", strategy("return np.full(view.size, -1)"), rf"{said}-1 \(row 0"),
        one("message returns an array of its own kind", strategy(
            f"return {zeros}.view(Odd)", before=odd), r"message (raised ValueError: no|returned )"),
        one("message returns another answer each time", strategy(
            "return np.random.default_rng().integers(0, view.space.size, view.size)"), "it draws outside its stream"),
        one("menu holds strangers", strategy("return [1, None]", "candidates(cls, context)"), "strategy 'hostile'", command="stress"),
        one("menu is a number", strategy("return 3", "candidates(cls, context)"), "strategy 'hostile', candidates.*TypeError", command="stress"),
        one("describe returns a number", strategy("return 3", "describe(self, setting)"), "strategy 'hostile'", command="stress"),
        one("options are not its own", strategy("return {'depth': '3'}", "options(self)"), "unknown option 'depth'|do not make it again", command="stress"),
        one("options are a list", strategy("return ['depth']", "options(self)"), "strategy 'hostile'"),
        one("width is words", strategy(TRUTH, inside="width = 'two'"), "width is 'two', expected a whole number"),
        one("memory_periods is below 0", strategy(TRUTH, inside="memory_periods = -1"), "memory_periods is -1, expected"),
        one("a mechanism decides nothing", mechanism("return None", "decide(self, now, messages)"), f"{rule}decide returned", "mechanism"),
        one("a mechanism decides what is not there", mechanism(
            "return np.full(len(messages), 7)", "decide(self, now, messages)"), f"{rule}decide returned 7", "mechanism"),
        one("a mechanism's lottery does not sum to 1", mechanism(
            "return np.full((len(messages), 2), 0.6)", "decide(self, now, messages)"), f"{rule}decide returned a lottery", "mechanism"),
        one("a mechanism's lottery is NaN", mechanism(
            "return np.full((len(messages), 2), np.nan)", "decide(self, now, messages)"), f"{rule}decide returned a lottery", "mechanism"),
        one("a mechanism's lottery is words", mechanism(
            "return np.full((len(messages), 2), 'half')", "decide(self, now, messages)"), f"{rule}decide", "mechanism"),
        one("a mechanism charges nothing", mechanism("return None"), f"{rule}charge returned", "mechanism"),
        one("a mechanism charges NaN", mechanism("return np.full(messages.shape, np.nan)"), f"{rule}charge returned nan", "mechanism"),
        one("a mechanism charges without end", mechanism("return np.full(messages.shape, np.inf)"), f"{rule}charge returned inf", "mechanism"),
        one("a mechanism charges words", mechanism("return np.full(messages.shape, 'much')"), f"{rule}charge returned type <U4", "mechanism"),
        one("a mechanism charges objects", mechanism("return np.full(messages.shape, None)"), f"{rule}charge returned type object", "mechanism"),
        one("a mechanism charges one agent", mechanism("return np.zeros(len(messages))"), f"{rule}charge returned an array of shape", "mechanism"),
        one("a mechanism charges what cannot be shown", mechanism("return Unseen()", before=unseen), f"{rule}charge", "mechanism"),
        one("a mechanism charges beyond its bound", mechanism(
            "return np.full(messages.shape, 1e6)"), f"{rule}exceeds its transfer_bound", "mechanism"),
        one("a mechanism's due is a row", mechanism("return np.zeros(2)", "due(self, now, messages)"), f"{rule}due returned", "mechanism"),
        one("a mechanism remembers what it did not declare", mechanism(
            "return now.memory + 9", "remember(self, now, messages, decision, acts)"), f"{rule}remember returned 9", "mechanism"),
        one("a mechanism remembers words", mechanism(
            "return np.full(len(messages), 'all')", "remember(self, now, messages, decision, acts)"), f"{rule}remember", "mechanism"),
        one("a mechanism remembers NaN", mechanism(
            "return np.full(len(messages), np.nan)", "remember(self, now, messages, decision, acts)"), f"{rule}remember returned nan", "mechanism"),
        one("a mechanism takes no messages", mechanism("return None", "messages(self, t, agent)"), rule, "mechanism"),
        one("a mechanism takes words", mechanism("return ('a', 'b')", "messages(self, t, agent)"), rule, "mechanism"),
        one("a mechanism prescribes what may not be sent", mechanism(
            "return signal + 7", "prescribed(self, now, agent, signal)"), f"{rule}prescribed.*returned 7", "mechanism"),
        one("a mechanism prescribes nothing", mechanism(
            "return None", "prescribed(self, now, agent, signal)"), f"{rule}prescribed", "mechanism"),
        one("a mechanism's bound is NaN", mechanism("return float('nan')", "transfer_bound(self)"), rf"{rule}transfer_bound\(\) is nan", "mechanism"),
        one("a mechanism's bound is words", mechanism("return 'much'", "transfer_bound(self)"), f"{rule}transfer_bound", "mechanism"),
        one("a mechanism's bound is words, for ever", mechanism("return 'much'", "transfer_bound(self)"), f"{rule}transfer_bound", "mechanism", "endless"),
        one("a mechanism's bound is NaN, for ever", mechanism("return float('nan')", "transfer_bound(self)"), rf"{rule}transfer_bound\(\) is nan", "mechanism", "endless"),
        one("a mechanism's bound is without end, for ever", mechanism("return float('inf')", "transfer_bound(self)"), f"{rule}transfer_bound", "mechanism", "endless"),
        one("a mechanism's memory is words", mechanism("return 'all'", "memory_size(self, t)"), rule, "mechanism"),
        one("a mechanism lags for ever", mechanism("return 10**12", "lags(self)"), rule, "mechanism", "endless"),
        one("a mechanism lags words", mechanism("return 'later'", "lags(self)"), rule, "mechanism", "endless"),
        one("a mechanism draws", mechanism(
            "return np.random.default_rng().random(messages.shape)"), f"{rule}answers otherwise", "mechanism"),
        one("a mechanism counts", mechanism(
            "self.calls = getattr(self, 'calls', 0) + 1\nreturn np.full(messages.shape, self.calls % 2)"), f"{rule}answers otherwise", "mechanism"),
        one("a mechanism asks for what is no space", mechanism("return 'effort'", "asks(self, t, agent)"), rule, "mechanism"),
        one("a scenario builds nothing", scenario("pass"), r"'hostile': build\(\) returned NoneType", "scenario"),
        one("a scenario builds a class", scenario("return FunctionEnvironment"), r"'hostile': build\(\) returned ", "scenario"),
        one("a scenario's agents are one twice", on_numbers(agents="('a', 'a')"), "'a' is there already", "scenario"),
        one("a scenario's discount is NaN", on_numbers(discount="float('nan')"), r"discount: nan is not in \(0, 1\]", "scenario"),
        one("a scenario's nature draws nothing", on_numbers(law="lambda t, last, decision, u: None"), "'hostile'", "scenario", "numbers"),
        one("a scenario's nature draws words", on_numbers(law="lambda t, last, decision, u: u.astype(str)"), "'hostile'", "scenario", "numbers"),
        one("a scenario's nature draws outside", on_numbers(law="lambda t, last, decision, u: (u * 9).astype(int)"), "'hostile'", "scenario", "numbers"),
        one("a scenario's nature draws by itself", on_numbers(
            law="lambda t, last, decision, u: np.random.default_rng().integers(0, 2, u.shape)"), "'hostile'", "scenario", "numbers"),
        one("a scenario's utility is NaN", on_numbers(payoff="lambda t, s, d: s * np.nan"), "'hostile'", "scenario", "numbers"),
        one("a scenario's utility exceeds its bound", on_numbers(payoff="lambda t, s, d: s * 9.0"), "'hostile'", "scenario", "numbers"),
        one("a scenario's utility is one agent's", on_numbers(payoff="lambda t, s, d: s[:, 0] * 1.0"), "'hostile'", "scenario", "numbers"),
    ]  # fmt: skip


HOSTILE: list[Hostile] = [
    *_raises(), *_hangs(), *_ends(), *_allocates(), *_garbage(), *changes(), *writes(),
]  # fmt: skip
