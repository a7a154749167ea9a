"""A notebook output that hosts one ImJoy window plugin: no extension, no server, no network.

`ImJoyWindow` is a widget that shows a page (its HTML, or a URL) in a sandboxed iframe and speaks
ImJoy RPC with it. It knows nothing of what the page does.
"""

from imjoy_host.page import Page, PageClosedError
from imjoy_host.window import ImJoyWindow

__all__ = ["ImJoyWindow", "Page", "PageClosedError"]
