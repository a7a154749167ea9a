"""`Plugin` under a classic ImJoy host, played here by one that notes what it is told."""

from __future__ import annotations

import base64
import gzip
import re
from typing import TYPE_CHECKING, Any

import zarr

import imjoy_plugin
from imjoy_plugin import Plugin, register_codecs

if TYPE_CHECKING:
    import pytest


class ClassicHost:
    """The `api` of a classic ImJoy host."""

    def __init__(self) -> None:
        self.codecs: list[str] = []
        self.opened: dict[str, object] = {}
        self.calls: list[tuple[str, Any]] = []

    def registerCodec(self, codec: dict[str, Any]) -> None:  # noqa: N802 # ImJoy's name
        self.codecs.append(codec["name"])

    async def createWindow(self, **options: object) -> ClassicHost:  # noqa: N802 # ImJoy's name
        self.opened = options
        return self

    async def use_viewer(self, address: str) -> None:
        self.calls.append(("use_viewer", address))

    async def set_view_state(self, state: object) -> None:
        self.calls.append(("set_view_state", state))

    async def add_image(self, config: dict[str, Any]) -> None:
        self.calls.append(("add_image", config["source"]))


async def test_plugin_under_a_classic_host(monkeypatch: pytest.MonkeyPatch) -> None:
    group = zarr.create_group(zarr.storage.MemoryStore(), zarr_format=2)
    group.create_array("0", shape=(4, 4), dtype="u1")
    group.attrs["multiscales"] = [{"version": "0.4", "datasets": [{"path": "0"}]}]
    host = ClassicHost()
    monkeypatch.setattr("imjoy_rpc.api", host)
    state = {"zoom": 1, "target": [2, 3]}
    plugin = Plugin({"source": group}, state, viewer=imjoy_plugin.VIZARR_0_3)
    await plugin.setup()
    await plugin.run({"data": {}})
    assert host.codecs == ["zarr-array", "zarr-group"]
    assert host.opened["src"] == "https://hms-dbmi.github.io/vizarr/v0.3/"
    assert host.calls == [("set_view_state", state), ("add_image", group)]


async def test_plugin_brings_the_bundled_viewer_along(monkeypatch: pytest.MonkeyPatch) -> None:
    host = ClassicHost()
    monkeypatch.setattr("imjoy_rpc.api", host)
    await Plugin([]).run()
    source = str(host.opened["src"])
    assert len(source) < 2**21  # where browsers cut addresses off
    assert "\n" not in source
    page = re.search(r"atob%28%22([^%]+)%22", source)
    assert page
    html = gzip.decompress(base64.b64decode(page[1]))
    assert html == imjoy_plugin.BUNDLED_VIEWER.read_bytes()


async def test_plugin_names_an_upstream_module_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    host = ClassicHost()
    monkeypatch.setattr("imjoy_rpc.api", host)
    await Plugin([], viewer="vizarr").run()
    assert host.calls == [("use_viewer", imjoy_plugin.VIZARR)]


def test_codecs_can_be_registered_anywhere() -> None:
    host = ClassicHost()
    register_codecs(host)
    assert host.codecs == ["zarr-array", "zarr-group"]
