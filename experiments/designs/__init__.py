"""Designs: a mechanism that does what is asked, audited on the spot, or the goals that cannot be had together.

`designing` answers, `design_result` holds and says what was found, `transfer_tables` shows transfers by memory and
report.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
