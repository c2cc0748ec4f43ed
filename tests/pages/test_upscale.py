from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from db.actor import Actor
from db.models import Job
from studio.params import INTERPOLATION, ImageFormat, UpscaleParams
from tasks.services import Services
from tests.factories import make_job, make_record
from tests.pages.harness import Visit
from tests.pages.navigated import drop, markup, navigated
from tests.people import make_person
from tests.pictures import png


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


def choose(visit: Visit, folder: Path, actor: Actor, *files: tuple[str, bytes]) -> AppTest:
    """The page with classic interpolation and ``files`` chosen."""
    page = visit(navigated(folder, "UPSCALE"), actor)
    page.selectbox(key="upscale.new.model").set_value(INTERPOLATION).run()
    drop(page, list(files))
    assert not page.exception
    return page


def test_upscale_says_the_result_size_of_each_picture(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("a.png", png(1)), ("b.png", png(2, 40, 30)))
    assert "→ 48 × 32 px" in markup(page)
    page.segmented_control(key="upscale.new.scale").set_value(4).run()
    assert "→ 96 × 64 px" in markup(page)
    assert "→ 160 × 120 px" in markup(page)


def test_upscale_estimate_rests_on_past_runs(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    params = {"tool": "upscale", "model": INTERPOLATION}
    record = make_record(run_s=31, weights_sha256=None) | {"input_megapixels": 1.0}
    with services.database.write() as session:
        make_job(session, mei, tool="upscale", params=params, record=record)
    page = choose(visit, tmp_path, mei, ("a.png", png(1, 1000, 500)))
    assert any("about 16 s, from 1 run of this model" in each.value for each in page.caption)


def test_upscale_to_a_width_that_is_too_much_cannot_be_run(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("a.png", png(1)))
    page.segmented_control(key="upscale.new.by").set_value("To a width").run()
    page.number_input(key="upscale.new.target_width_px").set_value(30_000).run()
    assert "600 megapixels, and the limit is 80" in markup(page)
    assert page.button(key="upscale.run").disabled
    page.number_input(key="upscale.new.target_width_px").set_value(10).run()
    assert "does not enlarge a picture 24 px wide" in markup(page)
    page.number_input(key="upscale.new.target_width_px").set_value(100).run()
    assert not page.button(key="upscale.run").disabled


def test_upscale_submits_format_and_quality(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("a.png", png(1)))
    page.segmented_control(key="upscale.new.format").set_value(ImageFormat.WEBP).run()
    page.slider(key="upscale.new.quality").set_value(70).run()
    page.button(key="upscale.run").click().run()
    with services.database.read() as session:
        [job] = session.query(Job)
    expected = UpscaleParams(model=INTERPOLATION, format=ImageFormat.WEBP, quality=70)
    assert UpscaleParams.model_validate(job.params) == expected
