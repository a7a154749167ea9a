# noqa: INP001 # a script that frames.test.ts runs
"""Where tiles belong on the screen, from first principles and in exact arithmetic.

Reads one JSON object per line from standard input and answers each with one line:

    levels, tilesize   the pyramid; level L has tilesize * 2**(levels - L) pixels a side
    complex            whether places are points of [-2.5, 2.5]^2, or level-0 pixels
    level              which tiles to report
    center             two decimals
    pixel              screen pixels per pixel of that level, one over a finite decimal
    offset             how far right of and below `center` the screen's middle is, screen pixels
    size               of the screen, in pixels

The answer has the exact `center` and `width` of the view, as decimals, and the tiles in it: row and
column (decimal strings), left and top (screen pixels).
"""

from __future__ import annotations

import json
import math
import sys
from fractions import Fraction
from typing import Any


def decimal(value: Fraction) -> str:
    """Write a fraction whose denominator has no prime factors but 2 and 5, exactly."""
    places = 0
    while (10**places * value).denominator != 1:
        places += 1
    digits = str(abs(int(10**places * value))).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[: len(digits) - places]}.{digits[len(digits) - places :]}0"


def answer(query: dict[str, Any]) -> dict[str, Any]:
    """Return the view and the tiles in it."""
    tile = query["tilesize"]
    across = tile * 2 ** (query["levels"] - query["level"])  # pixels of the level
    finest = tile * 2 ** query["levels"]
    side = Fraction(5) if query["complex"] else Fraction(finest)
    unit = side / across  # one pixel of the level
    pixel = unit / Fraction(query["pixel"])  # one pixel of the screen
    dx, dy = (Fraction(value) * pixel for value in query["offset"])
    first, second = map(Fraction, query["center"])
    if query["complex"]:
        center = (first + dx, second - dy)
        x, y = center[0] + side / 2, side / 2 - center[1]
    else:
        center = (first + dx, second + dy)
        x, y = center
    width, height = query["size"]
    left, top = x - width * pixel / 2, y - height * pixel / 2
    tiles = []
    count = across // tile
    for row in range(max(0, math.floor(top / unit / tile)), count):
        if row * tile * unit >= top + height * pixel:
            break
        for column in range(max(0, math.floor(left / unit / tile)), count):
            if column * tile * unit >= left + width * pixel:
                break
            tiles.append(
                {
                    "row": str(row),
                    "column": str(column),
                    "left": float((column * tile * unit - left) / pixel),
                    "top": float((row * tile * unit - top) / pixel),
                }
            )
    return {
        "center": [decimal(part) for part in center],
        "width": decimal(width * pixel),
        "tiles": tiles,
    }


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.stdout.flush()
