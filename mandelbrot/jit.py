"""The decorator of all compiled functions: numba's, without the GIL, cached safely on disk.

Functions that only compiled ones call are not made machine code of: numba would optimise each one
by itself, and again in each of its callers. Here they stay unoptimised until they have been inlined
into the one that Python calls (measured: 10.2 instead of 13.0 s of processor time).

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
from numba import _dynfunc  # type: ignore[attr-defined]  # a compiled module
from numba.core import caching, compiler, typed_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys

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

    def _load_index(self) -> dict[Any, str]:
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

    def load_overload(self, sig: object, target_context: object) -> object:
        # numba's own first loads all it knows for typing and lowering, which takes longer than all
        # else here (0.15 of 0.25 s) and serves compilation only; machine code needs its runtime.
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def serves_this_machine(self) -> bool:
        machine = cpu_target.target_context.codegen().magic_tuple()
        return any(key[1] == machine for key in self._cache_file._load_index())  # noqa: SLF001


def is_kept(value: object) -> bool:
    """Whether a value is a function whose machine code is kept on disk."""
    return isinstance(getattr(value, "_cache", None), _Cache)


def is_missing_on_disk(entry: Any) -> bool:  # noqa: ANN401 - what `kernel` returns
    """Whether there is a place for a function's machine code, but none for this machine in it."""
    return is_kept(entry) and not entry._cache.serves_this_machine()  # noqa: SLF001 - set by `kernel`


class _InnerLibrary(JITCodeLibrary):
    """The code of a function and its callees, to be linked into that of its callers."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)  # noqa: SLF001 - as numba's own does
            callees = library._get_module_for_linking()  # noqa: SLF001
            self._final_module.link_in(callees, preserve=True)
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _InnerLowering(typed_passes.NativeLowering):
    """Lowers a function without making machine code, and registers it with its callers."""

    _name = "inner_lowering"

    def run_pass(self, state: compiler.StateDict) -> bool:
        state.library = _InnerLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        # An object to know it by, as numba makes one for a function without a wrapper.
        identity = _dynfunc.make_function(
            lowered.fndesc.lookup_module(),
            lowered.fndesc.qualname,
            "compiled code of an inner function",
            0,
            lowered.env,
            (state.library,),
        )
        state.targetctx.insert_user_function(identity, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=identity)
        return True


class _InnerCompiler(compiler.CompilerBase):
    def define_pipelines(self) -> list[PassManager]:
        builder = compiler.DefaultPassBuilder
        passes = PassManager("inner")
        for part in (
            builder.define_untyped_pipeline(self.state),
            builder.define_typed_pipeline(self.state),
            builder.define_nopython_lowering_pipeline(self.state),
        ):
            for step, description in part.passes:
                inner = step is typed_passes.NativeLowering
                passes.add_pass(_InnerLowering if inner else step, description)
        passes.finalize()
        return [passes]


def kernel(
    *, entry: bool = False, contract: bool = False, allocates: bool = False, inline: bool = False
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
    allocates : bool, default False
        True for functions that make arrays. In others the arrays that they and their callees take
        and pass on are not counted as references, which would be an atomic operation each
        (measured: without that, certified tiles took twice as long, deep ones half as long again).
    inline : bool, default False
        Put the function's code into that of its callers however long it is: for those called often
        with many arrays, each of which is eight words to copy (deep tiles took a third longer).
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        # Wrappers that nobody calls are a fifth of the compilation time.
        options: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": not entry}
        if not entry:
            options["pipeline_class"] = _InnerCompiler
        if not allocates:
            options["_nrt"] = False
        if inline:
            options["forceinline"] = True
        if contract:
            options["fastmath"] = {"contract"}
        compiled = numba.njit(nogil=True, **options)(function)
        if entry:
            # "No locator available" is a RuntimeError: there is nowhere to write.
            with contextlib.suppress(RuntimeError):
                compiled._cache = _Cache(function)  # noqa: SLF001 - what enable_caching() does
        return compiled  # type: ignore[no-any-return]  # numba is untyped

    return decorate
