"""Where a viewer looks, as traits that follow its pages and that they follow."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import traitlets

from zarr_over_imjoy.image_config import check_view_state
from zarr_over_imjoy.location import Location

if TYPE_CHECKING:
    from decimal import Decimal

    Config = dict[str, Any]


class Whereabouts(traitlets.HasTraits):
    """The place and the extent of a view.

    Attributes
    ----------
    location : Location or None
        Where the viewer looks, exactly: `center` and `width` in one. None until that is known;
        classic pages never tell.
    center : pair of Decimal, or None
        Real and imaginary part in the middle of the view; for an ordinary image x and y in
        level-0 pixels. Numbers and decimals as text can be assigned too.
    width : Decimal or None
        Width of the view in the same units. A number or text can be assigned too.
    view_state : dict or None
        The same in vizarr's terms and as exact as floats are: ``{"zoom": log2(screen px per
        level-0 px), "target": [x, y]}``, the target in level-0 pixels.
    """

    location: traitlets.Instance[Location | None] = traitlets.Instance(Location, allow_none=True)
    center: traitlets.Any = traitlets.Any(None, allow_none=True)
    width: traitlets.Any = traitlets.Any(None, allow_none=True)
    view_state: traitlets.Any = traitlets.Any(None, allow_none=True)

    def __init__(self) -> None:
        super().__init__()
        self._told: Config = {}  # traits that are just being set to what a page has told
        self._is_quiet = False  # while nobody is to hear of those

    @abstractmethod
    def _send(self, view: Config, *, travels: bool = False) -> None:
        """Make the pages show a view of the protocol, or travel there in sight."""

    def set_view_state(self, view_state: object) -> None:
        """Look elsewhere: ``{"zoom": log2(screen px per level-0 px), "target": [x, y]}``.

        Raises
        ------
        TypeError
            `view_state` is not as above.
        """
        self.view_state = view_state

    def go_to(self, re: object, im: object, width: object) -> None:
        """Travel to a place, in sight of the person.

        Parameters
        ----------
        re, im
            What will be in the middle; for an ordinary image x and y in level-0 pixels. Decimals
            as text (any number of digits), `Decimal`, int or float.
        width
            Width of the view, likewise.

        Raises
        ------
        TypeError, ValueError
            One of them is no number.
        """
        self._look(Location.check((re, im), width), travels=True)

    def notify_change(self, change: Config) -> None:
        """Call back, except where a page has opened with the whole image: nobody went there."""
        if self._is_quiet and self._is_told(change):
            return
        super().notify_change(change)  # type: ignore[arg-type] # a Bunch, which is a dict

    @traitlets.validate("view_state")
    def _check_view_state(self, proposal: Config) -> Config | None:
        state = proposal["value"]
        return None if state is None else check_view_state(state)

    @traitlets.validate("center")
    def _check_center(self, proposal: Config) -> tuple[Decimal, Decimal] | None:
        center = proposal["value"]
        return None if center is None else Location.check(center, 1).center

    @traitlets.validate("width")
    def _check_width(self, proposal: Config) -> Decimal | None:
        width = proposal["value"]
        return None if width is None else Location.check((0, 0), width).width

    @traitlets.observe("view_state", "location", "center", "width")
    def _on_assignment(self, change: Config) -> None:
        """Pass on what was assigned, unless it is what a page has just told."""
        name, value = change["name"], change["new"]
        if value is None or self._is_told(change):
            return
        if name == "view_state":
            self._send(value)
        elif name == "location":
            self._look(value)
        elif self.center is not None and self.width is not None:
            self._look(Location(self.center, self.width))

    def _look(self, location: Location, *, travels: bool = False) -> None:
        self._adopt_location(location)
        self._send(location.for_page(), travels=travels)

    def _is_told(self, change: Config) -> bool:
        return change["name"] in self._told and self._told.pop(change["name"]) == change["new"]

    def _adopt(self, name: str, value: object) -> None:
        """Set a trait to what the pages show already: nothing is sent."""
        self._told[name] = value
        setattr(self, name, value)
        self._told.pop(name, None)  # it had that value before

    def _adopt_location(self, location: Location) -> None:
        if self.location is not None and self.location.is_close(location):
            location = self.location  # told back with other digits
        self._adopt("location", location)
        self._adopt("center", location.center)
        self._adopt("width", location.width)

    def _adopt_view(self, view: Config, *, quietly: bool = False) -> None:
        self._is_quiet = quietly
        self._adopt("view_state", {"zoom": view["zoom"], "target": list(view["target"])})
        if view.get("center") and view.get("width"):
            self._adopt_location(Location.check(list(view["center"]), view["width"]))
        self._is_quiet = False
