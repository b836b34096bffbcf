"""Floor 1: the economy, nature's draws, the roles of designer and agents, the event loop and its log."""
