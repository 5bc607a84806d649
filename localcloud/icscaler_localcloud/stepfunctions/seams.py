"""Putting the seams into moto's interpreter, once per process.

moto is pinned exactly (`moto_seams.PINNED_MOTO`, checked at import). What is replaced, and why,
is told where it is: `blocking` (threads, time, randomness), `flow`, `matching`, `integrations`.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from random import Random
from types import ModuleType

from moto.moto_api._internal import mock_random
from moto.stepfunctions.parser import utils

from icscaler_localcloud.stepfunctions import blocking, flow, integrations, matching
from icscaler_localcloud.stepfunctions.expressions import Expressions
from icscaler_localcloud.stepfunctions.tasks import Troupe

_PACKAGE = "moto.stepfunctions.parser."


def interpreter_modules() -> list[ModuleType]:
    """All loaded modules of moto's interpreter, by name."""
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(_PACKAGE)]


@cache
def install() -> None:
    """Put every seam in place; loading the parser has loaded all of the interpreter."""
    # Definitions import what they name only when they are read; take everything now.
    import moto.stepfunctions.parser.asl.parse.asl_parser
    import moto.stepfunctions.parser.models  # noqa: F401

    flow.install()
    matching.install()
    integrations.install()
    blocking.rebind(interpreter_modules())
    utils.uuid4 = mock_random.uuid4  # type: ignore[attr-defined]
    # Every failed state is an error in moto's log; here it is in the execution's history.
    logger = logging.getLogger("moto.stepfunctions")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def open_stage(troupe: Troupe, random: Random, expressions: Expressions) -> None:
    """Let the interpreter run for one cloud."""
    install()
    blocking.perform_on(troupe, random)
    matching.evaluate_with(expressions)


def close_stage(troupe: Troupe) -> None:
    """The cloud of this troupe is closed; no effect when another one has opened since."""
    if not blocking.is_performed_by(troupe):
        return
    blocking.perform_on(None)
    matching.evaluate_with(None)
