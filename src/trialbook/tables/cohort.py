"""Tables of who took part."""

from trialbook.tables.table import Row, Table, arm_columns


def estimands(trial, results):
    """Lay out the estimands that the trial declares, by the attributes of ICH E9(R1)."""
    attributes = {
        "population": "Population",
        "treatments": "Treatments compared",
        "variable": "Variable",
        "intercurrent_events": "Intercurrent events",
        "summary": "Summary measure",
    }
    rows = []
    for estimand in trial.facts.estimands:
        rows.append(Row(estimand.label))
        rows += [Row(label, [results[f"estimand.{estimand.id}.{name}"]], 1) for name, label in attributes.items()]
    return Table("trial.estimands", ["Attribute", "Stated"], rows, [] if rows else ["This trial declares no estimand."])


def baseline(trial, results, flow):
    """Lay out the baseline characteristics by arm and overall."""
    groups = [arm.id for arm in trial.arms] + ["all"]
    columns = ["Characteristic", *arm_columns(trial, flow, "randomised"), ("All", flow["cohort.randomised.n"])]
    rows = []
    for line in trial.facts.baseline:
        own = [row for row in results if row.parameter == line.id and row.group == "all"]
        name = f"{line.label}, {line.unit}" if line.unit else line.label
        for row in own:
            statistic = row.key.split(".")[-1]
            cells = [results[row.key.replace(".all.", f".{group}.")] for group in groups]
            if statistic == "missing":
                if line.type == "category":
                    rows.append(Row(f"{name}, n (%)"))
                if row.value:
                    rows.append(Row(f"{name}: not recorded", cells, 1))
            elif line.type == "category":
                level = row.method.partition(": ")[2]
                rows.append(Row(line.levels.get(level, level), cells, 1))
            else:
                rows.append(Row(f"{name}, {row.statistic}", cells))
    return Table(
        "cohort.baseline",
        columns,
        rows,
        [
            "SD: standard deviation; IQR: lower to upper quartile.",
            "No significance tests: any difference at baseline arose by chance.",
        ],
    )
