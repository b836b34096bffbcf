"""Figures: what all pictures share, and amounts of money as text.

`heat_map` and `columns` draw, `texts` fits users' texts in, `saving` writes PDF, SVG and PNG with what makes them again
(`provenance`) in their metadata, `amounts` formats money, `comparisons` holds simulated figures against exact ones.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
