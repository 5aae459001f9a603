"""Names of people and schools, drawn from lists of many origins."""

import csv
import functools
import unicodedata
from dataclasses import dataclass
from importlib import resources
from random import Random

# fmt: off
_PLACES = (
    "Birch", "Oak", "Willow", "Cedar", "Lincoln", "Roosevelt", "Prairie", "River",
    "Lakeview", "Franklin", "Harriet Tubman", "Cesar Chavez", "Maya Angelou", "Jefferson", "Sunset", "Eastwood",
    "Northgate", "Riverside", "Eagle", "Meadow", "Hawthorne", "Juniper", "Garfield", "Kennedy",
)
_FEATURES = (
    "", "Hill", "Creek", "Valley", "Ridge", "Park", "Grove", "Springs", "Heights", "Bend", "Glen",
)
# fmt: on
#: Letters that Unicode does not decompose into a letter and a mark.
_NOT_DECOMPOSED = str.maketrans({"Ł": "L", "ł": "l"})


@dataclass(frozen=True)
class Origin:
    """Names that go together."""

    weight: int
    given_names: tuple[str, ...]
    family_names: tuple[str, ...]


@functools.cache
def origins() -> tuple[Origin, ...]:
    """The name lists of `data/names.csv`."""
    lines = resources.files(__package__).joinpath("data/names.csv").read_text("utf-8").splitlines()
    return tuple(
        Origin(int(row["weight"]), tuple(row["given_names"].split("|")), tuple(row["family_names"].split("|")))
        for row in csv.DictReader(lines)
    )


@functools.cache
def _weights() -> tuple[int, ...]:
    return tuple(origin.weight for origin in origins())


def draw_origin(chance: Random) -> Origin:
    """An origin, each as often as its weight says."""
    return chance.choices(origins(), _weights())[0]


@functools.lru_cache(10_000)
def account_name(name: str) -> str:
    """A name as accounts are written: small Latin letters only."""
    letters = unicodedata.normalize("NFKD", name.translate(_NOT_DECOMPOSED)).lower()
    return "".join(letter for letter in letters if letter.isascii() and letter.isalpha())


def school_name(position: int, level: str) -> str:
    """The name of the school at `position` (from 0) among those of its `level`; no name comes twice."""
    round_, place = divmod(position, len(_PLACES))
    number, feature = divmod(round_, len(_FEATURES))
    # Start further on in each round, so that neighbours do not sound alike.
    words = [_PLACES[place], _FEATURES[(feature + place) % len(_FEATURES)], level.title(), "School"]
    return " ".join(word for word in [*words, str(number + 1) if number else ""] if word)
