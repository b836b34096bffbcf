"""Every gate, in order: format, lint, types, import floors, docs, then tests with doctests. `python -m tests`."""

import subprocess
import sys
import time
from pathlib import Path

GATES = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "floors": ["lint-imports"],
    "docs": ["sphinx-build", "-W", "-q", "-E", "docs", "build/docs"],
    "tests": ["pytest", "-q"],
}
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the gates; stop at the first that fails."""
    tools = Path(sys.executable).parent
    for name, (tool, *arguments) in GATES.items():
        print(f"== {name}: {' '.join((tool, *arguments))}", flush=True)  # noqa: T201 - this is a command
        start = time.monotonic()
        code = subprocess.run([tools / tool, *arguments], cwd=ROOT, check=False).returncode
        print(f"== {name}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - start:.0f} s)", flush=True)  # noqa: T201
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
