"""Escape-time counts in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def escape_time(
    re: NDArray[np.float64],
    im: NDArray[np.float64],
    maxiter: int,
    cancel: NDArray[np.uint8],
    out: NDArray[np.unsignedinteger],
) -> bool:
    """Write the counts at ``re[i] + 1j * im[j]`` to ``out[j, i]``; return False when cancelled."""
    for j in range(im.size):
        if cancel[0]:
            return False
        for i in range(re.size):
            x = y = 0.0
            n = 0
            while n < maxiter:
                x, y = x * x - y * y + re[i], 2.0 * x * y + im[j]
                if x * x + y * y > 4.0:
                    break
                n += 1
            out[j, i] = n
    return True
