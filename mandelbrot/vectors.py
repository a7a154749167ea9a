"""Code for SIMD registers, written as formulas.

A step is a Python function of `Vector` objects, called while code is generated: it reads like the
formula, and emits one vector instruction per operation. `scalar` makes of it a function of numbers,
`eight` one of eight lanes, and recurrence.py a loop over many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DOUBLE, WORD = ir.DoubleType(), ir.IntType(64)
_CONTRACT = ("contract",)


@dataclass(frozen=True)
class Vector:
    """Values of neighbouring lanes, in code that is being generated: float64, or conditions.

    A single value as well, in a function made by `scalar`.
    """

    builder: ir.IRBuilder
    value: ir.Value

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fadd(self.value, other.value))

    def __sub__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fsub(self.value, other.value))

    def __mul__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fmul(self.value, other.value))

    def __le__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fcmp_ordered("<=", self.value, other.value))

    def __lt__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fcmp_ordered("<", self.value, other.value))

    def __abs__(self) -> Vector:
        return self._intrinsic("fabs", self)

    def __neg__(self) -> Vector:
        return Vector(self.builder, self.builder.fneg(self.value))

    def __and__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.or_(self.value, other.value))

    def constant(self, number: float) -> Vector:
        """Return one number in all lanes."""
        kind = self.value.type
        numbers = [number] * kind.count if isinstance(kind, ir.VectorType) else number
        return Vector(self.builder, ir.Constant(kind, numbers))

    def plus_product(self, a: Vector, b: Vector) -> Vector:
        """Return ``self + a * b``, rounded once where the machine can, else twice."""
        product = self.builder.fmul(a.value, b.value, flags=_CONTRACT)
        return Vector(self.builder, self.builder.fadd(product, self.value, flags=_CONTRACT))

    def plus_exact_product(self, a: Vector, b: Vector) -> Vector:
        """Return ``self + a * b`` for an exact `a * b`: rounded once or twice, it is the same."""
        return self._intrinsic("fmuladd", a, b, self)

    def where(self, condition: Vector, other: Vector) -> Vector:
        """Return this where a condition holds, else the other."""
        return Vector(self.builder, self.builder.select(condition.value, self.value, other.value))

    def root(self) -> Vector:
        """Return the square root."""
        return self._intrinsic("sqrt", self)

    def plus_product_once(self, a: Vector, b: Vector) -> Vector:
        """Return ``self + a * b``, rounded once on any machine."""
        return self._intrinsic("fma", a, b, self)

    def _intrinsic(self, name: str, *operands: Vector) -> Vector:
        kind = self.value.type
        lanes = f"v{kind.count}" if isinstance(kind, ir.VectorType) else ""
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(kind, [kind] * len(operands)),
            f"llvm.{name}.{lanes}f64",
        )
        values = [operand.value for operand in operands]
        return Vector(self.builder, self.builder.call(function, values))

    def greatest(self) -> ir.Value:
        """Return the largest of the lanes' values, none of which is NaN, as one value."""
        kind = self.value.type
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(DOUBLE, [kind]),
            f"llvm.vector.reduce.fmax.v{kind.count}f64",
        )
        return self.builder.call(function, [self.value], fastmath=("nnan",))

    def bits(self) -> ir.Value:
        """Return a word with a bit for each lane, set where a condition does not hold."""
        flags = self.builder.bitcast(
            self.builder.not_(self.value), ir.IntType(self.value.type.count)
        )
        return self.builder.zext(flags, WORD)


@dataclass(frozen=True)
class Memory:
    """Where the variables of some vectors of lanes are."""

    builder: ir.IRBuilder
    vector: ir.VectorType
    first: ir.Value

    def _at(self, place: int, k: int) -> ir.Value:
        where = ir.Constant(WORD, place + k * self.vector.count)
        pointer = self.builder.gep(self.first, [where])
        return self.builder.bitcast(pointer, self.vector.as_pointer())

    def load(self, place: int, k: int) -> Vector:
        """Load the k-th vector of a variable."""
        return Vector(self.builder, self.builder.load(self._at(place, k), align=8))

    def write(self, value: Vector, place: int, k: int) -> None:
        """Write the k-th vector of a variable."""
        self.builder.store(value.value, self._at(place, k), align=8)

    def spread(self, number: ir.Value) -> Vector:
        """Return one number in all lanes."""
        filled = ir.Constant(self.vector, ir.Undefined)
        for i in range(self.vector.count):
            filled = self.builder.insert_element(filled, number, ir.Constant(ir.IntType(32), i))
        return Vector(self.builder, filled)

    def moved(self, offset: ir.Value) -> Memory:
        """Return the same places, `offset` numbers further."""
        return replace(self, first=self.builder.gep(self.first, [offset]))


def scalar(function: Callable[..., Sequence[Vector]], results: int) -> Any:  # noqa: ANN401 - numba is untyped
    """Return a function of `Vector` objects as one of a tuple of numbers, for compiled code.

    `results` is how many it returns.
    """

    @intrinsic
    def compiled(_context, numbers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        def codegen(_context, builder, _signature, args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            values = [Vector(builder, word) for word in cgutils.unpack_tuple(builder, args[0])]
            return cgutils.pack_array(builder, [result.value for result in function(*values)])

        return types.UniTuple(types.float64, results)(numbers), codegen

    return compiled


def eight(
    step: Callable[..., tuple[Sequence[Vector], Sequence[Vector], Vector]],
    variables: Sequence[int],
    constants: Sequence[int],
) -> Any:  # noqa: ANN401 - numba is untyped
    """Return the function ``advance(state, parameters)`` for compiled code: a step of eight lanes.

    Variable v of lane i is at ``state[v + i]``. `step` takes a `Vector` for every variable,
    constant and parameter; it returns one for every variable, two conditions, and a number.
    `advance` returns for each condition a word in which a bit is set for each lane that does not
    meet it, and the largest of the numbers.
    """

    @intrinsic
    def advance(_context, state, parameters):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            memory = Memory(builder, ir.VectorType(DOUBLE, 8), data)
            values = [memory.load(place, 0) for place in (*variables, *constants)]
            values += [memory.spread(word) for word in cgutils.unpack_tuple(builder, args[1])]
            after, conditions, number = step(*values)
            for value, place in zip(after, variables, strict=True):
                memory.write(value, place, 0)
            results = [*(condition.bits() for condition in conditions), number.greatest()]
            return context.make_tuple(builder, signature.return_type, results)

        kind = types.Tuple((types.int64, types.int64, types.float64))
        return kind(state, parameters), codegen

    return advance


def mover(
    pairs: Sequence[tuple[int, int]],
    numbers: dict[int, float] | None = None,
) -> Any:  # noqa: ANN401 - numba is untyped
    """Make the function ``move(source, i, target, j)`` for compiled code.

    It sets ``target[b + j] = source[a + i]`` for each pair (a, b) of places, and
    ``target[b + j] = number`` for each number at b.
    """

    @intrinsic
    def move(_context, source, i, target, j):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001 - numba looks at the names
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            first, last = (
                builder.gep(
                    context.make_array(signature.args[k])(context, builder, args[k]).data,
                    [args[k + 1]],
                )
                for k in (0, 2)
            )
            values = {b: builder.load(builder.gep(first, [ir.Constant(WORD, a)])) for a, b in pairs}
            values |= {b: ir.Constant(DOUBLE, number) for b, number in (numbers or {}).items()}
            for b, value in values.items():
                builder.store(value, builder.gep(last, [ir.Constant(WORD, b)]))
            return context.get_dummy_value()

        return types.void(source, types.int64, target, types.int64), codegen

    return move
