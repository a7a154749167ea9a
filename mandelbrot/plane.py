"""Levels, tiles and pixels of an image pyramid as points of the complex plane, in exact arithmetic.

Every sample point is a rational number. A tile's columns (and rows) are an arithmetic progression
of them over one common denominator, so that a rung of the precision ladder can ask for float64
values, for more digits, or for the exact fractions, and always means the same points.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import TYPE_CHECKING, Literal, SupportsIndex, TypeAlias, get_args

import gmpy2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Number: TypeAlias = str | int | float | Decimal | Fraction
"""A coordinate as people write it; always taken at its exact value."""

Sampling: TypeAlias = Literal["center", "corner"]

_MAX_DIGITS = 1_000_000  # a mistyped exponent must not fill the memory


@dataclass(frozen=True, slots=True)
class Axis:
    """The sample points of a tile along one axis: ``(first + k * step) / denominator``.

    Attributes
    ----------
    first, step, denominator
        Exact integers; ``denominator > 0``. ``step`` is negative along the rows, because row 0 is
        the top and the imaginary axis points up.
    size
        Number of sample points.
    """

    first: int
    step: int
    denominator: int
    size: int

    def __getitem__(self, index: SupportsIndex) -> Fraction:
        k = operator.index(index)  # not a NumPy integer, which would overflow
        if not 0 <= k < self.size:
            msg = f"sample {k} of an axis with {self.size} samples: expected 0 to {self.size - 1}"
            raise IndexError(msg)
        return Fraction(self.first + k * self.step, self.denominator)

    def float64(self) -> NDArray[np.float64]:
        """Return the sample points, each rounded once, to nearest: float64, shape (size,).

        Points beyond 2**64 become 2**64, with their sign.
        """
        stop = self.first + self.size * self.step
        if max(abs(self.first), abs(stop), self.denominator) < 2**53:  # all are float64 themselves
            return np.arange(self.first, stop, self.step) / self.denominator
        # int / int is correctly rounded for integers of any size.
        d, far = self.denominator, self.denominator << 64
        numerators = range(self.first, stop, self.step)
        if max(abs(self.first), abs(stop)) <= far:
            return np.array([n / d for n in numerators])
        return np.array([max(-far, min(n, far)) / d for n in numerators])

    @property
    def is_float64(self) -> bool:
        """Whether every sample point is a float64, so that `float64` rounds none."""
        far = max(abs(self.first), abs(self.first + (self.size - 1) * self.step))
        return far < 2**53 and self.denominator.bit_count() == 1 and self.denominator < 2**1000

    def low(self, indices: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return what `float64` rounded off at some points, itself rounded, and 0 elsewhere.

        The sum of both has at least 106 bits.
        """
        low = np.zeros(self.size)
        for k in indices.tolist():
            n = self.first + k * self.step
            if abs(n) < self.denominator << 64:
                p, q = (n / self.denominator).as_integer_ratio()
                low[k] = (n * q - p * self.denominator) / (self.denominator * q)
        return low


@dataclass(frozen=True, slots=True)
class Tile:
    """The sample points of one tile: pixel (row j, column i) is at ``re[i] + 1j * im[j]``."""

    re: Axis
    im: Axis


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A square of the complex plane as an image pyramid of square tiles.

    Level L has ``2**(levels - L)`` tiles, hence ``tilesize * 2**(levels - L)`` pixels, a side.
    Level 0 is the finest that the pyramid names, ``levels - 1`` (2 x 2 tiles) the coarsest. Level
    numbers may be negative: level -k is k halvings finer than level 0. Row 0 is the top, where the
    imaginary part is largest.

    Parameters
    ----------
    levels : int, default 40
        Number of named levels, at least 1.
    tilesize : int, default 1024
        Pixels a side of a tile, at least 1.
    center : pair of numbers, default (0, 0)
        Real and imaginary part of the square's centre. Decimal or fraction strings (``"-0.75"``,
        ``"1e-1000"``, ``"1/3"``), `decimal.Decimal`, `fractions.Fraction`, int and float are all
        converted exactly.
    width : number, default 5
        Side of the square, positive.
    sampling : {"center", "corner"}, default "center"
        Where in its pixel a sample point lies: in the middle, or in the corner of least column and
        row (so that the samples of a level are among those of every finer one).

    Raises
    ------
    TypeError, ValueError
        When a parameter is of the wrong type or out of range.
    """

    levels: int = 40
    tilesize: int = 1024
    center: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    width: Fraction = Fraction(5)
    sampling: Sampling = "center"

    if TYPE_CHECKING:  # what the constructor takes is wider than what the fields hold

        def __init__(
            self,
            levels: SupportsIndex = 40,
            tilesize: SupportsIndex = 1024,
            center: tuple[Number, Number] = (0, 0),
            width: Number = 5,
            sampling: Sampling = "center",
        ) -> None: ...

    def __post_init__(self) -> None:
        _set = object.__setattr__  # the way to normalise the fields of a frozen dataclass
        _set(self, "levels", integer(self.levels, "levels", low=1))
        _set(self, "tilesize", integer(self.tilesize, "tilesize", low=1))
        _set(self, "center", _point(self.center))
        _set(self, "width", exact(self.width, "width"))
        if self.width <= 0:
            shown = exact_text(self.width)
            msg = f"width={shown[:60]}: expected a positive number; give the side of the square"
            raise ValueError(msg)
        if self.sampling not in get_args(Sampling):
            msg = f"sampling={self.sampling!r}: expected 'center' or 'corner'"
            raise ValueError(msg)

    def __repr__(self) -> str:
        center = ", ".join(repr(exact_text(part)) for part in self.center)
        return (
            f"Pyramid(levels={self.levels}, tilesize={self.tilesize}, center=({center}), "
            f"width={exact_text(self.width)!r}, sampling={self.sampling!r})"
        )

    def tiles(self, level: int) -> int:
        """Return the number of tiles a side at `level`."""
        return 1 << (self.levels - integer(level, "level", high=self.levels))

    def pixel_size(self, level: int) -> Fraction:
        """Return the distance of neighbouring sample points at `level`."""
        return self.width / (self.tilesize * self.tiles(level))

    def tile(self, level: int, row: int, column: int) -> Tile:
        """Return the sample points of a tile.

        Parameters
        ----------
        level, row, column : int
            The tile's address, of any size; `level` may be negative.

        Raises
        ------
        TypeError, ValueError
            When the address is not made of integers, or lies outside the pyramid.
        """
        last = self.tiles(level) - 1
        row, column = integer(row, "row", 0, last), integer(column, "column", 0, last)
        h = self.pixel_size(level)
        shift = Fraction(1, 2) if self.sampling == "center" else Fraction(0)
        left = self.center[0] - self.width / 2 + (column * self.tilesize + shift) * h
        top = self.center[1] + self.width / 2 - (row * self.tilesize + shift) * h
        return Tile(re=_axis(left, h, self.tilesize), im=_axis(top, -h, self.tilesize))


def _axis(first: Fraction, step: Fraction, size: int) -> Axis:
    d = math.lcm(first.denominator, step.denominator)
    return Axis(int(first * d), int(step * d), d, size)


def integer(value: object, name: str, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int, checked to be one (not a bool) and within [low, high]."""
    wanted = "an integer"
    wanted += "" if low is None else f" of at least {_shown(low)}"
    wanted += (
        "" if high is None else f"{' and' if low is not None else ''} of at most {_shown(high)}"
    )
    if _is_bool(value) or not hasattr(value, "__index__"):
        msg = f"{name}={value!r}: expected {wanted}, not {type(value).__name__}"
        raise TypeError(msg)
    number = operator.index(value)
    if (low is not None and number < low) or (high is not None and number > high):
        msg = f"{name}={_shown(number)}: expected {wanted}"
        raise ValueError(msg)
    return number


def _is_bool(value: object) -> bool:
    return isinstance(value, bool | np.bool_)


def exact(value: object, name: str) -> Fraction:
    """Return a number's exact value.

    Parameters
    ----------
    value : str, int, float, Decimal or Fraction
        A finite number; strings are decimal (``"-0.75"``, ``"1e-1000"``) or ``"p/q"``.
    name : str
        What to call it in an error.

    Raises
    ------
    TypeError, ValueError
        When it is no number, not finite, or would need more than a million digits.
    """
    if hasattr(value, "__index__") and not _is_bool(value):
        value = operator.index(value)
    if _is_bool(value) or not isinstance(value, str | float | Decimal | Rational):
        msg = f"{name}={value!r}: expected a number or a decimal string, not {type(value).__name__}"
        raise TypeError(msg)
    try:
        if isinstance(value, str | Decimal):
            return _parse(str(value))
        number = Fraction(value)
        return Fraction(int(number.numerator), int(number.denominator))  # they may be gmpy2's
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        msg = (
            f"{name}={str(value)[:60]!r}: expected a finite number, such as -0.75, '1e-1000' or "
            f"'1/3', of at most {_MAX_DIGITS} digits"
        )
        raise ValueError(msg) from error


_DECIMAL = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,9}))?")
_RATIO = re.compile(r"([+-]?[0-9]+)/([0-9]+)")


def _parse(text: str) -> Fraction:
    # gmpy2 converts in far less than quadratic time, and without Python's limit of 4300 digits.
    text = text.strip()
    if len(text) > _MAX_DIGITS:
        raise ValueError
    if ratio := _RATIO.fullmatch(text):
        return Fraction(int(gmpy2.mpz(ratio[1])), int(gmpy2.mpz(ratio[2])))
    decimal = _DECIMAL.fullmatch(text)
    if decimal is None:
        raise ValueError
    sign, whole, fraction, exponent = decimal.groups()
    places = len(fraction) - int(exponent or 0)
    if abs(places) > _MAX_DIGITS:
        raise ValueError
    digits = gmpy2.mpz(sign + whole + fraction)
    power = gmpy2.mpz(10) ** abs(places)
    return Fraction(int(digits), int(power)) if places > 0 else Fraction(int(digits * power))


def _point(value: object) -> tuple[Fraction, Fraction]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        msg = f"center={value!r}: expected a pair (real part, imaginary part) of numbers"
        raise TypeError(msg)
    return exact(value[0], "center[0]"), exact(value[1], "center[1]")


def exact_text(value: Fraction) -> str:
    """Return a fraction as its exact decimal string, or as ``"p/q"`` when it has no finite one.

    ``exact(exact_text(x), ...) == x`` for every fraction x.
    """
    p, q = gmpy2.mpz(value.numerator), gmpy2.mpz(value.denominator)
    q, twos = gmpy2.remove(q, 2)
    q, fives = gmpy2.remove(q, 5)
    if q != 1:
        return f"{p.digits()}/{gmpy2.mpz(value.denominator).digits()}"
    places = max(twos, fives)
    scaled = p * gmpy2.mpz(2) ** (places - twos) * gmpy2.mpz(5) ** (places - fives)
    sign = "-" if scaled < 0 else ""
    digits = abs(scaled).digits()
    if places > len(digits) + 5:
        return f"{sign}{digits}e-{places}"
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _shown(number: int) -> str:
    """Spell out an integer of at most 64 bits; addresses can have thousands of digits."""
    if number.bit_length() <= 64:
        return str(number)
    return f"{'-' if number < 0 else ''}2**{number.bit_length() - 1}…"
