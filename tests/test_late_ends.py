"""What `wallpaper sync` makes of runs that are over: a late file ends none again, a late end is the right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_journal import sync
from wallpaper import delivery, provenance, recorded, tracking
from wallpaper.journal import Head, Journal

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_a_file_that_was_kept_with_a_run_that_is_over_does_not_end_it_again(tmp_path: Path) -> None:
    """As a search does with its best trial's model; it is no sign of the trial's death."""
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        run.log({"loss": 1.0}, 1)
    (tmp_path / "model.bin").write_bytes(b"m")
    dead = Journal(tmp_path, Head(run.run_id, run.store.uri, provenance.host(), "1 12345"))
    dead.append({"file": [str(tmp_path / "model.bin"), ""]})
    code, said = sync(tmp_path)
    found = run.store.client.get_run(run.run_id)
    assert (code, found.info.status, "error" in found.data.tags) == (0, "FINISHED", False), said
    assert recorded.download(run.run_id, "model.bin").read_bytes() == b"m"


def test_a_run_whose_good_end_comes_late_says_of_no_death(tmp_path: Path) -> None:
    """A command that began meanwhile has closed it: its process was gone, and its end was only in the journal."""
    run = tracking.start("run", phase="test", folder=tmp_path)
    run.store.client.set_tag(run.run_id, "error", delivery.WITHOUT_A_WORD)
    run.store.client.set_terminated(run.run_id, "KILLED")
    dead = Journal(tmp_path, Head(run.run_id, run.store.uri, provenance.host(), "1 12345"))
    dead.append({"end": ["FINISHED", 6]})
    code, said = sync(tmp_path)
    found = run.store.client.get_run(run.run_id)
    assert (code, found.info.status, "error" in found.data.tags) == (0, "FINISHED", False), said
