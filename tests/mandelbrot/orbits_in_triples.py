"""Orbits as differences of 184 bits, step by step, and their numbers as others take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np

from mandelbrot import strides, tripled, triples
from mandelbrot.extended_exponent import ZERO
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.reference_orbit import ReferenceOrbit

UNIT = triples.UNIT

_normal, _total, _triple = triples.normal, triples.total, strides.triple_at
_stepped, _rebased = tripled.stepped, tripled.rebased


@kernel(entry=True)
def moves(  # type: ignore[no-untyped-def] # numba finds them
    dc, dc_e, d, d_e, m, orbit, exponents, last, end_error, end_e, out, out_e, errors, places
) -> None:
    """Follow an orbit from Z_m + d, d being exact; write what it has come to after each step."""
    at_c = _normal(_triple(dc, dc_e, 0))
    at_d, error = _triple(d, d_e, 0), 0.0
    at = _triple(orbit, exponents, m)
    z = _total(at, at_d)
    for k in range(out_e.size):
        at_d, error = _stepped(at_d, error, at_c, z, at)
        m += 1
        at = _triple(orbit, exponents, m)
        z = _total(at, at_d)
        at_d, error, z, at, m = _rebased(at_d, error, z, at, m, last, end_error, end_e)
        for i in range(3):
            out[k, i], out[k, i + 3] = at_d[0][i], at_d[1][i]
        out_e[k], errors[k], places[k] = at_d[2], error, m


def words_of(*parts: int) -> NDArray[np.uint64]:
    """Return integers in units of 2^-UNIT as three limbs each."""
    words = b"".join(part.to_bytes(24, "little", signed=True) for part in parts)
    return np.frombuffer(words, "<u8").reshape(-1, 6)


def as_triple(value: gmpy2.mpc) -> tuple[NDArray[np.uint64], int]:
    """Return a number cut to 184 bits."""
    e = int(gmpy2.get_exp(max(abs(value.real), abs(value.imag)))) - 1
    scale = gmpy2.exp2(UNIT - e)
    return words_of(*(int(gmpy2.floor(p * scale)) for p in (value.real, value.imag))), e


def value_of(words: NDArray[np.uint64], e: int) -> gmpy2.mpc:
    data = words.astype("<u8").tobytes()
    parts = [int.from_bytes(data[k : k + 24], "little", signed=True) for k in (0, 24)]
    return gmpy2.mpc(*parts) * gmpy2.exp2(int(e) - UNIT)


class Followed:
    """What `moves` gives: d, the bound of its error, and m, after each step."""

    def __init__(
        self,
        steps: int,
        dc: gmpy2.mpc,
        orbit: tripled.Orbit,
        *,
        first: tuple[gmpy2.mpc, int] = (0, 0),
        last: int = 10**9,
        end: tuple[float, int] = (0.0, 0),
    ) -> None:
        d, m = first
        words, e = as_triple(d) if d else (words_of(0, 0), ZERO)
        dc_words, dc_e = as_triple(dc)
        out, out_e = np.zeros((steps, 6), np.uint64), np.zeros(steps, np.int64)
        errors, self.m = np.zeros(steps), np.zeros(steps, np.int64)
        moves(
            dc_words, np.array([dc_e]), words, np.array([e]), m, orbit.orbit, orbit.exponents,
            last, *end, out, out_e, errors, self.m,
        )  # fmt: skip
        self.d = [value_of(*row) for row in zip(out, out_e.tolist(), strict=True)]
        self.errors = [
            gmpy2.mpfr(error) * gmpy2.exp2(e)
            for error, e in zip(errors.tolist(), out_e.tolist(), strict=True)
        ]


def made_of(*iterates: gmpy2.mpc) -> tripled.Orbit:
    """Return an orbit with given iterates from Z_1 on."""
    size = len(iterates) + 1
    nothing = strides.Table(*[np.zeros(0)] * 7)  # type: ignore[call-arg] # nobody looks
    orbit = tripled.Orbit(np.zeros((size, 6), np.uint64), np.full(size, ZERO), nothing)
    for m, z in enumerate(iterates, 1):
        words, orbit.exponents[m] = as_triple(z)
        orbit.orbit[m] = words[0]
    return orbit


def computed(orbit: ReferenceOrbit, last: int) -> tripled.Orbit:
    found = tripled.Orbit.compute(orbit, last, np.zeros(1, np.uint8))
    assert found is not None
    return found
