"""`dynmech design`: a mechanism that does what is asked, or the goals that cannot be had together."""

import typer

from dynmech.experiments.cli import design_options, options
from dynmech.experiments.cli.shared import hand_out, open_economy


def design_command(
    environment: options.EnvironmentName,
    rule: design_options.Rule = "efficient",
    memory: design_options.Memory = "last",
    incentive: design_options.Incentive = "ex-post",
    participation: design_options.Participation = "none",
    budget: design_options.Budget = "none",
    budget_level: design_options.BudgetLevel = "ex-post",
    largest: design_options.Largest = None,
    margin: design_options.Margin = 0.0,
    maximise: design_options.Maximise = None,
    minimise: design_options.Minimise = None,
    out: design_options.Out = None,
    plugin: options.Plugins = [],  # noqa: B006 - Typer copies defaults
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A mechanism that does what is asked, audited on the spot, or what stands in its way.

    Transfers are sought for a decision rule. Exit code 1 if there are none, or if that is open.
    """
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.designs.design_result import files
    from dynmech.experiments.designs.designing import design
    from dynmech.experiments.runs.loading import open_rules
    from dynmech.experiments.workers.pool import Workers

    staff = Workers()
    economy = open_economy(environment, plugin, staff)
    with progress_bars(quiet) as progress:
        result = design(
            economy,
            rule=rule if rule in ("efficient", "free") else open_rules(economy, rule, staff),
            memory=memory,
            incentive=incentive,
            participation=participation,
            budget=budget,
            budget_level=budget_level,
            largest=largest,
            margin=margin,
            maximise=maximise,
            minimise=minimise,
            out=out,
            progress=progress,
        )
    hand_out(as_json, result.data, result.show, quiet=quiet, brief=lambda: (result.sentence, *files(result)))
    if not result.possible:
        raise typer.Exit(1)
