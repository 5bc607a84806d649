"""`python -m benchmarks [SECTION ...]`: all sections, or those named.

Figures depend on the machine; what is worth comparing between machines are the ratios and counts.
"""

import argparse
import sys
from importlib import import_module

SECTIONS = {
    "handlers": "import, first call and warm call of each function, and its memory",
    "looks": "time and AWS calls of one look at 10, 100 and 1,000 components",
    "decide": "the pure decision alone at 10, 100, 1,000 and 10,000 components",
    "simulator": "model-minutes a second under icscaler, peers and static capacity",
    "rollout_cost": "extra instance-hours of rolling updates, against blue/green",
    "wake_paths": "from the first refused request to the first answer, by what wakes the model",
}


def main(arguments: list[str]) -> int:
    """Run the sections in order."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure icscaler.",
        epilog="\n".join(f"{name}: {text}" for name, text in SECTIONS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("section", nargs="*", help=f"of {', '.join(SECTIONS)}")
    named = parser.parse_args(arguments).section or list(SECTIONS)
    if unknown := [name for name in named if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for name in named:
        print(f"\n== {name}: {SECTIONS[name]}")
        import_module(f"benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
