"""Zarr images for ImJoy window plugins: sources, image configs, the codec, the viewer's handle."""

from zarr_over_imjoy.bookmark import Bookmark
from zarr_over_imjoy.codec import CODECS, encode_source
from zarr_over_imjoy.image_config import check_image, check_view_state
from zarr_over_imjoy.location import Location
from zarr_over_imjoy.source import open_source
from zarr_over_imjoy.viewer import Viewer

__all__ = [
    "CODECS",
    "Bookmark",
    "Location",
    "Viewer",
    "check_image",
    "check_view_state",
    "encode_source",
    "open_source",
]
