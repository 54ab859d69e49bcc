"""Text classification tasks from WordNet: the kind of thing that a gloss defines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.pretrained.wordnet import Synset, WordNet

Texts = dict[str, list[str]]
"""Class name -> its texts, in the order of the database."""


@dataclass(frozen=True)
class TextTask:
    """A task before sampling. `templates` are prompts with `{}` for the class name; `collect` finds its texts."""

    name: str
    templates: tuple[str, ...]
    collect: Callable[[WordNet], Texts]


_ABSTRACT: Final = {
    "act": "an act or action",
    "attribute": "a quality or attribute",
    "cognition": "knowledge and thought",
    "communication": "communication and language",
    "event": "an event",
    "feeling": "a feeling or emotion",
    "phenomenon": "a natural phenomenon",
    "possession": "money and possession",
    "process": "a process",
    "quantity": "a quantity or unit of measure",
    "relation": "a relation between things",
    "shape": "a shape",
    "state": "a state or condition",
    "time": "time",
}
_CONCRETE: Final = {
    "animal": "an animal",
    "artifact": "a man-made object",
    "body": "a part of the body",
    "food": "food and drink",
    "group": "a group of people or things",
    "location": "a place",
    "object": "a natural object",
    "person": "a person",
    "plant": "a plant",
    "substance": "a substance",
}
_VERBS: Final = {
    "body": "caring for the body",
    "change": "changing something",
    "cognition": "thinking",
    "communication": "speaking and telling",
    "competition": "fighting and competing",
    "consumption": "eating and drinking",
    "contact": "touching and hitting",
    "creation": "making and creating",
    "emotion": "feeling",
    "motion": "moving",
    "perception": "seeing and hearing",
    "possession": "buying, selling and owning",
    "social": "social and political behaviour",
    "stative": "being and having",
}
_TOPICS: Final = (
    "law",
    "military",
    "music",
    "chemistry",
    "computer science",
    "Greek mythology",
    "biology",
    "physics",
    "mathematics",
    "botany",
    "terrorism",
    "baseball",
    "sport",
    "medicine",
    "statistics",
    "cooking",
    "Roman Catholic",
    "linguistics",
    "genetics",
    "anatomy",
    "psychology",
    "geology",
)
_SUBTREES: Final = {
    "animals": "bird.1 fish.1 insect.1 snake.1 lizard.1 amphibian.3 carnivore.1 rodent.1 ungulate.1 primate.2 "
    "crustacean.1 mollusk.1 arachnid.1 dinosaur.1 aquatic_mammal.1 bird_genus.1 fish_genus.1 mammal_genus.1",
    "plants": "tree.1 shrub.1 herb.1 grass.1 fern.1 orchid.1 vine.1 fungus.1 cactus.1 conifer.1 wildflower.1 "
    "aquatic_plant.1 bulbous_plant.1 wood.1 dicot_genus.1 monocot_genus.1 fungus_genus.1",
    "artifacts": "clothing.1 vehicle.1 weapon.1 building.1 furniture.1 musical_instrument.1 tool.1 container.1 "
    "fabric.1 machine.1 vessel.2 electronic_equipment.1 room.1 road.1 kitchen_utensil.1 measuring_instrument.1 "
    "game_equipment.1 fastener.2 ornament.1 drug.1",
    "people": "scientist.1 leader.1 artist.1 criminal.1 relative.1 athlete.1 musician.1 writer.1 serviceman.1 "
    "religious_person.1 ruler.1 european.1 asian.1 african.1 philosopher.1 composer.1 actor.1 unpleasant_person.1 "
    "traveler.1 health_professional.1",
    "foods": "beverage.1 dish.2 edible_fruit.1 vegetable.1 bread.1 cheese.1 sauce.1 cake.3 dessert.1 meat.1 "
    "seasoning.1 alcohol.1 candy.1 seafood.1 soup.1",
    "substances": "chemical_element.1 acid.1 protein.1 mineral.1 alloy.1 fuel.1 salt.1 rock.2 gas.2 lipid.1 "
    "carbohydrate.1 hormone.1 medicine.2 soil.2 explosive.1 dye.1",
    "medicine": "disease.1 symptom.1 injury.1 mental_disorder.1 infection.1 cancer.1 inflammation.1 bone.1 muscle.1 "
    "artery.1 nerve.1 gland.1 cell.2 medical_procedure.1 plant_disease.1 animal_disease.1 antibiotic.1",
    "language": "document.1 music.1 symbol.1 natural_language.1 statement.1 poem.1 software.1 character.1 signal.1 "
    "publication.1 evidence.1 agreement.1 show.1 instruction.1 information.1",
    "places": "city.1 river.1 mountain_peak.1 island.1 country.2 lake.1 port.1 state.1 national_capital.1 "
    "constellation.2 desert.1 sea.1 university.2",
    "activities": "sport.1 game.1 crime.1 military_action.1 travel.1 payment.1 battle.1 occupation.1 commerce.1 "
    "wrongdoing.2 sexual_activity.1 worship.1 motion.3 manufacture.1",
    "ideas": "mathematics.1 physics.1 biology.1 philosophy.1 religion.1 doctrine.1 theory.1 plan.1 deity.1 number.2 "
    "monetary_unit.1 time_period.1 method.1 emotion.1 color.1 linguistics.1 social_science.1 earth_science.1",
}
"""Task -> the nouns that are its classes: a synset belongs to the class that is nearest above it."""

FEWEST: Final = 24
"""A class with fewer texts is left out."""


def _by_file(prefix: str, names: dict[str, str]) -> Callable[[WordNet], Texts]:
    """Definitions by lexicographer file."""

    def collect(wordnet: WordNet) -> Texts:
        classes: Texts = {name: [] for name in names.values()}
        for synset in wordnet.synsets.values():
            part, _, file = synset.file.partition(".")
            if part == prefix and file in names:
                classes[names[file]].append(synset.definition)
        return classes

    return collect


def _by_pointer(symbol: str, name: Callable[[Synset], str], names: tuple[str, ...]) -> Callable[[WordNet], Texts]:
    """Definitions of synsets by what the first pointer of a kind leads to."""

    def collect(wordnet: WordNet) -> Texts:
        classes: Texts = {each: [] for each in names}
        for synset in wordnet.synsets.values():
            targets = [wordnet.synsets[key] for kind, key in synset.pointers if kind == symbol]
            if targets and name(targets[0]) in classes:
                classes[name(targets[0])].append(synset.definition)
        return classes

    return collect


def _below(senses: str) -> Callable[[WordNet], Texts]:
    """Definitions of all that lies below the nouns, each once, under the noun that is nearest above it."""

    def collect(wordnet: WordNet) -> Texts:
        roots = [wordnet.noun(sense) for sense in senses.split()]
        below = {root.key: [synset.key for synset in wordnet.below(root)] for root in roots}
        owner: dict[tuple[str, str], tuple[str, str]] = {}
        for root in sorted(roots, key=lambda root: -len(below[root.key])):  # smaller subtrees take theirs last
            owner.update(dict.fromkeys(below[root.key], root.key))
        return {root.words[0]: list(_definitions(wordnet, owner, root.key)) for root in roots}

    return collect


def _definitions(
    wordnet: WordNet, owner: dict[tuple[str, str], tuple[str, str]], root: tuple[str, str]
) -> Iterator[str]:
    for key in sorted(owner):
        if owner[key] == root:
            yield wordnet.synsets[key].definition


def _file_of(synset: Synset) -> str:
    part, _, file = synset.file.partition(".")
    return (_CONCRETE | _ABSTRACT).get(file, "") if part == "noun" else ""


_PERTAINING: Final = tuple(
    (_CONCRETE | _ABSTRACT)[file]
    for file in [
        "cognition",
        "body",
        "location",
        "person",
        "communication",
        "act",
        "substance",
        "state",
        "animal",
        "artifact",
        "group",
        "plant",
    ]
)

TASKS: Final = (
    TextTask("abstractions", ("{}", "this is about {}"), _by_file("noun", _ABSTRACT)),
    TextTask("things", ("{}", "this is {}"), _by_file("noun", _CONCRETE)),
    TextTask("verbs", ("{}", "a verb of {}"), _by_file("verb", _VERBS)),
    TextTask("adjectives", ("relating to {}", "of or relating to {}"), _by_pointer("\\", _file_of, _PERTAINING)),
    TextTask("topics", ("{}", "a term from {}"), _by_pointer(";c", lambda synset: synset.words[0], _TOPICS)),
    *(TextTask(name, ("{}", "a kind of {}"), _below(senses)) for name, senses in _SUBTREES.items()),
)
"""All text tasks; streams of n tasks are made of the first n."""
