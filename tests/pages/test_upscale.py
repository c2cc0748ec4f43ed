from __future__ import annotations

import re
from pathlib import Path
from typing import Never

import pytest
from streamlit.testing.v1 import AppTest

from db.actor import Actor
from db.errors import DatabaseFullError
from db.models import Job
from db.types import Lane
from studio.models.weights import Missing, WeightStore
from studio.params import INTERPOLATION, ImageFormat, UpscaleParams
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import make_job, make_record
from tests.pages.harness import Visit, button, model_links
from tests.pages.navigated import drop, markup, navigated
from tests.pictures import png
from tests.requests import request


def choose(visit: Visit, folder: Path, actor: Actor, *files: tuple[str, bytes]) -> AppTest:
    """The page with classic interpolation and ``files`` chosen."""
    page = visit(navigated(folder, "UPSCALE"), actor)
    page.selectbox(key="upscale.new.model").set_value(INTERPOLATION).run()
    drop(page, list(files))
    assert not page.exception
    return page


def test_upscale_without_a_restoration_model_links_to_what_upscale_uses(
    visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeightStore, "status", lambda *_: Missing(()))
    page = choose(visit, tmp_path, mei)
    assert model_links(page) == []
    page.selectbox(key="upscale.new.restore_model").set_value("gfpgan-1.4").run()
    assert model_links(page) == ["tool=upscale"]


def test_upscale_names_refused_files_until_dismissed_and_beside_the_runs(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("letter.png", b"Dear all"))
    drop(page, [("a.png", png(1)), ("b.png", png(2))])
    assert "letter.png" in markup(page)
    button(page, "Enlarge 2 pictures").click().run()
    assert "batch" in page.query_params
    assert "This file was not taken, so it is not run" in markup(page)
    button(page, "New run").click().run()
    assert "This file is not taken" in markup(page)
    button(page, "Dismiss").click().run()
    assert "letter.png" not in markup(page)


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
    assert any("about 15 s, from 1 run of this model" in each.value for each in page.caption)
    assert "→ 2000 × 1000 px<" in markup(page), "the time is told once"


def test_upscale_to_a_width_that_is_too_much_cannot_be_run(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("a.png", png(1)))
    page.segmented_control(key="upscale.new.by").set_value("width").run()
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


@pytest.mark.parametrize("error", [DatabaseFullError, TypeError])
@pytest.mark.parametrize("failing", ["app.ui.memory.finish", "app.ui.submitting.get_run"])
def test_upscale_that_was_queued_is_shown_whatever_fails_after_it(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    error: type[Exception],
) -> None:
    def fail(*_: object) -> Never:
        raise error

    page = choose(visit, tmp_path, mei, ("a.png", png(1)), ("b.png", png(2)))
    monkeypatch.setattr(failing, fail)
    page.button(key="upscale.run").click().run()
    assert not page.exception
    with services.database.read() as session:
        jobs = session.query(Job).all()
    assert len(jobs) == 2
    if failing == "app.ui.memory.finish":
        assert page.query_params == {"batch": str(jobs[0].batch_id)}
    else:
        assert page.query_params["job"] in {str(job.id) for job in jobs}


@pytest.mark.usefixtures("weights")
def test_upscale_asks_for_denoise_only_where_the_model_has_it(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("a.png", png(1)))
    assert "upscale.new.denoise" not in [slider.key for slider in page.slider]
    page.selectbox(key="upscale.new.model").set_value("realesr-general-x4v3-torch").run()
    assert page.slider(key="upscale.new.denoise").value == UpscaleParams().denoise


def test_upscale_by_a_little_can_be_run_without_the_network(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(WeightStore, "status", lambda *_: Missing(()))
    page = visit(navigated(tmp_path, "UPSCALE"), mei)
    page.selectbox(key="upscale.new.model").set_value("realesrgan-x4plus").run()
    drop(page, [("a.png", png(1, 80, 60))])
    assert page.button(key="upscale.run").disabled
    page.segmented_control(key="upscale.new.by").set_value("width").run()
    page.number_input(key="upscale.new.target_width_px").set_value(101).run()
    assert page.button(key="upscale.run").disabled
    page.number_input(key="upscale.new.target_width_px").set_value(100).run()
    page.button(key="upscale.run").click().run()
    with services.database.read() as session:
        [job] = session.query(Job)
    assert job.params["target_width_px"] == 100


@pytest.mark.usefixtures("weights")
def test_upscale_submits_face_restoration(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("a.png", png(1)))
    page.selectbox(key="upscale.new.restore_model").set_value("gfpgan-1.4").run()
    page.slider(key="upscale.new.restore_blend").set_value(0.6).run()
    page.segmented_control(key="upscale.new.scale").set_value(8).run()
    page.button(key="upscale.run").click().run()
    with services.database.read() as session:
        [job] = session.query(Job)
    expected = UpscaleParams(
        model=INTERPOLATION, scale=8, restore_model="gfpgan-1.4", restore_blend=0.6
    )
    assert UpscaleParams.model_validate(job.params) == expected


def test_upscale_with_a_restoration_that_is_not_installed_cannot_be_run(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = choose(visit, tmp_path, mei, ("a.png", png(1)))
    page.selectbox(key="upscale.new.restore_model").set_value("codeformer").run()
    assert page.button(key="upscale.run").disabled


def test_upscale_result_in_another_format_is_a_link_with_its_exact_size(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "cat.png", png(1))
    params = UpscaleParams(model=INTERPOLATION)
    [job_id] = submit(services, mei, request(params, {"image": stored}))
    assert run_next(services, Lane.CPU)
    page = visit(navigated(tmp_path, "UPSCALE"), mei)
    page.query_params["job"] = str(job_id)
    page.run()
    page.segmented_control(key=f"export.{job_id.hex}.format").set_value(ImageFormat.JPEG).run()
    button(page, "Convert").click().run()
    assert not page.exception
    [address] = re.findall(r'href="(/exports/[^"]*)"', markup(page))
    assert address.endswith("/cat-upscaled.jpg")
    [made] = (services.settings.data_dir / "exports").rglob("*.jpeg")
    assert f"cat-upscaled.jpg, exactly {made.stat().st_size:,} bytes." in [
        each.value for each in page.caption
    ]
