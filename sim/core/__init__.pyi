from .arguments import checked_arguments as checked_arguments
from .arrays import (
    Array as Array,
    BoolArray as BoolArray,
    FloatArray as FloatArray,
    IntArray as IntArray,
    first as first,
    frozen as frozen,
    readonly as readonly,
)
from .checks import (
    check_finite as check_finite,
    check_law as check_law,
    check_names as check_names,
    check_shape as check_shape,
    check_text as check_text,
    field_path as field_path,
    on_one_line as on_one_line,
    shown as shown,
    unprintable as unprintable,
)
from .entry_points import Offer as Offer
from .errors import (
    DynmechError as DynmechError,
    InputError as InputError,
    PlayError as PlayError,
    Refusal as Refusal,
    StorageError as StorageError,
)
from .json_files import first_problem as first_problem, numbers as numbers, read_json as read_json
from .memory_budget import require_room as require_room, size_text as size_text
from .near_names import near_name as near_name
from .plugin_files import imported_files as imported_files, load_plugin as load_plugin
from .registry import (
    Registry as Registry,
    format_exception as format_exception,
    place as place,
)
from .spaces import Finite as Finite, Interval as Interval, Space as Space
from .streams import Streams as Streams, Tape as Tape, Tapes as Tapes
from .ties import (
    Best as Best,
    descending as descending,
    figure as figure,
    first_largest as first_largest,
    first_of as first_of,
    first_smallest as first_smallest,
    largest_place as largest_place,
    null_vector as null_vector,
    rank as rank,
    rounded_up as rounded_up,
    scale_of as scale_of,
)
