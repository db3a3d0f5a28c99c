"""Near misses: what somebody probably meant who wrote something else."""

import unicodedata
from collections.abc import Iterable

# letters of other alphabets that look like Latin ones
_LOOKS = str.maketrans("АВЕЅЗКМНОРСТУХІЈаеорсухіѕјΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABES3KMHOPCTYXIJaeopcyxisjABEZHIKMNOPTYX")
LONG = 5  # letters from which a word with one wrong letter is taken for a slip


def skeleton(text: object) -> str:
    """Write a name without regard to case, blanks, punctuation, width, invisible and look-alike letters."""
    letters = unicodedata.normalize("NFKC", str(text)).translate(_LOOKS).casefold()
    return "".join(char for char in letters if char.isalnum() or char in "+-<>*")


def likely(text: str, known: Iterable[str]) -> str | None:
    """Name the known text that was probably meant.

    Parameters
    ----------
    text : str
        Not one of the known.
    known : iterable of str

    Returns
    -------
    str or None
        One that differs only in case, blanks or look-alike letters, or in one letter of one long word; numbers and
        short words are often all that tells two names apart.
    """
    known = list(known)
    same = [one for one in known if skeleton(one) == skeleton(text)]
    return next(iter(same or [one for one in known if _is_slip(text, one)]), None)


def _is_slip(text: str, other: str) -> bool:
    mine, theirs = text.casefold().split(), other.casefold().split()
    differ = [pair for pair in zip(mine, theirs, strict=False) if pair[0] != pair[1]]
    return len(mine) == len(theirs) and len(differ) == 1 and _one_letter(*differ[0])


def _one_letter(one: str, other: str) -> bool:
    """Whether two words differ by a letter changed, left out, or exchanged with its neighbour."""
    if not (one.isalpha() and other.isalpha() and min(len(one), len(other)) >= LONG):
        return False
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) == 1:
        return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
    wrong = [i for i, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]]
    swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and short[wrong[0]] == long[wrong[1]]
    return len(short) == len(long) and (len(wrong) == 1 or (swapped and short[wrong[1]] == long[wrong[0]]))
