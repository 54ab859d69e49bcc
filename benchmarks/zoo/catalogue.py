"""The kinds of image that the zoo knows: bases are pretrained on them, tasks are made of them."""

from benchmarks.zoo import diagrams, distortions, drawings, glyphs, handwriting, photographs
from benchmarks.zoo.images import Kind

_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

KINDS: tuple[Kind, ...] = (
    Kind("digits", _DIGIT_WORDS, ("the digit {}.", "a handwritten {}."), handwriting.sample_digits),
    Kind(
        "textures",
        tuple(photographs.TEXTURES),
        ("a surface of {}.", "a close view of {}."),
        photographs.sample_textures,
    ),
    Kind("letters", tuple(glyphs.LETTERS.lower()), ("the letter {}.", "a capital {}."), glyphs.sample_letters),
    Kind("stripes", drawings.SLANTS, ("{} stripes.", "a grating with {} lines."), drawings.sample_stripes),
    Kind("scenes", tuple(photographs.SCENES), ("a photo of a {}.", "a picture of a {}."), photographs.sample_scenes),
    Kind("shapes", drawings.SHAPES, ("a drawing of a {}.", "a {} shape."), drawings.sample_shapes),
    Kind("counts", drawings.COUNTS, ("{} dots.", "an image with {} dots."), drawings.sample_counts),
    Kind("colours", tuple(drawings.COLOURS), ("something {}.", "a {} thing."), drawings.sample_colours),
    Kind("signs", tuple(glyphs.SIGNS), ("the mathematical sign {}.", "a {} sign."), glyphs.sample_signs),
    Kind("clocks", diagrams.HOURS, ("a clock at {}.", "{} o'clock."), diagrams.sample_clocks),
    Kind("charts", tuple(diagrams.CHARTS), ("a {} chart.", "a {} plot of data."), diagrams.sample_charts),
    Kind(
        "distortions",
        tuple(distortions.DISTORTIONS),
        ("a {} photo.", "a picture that is {}."),
        distortions.sample_distortions,
    ),
)
"""All of them; a plan says which are used."""


def kind(name: str) -> Kind:
    """The kind of that name; raises KeyError when there is none."""
    return {kind.name: kind for kind in KINDS}[name]
