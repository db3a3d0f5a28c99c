"""The engine of a trial paper whose every number is computed from the data."""

__version__ = "0.1.0"
