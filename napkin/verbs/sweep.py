"""A quantity over arrays of others, labeled, with the points that fit marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import DoesNotFitError, DomainError, NapkinError
from ..quantities.quantity import listed, lookup
from ..worksheet.arrays import compile_with_fit, read_numbers, unit_factor
from ..worksheet.assumptions import CHOICES
from ..worksheet.napkin import Napkin, expect_napkin

if TYPE_CHECKING:
    from xarray import DataArray, Dataset


def sweep(n: Napkin, targets: str | Sequence[str], *, beyond: bool = False, **axes: Any) -> Dataset:
    """Compute quantities over arrays of others.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    targets : str or sequence of str
        What to compute.
    beyond : bool
        Keep the numbers of points that do not fit, instead of NaN.
    **axes
        Values by code name, each in its own unit; also names of models, accelerators,
        precisions or scenarios. One-dimensional sequences span a grid;
        arrays of more dimensions are matched by NumPy's broadcasting; xarray and Dask
        arrays are taken as they are.

    Returns
    -------
    xarray.Dataset
        A variable a target, with its unit; and ``fits``, which says where the caches fit
        in memory and the batch does not exceed them, if that can be told. The attribute
        ``warnings`` names what is given and not used.

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
    expect_napkin(n, "sweep")
    names = [lookup(target).name for target in listed(targets)]
    if not axes:
        raise NapkinError("a sweep needs an axis, such as batch=range(1, 65).")
    return _swept(n, names, beyond, axes)


def _swept(n: Napkin, names: list[str], beyond: bool, axes: Mapping[str, Any]) -> Dataset:
    for choice in CHOICES:
        if choice in axes:
            rest = {name: values for name, values in axes.items() if name != choice}
            return _side_by_side(n, names, beyond, rest, choice, listed(axes[choice]))
    return _grid(n, names, beyond, axes)


def _side_by_side(
    n: Napkin,
    names: list[str],
    beyond: bool,
    axes: Mapping[str, Any],
    choice: str,
    entries: Sequence[Any],
) -> Dataset:
    """Sweep once for each model, accelerator, precision or scenario."""
    import numpy as np
    import xarray

    if not entries:
        raise NapkinError(f"{choice}: an axis needs at least one name.")
    found: dict[str, Dataset] = {}
    refused: dict[str, DoesNotFitError] = {}
    for entry in entries:
        there = n.assume(**{choice: entry})
        label = there.choices[choice].typed
        found[label] = xarray.Dataset()
        try:
            found[label] = _swept(there, names, beyond, axes)
        except DoesNotFitError as reason:  # at no point of the other axes
            refused[label] = reason
    if len(refused) == len(found):
        raise next(iter(refused.values()))
    like = next(part for label, part in found.items() if label not in refused)
    for label in refused:
        found[label] = like.map(lambda part: part.where(False, part.name != "fits" and np.nan))
    index = xarray.DataArray(list(found), dims=[choice], name=choice)
    together = xarray.concat(found.values(), dim=index, combine_attrs="drop_conflicts")
    said = dict.fromkeys(line for part in found.values() for line in part.attrs.get("warnings", ()))
    return together.assign_attrs(warnings=list(said))


def _grid(n: Napkin, names: list[str], beyond: bool, axes: Mapping[str, Any]) -> Dataset:
    """Sweep over numbers alone."""
    import xarray

    arrays = _label(axes)
    call, tells, warnings = compile_with_fit(n, names, list(arrays), beyond=beyond)
    outputs = [*names, *(["fits"] if tells else [])]

    def compute(*values: Any) -> Any:
        found = call(*values)
        return tuple(found) if len(found) > 1 else found[0]

    try:
        results = xarray.apply_ufunc(
            compute,
            *arrays.values(),
            dask="parallelized",
            output_core_dims=[[] for _ in outputs],
            output_dtypes=[bool if name == "fits" else float for name in outputs],
        )
    except ValueError as reason:  # shapes that do not match, from NumPy or xarray
        raise DomainError(f"the axes do not go together: {reason}") from None
    columns = results if len(outputs) > 1 else [results]
    found = {name: xarray.DataArray(column) for name, column in zip(outputs, columns, strict=True)}
    for name, array in found.items():
        told = {"long_name": "whether the caches fit in memory, and what is asked for can be done"}
        array.attrs = told if name == "fits" else _attributes(name)
    return xarray.Dataset(found, attrs={"warnings": list(warnings)})


def _label(axes: Mapping[str, Any]) -> dict[str, DataArray]:
    """Return each axis as a labeled array in the unit of its quantity."""
    import numpy as np
    from pandas import Index
    from xarray import DataArray

    labeled = {name: _array(name, values) for name, values in axes.items()}
    plain = {name: array for name, array in labeled.items() if not isinstance(array, DataArray)}
    if any(array.ndim > 1 for array in plain.values()):  # matched as NumPy does
        for name, array in zip(plain, np.broadcast_arrays(*plain.values()), strict=True):
            labeled[name] = DataArray(array, dims=[f"dim_{i}" for i in range(array.ndim)])
    else:
        for name, array in plain.items():
            dims = [name] * array.ndim
            labeled[name] = DataArray(
                array, dims=dims, coords={name: Index(array)} if dims else None
            )
            for coordinate in labeled[name].coords.values():
                coordinate.attrs = _attributes(name)
    return labeled


def _attributes(name: str) -> dict[str, str]:
    return {"units": lookup(name).unit, "long_name": lookup(name).meaning}


def _array(name: str, values: Any) -> Any:
    """Return what was given for an axis, checked; a lazy array is not computed to be checked."""
    from xarray import DataArray

    if not isinstance(values, DataArray):
        return read_numbers(name, values)
    unit = values.attrs.get("units", lookup(name).unit)
    if unit != lookup(name).unit:
        values = values * unit_factor(name, unit)
    if values.chunks is None:
        read_numbers(name, values.to_numpy())
    return values
