"""The files of `corpus/` are answered as they were when they were kept: refused in words, or soundly read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.fuzz_corpus import LARGEST, MOST, Corpus
from benchmarks.fuzz_files import READERS, Reader
from benchmarks.fuzz_readers import bounded, main, run_cases

FOLDER = Path(__file__).with_name("corpus")
FILES = [path for name in READERS for path in Corpus(FOLDER).files(name)]
MOST_BYTES = 400_000
"""Of all together."""

FEWEST = 3
"""Files of each reader."""

Example = Callable[[Reader], Path]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The folder of a whole example, made once."""
    made: dict[str, Path] = {}

    def of(reader: Reader) -> Path:
        if reader.name not in made:
            made[reader.name] = tmp_path_factory.mktemp(reader.name)
            reader.make(made[reader.name])
        return made[reader.name]

    return of


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_kept_file_is_answered_as_before(path: Path, example: Example) -> None:
    reader = READERS[path.parent.name]
    with bounded():
        (_, told) = run_cases(reader, example(reader), [path], 0, 1)
    assert told["verdict"] == ("read" if path.name.startswith("read") else "refused"), told


def test_every_reader_has_files_and_all_are_small() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(READERS)
    for name in READERS:
        assert len(Corpus(FOLDER).files(name)) >= FEWEST
    sizes = [path.stat().st_size for path in FILES]
    assert max(sizes) <= LARGEST
    assert sum(sizes) < MOST_BYTES


def test_the_smallest_file_of_each_new_answer_is_kept(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    corpus.has("config", "ValueError of nothing in read: known")
    for answered, content in (
        ("ValueError of nothing in read: known", b"1"),
        ("ValueError of nothing in read: `a > 0` must hold", b"333"),
        ("ValueError of nothing in read: `a > 0` must hold", b"22"),
        ("read", b"4"),
        ("ValueError of nothing in read: too large to keep", b"5" * (LARGEST + 1)),
    ):
        corpus.found("config", answered, content, ".json")
    kept = corpus.save()
    assert [path.read_bytes() for path in kept] == [b"22", b"4"]
    assert [path.name[:12] for path in kept] == ["refused-a-mu", "read-3316.js"]
    assert corpus.files("config") == sorted(kept)


def test_a_run_adds_few_files_of_a_reader(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    for letter in "abcdefghijkl":
        corpus.found("config", f"ValueError of nothing in read: {letter}", b"1", ".json")
    assert len(corpus.save()) == MOST


def test_fuzzing_begins_with_the_corpus_and_adds_what_is_new(tmp_path: Path) -> None:
    """A second time the same cases add nothing: the files that were kept are answered as the cases were."""
    words = ["--minutes", "0", "--at-once", "10", "--only", "history", "--corpus", str(tmp_path)]
    first, again = (CliRunner().invoke(main, words) for _ in range(2))
    kept = Corpus(tmp_path).files("history")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.output.count("kept ") == len(kept) > 1
    assert "kept " not in again.output
    counts = [sum(map(int, done.output.splitlines()[1].split()[1:])) for done in (first, again)]
    assert counts == [10, 10 + len(kept)]
