"""A quantity over arrays of others, labeled, with the points that fit marked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from ..errors import DomainError, NapkinError
from ..quantities.notation import speed_target
from ..quantities.quantity import lookup
from ..quantities.units import conversion
from ..quantities.value import Value, coherent, in_unit
from ..worksheet.napkin import Napkin, expect_napkin

if TYPE_CHECKING:
    from xarray import DataArray, Dataset


def sweep(n: Napkin, targets: str | Sequence[str], **axes: Any) -> Dataset:
    """Compute quantities over arrays of others.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    targets : str or sequence of str
        What to compute.
    **axes
        Values by code name, each in its own unit. One-dimensional sequences span a grid;
        arrays of more dimensions are matched by NumPy's broadcasting; xarray and Dask
        arrays are taken as they are.

    Returns
    -------
    xarray.Dataset
        A variable a target, with its unit; and ``fits``, which says where the caches fit
        in memory and the batch does not exceed them, if that can be told.

    Raises
    ------
    DomainError
        If a value of an axis is outside its domain.
    MissingGivenError
        If something else that a target needs is not given.

    Examples
    --------
    >>> n = Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8")
    >>> grid = sweep(n, "tokens_per_second", batch=[1, 10, 100], context=[4_000, 40_000])
    >>> grid.fits.values.tolist()
    [[True, True], [True, True], [True, False]]
    """
    import xarray

    expect_napkin(n, "sweep")
    names = [str(t) for t in ([targets] if isinstance(targets, str | Symbol) else targets)]
    if not axes:
        raise NapkinError("a sweep needs an axis, such as batch=range(1, 65).")
    arrays = _labeled(axes)
    try:
        results: dict[str, Any] = {name: _computed(n, name, arrays) for name in names}
    except ValueError as reason:  # shapes that do not match, from NumPy or xarray
        raise DomainError(f"the axes do not go together: {reason}") from None
    fits = _fits(n, arrays)
    if fits is not None:
        results["fits"] = fits
        for name in names:
            results["fits"] &= lookup(name).domain.within(results[name])
    return xarray.Dataset(results)


def _labeled(axes: dict[str, Any]) -> dict[str, DataArray]:
    """Return each axis as a labeled array in the unit of its quantity."""
    import numpy as np
    from xarray import DataArray

    labeled = {name: _array(name, values) for name, values in axes.items()}
    plain = {name: array for name, array in labeled.items() if not isinstance(array, DataArray)}
    if any(array.ndim > 1 for array in plain.values()):  # matched as NumPy does
        for name, array in zip(plain, np.broadcast_arrays(*plain.values()), strict=True):
            labeled[name] = DataArray(array, dims=[f"dim_{i}" for i in range(array.ndim)])
    else:
        for name, array in plain.items():
            dims = [name] * array.ndim
            labeled[name] = DataArray(array, dims=dims, coords={name: array} if dims else None)
            for coordinate in labeled[name].coords.values():
                coordinate.attrs = _attributes(name)
    return labeled


def _attributes(name: str) -> dict[str, str]:
    return {"units": lookup(name).unit, "long_name": lookup(name).meaning}


def _array(name: str, values: Any) -> Any:
    from xarray import DataArray

    if isinstance(values, str | Value):
        values = float(in_unit(name, coherent(name, values)))
    elif isinstance(values, list | tuple) and any(isinstance(v, str | Value) for v in values):
        values = [float(in_unit(name, coherent(name, value))) for value in values]
    if isinstance(values, DataArray):
        unit = values.attrs.get("units", lookup(name).unit)
        if unit != lookup(name).unit:
            values = values * float(conversion(unit, lookup(name).unit))
        if values.chunks is None:  # a lazy array is not computed to be checked
            _check(name, _numbers(name, values.to_numpy()))
        return values
    array = _numbers(name, list(values) if isinstance(values, range) else values)
    _check(name, array)
    return array


def _numbers(name: str, values: Any) -> Any:
    import numpy as np

    try:
        if np.iscomplexobj(values):
            raise TypeError
        return np.asarray(values, float)
    except (TypeError, ValueError):
        raise DomainError(
            f"{name}: an axis is numbers, or texts with units, got {values!r:.80}."
        ) from None


def _check(name: str, array: Any) -> None:
    import numpy as np

    quantity = lookup(name)
    domain = quantity.domain
    wrong = ~(np.isfinite(array) & domain.within(array))
    if domain.integer:
        wrong |= array != np.round(array)
    if wrong.any():
        raise DomainError(
            f"{name} ({quantity.meaning}) must be {domain.words}, got {array[wrong].flat[0]:g} "
            f"among the values of the axis."
        )


def _computed(n: Napkin, target: str, arrays: dict[str, DataArray]) -> DataArray:
    import numpy as np
    from xarray import apply_ufunc

    function = n.function(target, *arrays)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result: DataArray = apply_ufunc(
            function, *arrays.values(), dask="parallelized", output_dtypes=[float]
        )
    result.attrs = _attributes(target)
    return result


def _fits(n: Napkin, arrays: dict[str, DataArray]) -> DataArray | None:
    """Say where the caches fit; None where memory or the cache is not known."""
    try:
        room = _computed(n, "concurrent_sequences", arrays)
        taken = _computed(n, "batch", arrays)
    except NapkinError:
        return None
    fits = (room >= 1) & (taken <= room * (1 + 1e-12))
    if "speed_target" in arrays or speed_target in n.givens:
        with suppress(NapkinError):  # then the speed is not what limits
            fits &= _computed(n, "largest_batch_at_speed", arrays) >= 1
    fits.attrs = {"long_name": "whether the caches of the batch fit in memory"}
    return fits
