"""The handle of a viewer in a notebook: what it is to show, and the pages that show it."""

from __future__ import annotations

import asyncio
import io
import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import traitlets

from imjoy_host import ImJoyWindow, PageClosedError
from imjoy_host.loop import submit
from zarr_over_imjoy.bookmark import Bookmark, check_bookmarks
from zarr_over_imjoy.codec import CODECS, encode_source, read_item
from zarr_over_imjoy.first_items import FirstItems
from zarr_over_imjoy.image_config import check_image, check_options
from zarr_over_imjoy.whereabouts import Whereabouts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from PIL.Image import Image as PILImage

    from imjoy_host import Page

    Config = dict[str, Any]


class _Shown:
    """What one document shows: the images by our ids, their ids there, the view state."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.images: dict[str, Config] = {}
        self.page_ids: dict[str, object] = {}
        self.view: Config | None = None
        self.bookmarks: tuple[Bookmark, ...] = ()


class Viewer(Whereabouts):
    """A viewer in a notebook output.

    Methods return at once, from any cell and thread: the viewer remembers what it is to show, and
    brings each page that shows it up to date, now and after a reload. What a page cannot do is
    said in the output.

    Where it looks and its palette are traits: they follow what the person does, once it has come
    to rest, can be set, and call back: ``viewer.observe(print, names="location")``. Two lines make
    two viewers look at the same place::

        from traitlets import link
        link((one, "location"), (other, "location"))

    Callbacks run in the thread that made the change, a background one when it was the person.

    Parameters
    ----------
    images
        Image configs.
    view_state
        Where to look at first; default: the whole image.
    html, url
        The viewer page: its file, its address; see `ImJoyWindow`.
    upstream
        Address of upstream's vizarr, an ES module that is to take the page's own viewer's place.
    height
        Pixels, or a CSS length.

    Attributes
    ----------
    window : ImJoyWindow
        The widget. Displaying it once more gives a second view.
    location, center, width, view_state
        Where the viewer looks; see `Whereabouts`.
    palette : str or None
        Name of the first image's colormap.
    """

    palette: traitlets.Unicode[str | None, str | bytes | None] = traitlets.Unicode(
        None, allow_none=True
    )

    def __init__(
        self,
        images: Iterable[object] = (),
        view_state: object = None,
        *,
        html: Path | None = None,
        url: str | None = None,
        upstream: str | None = None,
        height: int | str = 600,
    ) -> None:
        super().__init__()
        self._ids = itertools.count()
        self._images: dict[str, Config] = {}
        self._first: dict[str, FirstItems] = {}  # for images that no page has shown yet
        for image in images:
            self._keep(check_image(image), chunks=view_state is None)
        self._upstream = upstream
        self._wanted: Config | None = None  # where pages are to look; a new object each time
        self._travels = False  # whether they go there in sight
        self._bookmarks: tuple[Bookmark, ...] = ()
        self._shown: WeakKeyDictionary[Page, _Shown] = WeakKeyDictionary()
        self.window = ImJoyWindow(
            html=html,
            url=url,
            codecs=CODECS,
            on_page=self._welcome,
            height=height,
        )
        if view_state is not None:
            self.view_state = view_state

    def __repr__(self) -> str:
        return f"<Viewer of {', '.join(map(repr, self.images.values())) or 'no images'}>"

    @property
    def images(self) -> dict[str, str]:
        """The images' ids and names."""
        return {key: config.get("name", key) for key, config in self._images.items()}

    @property
    def bookmarks(self) -> list[Bookmark]:
        """The places kept in the viewer, by the person or from here; it can be set.

        They live as long as this handle. `Bookmark` objects pickle, and mappings with the same
        names do as well.

        Raises
        ------
        TypeError
            When set to something else.
        """
        return list(self._bookmarks)

    @bookmarks.setter
    def bookmarks(self, bookmarks: Iterable[Bookmark | Mapping[str, object]]) -> None:
        self._bookmarks = check_bookmarks(bookmarks)
        self._update()

    def screenshot(self) -> Future[PILImage]:
        """Take a picture of what the viewer shows now.

        Returns
        -------
        concurrent.futures.Future of PIL.Image.Image
            Done when a page has answered. ``viewer.screenshot().result()`` waits for it, in a
            cell after the one that shows the viewer; ``await asyncio.wrap_future(…)`` does too. On
            ipykernel 6 messages arrive between cells: take the result in the next cell there, and
            never wait. The image's ``info["Location"]`` says where it was taken.

        Raises
        ------
        ModuleNotFoundError
            From the Future: Pillow is not installed.
        """
        return submit(self._screenshot())

    @property
    def ready(self) -> Future[Page]:
        """Done when a page has first exported its interface.

        On ipykernel 6 never wait for it in a cell: messages arrive between cells.
        """
        return self.window.ready

    def add_image(self, image: object) -> str:
        """Show one more image.

        Parameters
        ----------
        image
            An image config, or a source.

        Returns
        -------
        str
            The image's id, for `update_image` and `remove_image`.

        Raises
        ------
        TypeError, ValueError
            See `run_vizarr`.
        """
        key = self._keep(check_image(image), chunks=self._wanted is None)
        self._update()
        return key

    def update_image(self, image_id: str, **changes: object) -> None:
        """Change an image's options, its source excepted.

        Raises
        ------
        KeyError
            There is no such image.
        TypeError
            An unknown option, or a value of the wrong type.
        """
        config = self._image(image_id)
        if "source" in changes:
            msg = "source=…: an image keeps its source; add another image, and remove this one"
            raise TypeError(msg)
        self._images[image_id] = config | check_options(changes)
        self._update()

    def remove_image(self, image_id: str) -> None:
        """Take an image away.

        Raises
        ------
        KeyError
            There is no such image.
        """
        self._image(image_id)
        del self._images[image_id]
        self._forget_first(image_id)
        self._update()

    def close(self) -> None:
        """Take the viewer away."""
        self._images.clear()
        for key in list(self._first):
            self._forget_first(key)
        self.window.close()

    def _keep(self, config: Config, *, chunks: bool) -> str:
        key = f"image-{next(self._ids)}"
        source = config["source"]
        if not isinstance(source, str):
            self._first[key] = FirstItems(source, partial(read_item, source), chunks=chunks)
        self._images[key] = config
        return key

    def _forget_first(self, key: str) -> None:
        if first := self._first.pop(key, None):
            first.drop()

    def _image(self, image_id: str) -> Config:
        if image_id in self._images:
            return self._images[image_id]
        msg = f"no image {image_id!r}: expected one of {self.images}; add_image(…) returns an id"
        raise KeyError(msg)

    def _update(self) -> None:
        async def update_pages() -> None:
            await asyncio.gather(*map(self._bring_up_to_date, self.window.pages))

        submit(update_pages())

    async def _welcome(self, page: Page) -> None:
        """Give a document that has just loaded everything that it is to show."""
        shown = self._shown[page] = _Shown()
        if self._upstream is not None and "use_viewer" in page.exports:
            await page.call("use_viewer", self._upstream)
        # In this order, but none waits for the answer to another: each would take 60 ms.
        await asyncio.gather(
            *self._listen(page, shown),
            self._bring_up_to_date(page),
        )

    @traitlets.observe("palette")
    def _on_palette(self, change: Config) -> None:
        if change["new"] is not None and not self._is_told(change):
            self._set_palette(change["new"])
            self._update()

    def _send(self, view: Config, *, travels: bool = False) -> None:
        self._wanted, self._travels = dict(view), travels
        self._update()

    def _set_palette(self, palette: str) -> None:
        for key in list(self._images)[:1]:
            self._images[key] = self._images[key] | {"colormap": palette}

    def _listen(self, page: Page, shown: _Shown) -> Iterator[Awaitable[object]]:
        """Ask a page to tell what the person does."""

        def view_changed(view: Config) -> None:
            if view.get("fitted"):  # nobody led it there
                if self._wanted is None:
                    self._adopt_view(view, quietly=True)
                return
            # This page is there already; other views of the viewer follow.
            shown.view = self._wanted = dict(view)
            self._travels = False
            self._adopt_view(view)
            self._update()

        def palette_changed(palette: str) -> None:
            self._set_palette(palette)
            shown.images.update((key, self._images[key]) for key in list(shown.images)[:1])
            self._adopt("palette", palette)
            self._update()

        def bookmarks_changed(bookmarks: object) -> None:
            # This page has them already; the other views are told.
            shown.bookmarks = self._bookmarks = check_bookmarks(bookmarks)
            self._update()

        for name, changed in (
            ("on_view_state", view_changed),
            ("on_palette", palette_changed),
            ("on_bookmarks", bookmarks_changed),
        ):
            if name in page.exports:
                yield page.call(name, {"_rintf": True, "changed": changed})

    async def _screenshot(self) -> PILImage:
        try:
            from PIL import Image  # noqa: PLC0415 # pictures are not everybody's need
        except ModuleNotFoundError as error:
            msg = f"{error}: expected Pillow for pictures; pip install pillow"
            raise ModuleNotFoundError(msg) from error
        png = await asyncio.wrap_future(self.window.call("screenshot"))
        image = Image.open(io.BytesIO(cast("bytes", png)))
        image.load()
        return image

    async def _bring_up_to_date(self, page: Page) -> None:
        shown = self._shown.get(page)
        if shown is None:
            return  # it will be welcomed
        try:
            async with shown.lock:
                await asyncio.gather(
                    self._update_view(page, shown),
                    self._update_bookmarks(page, shown),
                    self._update_images(page, shown),
                )
        except PageClosedError:
            pass  # the next document is given everything

    async def _update_view(self, page: Page, shown: _Shown) -> None:
        view = self._wanted
        if shown.view is view or view is None:
            return
        is_first, shown.view = shown.view is None, view
        if "center" in view and "go_to" not in page.exports:
            self.window.report("This viewer page cannot look at an exact place; set view_state.")
        elif "center" in view and self._travels and not is_first:
            await page.call("go_to", view)
        else:
            reached = await page.call("set_view_state", view)
            if reached and self._wanted is view:  # not overtaken in the meantime
                self._adopt_view(cast("Config", reached))

    async def _update_bookmarks(self, page: Page, shown: _Shown) -> None:
        bookmarks = self._bookmarks
        if shown.bookmarks is not bookmarks and "set_bookmarks" in page.exports:
            shown.bookmarks = bookmarks
            await page.call("set_bookmarks", [bookmark.for_page() for bookmark in bookmarks])

    async def _update_images(self, page: Page, shown: _Shown) -> None:
        images = dict(self._images)
        gone = shown.images.keys() - images.keys()
        changed = {key for key, config in shown.images.items() if images.get(key, config) != config}
        can = set(page.exports)
        if (gone and "remove_image" not in can) or (changed and "update_image" not in can):
            self.window.reload(page)  # a classic page only adds: start it again with what is left
            return
        for key in gone:
            del shown.images[key]
            await page.call("remove_image", shown.page_ids.pop(key))
        for key, config in images.items():
            try:
                if key not in shown.images:
                    shown.images[key] = config
                    shown.page_ids[key] = await self._add_image(page, key, config)
                elif key in changed:
                    old, shown.images[key] = shown.images[key], config
                    changes = {k: v for k, v in config.items() if v is not old.get(k)}
                    await page.call("update_image", shown.page_ids[key], _for_page(changes))
            except PageClosedError:
                raise
            except Exception as error:  # noqa: BLE001 # whatever the page threw, the person is told
                self.window.report(f"{config.get('name', key)!r} cannot be shown. {error}")

    async def _add_image(self, page: Page, key: str, config: Config) -> object:
        sent, first = _for_page(config), self._first.pop(key, None)
        if first is None:
            return await page.call("add_image", sent)
        items = first.take_done() if "update_image" in page.exports else {}  # not a classic page
        sent["source"] = encode_source(config["source"], first, items)
        try:
            return await page.call("add_image", sent)
        finally:
            items.clear()  # the RPC keeps what it has sent


def _for_page(config: Config) -> Config:
    """Return what is sent: functions travel in an interface, or they could be called only once."""
    return config | ({"_rintf": True} if "onClick" in config else {})
