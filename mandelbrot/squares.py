"""z² + c in fixed point of many digits, with GMP's mpn_sqr where gmpy2's library of it is found."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import gmpy2

from mandelbrot.fixed_point import _add, _magnitude, _multiply, _subtract
from mandelbrot.intrinsics import call_square
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Limbs = NDArray[np.uint64]


@kernel()
def _square(a: Limbs, out: Limbs, wide: Limbs, address: int) -> None:
    """Write the high limbs of a², rounded down."""
    size = a.size
    if address:
        call_square(address, wide.ctypes.data, a.ctypes.data, size)
        for k in range(size):
            out[k] = wide[size + k]
    else:
        _multiply(a, a, out)


@kernel(inline=True)
def step(
    x: Limbs,
    y: Limbs,
    cx: Limbs,
    cy: Limbs,
    a: Limbs,
    b: Limbs,
    xx: Limbs,
    yy: Limbs,
    wide: Limbs,
    address: int,
) -> None:
    """Replace z = x + iy by z² + c, with 2xy = (x + y)² - x² - y²; the others are memory."""
    _add(x, y, a)
    _magnitude(a, b)
    _square(b, a, wide, address)
    _magnitude(x, b)
    _square(b, xx, wide, address)
    _magnitude(y, b)
    _square(b, yy, wide, address)
    _subtract(xx, yy, x)
    _add(x, cx, x)
    _add(xx, yy, xx)
    _subtract(a, xx, y)
    _add(y, cy, y)


@functools.cache
def square_address() -> int:
    """Return the address of mpn_sqr in the GMP that gmpy2 has loaded, 0 when there is none."""
    folder = Path(gmpy2.__file__).parent
    places = [folder / ".dylibs", folder.parent / "gmpy2.libs"]
    for path in [p for place in places for p in sorted(place.glob("libgmp[-.]*"))]:
        try:
            function = getattr(ctypes.CDLL(str(path)), "__gmpn_sqr")
        except (OSError, AttributeError):
            continue
        word = ctypes.c_uint64
        out, number = (word * 4)(), (word * 2)(2**64 - 3, 2**63 + 5)
        function.restype = None
        function.argtypes = [ctypes.POINTER(word), ctypes.POINTER(word), ctypes.c_long]
        function(out, number, 2)
        value = (number[1] << 64) + number[0]
        if sum(limb << (64 * k) for k, limb in enumerate(out)) == value**2:
            return ctypes.cast(function, ctypes.c_void_p).value or 0
    return 0
