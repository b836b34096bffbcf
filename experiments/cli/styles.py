"""How verdicts look on the terminal."""

STYLES = {
    "holds": "green",
    "breaks": "bold red",
    "undecided": "yellow",
    "not_refuted": "yellow",
    "outside_assumptions": "cyan",
    "not_promised": "dim",
}
"""By status of a verdict."""
