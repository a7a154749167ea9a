"""Show Zarr images in a notebook: vizarr as an ImJoy window plugin.

>>> from imjoy_plugin import run_vizarr                                  # doctest: +SKIP
>>> viewer = run_vizarr({"source": zarr_group, "name": "mandelbrot"})    # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from IPython.display import display

from imjoy_host.left_behind import left_behind
from imjoy_host.page_url import page_url
from zarr_over_imjoy import CODECS, Viewer, check_image, check_view_state

__all__ = ["CODECS", "Plugin", "Viewer", "register_codecs", "run_vizarr"]

BUNDLED_VIEWER = Path(__file__).with_name("imjoy_plugin.html")
VIZARR = "https://hms-dbmi.github.io/vizarr/index.js"
"""Today's vizarr: an ES module that the bundled page loads and hands its sources to."""
VIZARR_0_3 = "https://hms-dbmi.github.io/vizarr/v0.3/"
"""The last vizarr that is an ImJoy window plugin itself."""


def run_vizarr(
    images: object,
    view_state: object = None,
    *,
    viewer: str | None = None,
    height: int | str = 600,
) -> Viewer:
    """Show images in the output of this cell.

    Parameters
    ----------
    images
        An image, or a list of them. An image is a dict in vizarr's vocabulary: "source" (a Zarr
        array, group or store, a NumPy array, a URL or a path), and optionally "name", "colormap",
        "opacity", "axis_labels", "acquisition", "model_matrix", "onClick"; for one channel
        "color", "contrast_limits", "visibility"; for several "channel_axis", "colors", "names",
        "contrast_limits", "visibilities". A source alone will do.
    view_state
        Where to look: ``{"zoom": log2(screen px per level-0 px), "target": [x, y]}``, the target
        in level-0 pixels. Default: the whole image.
    viewer
        Default: the viewer of this package, which needs no network. Else the address of an ImJoy
        window plugin that exports ``add_image``, such as `VIZARR_0_3`; or "vizarr", today's
        upstream vizarr; or the address of an ES module (it ends with ".js") that exports
        ``createViewer`` as vizarr's does. When an address cannot be reached from the browser, the
        output says so and shows the viewer of this package.
    height
        Pixels, or a CSS length.

    Returns
    -------
    Viewer
        Adds, changes and removes images, sets and tells the view state, closes.

    Raises
    ------
    TypeError
        An unknown option, or a value of the wrong type.
    ValueError
        A source that cannot be read, or is no image; a `viewer` that is no URL; a `height` below 1.
    FileNotFoundError
        The package was installed without its viewer.
    """
    handle = Viewer(_as_list(images), view_state, height=height, **_page(viewer))
    display(handle.window)  # type: ignore[no-untyped-call] # IPython has no types here
    display(left_behind(), raw=True)  # type: ignore[no-untyped-call]
    return handle


def register_codecs(api: Any) -> None:  # noqa: ANN401 # imjoy_rpc ships no types
    """Teach an ImJoy host's `api` to pass Zarr arrays and groups to its plugins."""
    for codec in CODECS:
        api.registerCodec(codec)


class Plugin:
    """The same as a plugin for a classic ImJoy host.

    Parameters
    ----------
    images, view_state, viewer
        As for `run_vizarr`.

    Examples
    --------
    >>> from imjoy_rpc import api                  # doctest: +SKIP
    >>> api.export(Plugin(images))                 # doctest: +SKIP
    """

    def __init__(
        self, images: object, view_state: object = None, *, viewer: str | None = None
    ) -> None:
        self._images = [check_image(image) for image in _as_list(images)]
        self._view_state = None if view_state is None else check_view_state(view_state)
        page = _page(viewer)
        self._address = page["url"] if "url" in page else page_url(page["html"].read_bytes())
        self._upstream = page.get("upstream")

    async def setup(self) -> None:
        """Register the codecs; the host calls this first."""
        from imjoy_rpc import api  # noqa: PLC0415 # importing it sets up logging

        register_codecs(api)

    async def run(self, _context: object = None) -> None:
        """Open the viewer and show the images; the host calls this when the plugin is run."""
        from imjoy_rpc import api  # noqa: PLC0415 # importing it sets up logging

        window = await api.createWindow(type="vizarr", src=self._address, name="vizarr")
        if self._upstream is not None:
            await window.use_viewer(self._upstream)
        if self._view_state is not None:
            await window.set_view_state(self._view_state)
        for image in self._images:
            await window.add_image(image)


def _as_list(images: object) -> list[object]:
    return list(images) if isinstance(images, list | tuple) else [images]


def _page(viewer: str | None) -> dict[str, Any]:
    """Return the page to host: the bundled one, and what is to take its place."""
    if not BUNDLED_VIEWER.exists():
        msg = (
            f"no {BUNDLED_VIEWER}: expected the viewer page there, which installing the "
            "package builds; run `pip install .` in the clone"
        )
        raise FileNotFoundError(msg)
    page = {"html": BUNDLED_VIEWER}
    if viewer is None:
        return page
    address = VIZARR if viewer == "vizarr" else viewer
    if not address.startswith(("https://", "http://")):
        msg = (
            f"viewer={viewer!r}: expected None (the bundled viewer), 'vizarr', or the http(s) URL "
            f"of an ImJoy window plugin; for example {VIZARR_0_3}"
        )
        raise ValueError(msg)
    if urlsplit(address).path.endswith((".js", ".mjs")):
        return page | {"upstream": address}
    return page | {"url": address}
