from .mechanism_files import (
    load_mechanism as load_mechanism,
    mechanism_to_data as mechanism_to_data,
    save_mechanism as save_mechanism,
)
from .reading import mechanism_from_data as mechanism_from_data
from .tabulated_mechanism import (
    MechanismTables as MechanismTables,
    PeriodTable as PeriodTable,
    TabulatedMechanism as TabulatedMechanism,
)
from .writing_out import written_out as written_out
