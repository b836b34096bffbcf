from .cluster import dask_crew as dask_crew
from .parcels import Parcel as Parcel
from .pieces import Piece as Piece, do_pieces as do_pieces
from .plugin_opening import open_plugins as open_plugins, use_plugins as use_plugins
from .pool import (
    Call as Call,
    Crew as Crew,
    Done as Done,
    Loky as Loky,
    Place as Place,
    Workers as Workers,
)
from .sandbox import Answer as Answer, Limits as Limits, confined as confined
