"""Machine operations that Python does not have."""

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

    def leading_zeros(a: np.uint64) -> int:
        """Return the number of zero bits above the highest set one; 64 for 0."""

    def trailing_zeros(a: int) -> int:
        """Return the number of zero bits below the lowest set one; 64 for 0."""

    def to_bits(a: float) -> int:
        """Return the 64 bits of a float64, as an integer."""

    def from_bits(a: int) -> float:
        """Return the float64 of 64 bits."""

    def call_square(address: int, out: int, a: int, size: int) -> None:
        """Call the function at `address` as ``mpn_sqr(out, a, size)`` of GMP."""

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

    @intrinsic
    def leading_zeros(_context, a):  # noqa: ANN001, ANN201, ARG001, D103 - above
        def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
            return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), codegen

    @intrinsic
    def trailing_zeros(_context, a):  # noqa: ANN001, ANN201, ARG001, D103 - above
        def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
            return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.int64), codegen

    @intrinsic
    def to_bits(_context, a):  # noqa: ANN001, ANN201, ARG001, D103 - above
        def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
            return builder.bitcast(args[0], ir.IntType(64))

        return types.int64(types.float64), codegen

    @intrinsic
    def from_bits(_context, a):  # noqa: ANN001, ANN201, ARG001, D103 - above
        def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
            return builder.bitcast(args[0], ir.DoubleType())

        return types.float64(types.int64), codegen

    @intrinsic
    def call_square(_context, address, out, a, size):  # noqa: ANN001, ANN201, ARG001, D103 - above
        def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
            word = ir.IntType(64)
            function = ir.FunctionType(ir.VoidType(), [word.as_pointer(), word.as_pointer(), word])
            pointers = [builder.inttoptr(arg, word.as_pointer()) for arg in args[1:3]]
            builder.call(builder.inttoptr(args[0], function.as_pointer()), [*pointers, args[3]])
            return _context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64, types.int64), codegen
