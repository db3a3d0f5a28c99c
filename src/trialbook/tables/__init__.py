"""Results in, a table out: which result stands in which cell, and nothing computed."""

from trialbook.tables.cohort import baseline, estimands
from trialbook.tables.efficacy import (
    anova,
    anova_checks,
    by_visit,
    effect_by_visit,
    imputed,
    missing_patterns,
    missing_visits,
    multiplicity,
    operating,
    reconciliation,
    reconciliation_scenarios,
    scenarios,
    tipping,
)
from trialbook.tables.safety import OVERALL_EVENTS, adverse_events, laboratory
from trialbook.tables.table import SPANS, Row, Table
