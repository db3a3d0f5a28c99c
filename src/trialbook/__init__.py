"""The engine of a trial paper whose every number is computed from the data."""

__version__ = "0.1.0"

import sys

# jsonschema tries to import it, for addresses that no file here has, and it takes longer than all the rest
sys.modules["rfc3987_syntax"] = None
