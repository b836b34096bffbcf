from .average_externality import AverageExternality as AverageExternality
from .contingent import ContingentMechanism as ContingentMechanism
from .contingent_convex import ContingentConvex as ContingentConvex
from .contingent_density import ContingentDensity as ContingentDensity, Method as Method
from .contingent_spanning import ContingentSpanning as ContingentSpanning
from .cremer_mclean import CremerMcLean as CremerMcLean
from .linked import Linked as Linked
from .residual_claimant import ResidualClaimant as ResidualClaimant
from .surplus_extraction import SurplusExtraction as SurplusExtraction
