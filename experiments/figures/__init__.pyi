from .amounts import amount as amount, signed as signed
from .columns import Column as Column, draw_columns as draw_columns
from .comparisons import Farthest as Farthest, farthest as farthest
from .forms import figure_form as figure_form
from .heat_map import draw_gains as draw_gains, draw_leaving as draw_leaving
from .provenance import Provenance as Provenance
from .saving import save_figure as save_figure
