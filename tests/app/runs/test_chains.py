from __future__ import annotations

import shlex
from itertools import pairwise
from uuid import UUID

import pytest

from app.commands.chain_steps import parse_step
from app.runs.chains import (
    Chain,
    chain_command,
    chain_fault,
    chain_fields,
    chain_of,
    chain_recipe,
)
from db.actor import Actor
from db.models import Job
from db.types import Lane
from studio.params import CutoutParams, UpscaleParams
from studio.params.cutout import CutoutOutput
from tasks.chains import ChainRequest, ResultOfStep, Step, submit_chain
from tasks.execute import run_next
from tasks.requests import ResultOf
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import load_job
from tests.people import make_person
from tests.pictures import png
from tests.requests import request

THRICE = UpscaleParams(model="interpolation", scale=3)
EIGHTFOLD = UpscaleParams(model="interpolation", scale=8)
WHITE = CutoutParams(output=CutoutOutput.COLOUR, colour="#fefefe")
STEPS = [Step(THRICE), Step(EIGHTFOLD), Step(WHITE, {"alpha": [ResultOfStep(1)]})]


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


@pytest.fixture
def run_id(services: Services, mei: Actor) -> UUID:
    """What a chain of Mei's ends in, of which nothing has run yet."""
    picture = store_upload(services, "my cat.png", png(1))
    [run] = submit_chain(services, mei, ChainRequest([picture], STEPS))
    return run


def chain_at(services: Services, actor: Actor, job_id: UUID) -> Chain:
    return chain_of(services, actor, load_job(services.database, job_id))


@pytest.mark.parametrize("steps_done", [0, 2])
def test_chain_of_its_run_has_all_steps_in_order_and_repeats_them(
    services: Services, mei: Actor, run_id: UUID, steps_done: int
) -> None:
    for _ in range(steps_done):
        assert run_next(services, Lane.CPU)
    chain = chain_at(services, mei, run_id)
    assert [job.tool for job in chain.jobs] == ["upscale", "upscale", "cutout"]
    assert [row.id for row in chain.rows] == [job.id for job in chain.jobs]
    assert (chain.jobs[-1].id, chain.number) == (run_id, 3)
    assert chain_fields(chain) == ["3.alpha=step:1"]
    recipes = chain_recipe(chain)
    assert isinstance(recipes, list)
    assert [each["params"].get("scale") for each in recipes] == [3, 8, None]

    words = shlex.split(chain_command(chain))
    assert words[:4] == ["studio", "run", "chain", "my cat.png"]
    texts = [text for flag, text in pairwise(words) if flag == "--step"]
    steps = [parse_step(text, number) for number, text in enumerate(texts, 1)]
    assert [step.params for step in steps] == [THRICE, EIGHTFOLD, WHITE]
    assert [step.further for step in steps] == [[], [], [("alpha", "step:1")]]


def test_chain_of_a_step_ends_with_it_and_knows_the_rest(
    services: Services, mei: Actor, run_id: UUID
) -> None:
    whole = chain_at(services, mei, run_id)
    first, second = (chain_at(services, mei, job.id) for job in whole.jobs[:2])
    assert (first.number, second.number, len(first.jobs)) == (1, 2, 3)
    assert chain_command(first) == (
        "studio run upscale 'my cat.png' --model interpolation --scale 3"
    )
    assert "cutout" not in chain_command(second)
    assert isinstance(chain_recipe(first), dict)
    assert not [*chain_fields(first), *chain_fields(second)]


def test_chain_of_a_run_that_others_see_and_its_owner_sees_is_the_same(
    services: Services, mei: Actor, run_id: UUID
) -> None:
    ann = make_person(services, "ann")
    assert len(chain_at(services, ann, run_id).jobs) == 3


def test_run_made_from_a_result_is_a_chain_of_one(services: Services, mei: Actor) -> None:
    picture = store_upload(services, "-cat.png", png(1))
    [first] = submit(services, mei, request(THRICE, {"image": picture}))
    [second] = submit(services, mei, request(THRICE, {"image": ResultOf(first)}))
    chain = chain_at(services, mei, second)
    assert ([job.id for job in chain.jobs], chain.number) == ([second], 1)
    assert chain_command(chain).startswith("studio run upscale PHOTO ")
    assert chain_command(chain_at(services, mei, first)).endswith(" -- -cat.png")


def test_chain_with_a_step_that_cannot_be_read_says_why(
    services: Services, mei: Actor, run_id: UUID
) -> None:
    first = chain_at(services, mei, run_id).jobs[0]
    assert chain_fault(chain_at(services, mei, run_id)) is None
    with services.database.write() as session:
        session.get_one(Job, first.id).params_version = 99
    fault = chain_fault(chain_at(services, mei, run_id))
    assert fault is not None
    assert fault.code == "params.newer"


@pytest.mark.parametrize("text", ["step:2", "step:2/alpha", "step:2/image/1"])
def test_result_of_step_is_written_as_it_is_read(text: str) -> None:
    assert str(ResultOfStep.parse(text)) == text
