"""See the package."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.costs.bill import SHIPPED, PriceFileError, Prices, load_prices
from benchmarks.costs.count import Counts, count
from benchmarks.costs.tables import cost_table, fleet_table, price_table, scale_table

STORED = Path(__file__).with_name("counts.json")
DOCUMENT = Path(__file__).parents[2] / "docs" / "costs.md"
# (models, (from which hour of the recording, hours before counting, hours counted))
SIZES = {10: (8.0, 2.0, 2.0), 100: (8.0, 1.5, 1.0), 1000: (8.0, 0.5, 0.25)}


def stored() -> list[Counts]:
    """The counts of the last run, by size."""
    return [Counts(**one) for one in json.loads(STORED.read_text("utf-8"))]


def document_tables(counted: Sequence[Counts], prices: Prices) -> dict[str, list[str]]:
    """The tables by their name in the document."""
    return {
        "costs": list(cost_table(counted, prices)),
        "played": list(fleet_table(counted)),
        "scale": list(scale_table(counted)),
        "prices": list(price_table(prices)),
    }


def with_tables(text: str, tables: dict[str, list[str]]) -> str:
    """The document with the tables between their marks."""
    for name, lines in tables.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    return text


def main(arguments: Sequence[str]) -> int:
    """Count or read, price, print; write where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--no-count", action="store_true", help="price the stored counts")
    parser.add_argument("--sizes", default="", help="count only these numbers of models: 10,100")
    parser.add_argument("--prices", type=Path, default=SHIPPED, help="a price file of your own")
    parser.add_argument("--write", action="store_true", help="store counts and tables")
    asked = parser.parse_args(arguments)
    try:
        prices = load_prices(asked.prices)
    except PriceFileError as error:
        parser.error(str(error))
    counted = {one.models: one for one in stored()} if STORED.is_file() else {}
    if not asked.no_count:
        sizes = [int(size) for size in asked.sizes.split(",") if size] or list(SIZES)
        if unknown := [size for size in sizes if size not in SIZES]:
            parser.error(f"no size {unknown[0]}; there are {', '.join(map(str, SIZES))}")
        for size in sizes:
            counted[size] = count(size, SIZES[size])
            if asked.write:
                rows = [asdict(counted[each]) for each in sorted(counted)]
                STORED.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    tables = document_tables([counted[size] for size in sorted(counted)], prices)
    for lines in tables.values():
        print("\n".join(lines), end="\n\n")
    if asked.write:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8"), tables), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
