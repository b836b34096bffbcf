"""Run the command line: `python -m dynmech`, and the console script `dynmech`."""


def main() -> None:
    """Run the command that the arguments name."""
    from dynmech.experiments.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
