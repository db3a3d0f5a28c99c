"""Results in, a table out: which result stands in which cell, and nothing computed."""

from trialbook.displays.tables.cohort import attendance, baseline, estimands, exposure
from trialbook.displays.tables.double import double
from trialbook.displays.tables.efficacy import (
    anova,
    anova_checks,
    by_visit,
    effect_by_visit,
    imputed,
    missing_patterns,
    missing_visits,
    multiplicity,
    operating,
    tipping,
)
from trialbook.displays.tables.fitted import final_tests, gee_coefficients, scenario_models, simulated_design
from trialbook.displays.tables.reconciliation import reconciliation, reconciliation_scenarios
from trialbook.displays.tables.records import records, warnings
from trialbook.displays.tables.rows import rows_of_parameter, rows_of_table
from trialbook.displays.tables.safety import (
    adverse_events,
    event_account,
    event_grades,
    event_rates,
    grade_shifts,
    harms,
    laboratory,
    marked_abnormalities,
)
from trialbook.displays.tables.scenarios import scenarios
from trialbook.displays.tables.table import Row, Table
