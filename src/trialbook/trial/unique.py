"""What is done to each different value of a column, and not to each of its many cells."""

from collections.abc import Callable

import pandas as pd


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
    codes, unique = pd.factorize(values, use_na_sentinel=False)
    found = of(pd.Series(unique))
    return pd.Series(found.array.take(codes), index=values.index)
