from .exact import Collusion as Collusion, Exact as Exact, collusion as collusion, exact_gains as exact_gains
from .exact_searches import exact_line as exact_line, search_games as search_games, telling as telling
