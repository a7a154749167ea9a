"""Any Zarr store over HTTP, for many clients at once, with limits. Knows no image and no viewer."""

from zarr_http.app import zarr_app
from zarr_http.server import listen, make_server

__all__ = ["listen", "make_server", "zarr_app"]
