"""What is done to each different value of a column of text, and not to each of its many cells."""

from collections.abc import Callable

import pandas as pd

FEW = 2000  # cells of a column of which to find the different ones takes longer than it saves


def to_floats(text: pd.Series) -> pd.Series:
    """Read a column of numbers that was checked to hold nothing else; an empty cell is missing."""
    return pd.to_numeric(text).astype(float)


def by_unique(values: pd.Series, of: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Apply a function of single cells to the different values of a column.

    Parameters
    ----------
    values : Series
    of : callable
        Gives a value for each of a Series, whatever the others are; it is given a missing one too.

    Returns
    -------
    Series
        What `of` gives of `values`, with their index.
    """
    if len(values) <= FEW:
        return of(values)
    codes, unique = pd.factorize(values, use_na_sentinel=False)
    found = of(pd.Series(unique))
    return pd.Series(found.array.take(codes), index=values.index)
