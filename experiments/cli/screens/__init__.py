"""What the commands print for people: a screen per result, and the lines that play something again."""
