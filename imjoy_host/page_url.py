"""A page as an address: for hosts that load window plugins by URL only."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import quote

# Browsers cut addresses off at 2 MiB: a page with its libraries inside is longer, but not
# compressed. It runs in a frame of its own, because imjoy-core sends its messages to the origin
# that a page names, and "null", that of all `data:` pages, is none that a message can be sent to.
_LOADER = """<!doctype html><meta charset="utf-8">
<style>html, body, iframe { margin: 0; border: 0; width: 100%; height: 100%; }</style>
<script type="module">
const packed = Uint8Array.from(atob("{packed}"), (letter) => letter.charCodeAt(0));
const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const page = document.createElement("iframe");
page.allow = "fullscreen; clipboard-write";
page.srcdoc = await new Response(stream).text();
document.body.append(page);
addEventListener("message", ({ source, data }) => {
  if (source === parent) page.contentWindow.postMessage(data, "*");
  if (source === page.contentWindow) {
    parent.postMessage("origin" in data ? { ...data, origin: "*" } : data, "*");
  }
});
</script>
"""

# imjoy-core takes for a page's address what contains "https://" and no line break.
_FRAGMENT = "#https://imjoy.io"


def page_url(html: bytes) -> str:
    """Return an address that contains a whole page.

    Parameters
    ----------
    html
        The page, self-contained, UTF-8.

    Returns
    -------
    str
        A ``data:`` URL without line breaks, about 1.4 times as long as the compressed page.
    """
    packed = base64.b64encode(gzip.compress(html, mtime=0)).decode()
    loader = _LOADER.replace("{packed}", packed)
    return f"data:text/html;charset=utf-8,{quote(loader, safe='+/=')}{_FRAGMENT}"
