"""Tabs, in a simulated browser over what a training, a search or the registry has left."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from nicegui import ui
from nicegui.testing import User

from dashboard.store import Store
from tests.dashboard.conftest import TRIES, eventually, figures, look, train, visit
from wallpaper import tracking
from wallpaper.pictures.colours import MARKS

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_the_latent_space_has_all_groups_and_isolates_one(drawn: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see("51 held-out patterns", retries=TRIES)
        await user.should_see("epoch 10", retries=TRIES)
        (plot,) = figures(user)
        named = [trace["name"] for trace in plot.figure["data"] if trace["type"] == "scattergl"]
        assert sorted(named) == sorted(MARKS)
        user.find(marker="group-p4m").click()
        bright = [trace["name"] for trace in plot.figure["data"] if trace.get("opacity", 0) > 0.5]
        assert bright == ["p4m"]
        user.find(marker="paths").click()
        assert "lines+markers" not in [trace["mode"] for trace in plot.figure["data"]]

    visit(drawn, act, path="/?tab=latent")


def test_paths_are_offered_only_where_there_are_some(drawn: Store, project: Path) -> None:
    file = project / "epoch_010" / "latent_space.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"trajectories": []}))  # as a VAE's training leaves it
    with tracking.start("vae", phase="train_vae", config={"epochs": 10}) as run:
        run.artifact(file.parent, "visualizations/epoch_010")
    look(drawn)
    with_paths = next(each.run_id for each in drawn.runs if each.name == "drawn")

    async def act(user: User) -> None:
        await user.should_see("51 held-out patterns", retries=TRIES)
        await user.should_see(marker="clusters")
        await user.should_not_see(marker="paths")
        await user.open(f"/?tab=latent&run={with_paths}")
        await user.should_see(marker="paths", retries=TRIES)

    visit(drawn, act, path=f"/?tab=latent&run={run.run_id}")


def test_another_pair_of_axes_is_chosen_where_there_are_three(drawn: Store, project: Path) -> None:
    file = project / "epoch_010" / "latent_space.json"
    told = json.loads(file.read_text())
    told["axes"] = [*told["axes"], "z3"]
    for each in [*told["groups"].values(), *told["trajectories"]]:
        each["points"] = [[*point, 30 + k] for k, point in enumerate(each["points"])]
    file.write_text(json.dumps(told))
    with tracking.start("three", phase="train_vae", config={"epochs": 10}) as run:
        run.artifact(file.parent, "visualizations/epoch_010")
    look(drawn)
    with_two = next(each.run_id for each in drawn.runs if each.name == "drawn")

    async def act(user: User) -> None:
        await user.should_see("51 held-out patterns", retries=TRIES)
        (axes,) = user.find(marker="axes").elements
        assert isinstance(axes, ui.toggle)
        axes.set_value("1,2")
        assert figures(user)[0].figure["data"][0]["y"] == [30, 31, 32]
        assert figures(user)[0].figure["layout"]["yaxis"]["title"]["text"] == "z3"
        await user.open(f"/?tab=latent&run={with_two}")
        await user.should_see("51 held-out patterns", retries=TRIES)
        await user.should_not_see(marker="axes")
        assert figures(user)[0].figure["layout"]["yaxis"]["title"]["text"] == "z2"

    visit(drawn, act, path=f"/?tab=latent&run={run.run_id}")


def test_a_run_that_trains_nothing_says_where_to_look(store: Store) -> None:
    with tracking.start("judged", phase="evaluate", config={}) as run:
        pass
    look(store)

    async def act(user: User) -> None:
        await user.should_see("An evaluation has no loss curve", retries=TRIES)
        user.find("Open Models").click()
        await user.should_see("No registered models yet", retries=TRIES)

    visit(store, act, path=f"/?tab=loss&run={run.run_id}")


def test_the_epoch_slider_goes_back(drawn: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see("epoch 10  ·  newest", retries=TRIES)
        (slider,) = user.find(marker="epoch-slider").elements
        assert isinstance(slider, ui.slider)
        slider.set_value(0)
        await user.should_see(ui.plotly, retries=TRIES)
        await eventually(lambda: figures(user)[0].figure["data"][0]["y"][0] == 5)

    visit(drawn, act, path="/?tab=latent")


@pytest.mark.parametrize("has_sheet", [True, False])
def test_points_show_their_patterns_where_the_run_left_a_sheet(drawn: Store, project: Path, has_sheet: bool) -> None:
    (run,) = drawn.runs
    if has_sheet:
        (project / "latent_patterns.jpg").write_bytes(b"tiles")
        tracking.initialise().client.log_artifact(run.run_id, str(project / "latent_patterns.jpg"), "visualizations")

    async def act(user: User) -> None:
        await user.should_see("51 held-out patterns", retries=TRIES)
        (tile,) = user.find(marker="hover-tile").elements
        assert ("data-sheet" in tile.props) == has_sheet
        if has_sheet:
            assert tile.props["data-columns"] == "32"
            fetched = await user.http_client.get("/" + tile.props["data-sheet"])
            assert (fetched.headers["content-type"], fetched.content) == ("image/jpeg", b"tiles")

    visit(drawn, act, path="/?tab=latent")


def shown_groups(user: User) -> list[str]:
    """Groups of the rows, from the top."""
    assert user.client is not None
    rows = [element for element in user.client.elements.values() if element.tag == "figure"]
    return [mark.removeprefix("row-") for row in rows for mark in row._markers]


@pytest.mark.parametrize(
    ("tab", "title"), [("latent", "No latent space yet"), ("reconstructions", "No reconstructions yet")]
)
def test_epochs_that_left_nothing_but_metrics_are_said_to_have_no_pictures(
    store: Store, project: Path, tab: str, title: str
) -> None:
    with tracking.start("bare", phase="train_vae") as run:
        train(run)
        (project / "metrics.json").write_text("{}")
        run.artifact(project / "metrics.json", "visualizations/epoch_005")
    look(store)

    async def act(user: User) -> None:
        await user.should_see(title, retries=TRIES)
        await user.should_see("The chosen run left no pictures of its epochs", retries=TRIES)
        await user.should_not_see("was not drawn")

    visit(store, act, path=f"/?tab={tab}")


def test_the_gallery_shows_transitions_rather_than_what_was_drawn_last(store: Store, project: Path) -> None:
    for name in ("latent_space.png", "p1_to_p6m.gif"):
        (project / name).write_bytes(b"x")
    with tracking.start("ode", phase="train_ode") as run:
        run.artifact(project / "p1_to_p6m.gif", "visualizations/epoch_005/transitions")
    with tracking.start("vae", phase="train_vae") as later:
        later.artifact(project / "latent_space.png", "visualizations/epoch_005")
    store.poll()

    async def act(user: User) -> None:
        await user.should_see("ode  ·  epoch 005", retries=TRIES)
        await user.should_see("p1 → p6m", retries=TRIES)

    visit(store, act, path="/?tab=overview")


def test_reconstructions_are_sorted_by_their_error(drawn: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see("mean 18.0 dB", retries=TRIES)
        (order,) = user.find(marker="order").elements
        assert isinstance(order, ui.toggle)
        order.set_value("worst")
        assert shown_groups(user)[0] == "p1"  # whose error is the largest
        order.set_value("best")
        assert shown_groups(user)[0] == "p6m"
        assert sorted(shown_groups(user)) == sorted(MARKS)

    visit(drawn, act, path="/?tab=reconstructions")


def test_the_log_is_filtered_searched_cleared_and_saved(trained: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see("8 of 8 lines", retries=TRIES)
        user.find(marker="search-log").type("epoch 3/6")
        await user.should_see("1 of 8 lines", retries=TRIES)
        user.find(marker="search-log").clear()
        (levels,) = user.find(marker="levels").elements
        assert isinstance(levels, ui.select)
        levels.set_value(["ERROR"])
        await user.should_see("No line matches", retries=TRIES)
        user.find(marker="download").click()
        saved = await user.download.next()
        assert "epoch 6/6  train/loss=1.333" in saved.text
        user.find(marker="clear_all").click()

    visit(trained, act, path="/?tab=logs")


def test_the_search_tab_filters_all_by_state(store: Store) -> None:
    with tracking.start("s", phase="search", config={"trials": 3}, tags={"search.objectives": "psnr"}) as parent:
        for number, tags in enumerate([{}, {"stopped_early": "true"}, {}]):
            about = {"search.trial": f"{number:03d}", **tags}
            config = {"beta": 10.0**-number, "epochs": 2}
            with tracking.start(
                f"t{number}", phase="train_vae", parent=parent.run_id, config=config, tags=about
            ) as trial:
                train(trial, 2)
                trial.log({"objective": 20.0 + number}, 2)
    look(store)

    async def act(user: User) -> None:
        await user.should_see("3 of 3 trials ended", retries=TRIES)
        await user.should_see("best psnr 22 (trial 2)", retries=TRIES)
        (table,) = user.find(ui.table).elements
        assert isinstance(table, ui.table)
        assert len(table.rows) == 3
        assert "beta" in [column["label"] for column in table.columns]
        (plot,) = [each for each in figures(user) if each.figure["data"][0]["type"] == "parcoords"]
        user.find(kind=ui.plotly).trigger("plotly_restyle", [["beta", [-1.1, -0.9]], ["psnr", None]])
        await user.should_see("1 of 3 trials, brushed", retries=TRIES)
        assert [row["s.beta"] for row in table.rows] == ["0.1"]
        tracking.initialise().client.set_tag(parent.run_id, "note", "news")
        store.poll()
        await asyncio.sleep(2.5)  # the page looks once a second
        trace = plot.figure["data"][0]
        assert ("constraintrange" in str(trace), len(table.rows)) == (True, 1)
        user.find(marker="clear-brush").click()
        await eventually(lambda: len(table.rows) == 3)
        cleared = plot.figure["data"][0]
        assert "constraintrange" not in str(cleared)
        assert cleared["uirevision"] != trace["uirevision"], "the browser would keep its brush"
        (states,) = user.find(marker="states").elements
        assert isinstance(states, ui.select)
        states.set_value(["stopped early"])
        await eventually(lambda: [row["state"] for row in table.rows] == ["stopped early"])

    visit(store, act, path="/?tab=search")


def test_models_show_aliases_and_mark_the_better_figure(store: Store) -> None:
    client = tracking.initialise().client
    client.create_registered_model("wallpaper-transition")
    for psnr in (20.0, 25.0):
        with tracking.start("register", phase="register") as run:
            run.log({"eval/psnr_test": psnr})
        client.create_model_version("wallpaper-transition", f"runs:/{run.run_id}/model", run.run_id)
    client.set_registered_model_alias("wallpaper-transition", "champion", "1")
    look(store)

    async def act(user: User) -> None:
        await user.should_see("champion", retries=TRIES)
        await user.should_see("★ 25", retries=TRIES)
        await user.should_not_see("★ 20")

    visit(store, act, path="/?tab=models")
