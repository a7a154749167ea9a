"""docs/protocol.md is the table of names; the sources of both sides keep to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import zarr

from imjoy_host import window
from zarr_over_imjoy import encode_source

ROOT = Path(__file__).parents[1]
RELAY = (ROOT / "imjoy_host/relay.js").read_text()
WINDOW = (ROOT / "imjoy_host/window.py").read_text()


def table(heading: str) -> set[str]:
    """Return the names in the first table after a line of the document."""
    _, found, rest = (ROOT / "docs/protocol.md").read_text().partition(f"\n{heading}")
    assert found, heading
    return set(re.findall(r"^\| `([^`]+)` \|", rest.split("|\n\n")[0], re.MULTILINE))


def typescript_interface(name: str) -> set[str]:
    """Return the member names of an interface in the viewer's sources."""
    sources = "\n".join(path.read_text() for path in (ROOT / "viewer/src").rglob("*.ts"))
    match = re.search(rf"interface {name} \{{\n(.*?)\n\}}", sources, re.DOTALL)
    assert match, name
    return set(re.findall(r"^  (\w+)\??[(:]", match[1], re.MULTILINE))


def test_page_exports() -> None:
    assert typescript_interface("PluginApi") == table("## What the page exports")


def test_python_calls_only_what_pages_export() -> None:
    sources = WINDOW + (ROOT / "zarr_over_imjoy/viewer.py").read_text()
    called = set(re.findall(r"page\.call\(\s*\"(\w+)\"", sources))
    assert called >= {"add_image", "set_view_state"}
    assert called <= table("## What the page exports")


def test_zarr_source() -> None:
    node = zarr.create_group(zarr.storage.MemoryStore())
    offered = {name for name in encode_source(node) if not name.startswith("_")}
    assert offered == table("## What a Zarr source offers")
    asked = typescript_interface("RemoteStore")
    assert "getItem" in asked
    assert asked <= offered


def test_host_api() -> None:
    assert set(window._LOGGING_API) == table("## What the page gets from its host")


@pytest.mark.parametrize(
    ("heading", "sent", "received"),
    [
        (
            "From the relay to Python",
            re.findall(r"\{ type: \"([^\"]+)\"", RELAY),
            re.findall(r"case \"([^\"]+)\"", WINDOW),
        ),
        (
            "From Python to the relay",
            re.findall(r"\{\"type\": \"([^\"]+)\"", WINDOW),
            re.findall(r"(?:content|message)\.type [!=]== \"((?!initialized)[a-z ]+)\"", RELAY),
        ),
    ],
)
def test_relay_messages(heading: str, sent: list[str], received: list[str]) -> None:
    assert set(sent) == table(heading)
    assert set(received) == table(heading)
