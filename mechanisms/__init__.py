"""Floor 2: the planner, the mechanisms of the literature (one idea per file), the conditions they rest on."""
