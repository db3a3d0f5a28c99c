"""Find the numbers of the results that no change of the data moves.

The notebooks are run on mutants of the trial: with permuted arms, without a participant, with shifted values.
"""

from argparse import ArgumentParser, Namespace
from dataclasses import replace

from trialbook.cli import options
from trialbook.project import Project

TITLE = "running the notebooks on mutants of the trial"
EXAMPLE = "trialbook mutate --mutant arms_permuted --notebook 03_efficacy"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)
    parser.add_argument("--mutant", action="append", metavar="NAME", help="only this mutant; may be given again")
    parser.add_argument(
        "--notebook", action="append", metavar="NAME", help="only the numbers of this notebook; may be given again"
    )


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.checks import mutants, mutation
    from trialbook.results.executed import of_notebooks
    from trialbook.workflow.make import make

    project = options.built(given)
    found = mutation.numbers(project.site, result_pages(project))
    chosen = mutation.chosen("notebook", given.notebook, {number.result.notebook for number in found})
    examined = [number for number in found if number.result.notebook in chosen]
    made = mutants.write(project.trial, project.output / "mutants")
    after = {}
    for name in mutation.chosen("mutant", given.mutant, made):
        mutant = replace(project, trial=made[name], output=made[name].parent)
        executed = [mutant.executed / f"{notebook}.ipynb" for notebook in sorted(chosen)]
        make(mutant, executed, cores=given.cores)
        after[name] = of_notebooks(executed).results
    whole = len(examined) == len(found) and not given.draft
    print(mutation.judge(examined, after, mutation.allowed(project.unchanging), project.unchanging, whole))
    return "every number of the results follows the data, or need not"


def result_pages(project: Project) -> list[str]:
    """The pages that tell results: those whose words are checked."""
    from trialbook.sphinx import words

    return [page for page in project.pages() if page not in words.read(project.words).exempt]
