"""Floor 4: scenarios, runs, stress tests, results and plots, the command line."""
