"""CloudWatch metric math: parser, values and functions.

Semantics follow the CloudWatch User Guide, "Using math expressions with CloudWatch metrics". What
is not built is refused by name; no expression is ever answered with silence.
"""

from icscaler_localcloud.cloudwatch.math.errors import MathError
from icscaler_localcloud.cloudwatch.math.evaluate import Scope, evaluate, names_in
from icscaler_localcloud.cloudwatch.math.parse import parse
from icscaler_localcloud.cloudwatch.math.values import Array, Series, Value

__all__ = ["Array", "MathError", "Scope", "Series", "Value", "evaluate", "names_in", "parse"]
