"""Amounts of money as text, the same on screens, pages and pictures."""

import numpy as np

ZERO = 1e-9
"""Amounts of money up to this, relative to the economy's scale, are rounding."""

LEVEL = 0.95
"""Coverage of every interval that is shown."""


def amount(value: float, digits: int = 2, *, scale: float = 1.0) -> str:
    """Format an amount with two decimals, more if it would read 0.00 without being 0; never -0.00.

    What is rounding on the economy's `scale` is 0.

    >>> amount(2.004), amount(0.0031), amount(-1e-12), amount(float("inf")), amount(2e-12, scale=1e-9)
    ('2.00', '0.0031', '0.00', '–', '2e-12')
    """
    if not np.isfinite(value):
        return "–"
    if abs(value) <= ZERO * scale:
        return f"{0:.{digits}f}"
    return f"{value:.{digits}f}" if round(abs(value), digits) else f"{value:.2g}"


def signed(value: float, digits: int = 2, *, scale: float = 1.0) -> str:
    """Format an amount with its sign; zero has none.

    >>> signed(0.5), signed(-0.5), signed(0.0)
    ('+0.50', '-0.50', '0.00')
    """
    text = amount(value, digits, scale=scale)
    return f"+{text}" if value > 0 and float(text) else text


def printed(text: str) -> str:
    """Return an amount as pictures have it: with a true minus, as on their axes.

    >>> printed("-0.50"), printed("+2e-05")
    ('−0.50', '+2e−05')
    """
    return text.replace("-", "−")
