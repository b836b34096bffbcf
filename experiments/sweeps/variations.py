"""What varies in a sweep: options of the economy, `discount`, and of mechanisms, `balanced:base`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from dynmech.experiments.catalog.options import shown
from dynmech.sim.core.errors import InputError

FORM = "write OPTION=VALUE,… or MECHANISM:OPTION=VALUE,…"


@dataclass(frozen=True)
class Variation:
    """An option and its values.

    Attributes:
        mechanism: whose option it is, by its name; empty: the economy's.
        option: the option.
        values: as they are typed, each once.
    """

    mechanism: str
    option: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """The option as it is typed: `discount`, or `balanced:base`."""
        return f"{self.mechanism}:{self.option}" if self.mechanism else self.option

    def typed(self) -> str:
        """Return it as the command line takes it: `discount=0.5,0.9`."""
        return f"{self.name}={','.join(self.values)}"


def read_variations(texts: Sequence[str]) -> list[Variation]:
    """Return what `--vary` asks for.

    Raises:
        InputError: a text is not of the form, or an option or a value is given twice.

    >>> read_variations(["discount=0.5,0.9", "balanced:base=groves:phi=pivot,team"])[1].values
    ('groves:phi=pivot', 'team')
    """
    pairs = []
    for text in texts:
        name, equals, values = text.partition("=")
        if not (name and equals):
            raise InputError(f"--vary {text!r}: {FORM}")
        pairs.append((name, values.split(",")))
    return _checked(pairs)


def variations_of(vary: Mapping[str, Sequence[Any]]) -> list[Variation]:
    """Return what a mapping from options to values asks for.

    Raises:
        InputError: values are no list, or one is given twice.

    >>> variations_of({"discount": [0.5, 0.9], "balanced:base": ["team"]})[0].values
    ('0.5', '0.9')
    """
    pairs = []
    for name, values in vary.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(f"sweep: {name}: {values!r} is no list of values")
        pairs.append((str(name), [shown(value) for value in values]))
    return _checked(pairs)


def _checked(pairs: Sequence[tuple[str, list[str]]]) -> list[Variation]:
    """Return variations, each option and each of its values once."""
    if not pairs:
        raise InputError(f"sweep: nothing varies; {FORM.replace('write', 'write --vary')}")
    out: list[Variation] = []
    for name, values in pairs:
        mechanism, colon, option = name.partition(":")
        if not colon:
            mechanism, option = "", mechanism
        if not option or (colon and not mechanism):
            raise InputError(f"--vary {name!r}: {FORM}")
        if any(known.name == name for known in out):
            raise InputError(f"--vary: {name!r} is given twice; write {name}=VALUE,VALUE")
        if not values or "" in values:
            raise InputError(f"--vary {name!r}: a value is missing; {FORM}")
        most, times = Counter(values).most_common(1)[0]
        if times > 1:
            raise InputError(f"--vary {name!r}: {most!r} is given twice")
        out.append(Variation(mechanism, option, tuple(values)))
    return out


def combinations(variations: Sequence[Variation]) -> Iterator[dict[str, str]]:
    """Yield every combination of values, by option; the first option varies slowest.

    >>> list(combinations([Variation("", "values", ("2", "3"))]))
    [{'values': '2'}, {'values': '3'}]
    """
    for values in product(*(variation.values for variation in variations)):
        yield {variation.option: value for variation, value in zip(variations, values, strict=True)}


def with_options(text: str, options: Mapping[str, str]) -> str:
    """Return a name with more options.

    >>> with_options("repeated-auction:values=3", {"discount": "0.9"}), with_options("pivot", {})
    ('repeated-auction:values=3,discount=0.9', 'pivot')
    """
    added = ",".join(f"{option}={value}" for option, value in options.items())
    return f"{text}{',' if ':' in text else ':'}{added}" if added else text


def as_number(text: str) -> int | float | str:
    """Return a value as a number where it is one.

    >>> as_number("3"), as_number("0.5"), as_number("team")
    (3, 0.5, 'team')
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
