from .cluster import dask_crew as dask_crew
from .pool import (
    Call as Call,
)
from .pool import (
    Crew as Crew,
)
from .pool import (
    Done as Done,
)
from .pool import (
    Loky as Loky,
)
from .pool import (
    Parcel as Parcel,
)
from .pool import (
    Place as Place,
)
from .pool import (
    Workers as Workers,
)
from .sandbox import Answer as Answer
from .sandbox import Limits as Limits
from .sandbox import confined as confined
