"""Results in, a table out: which result stands in which cell, and nothing computed."""

from importlib import import_module

_BUILDERS = {
    "cohort": ("attendance", "baseline", "estimands", "exposure"),
    "double": ("double",),
    "efficacy": (
        "anova",
        "anova_checks",
        "by_visit",
        "effect_by_visit",
        "imputed",
        "missing_patterns",
        "missing_visits",
        "multiplicity",
        "operating",
        "tipping",
    ),
    "reconciliation": ("reconciliation", "reconciliation_scenarios"),
    "rows": ("rows_of_parameter", "rows_of_table"),
    "safety": (
        "adverse_events",
        "event_account",
        "event_grades",
        "event_rates",
        "grade_shifts",
        "harms",
        "laboratory",
        "marked_abnormalities",
    ),
    "scenarios": ("scenarios",),
    "table": ("SPANS", "Row", "Table"),
}
_HOME = {name: module for module, names in _BUILDERS.items() for name in names}


def __getattr__(name: str):
    """Import a table when it is asked for: the pages need `markup` alone."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = builder = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return builder
