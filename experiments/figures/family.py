"""One family of pictures: sizes and letters for a paper, whatever draws them.

A picture is at most as wide as a page (two columns); letters are those of a caption or a little smaller, so that
nothing is scaled when it is put into a paper.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.2
"""Widths of a column and of a page, in inches."""

SMALL, TEXT, TITLE = 6.5, 7.5, 9.0
"""Letters of figures and ticks, of labels, and of the title, in points."""

LINE = 0.6
"""Width of axes, in points."""

DPI = 200
"""Dots per inch of a PNG."""


def letters(width: float) -> int:
    """Return how many letters a title of a picture of this width has room for, at least."""
    return int((width - 0.2) / 0.078)


def as_family(figure: "Figure") -> "Figure":
    """Give a picture the letters, lines and width of the family; the same picture is returned."""
    wide, high = figure.get_size_inches()
    figure.set_size_inches(min(wide, PAGE), high)
    for axes in figure.axes:
        axes.tick_params(which="both", labelsize=SMALL, width=LINE)
        for place in ("left", "center", "right"):
            axes.set_title(axes.get_title(place), loc=place, fontsize=TEXT)
        axes.xaxis.label.set_fontsize(TEXT)
        axes.yaxis.label.set_fontsize(TEXT)
        axes.spines[:].set_linewidth(LINE)
        for text in axes.texts:
            text.set_fontsize(min(text.get_fontsize(), TEXT))
    legends = [*figure.legends, *(legend for axes in figure.axes if (legend := axes.get_legend()))]
    for text in (text for legend in legends for text in legend.get_texts()):
        text.set_fontsize(SMALL)
    if figure.get_suptitle():
        figure.suptitle(figure.get_suptitle(), x=0.01, ha="left", fontsize=TITLE)
    if figure.get_supxlabel():
        figure.supxlabel(figure.get_supxlabel(), fontsize=SMALL)
    return figure
