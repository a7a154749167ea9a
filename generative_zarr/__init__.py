"""Zarr stores whose chunks are computed when they are read, and a cache for any Zarr store.

Subclass `GenerativeStore`, give it ``tile(level, row, column)``, and read it with zarr.
"""

from generative_zarr.cache import LRUStoreCache
from generative_zarr.channels import Channel
from generative_zarr.progress import progress_listener, report_progress
from generative_zarr.single_flight import Cancellation, current_cancellation
from generative_zarr.store import GenerativeStore

__all__ = [
    "Cancellation",
    "Channel",
    "GenerativeStore",
    "LRUStoreCache",
    "current_cancellation",
    "progress_listener",
    "report_progress",
]
