"""Two machine operations that Python does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    def fma(a: float, b: float, c: float) -> float:
        """Return a * b + c, rounded once."""

    def multiply_add(
        a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64
    ) -> tuple[np.uint64, np.uint64]:
        """Return the low and the high word of a * b + c + d, which always fits in two."""

else:  # numba's side has no types
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    @intrinsic
    def fma(_context, a, b, c):  # noqa: ANN001, ANN201, D103 - above
        def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
            return builder.fma(*args)

        return types.float64(a, b, c), codegen

    @intrinsic
    def multiply_add(_context, a, b, c, d):  # noqa: ANN001, ANN201, D103 - above
        def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
            wide, word = ir.IntType(128), ir.IntType(64)
            a, b, c, d = (builder.zext(arg, wide) for arg in args)
            total = builder.add(builder.add(builder.mul(a, b), c), d)
            high = builder.lshr(total, ir.Constant(wide, 64))
            words = [builder.trunc(total, word), builder.trunc(high, word)]
            return cgutils.pack_array(builder, words)

        return types.UniTuple(types.uint64, 2)(a, b, c, d), codegen
