"""``python -m trialbook.cli``: the command line of this Python, whichever program of its name comes first."""

import sys

from trialbook.cli import main

sys.exit(main())
