"""The kinds of image: what is drawn, from what, and that splits stay apart."""

from itertools import combinations

import numpy as np
import pytest

from benchmarks.zoo import network, photographs
from benchmarks.zoo.catalogue import KINDS, kind
from benchmarks.zoo.images import SIZE, Kind, Labelled, Split, balanced_labels, stream

each_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


def draw(kind: Kind, split: Split, count: int = 60, seed: int = 0) -> Labelled:
    return kind.sample(split, count, stream(seed, kind.name, split))


@each_kind
def test_the_same_stream_draws_the_same_images_and_another_seed_others(kind: Kind) -> None:
    first, again, other = draw(kind, Split.TRAIN), draw(kind, Split.TRAIN), draw(kind, Split.TRAIN, seed=1)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.images, other.images)


@each_kind
def test_no_image_is_in_two_splits(kind: Kind) -> None:
    seen = {split: {image.tobytes() for image in draw(kind, split, 100).images} for split in Split}
    assert all(not seen[a] & seen[b] for a, b in combinations(Split, 2))


@each_kind
def test_every_class_is_drawn_and_has_a_name(kind: Kind) -> None:
    for split in Split:
        result = draw(kind, split, 100)
        assert result.images.shape == (100, 3, SIZE, SIZE)
        assert set(result.labels.tolist()) == set(range(len(kind.classnames)))


@each_kind
def test_images_of_a_class_differ_from_each_other(kind: Kind) -> None:
    result = draw(kind, Split.TRAIN, 100)
    of_first = result.images[result.labels == 0]
    assert len({image.tobytes() for image in of_first}) == len(of_first)


def test_photographs_give_each_split_tiles_of_its_own() -> None:
    for name in (*photographs.TEXTURES.values(), *photographs.SCENES.values()):
        train, calibration, test = (
            set(photographs.tiles(name, s)) for s in (Split.TRAIN, Split.CALIBRATION, Split.TEST)
        )
        assert min(len(train), len(calibration), len(test)) >= 3, name
        assert not train & calibration | train & test | calibration & test


def test_handwritten_digits_of_a_split_are_drawn_once_each() -> None:
    result = draw(kind("digits"), Split.TEST, 10_000)
    assert len(result.labels) == 537


def test_prompts_are_distinct_and_fit_the_text_tower() -> None:
    prompts = [template.format(name) for kind in KINDS for name in kind.classnames for template in kind.templates]
    assert len(set(prompts)) == len(prompts)
    assert (network.tokens(prompts)[:, -1] == 0).all()  # Room is left after the end token: nothing was cut off.


def test_labels_are_balanced() -> None:
    counts = np.bincount(balanced_labels(103, 10, np.random.default_rng(0)))
    assert set(counts) == {10, 11}


def test_labelled_refuses_other_shapes_and_dtypes() -> None:
    images, labels = np.zeros((2, 3, SIZE, SIZE), np.uint8), np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="images must be uint8"):
        Labelled(images.astype(np.float32), labels)
    with pytest.raises(ValueError, match="labels must be int64"):
        Labelled(images, labels[:1])


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        kind("clouds")
