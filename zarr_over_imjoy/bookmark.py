"""Places that a person keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place in an image, as exact as it was seen.

    A notebook shows it as its picture.

    Attributes
    ----------
    name : str
        As the person called it.
    center : tuple of str
        Decimals: real and imaginary part; for an ordinary image x and y in level-0 pixels.
    width : str
        Width of the view, a decimal in the same units.
    thumbnail : bytes
        A small picture as a PNG file; empty where there is none.
    """

    name: str
    center: tuple[str, str]
    width: str
    thumbnail: bytes = field(default=b"", repr=False)

    def _repr_png_(self) -> bytes | None:
        return self.thumbnail or None

    def for_page(self) -> dict[str, Any]:
        """Return it as the protocol has it."""
        wire: dict[str, Any] = {
            "name": self.name,
            "center": list(self.center),
            "width": self.width,
        }
        return wire | ({"thumbnail": self.thumbnail} if self.thumbnail else {})


def check_bookmarks(bookmarks: object) -> tuple[Bookmark, ...]:
    """Check bookmarks: `Bookmark` objects, or mappings with their attributes' names.

    Raises
    ------
    TypeError
        They are something else.
    """
    if isinstance(bookmarks, Iterable) and not isinstance(bookmarks, str | bytes | Mapping):
        return tuple(map(_check_bookmark, bookmarks))
    raise _wrong(bookmarks)


def _check_bookmark(bookmark: object) -> Bookmark:
    if isinstance(bookmark, Bookmark):
        return bookmark
    if not isinstance(bookmark, Mapping):
        raise _wrong(bookmark)
    center = bookmark.get("center")
    if not isinstance(center, list | tuple) or len(center) != 2:  # noqa: PLR2004 # a point of a plane
        raise _wrong(bookmark)
    texts = [bookmark.get("name"), *center, bookmark.get("width")]
    thumbnail = bookmark.get("thumbnail") or b""
    if not all(isinstance(text, str) for text in texts) or not isinstance(
        thumbnail, bytes | bytearray | memoryview
    ):
        raise _wrong(bookmark)
    name, real, imaginary, width = texts
    return Bookmark(name, (real, imaginary), width, bytes(thumbnail))


def _wrong(value: object) -> TypeError:
    return TypeError(
        f"bookmarks hold {value!r:.100}: expected zarr_over_imjoy.Bookmark objects, or mappings "
        "like {'name': 'Seahorses', 'center': ('-0.747', '0.1'), 'width': '0.03'}; "
        "viewer.bookmarks shows some"
    )
