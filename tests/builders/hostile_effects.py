"""Plug-ins that change what they are shown, or the world, or that speak where results are expected."""

# ruff: noqa: E501 - a plug-in a line

from textwrap import dedent

from tests.builders.hostile_code import CHARGE, LATE, TRUTH, Hostile, mechanism, scenario, strategy


def changes() -> list[Hostile]:
    """Whatever is done to what is shown, or to the world."""

    def one(name: str, body: str, says: str, before: str = "") -> Hostile:
        return Hostile(name, "strategy", "changes", strategy(f"{dedent(body).strip()}\n{TRUTH}", before=before), says)

    def rule(name: str, body: str, says: str, method: str = CHARGE) -> Hostile:
        source = mechanism(f"{dedent(body).strip()}\nreturn super().{call(method)}", method)
        return Hostile(name, "mechanism", "changes", source, says)

    locked = "message raised ValueError: .*(read-only|WRITEABLE)"
    it = "strategy 'hostile' of agent 'firm 1': it changes "
    return [
        one("writes its signal", "view.signal[:] = 0", locked),
        one("writes what is prescribed", "view.prescribed += 1", locked),
        one("writes its luck", "view.uniforms.setflags(write=True)", "message raised ValueError"),
        one("unlocks its signal", "view.signal.setflags(write=True)", locked),
        one("unlocks what its signal rests on", "view.signal.base.flags.writeable = True", "message raised "),
        one("writes by a memory view", "memoryview(view.signal)[0] = 1", "message raised TypeError"),
        one("sets a field of the view", "view.t = 3", "message raised FrozenInstanceError"),
        one("widens its messages for all", """
            object.__setattr__(view.game_spaces, 'messages', ((Finite(tuple('abc')),) * 2,) * 2)
            """, f"{it}GameSpaces.messages"),
        one("takes its own label away", "object.__setattr__(view.space, 'labels', ())", f"{it}Finite.labels"),
        one("renames the agents", "object.__setattr__(view.game_spaces, 'agents', ('me', 'you'))", f"{it}GameSpaces.agents"),
        one("puts a stranger into its notes", "view.private[3] = self", "cannot be copied|function of its view")._replace(may_pass=True),
        one("rewrites the economy", """
            for thing in gc.get_objects():
                if type(thing).__name__ == 'Stage':
                    thing.utility.flags.writeable = True
                    thing.utility[...] = 99
            """, f"{it}numbers of Stage.utility"),
        one("changes the discount", """
            for thing in gc.get_objects():
                if type(thing).__name__ == 'TableEnvironment':
                    object.__setattr__(thing, 'discount', 0.5)
            """, f"{it}TableEnvironment.discount"),
        one("lets NumPy's errors pass", "np.seterr(all='ignore')", f"{it}NumPy's handling of errors"),
        one("seeds NumPy", "np.random.seed(0)", f"{it}np.random's generator"),
        one("seeds Python", "random.seed(0)", f"{it}random's generator"),
        one("changes the environment", "os.environ['OMP_NUM_THREADS'] = '64'", f"{it}environment variables"),
        one("empties the environment", "os.environ.clear()", f"{it}environment variables"),
        one("changes the path", "sys.path.insert(0, '/nowhere')", f"{it}sys.path"),
        one("moves away", "os.chdir('/')", f"{it}the working directory"),
        one("keeps warnings quiet", "warnings.simplefilter('ignore')", f"{it}the filters of warnings"),
        one("prints everything in one digit", "np.set_printoptions(precision=1)", f"{it}how NumPy prints"),
        one("allows endless recursion", "sys.setrecursionlimit(10**6)", f"{it}the recursion limit"),
        one("replaces standard output", "import io\nsys.stdout = io.StringIO()", f"{it}sys.stdout"),
        one("replaces NumPy's where", "np.where = lambda *a: a[1]", f"{it}numpy"),
        one("replaces Python's len", "import builtins\nbuiltins.len = lambda x: 1", f"{it}builtins|message"),
        one("replaces our checks", """
            import dynmech.sim.play.agent
            dynmech.sim.play.agent.checked_answer = lambda answer, *a, **k: answer
            """, f"{it}dynmech.sim.play.agent"),
        one("replaces our view", """
            from dynmech.sim.play.roles import View
            View.others = property(lambda self: self.signal)
            """, f"{it}dynmech.sim.play.roles.View"),
        one("leaves a thread behind", "threading.Thread(target=time.sleep, args=(3,), daemon=True).start()", f"{it}the threads that run"),
        rule("a mechanism writes the messages", "messages[...] = 0", "mechanism 'hostile'.*charge (raised ValueError|writes to the messages)"),
        rule("a mechanism writes the decision", "decision[...] = 0", "mechanism 'hostile'.*charge (raised ValueError|writes to the decision)"),
        rule("a mechanism writes the memory", "now.memory[...] = 5", "mechanism 'hostile'.*charge (raised ValueError|writes to the memory)"),
        rule("a mechanism writes the public state", "now.public[...] = 5", "mechanism 'hostile'.*charge (raised ValueError|writes to the public)"),
        rule("a mechanism rewrites the economy", """
            utility = self.environment.stages[0].utility
            utility.flags.writeable = True
            utility += 1
            """, "mechanism 'hostile': it changes numbers of Stage.utility"),
        rule("a mechanism moves away", "os.chdir('/')", "mechanism 'hostile': it changes the working directory"),
        rule("a mechanism seeds NumPy", "np.random.seed(0)", "mechanism 'hostile': it changes np.random's generator"),
    ]  # fmt: skip


def call(method: str) -> str:
    """`charge(self, now)` as a call."""
    return method.replace("self, ", "")


SAID = "wrote [0-9,]+ bytes to standard output"


def writes() -> list[Hostile]:
    """Whatever speaks where results are expected."""

    def one(name: str, body: str, says: str = SAID) -> Hostile:
        return Hostile(name, "strategy", "writes", strategy(f"{dedent(body).strip()}\n{TRUTH}"), says)

    child = "subprocess.run([sys.executable, '-c', 'print(1)'], check=False)"
    return [
        one("message prints", "print('hello')"),
        one("message prints results of its own", "print('{\"agents\": []}', flush=True)"),
        one("message writes to the descriptor", "os.write(1, b'hello')"),
        one("message writes bytes", "sys.stdout.buffer.write(b'\\xff\\xfe\\x00')\nsys.stdout.buffer.flush()"),
        one("message writes to standard error", "sys.stderr.write('hello')"),
        one("message writes to the original output", "sys.__stdout__.write('hello')\nsys.__stdout__.flush()"),
        one("message writes escape codes", "print('\\x1b[2J\\x1b]0;owned\\x07', flush=True)"),
        one("message writes much", "for _ in range(20_000):\n    os.write(1, b'x' * 100)"),
        one("message writes without end", "while True:\n    os.write(1, b'x' * 4096)", f"{LATE}|{SAID}"),
        one("message lets a process write", child),
        one("message warns", "warnings.warn('careful')", f"{SAID}|UserWarning: careful"),
        one("message closes standard output", "os.close(1)", f"{SAID}|Bad file descriptor")._replace(may_pass=True),
        Hostile("a strategy prints at import", "strategy", "writes", f"print('hello')\n{strategy(TRUTH)}", SAID, may_pass=True),
        Hostile("a mechanism prints", "mechanism", "writes", mechanism(
            "print('hello')\nreturn super().charge(now, messages, decision, acts)"), SAID),
        Hostile("a scenario prints", "scenario", "writes", scenario("print('hello')\nreturn OilLeases().build()"), SAID, may_pass=True),
    ]  # fmt: skip
