"""What stands below the options in a command's help: two examples that run, and its exit codes."""

from typing import NamedTuple


class Help(NamedTuple):
    """Of one command.

    Attributes:
        examples: two lines as they are typed, without `dynmech`.
        done: what exit code 0 means.
        look: what exit code 1 means; nothing where there is none.
    """

    examples: tuple[str, str]
    done: str = "done"
    look: str = ""


ALWAYS = (
    ("2", "bad input or a full disk"),
    ("129, 130, 143", "ended from outside"),
    ("141", "standard output was closed"),
)

NOT_PLAYED = "something that was asked for could not be played"

HELP: dict[str, Help] = {
    "list": Help(("list mechanisms", "list strategies --plugin shade.py")),
    "check": Help(
        ("check shade.py", "check shade.py --environment oil-leases-prior"),
        "all keep to what they declare",
        "one does not",
    ),
    "new": Help(("new strategy lie-low", "new mechanism half-price -o plugins")),
    "run": Help(
        (
            "run oil-leases linked --episodes 1000",
            'run oil-leases-prior cremer-mclean --strategy "firm 1=one-shot"',
        ),
        look=NOT_PLAYED,
    ),
    "stress": Help(
        (
            "stress oil-leases-prior --mechanism linked --episodes 1000",
            "stress oil-leases-prior --workers 0 --log summary --out runs/oil",
        ),
        look=NOT_PLAYED,
    ),
    "audit": Help(
        ("audit oil-leases-prior linked", "audit oil-leases-prior cremer-mclean --policy worst.csv"),
        "what is promised holds",
        "a promise breaks or is open",
    ),
    "equilibrium": Help(
        ("equilibrium oil-leases-prior cremer-mclean -o profile.json", "equilibrium repeated-auction pay-your-report"),
        "nobody gains more than the tolerance from the profile",
        "somebody does, or may",
    ),
    "tournament": Help(
        ("tournament study.toml --set episodes=200", "tournament study.toml --set log=full --out runs/study"),
        look=NOT_PLAYED,
    ),
    "report": Help(("report runs/lie -o lie.html", "report runs/lie --quiet")),
    "export": Help(("export runs/lie --to csv", "export oil-leases linked -o linked.json")),
    "replay": Help(("replay runs/lie", "replay runs/lie --case deviation --episode 7")),
    "bound": Help(("bound two-period-sale:grid=2", "bound non-separable:grid=midpoints --relaxed")),
    "reproduce": Help(("reproduce liu", "reproduce --json > claims.json")),
    "verify": Help(("verify proof.json", "verify proof.json.gz --json"), "every claim is proved", "a claim is not"),
    "estimate": Help(
        (
            "estimate runs/lie --environment oil-leases-prior -o env.json",
            "estimate runs/lie --environment oil-leases-prior --by joint",
        ),
    ),
    "robust": Help(
        (
            "robust repeated-auction:values=2 pivot --draws 30,100",
            "robust oil-leases-prior linked --ball 0.01,0.1",
        ),
        look=NOT_PLAYED,
    ),
    "design": Help(
        ("design oil-leases -o cheapest.json", "design oil-leases --memory none --incentive bayesian"),
        "there is a mechanism that does what is asked",
        "there is none, or that is open",
    ),
    "sweep": Help(
        (
            "sweep common-state --vary informativeness=0.8,0.4 --mechanism pivot",
            "sweep repeated-auction:horizon=2 --vary once:base=team,pivot",
        ),
        look=NOT_PLAYED,
    ),
}
"""By command. The examples are run, or at least read, by the tests."""


def epilog(command: str) -> str:
    """Return the end of a command's help; lines stay as they are."""
    text = HELP[command]
    lines = "\n".join(f"  dynmech {example}" for example in text.examples)
    codes = [("0", text.done), *([("1", text.look)] if text.look else []), *ALWAYS]
    told = "\n".join(f"  {code:14} {meaning}" for code, meaning in codes)
    return f"\b\nExamples:\n{lines}\n\n\b\nExit codes:\n{told}"
