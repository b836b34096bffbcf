from .arrays import (
    Array as Array,
)
from .arrays import (
    BoolArray as BoolArray,
)
from .arrays import (
    FloatArray as FloatArray,
)
from .arrays import (
    IntArray as IntArray,
)
from .arrays import (
    first as first,
)
from .arrays import (
    frozen as frozen,
)
from .arrays import (
    readonly as readonly,
)
from .checks import (
    check_finite as check_finite,
)
from .checks import (
    check_law as check_law,
)
from .checks import (
    check_names as check_names,
)
from .checks import (
    check_shape as check_shape,
)
from .checks import (
    check_text as check_text,
)
from .checks import (
    field_path as field_path,
)
from .checks import (
    on_one_line as on_one_line,
)
from .checks import (
    shown as shown,
)
from .checks import (
    unprintable as unprintable,
)
from .entry_points import Offer as Offer
from .errors import (
    DynmechError as DynmechError,
)
from .errors import (
    InputError as InputError,
)
from .errors import (
    PlayError as PlayError,
)
from .errors import (
    Refusal as Refusal,
)
from .errors import (
    StorageError as StorageError,
)
from .memory_budget import require_room as require_room
from .memory_budget import size_text as size_text
from .registry import Registry as Registry
from .registry import load_plugin as load_plugin
from .registry import place as place
from .registry import told as told
from .spaces import Finite as Finite
from .spaces import Interval as Interval
from .spaces import Space as Space
from .streams import Streams as Streams
from .streams import Tape as Tape
from .streams import Tapes as Tapes
from .ties import (
    Best as Best,
)
from .ties import (
    descending as descending,
)
from .ties import (
    figure as figure,
)
from .ties import (
    first_largest as first_largest,
)
from .ties import (
    first_of as first_of,
)
from .ties import (
    first_smallest as first_smallest,
)
from .ties import (
    largest_place as largest_place,
)
from .ties import (
    null_vector as null_vector,
)
from .ties import (
    rank as rank,
)
from .ties import (
    rounded_up as rounded_up,
)
from .ties import (
    scale_of as scale_of,
)
