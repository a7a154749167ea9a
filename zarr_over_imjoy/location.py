"""Exact places: where a viewer looks, to any depth."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

_SAME = Decimal("1e-6")
"""Places that differ by less than this part of the width look the same."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in an image and how much of it is seen, exactly.

    Attributes
    ----------
    center : tuple of Decimal
        Real and imaginary part; for an ordinary image x and y in level-0 pixels.
    width : Decimal
        Width of the view in the same units.
    """

    center: tuple[Decimal, Decimal]
    width: Decimal

    @classmethod
    def check(cls, center: object, width: object) -> Location:
        """Make a location of what a person or a page says.

        Parameters
        ----------
        center
            Two numbers: decimals as text, `Decimal`, int or float, taken exactly.
        width
            Such a number, above 0.

        Raises
        ------
        TypeError
            There are not two of them, or one is of another type.
        ValueError
            One is text that is no number, or not finite; `width` is not above 0.
        """
        if not isinstance(center, list | tuple) or len(center) != 2:  # noqa: PLR2004 # a pair
            msg = f"center={center!r:.100}: expected two numbers, (re, im) or (x, y); pass both"
            raise TypeError(msg)
        location = cls(
            (_decimal("center[0]", center[0]), _decimal("center[1]", center[1])),
            _decimal("width", width),
        )
        if location.width <= 0:
            msg = f"width={width!r:.100}: expected a number above 0, such as 5 or '1e-30'"
            raise ValueError(msg)
        return location

    def is_close(self, other: Location) -> bool:
        """Return whether two views of these places look the same."""
        digits = max(len(part.as_tuple().digits) for part in (*self.center, *other.center))
        exponents = [part.adjusted() for part in (self.width, other.width)]
        if abs(exponents[0] - exponents[1]) > 1:
            return False
        context = Context(prec=digits + abs(exponents[0]) + 30)
        limit = context.multiply(self.width, _SAME)
        pairs = [*zip(self.center, other.center, strict=True), (self.width, other.width)]
        return all(abs(context.subtract(a, b)) <= limit for a, b in pairs)

    def for_page(self) -> dict[str, Any]:
        """Return it as the protocol has it."""
        return {"center": [str(part) for part in self.center], "width": str(self.width)}


def _decimal(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        msg = (
            f"{name}={value!r:.100}: expected a number; pass digits as text, such as "
            "'-0.75', for more than a float holds"
        )
        raise TypeError(msg)
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        msg = f"{name}={value!r:.100}: expected a finite decimal number, such as '-0.75' or '1e-30'"
        raise ValueError(msg)
    return number
