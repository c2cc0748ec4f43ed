"""Every speed bar of the studio, measured in one run: ``make bench [names]``."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.measuring import tell

BENCHES = (
    "cutout",
    "cartoon",
    "inpaint",
    "faceswap",
    "superres",
    "overhead",
    "web",
    "history",
    "confined",
    "hostile",
    "clients",
)


def main(names: list[str]) -> None:
    """Run the named benches, or all of them, one after the other."""
    for name in names or BENCHES:
        tell(f"── {name}")
        import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
