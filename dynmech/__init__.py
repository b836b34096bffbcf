r'''A laboratory for dynamic mechanism design: whether a mechanism holds, and what the worst lie earns if not.

Everything that a user types stands here and is loaded when it is first used. In one script:

>>> from pathlib import Path
>>> from tempfile import mkdtemp
>>> import dynmech as dm
>>> out = Path(mkdtemp())
>>> env = dm.load("oil-leases-prior")

An audit answers exactly; what it finds can be held, and played.

>>> audit = dm.audit(env, "cremer-mclean")
>>> worst = audit.gains.query("family == 'best_response' and information == 'ex_ante'")
>>> worst.set_index("agent")["lower"].round(6).to_dict()
{'firm 1': 2.0, 'firm 2': 0.0}
>>> audit.promises[["promise", "status"]].values.tolist()
[['incentive: bayesian', 'breaks'], ['efficient', 'holds']]
>>> audit.policy.columns.tolist()
['period', 'agent', 'signal', 'last_signal', 'reported', 'public', 'message', 'prescribed', 'act']
>>> run = dm.simulate(env, "cremer-mclean", {"firm 1": audit.witness}, episodes=1000)
>>> gains = run.gains().groupby("agent", observed=True)["gain"].mean()
>>> bool(abs(gains["firm 1"] - 2) < 0.7)
True
>>> len(repr(audit).splitlines()), len(run.outcomes())
(3, 6000)
>>> interim = audit.deviation("firm 1", information="interim")

A mechanism of one's own is a class, and stands beside those that have a name.

>>> class Free(dm.DirectMechanism):
...     """Nobody pays anything."""
...
...     name = "free"
...     promises = dm.Promises(incentive="periodic ex post", efficient=True)
...
...     def charge(self, now, messages, decision, acts):
...         return 0.0 * messages
...
...     def transfer_bound(self):
...         return 0.0
>>> stress = dm.stress(env, [Free, "linked"], episodes=200, out=out / "oil")
>>> stress.mechanisms[["mechanism", "verdict"]].values.tolist()
[['free', 'breaks'], ['linked', 'holds']]
>>> stress.plot(out / "gains.pdf").name, dm.export(stress, "latex", out / "gains.tex").name
('gains.pdf', 'gains.tex')

What changes with an option of the economy, and strategies against each other:

>>> mechanisms = ["pivot", "static-vcg"]
>>> sweep = dm.sweep("repeated-auction", {"discount": [0.5, 0.9]}, mechanisms, out=out / "patience")
>>> sweep.figures[["discount", "mechanism", "verdict"]].values.tolist()[:2]
[[0.5, 'pivot', 'holds'], [0.5, 'static-vcg', 'holds']]
>>> len(sweep.plot().axes) > 3
True
>>> study = """
... environment = "oil-leases-prior"
... mechanisms = ["cremer-mclean"]
... episodes = 50
... [strategies]
... truth = "truthful"
... flip = "misreport:map=flip"
... """
>>> file = out / "study.toml"
>>> _ = file.write_text(f"out = '{out / 'study'}'" + study, encoding="utf-8")
>>> dm.tournament(file).payoffs.columns.tolist()
['environment', 'mechanism', 'profile', 'role', 'strategy', 'players', 'payoff', 'error']
'''

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
