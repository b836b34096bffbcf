"""Every command that plays, killed again and again."""
