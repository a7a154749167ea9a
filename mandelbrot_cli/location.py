"""Locations as people write them: the forms that the viewer's box for places takes, too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

from mandelbrot.plane import exact, exact_text

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = [
    "WHOLE",
    "Location",
    "WrittenLocation",
    "halvings_of",
    "location_text",
    "parse_location",
    "plain_numbers",
]

LONGEST = 100_000
"""Longer texts are no locations; 20 000 digits are."""

WHOLE = "5"
"""What is seen where a location does not say how much."""

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"
_SIGNED = rf"[+-]?{_NUMBER}"
_SEPARATOR = r"[\s,;@]+"
_WIDTH = rf"(?:{_SEPARATOR}(?:width|w)?\s*[:=]?\s*({_SIGNED}))?"
_COMPLEX = re.compile(
    rf"\(?({_SIGNED})\s*([+-])\s*({_NUMBER})?\s*\*?\s*[ij]\)?{_WIDTH}", re.IGNORECASE
)
_LIST = re.compile(
    rf"[(\[]?({_SIGNED}){_SEPARATOR}({_SIGNED})(?:{_SEPARATOR}({_SIGNED}))?[)\]]?", re.IGNORECASE
)
_XAOS = re.compile(
    rf"\(view\s+({_SIGNED})\s+({_SIGNED})\s+({_SIGNED})\s+{_SIGNED}\)", re.IGNORECASE
)
_LABELS = {
    "re": "re|real|center_re|center_real|cre|x",
    "im": "im|imag|imaginary|center_im|center_imag|cim|y",
    "width": "width|w|size",
    "zoom": "zoom|magnification|mag",
}
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_POWER_OF_TEN = re.compile(r" ?[×·*] ?10 ?(?:\^|\*\*)? ?\(?([+-]?[0-9]+)\)?")


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the plane and how much of it is seen, exactly.

    Attributes
    ----------
    center : tuple of Fraction
        Real and imaginary part.
    width : Fraction
        Width of the picture.
    """

    center: tuple[Fraction, Fraction]
    width: Fraction


@dataclass(frozen=True, slots=True)
class WrittenLocation:
    """What a text says; how much is to be seen may be missing.

    Attributes
    ----------
    center : tuple of Fraction
        Real and imaginary part.
    width : Fraction or None
        Width of the picture.
    extent : Fraction or None
        The least that is to be seen both across and down: what a "zoom" means elsewhere.
    """

    center: tuple[Fraction, Fraction]
    width: Fraction | None = None
    extent: Fraction | None = None

    def on(self, width: int, height: int) -> Location:
        """Return the location that this means for a picture of some size, pixels."""
        if self.width is not None:
            return Location(self.center, self.width)
        extent = exact(WHOLE, "width") if self.extent is None else self.extent
        return Location(self.center, extent * width / min(width, height))


def parse_location(text: str) -> WrittenLocation:
    """Read a location.

    It may be ``-0.75 + 0.1i``, ``-0.75, 0.1, 1e-10``, labelled numbers in any order and notation
    (``re: … im: … width: …``, JSON, TOML, the parameters of a web address, the ``Re:``, ``Im:``
    and ``Zoom:`` lines of Kalles Fraktaler), or a XaoS view. A zoom of z shows a square of side
    4 / z, as in Kalles Fraktaler and its relatives.

    Raises
    ------
    ValueError
        It is none; the message says what was expected.
    """
    if len(text) > LONGEST:
        raise _not_a_location(text)
    plain = _normalized(text)
    for read in (_from_labels, _from_xaos, _from_complex, _from_list):
        written = read(plain)
        if written is not None:
            for number in (written.width, written.extent):
                if number is not None and number <= 0:
                    msg = f"“{plain[:60]}” is no location: expected a width or zoom above 0"
                    raise ValueError(msg)
            return written
    raise _not_a_location(text)


def location_text(location: Location) -> str:
    """Return a location as lines that `parse_location` and the viewer read."""
    re_, im = map(exact_text, location.center)
    return f"re: {re_}\nim: {im}\nwidth: {_decimal(location.width)}"


def halvings_of(ratio: Fraction) -> float:
    """Return the binary logarithm of a positive number of any size."""
    return _log2(ratio.numerator) - _log2(ratio.denominator)


def _log2(number: int) -> float:
    shift = max(0, number.bit_length() - 64)
    return shift + log2(number >> shift)


def plain_numbers(text: str) -> str:
    """Return a text with one kind of minus sign."""
    return text.replace("−", "-").replace("–", "-")  # noqa: RUF001 - the signs people paste


def _decimal(value: Fraction) -> str:
    """Write a number as a decimal: exactly where it is one, else to 17 digits."""
    written = exact_text(value)
    if "/" not in written:
        return written
    from gmpy2 import mpfr, mpq  # noqa: PLC0415 - seldom needed

    return f"{mpfr(mpq(value), 80):.16e}"


def _normalized(text: str) -> str:
    """Return one kind of space, of minus and of powers of ten, and no quotes."""
    text = re.sub(r"\s+", " ", plain_numbers(text.strip())).translate(_SUPERSCRIPTS)
    return re.sub(r"[\"'`]", "", _POWER_OF_TEN.sub(r"e\1", text))


def _from_labels(text: str) -> WrittenLocation | None:
    found = {name: _labelled(text, labels) for name, labels in _LABELS.items()}
    if found["re"] is None or found["im"] is None:
        return None
    center = found["re"], found["im"]
    if found["width"] is not None or found["zoom"] is None:
        return WrittenLocation(center, found["width"])
    if found["zoom"] <= 0:
        msg = f"the zoom is {exact_text(found['zoom'])[:60]}, expected a number above 0"
        raise ValueError(msg)
    return WrittenLocation(center, extent=4 / found["zoom"])


def _labelled(text: str, labels: str) -> Fraction | None:
    match = re.search(rf"(?:^|[^a-z_])(?:{labels})\s*[:=]\s*({_SIGNED})", text, re.IGNORECASE)
    return exact(match[1], labels.partition("|")[0]) if match else None


def _from_xaos(text: str) -> WrittenLocation | None:
    match = _XAOS.search(text)
    return _written(match[1], match[2], match[3]) if match else None


def _from_complex(text: str) -> WrittenLocation | None:
    match = _COMPLEX.fullmatch(text)
    return _written(match[1], match[2] + (match[3] or "1"), match[4]) if match else None


def _from_list(text: str) -> WrittenLocation | None:
    match = _LIST.fullmatch(text)
    return _written(*match.groups()) if match else None


def _written(re_: str, im: str, width: str | None) -> WrittenLocation:
    return WrittenLocation(
        (exact(re_, "re"), exact(im, "im")), None if width is None else exact(width, "width")
    )


def _not_a_location(text: str) -> ValueError:
    shown = text.strip()[:60]
    return ValueError(
        f"{f'“{shown}”' if shown else 'Nothing'} is no location; write one such as -0.75 + 0.1i, "
        "-0.75, 0.1, 1e-10 (real part, imaginary part, width), or paste the lines of a .kfr file."
    )
