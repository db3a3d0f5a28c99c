"""Results in, a figure out: nothing computed, readable in grey, with the words that say the same."""

from trialbook.figures.cohort import attendance, consort, love
from trialbook.figures.efficacy import (
    anova_checks,
    effect_by_visit,
    operating,
    tipping,
    trajectory,
)
from trialbook.figures.figure import Figure
from trialbook.figures.safety import edish, laboratory, timeline
from trialbook.figures.scenarios import specification, strip
