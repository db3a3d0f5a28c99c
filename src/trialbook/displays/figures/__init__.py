"""Results in, a figure out: nothing computed, readable in grey, with the words that say the same."""

from trialbook.displays.figures.cohort import attendance, consort, love
from trialbook.displays.figures.draws import draws
from trialbook.displays.figures.efficacy import (
    anova_checks,
    courses,
    effect_by_visit,
    operating,
    tipping,
    trajectory,
)
from trialbook.displays.figures.figure import Figure
from trialbook.displays.figures.safety import edish, laboratory, timeline
from trialbook.displays.figures.scenarios import forest, strip
