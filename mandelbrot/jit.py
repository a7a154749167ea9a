"""The decorator of all compiled functions: numba's, without the GIL, cached safely on disk.

numba's cache has three traps, met with kernels that call each other across files and with several
processes: it does not notice a change in another file of the package; processes that store
different signatures of a function at the same time can swap their machine code (numba#4807); and a
package that nobody can write to, nor a home directory, makes the import fail. Here the cache is
stamped with the whole package, machine code is stored under the hash of what it was compiled for,
and without a writable place there is no cache.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numba
from numba.core import caching

if TYPE_CHECKING:
    from collections.abc import Callable

    P = ParamSpec("P")
    R = TypeVar("R")


@functools.cache
def _package_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _CacheFile(caching.IndexDataCacheFile):
    # A damaged file costs a compilation, and so does a full disk.

    def _load_index(self) -> dict[object, str]:
        with contextlib.suppress(EOFError, pickle.UnpicklingError):
            return dict(super()._load_index())
        return {}

    def load(self, key: object) -> object:
        with contextlib.suppress(EOFError, pickle.UnpicklingError):
            return super().load(key)
        return None

    def save(self, key: object, data: object) -> None:
        what = hashlib.sha256(repr((self._source_stamp, key)).encode()).hexdigest()
        name = self._data_name_pattern.replace("{number:d}", what[:16])
        with contextlib.suppress(OSError):
            self._save_data(name, data)
            self._save_index({**self._load_index(), key: name})


class _Cache(caching.FunctionCache):
    def __init__(self, py_func: Callable[..., object]) -> None:
        super().__init__(py_func)
        self._cache_file = _CacheFile(self._cache_path, self._impl.filename_base, _package_digest())


def kernel(
    *, entry: bool = False, contract: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function on its first call, to run without the GIL.

    Parameters
    ----------
    entry : bool, default False
        For the functions that Python calls: make them callable from it, and keep their machine
        code, with that of all callees, on disk.
    contract : bool, default False
        Allow a multiplication and an addition to be fused into one operation of one rounding, where
        the machine has it.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        # Wrappers that nobody calls are a fifth of the compilation time.
        options: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": not entry}
        if contract:
            options["fastmath"] = {"contract"}
        compiled = numba.njit(nogil=True, **options)(function)
        if entry:
            # "No locator available" is a RuntimeError: there is nowhere to write.
            with contextlib.suppress(RuntimeError):
                compiled._cache = _Cache(function)  # noqa: SLF001 - what enable_caching() does
        return compiled  # type: ignore[no-any-return]  # numba is untyped

    return decorate
