"""Recurrences in SIMD registers: several vectors of lanes at a time, many steps between two looks.

LLVM's own vectorisation of a loop over lanes has one vector in flight and goes through memory every
few steps; here as many as there are registers for hide each other's latencies, and LLVM has next to
nothing to find out, which makes compilation short.

What LLVM must not do is to unroll a loop of steps, or to compute several vectors' steps at once in
straight-line code: it then runs out of registers, and a variable that goes through memory takes
twice as long to the next step (measured, Zen 3: 1.4 times the time of the certified loop).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mandelbrot.vectors import DOUBLE, WORD, Memory, Vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def _width(context: Any) -> int:  # noqa: ANN401 - numba is untyped
    """Return how many float64 a register of the target holds (4 also where it is less)."""
    return 8 if "+avx512f" in context.codegen()._tm_features else 4  # noqa: SLF001 - no other way


class _Registers:
    """The variables of vector k, while they are stepped."""

    def __init__(self, memory: Memory, places: Sequence[int], k: int) -> None:
        self._builder, self._places, self._k = memory.builder, places, k
        self._cells = [cgutils.alloca_once(memory.builder, memory.vector) for _ in places]
        self.set([memory.load(place, k) for place in places])

    def values(self) -> list[Vector]:
        return [Vector(self._builder, self._builder.load(cell)) for cell in self._cells]

    def set(self, values: Sequence[Vector]) -> None:
        for value, cell in zip(values, self._cells, strict=True):
            self._builder.store(value.value, cell)

    def write(self, memory: Memory) -> None:
        for value, place in zip(self.values(), self._places, strict=True):
            memory.write(value, place, self._k)


@dataclass(frozen=True)
class Trail:
    """What is kept of each pass, so that a lane can be followed again through the one it left in.

    Attributes
    ----------
    start, slot : int
        Variable v before pass k is kept at [start + k * slot + v].
    inside : function
        Takes a `Vector` for every variable; returns the condition of being inside.
    passes_inside : int
        Place of the number of passes after which a lane was inside; set by each call.
    counter, steps : int
        Place of a constant that counts iterations, and how many there are in a pass.
    """

    start: int
    slot: int
    inside: Callable[..., Vector]
    passes_inside: int
    counter: int
    steps: int

    def begin(self, memory: Memory, passes: ir.Value, vectors: int) -> None:
        """Emit what comes before the passes."""
        taken = memory.builder.mul(passes, ir.Constant(WORD, self.steps))
        taken = memory.spread(memory.builder.sitofp(taken, DOUBLE))
        for k in range(vectors):
            memory.write(memory.load(self.counter, k) + taken, self.counter, k)
            memory.write(taken.constant(0), self.passes_inside, k)

    def keep(self, memory: Memory, index: ir.Value, registers: Sequence[_Registers]) -> None:
        """Emit what comes before a pass."""
        offset = memory.builder.mul(index, ir.Constant(WORD, self.slot))
        slot = memory.moved(memory.builder.add(offset, ir.Constant(WORD, self.start)))
        for vector in registers:
            vector.write(slot)

    def end(self, memory: Memory, registers: Sequence[_Registers]) -> None:
        """Emit what comes after a pass."""
        for k, vector in enumerate(registers):
            passed = memory.load(self.passes_inside, k)
            one = passed.constant(1).where(self.inside(*vector.values()), passed.constant(0))
            memory.write(passed + one, self.passes_inside, k)


@contextmanager
def _loop(builder: ir.IRBuilder, laps: int) -> Iterator[None]:
    """Emit a loop that LLVM does not unroll."""
    before = builder.block
    body, after = builder.append_basic_block("lap"), builder.append_basic_block("laps_end")
    builder.branch(body)
    builder.position_at_end(body)
    left = builder.phi(WORD)
    left.add_incoming(ir.Constant(WORD, laps), before)
    yield
    less = builder.sub(left, ir.Constant(WORD, 1))
    left.add_incoming(less, builder.block)
    goes_on = builder.icmp_unsigned("!=", less, ir.Constant(WORD, 0))
    branch = builder.cbranch(goes_on, body, after)
    module = builder.module
    off = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    name = ir.MetaDataString(module, f"loop {len(module.metadata)}")
    loop = module.add_metadata([module.add_metadata([name]), off])
    loop.operands = (loop, off)  # a loop's node begins with itself
    branch.set_metadata("llvm.loop", loop)
    builder.position_at_end(after)


def _fence(vectors: Sequence[Vector]) -> list[Vector]:
    """Return the same vectors, in such a way that LLVM computes all of them before it uses any.

    It is an empty line of assembly that seems to need and to change them; processors see nothing.
    """
    builder, kind = vectors[0].builder, vectors[0].value.type
    function = ir.FunctionType(ir.LiteralStructType([kind] * len(vectors)), [kind] * len(vectors))
    operands = ["=v"] * len(vectors) + [str(i) for i in range(len(vectors))]
    nothing = ir.InlineAsm(function, "", ",".join(operands))
    result = builder.call(nothing, [vector.value for vector in vectors])
    return [Vector(builder, builder.extract_value(result, i)) for i in range(len(vectors))]


@dataclass(frozen=True)
class Recurrence:
    """A recurrence, and where its variables are in an array: variable v of lane i at [v + i].

    Attributes
    ----------
    steps : sequence of functions
        What a lap is made of. Each takes a `Vector` for every variable, constant and parameter,
        and returns one for every variable.
    goes_on : function
        Takes a `Vector` for every variable, constant and parameter; returns a condition.
    variables, constants : sequence of int
        Places of what changes and of what does not.
    vectors : int
        How many to compute at a time: as many as there are registers for.
    trail : Trail, optional
        What to keep of each pass.
    laps : int, default 1
        A pass is so many laps.
    fenced : bool, default False
        Keep LLVM from computing the steps of several vectors at once.
    """

    steps: Sequence[Callable[..., Sequence[Vector]]]
    goes_on: Callable[..., Vector]
    variables: Sequence[int]
    constants: Sequence[int]
    vectors: int
    trail: Trail | None = None
    laps: int = 1
    fenced: bool = False

    def compiled(self) -> tuple[Any, Any]:
        """Return ``advance(state, lane, passes, parameters)`` and ``lanes_at_once()`` for kernels.

        `advance` takes `passes` passes in the `lanes_at_once()` lanes from `lane` on, and returns a
        word in which a bit is set for each of them that does not go on.
        """

        @intrinsic
        def lanes_at_once(_context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            def codegen(context, _builder, _signature, _args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
                return ir.Constant(WORD, self.vectors * _width(context))

            return types.int64(), codegen

        @intrinsic
        def advance(_context, state, lane, passes, parameters):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001 - numba looks at the names
            def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
                data = context.make_array(signature.args[0])(context, builder, args[0]).data
                operands = builder.gep(data, [args[1]]), args[2]
                operands = *operands, *cgutils.unpack_tuple(builder, args[3])
                return builder.call(self._function(context, builder.module, operands), operands)

            return types.int64(state, types.int64, types.int64, parameters), codegen

        return advance, lanes_at_once

    def _function(
        self,
        context: Any,  # noqa: ANN401 - numba is untyped
        module: ir.Module,
        operands: Sequence[ir.Value],
    ) -> ir.Function:
        """Emit a function by itself: the registers are all for its loop."""
        kind = ir.FunctionType(WORD, [operand.type for operand in operands])
        function = ir.Function(module, kind, module.get_unique_name("advance"))
        function.linkage = "internal"
        function.attributes.add("noinline")
        builder = ir.IRBuilder(function.append_basic_block())
        first, passes, *parameters = function.args
        memory = Memory(builder, ir.VectorType(DOUBLE, _width(context)), first)
        # On other machines than x86 with AVX the fence would have another spelling.
        fenced = self.fenced and "+avx" in context.codegen()._tm_features  # noqa: SLF001 - no public way
        builder.ret(self._emit(memory, passes, parameters, fenced=fenced))
        return function

    def _emit(
        self, memory: Memory, passes: ir.Value, parameters: Sequence[ir.Value], *, fenced: bool
    ) -> ir.Value:
        builder, ours = memory.builder, range(self.vectors)
        registers = [_Registers(memory, self.variables, k) for k in ours]
        if self.trail is not None:
            self.trail.begin(memory, passes, self.vectors)
        spread = [memory.spread(parameter) for parameter in parameters]
        fixed = [[*(memory.load(place, k) for place in self.constants), *spread] for k in ours]
        with cgutils.for_range(builder, passes) as loop:
            if self.trail is not None:
                self.trail.keep(memory, loop.index, registers)
            if self.laps > 1:
                with _loop(builder, self.laps):
                    self._lap(registers, fixed, fenced=fenced)
            else:
                self._lap(registers, fixed, fenced=fenced)
            if self.trail is not None:
                self.trail.end(memory, registers)
        done: ir.Value = ir.Constant(WORD, 0)
        for k in ours:
            registers[k].write(memory)
            bits = self.goes_on(*registers[k].values(), *fixed[k]).bits()
            shift = ir.Constant(WORD, k * memory.vector.count)
            done = builder.or_(done, builder.shl(bits, shift))
        return done

    def _lap(
        self,
        registers: Sequence[_Registers],
        fixed: Sequence[Sequence[Vector]],
        *,
        fenced: bool,
    ) -> None:
        for step in self.steps:
            for k, vector in enumerate(registers):
                values = list(step(*vector.values(), *fixed[k]))
                if fenced:
                    after = registers[(k + 1) % len(registers)]
                    both = _fence([*values, *after.values()])
                    values = both[: len(values)]
                    after.set(both[len(values) :])
                vector.set(values)
