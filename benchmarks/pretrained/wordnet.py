"""WordNet's database files: synsets with their lexicographer file, words, pointers and gloss.

Source of the format: the manual page wndb(5WN) of WordNet 3.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LEXICOGRAPHER_FILES = [
    "adj.all",
    "adj.pert",
    "adv.all",
    "noun.Tops",
    "noun.act",
    "noun.animal",
    "noun.artifact",
    "noun.attribute",
    "noun.body",
    "noun.cognition",
    "noun.communication",
    "noun.event",
    "noun.feeling",
    "noun.food",
    "noun.group",
    "noun.location",
    "noun.motive",
    "noun.object",
    "noun.person",
    "noun.phenomenon",
    "noun.plant",
    "noun.possession",
    "noun.process",
    "noun.quantity",
    "noun.relation",
    "noun.shape",
    "noun.state",
    "noun.substance",
    "noun.time",
    "verb.body",
    "verb.change",
    "verb.cognition",
    "verb.communication",
    "verb.competition",
    "verb.consumption",
    "verb.contact",
    "verb.creation",
    "verb.emotion",
    "verb.motion",
    "verb.perception",
    "verb.possession",
    "verb.social",
    "verb.stative",
    "verb.weather",
    "adj.ppl",
]
"""Names by number. Source: lexnames(5WN)."""


@dataclass(frozen=True)
class Synset:
    """One synset. pointers: (symbol, target's key); a key is the part of speech (n, v, a, r) and the file offset."""

    key: tuple[str, str]
    file: str
    words: tuple[str, ...]
    pointers: tuple[tuple[str, tuple[str, str]], ...]
    definition: str


@dataclass(frozen=True)
class WordNet:
    """All synsets by key, and for each noun the keys of its senses, the most frequent first."""

    synsets: dict[tuple[str, str], Synset]
    senses: dict[str, list[str]] = field(repr=False)

    def noun(self, sense: str) -> Synset:
        """Return the synset of a noun's sense, such as `bird.1`. Raises KeyError where there is none."""
        word, number = sense.rsplit(".", 1)
        return self.synsets["n", self.senses[word][int(number) - 1]]

    def below(self, root: Synset) -> Iterator[Synset]:
        """Yield the synsets below a noun: its hyponyms and instances, theirs, and so on; each once."""
        seen, stack = {root.key}, [root]
        while stack:
            for symbol, key in stack.pop().pointers:
                if symbol in {"~", "~i"} and key not in seen:
                    seen.add(key)
                    stack.append(self.synsets[key])
                    yield self.synsets[key]


def read(folder: Path) -> WordNet:
    """Read the database in a folder that holds `data.noun`, `index.noun` and so on."""
    synsets = {}
    for name in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{name}").read_text(encoding="utf-8").splitlines():
            if not line.startswith(" "):  # the licence
                synset = _synset(line)
                synsets[synset.key] = synset
    senses = {}
    for line in (folder / "index.noun").read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            word, _, count, *rest = line.split()
            senses[word] = rest[-int(count) :]
    return WordNet(synsets, senses)


def _synset(line: str) -> Synset:
    data, _, gloss = line.partition(" | ")
    offset, file, kind, count, *rest = data.split()
    words = tuple(word.replace("_", " ") for word in rest[: 2 * int(count, 16) : 2])
    after = rest[2 * int(count, 16) :]
    pointers = [after[1 + 4 * number : 4 + 4 * number] for number in range(int(after[0]))]
    parts = [part.strip() for part in gloss.split(";")]
    texts = [part for part in parts if part and not part.startswith('"')]
    return Synset(
        key=(_part_of_speech(kind), offset),
        file=LEXICOGRAPHER_FILES[int(file)],
        words=words,
        pointers=tuple((symbol, (_part_of_speech(kind), target)) for symbol, target, kind in pointers),
        definition="; ".join(texts) if texts else gloss.strip(),
    )


def _part_of_speech(kind: str) -> str:
    """A satellite adjective (s) is an adjective."""
    return "a" if kind == "s" else kind
