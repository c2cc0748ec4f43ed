from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.testclient import TestClient

from app.people.sessions import create_api_token
from tasks.services import Services
from tests.people import HERE, make_person
from tests.pictures import png


@pytest.mark.slow
def test_forms_of_one_person_are_taken_in_a_few_at_once_and_hold_up_nobody_else(
    services: Services, browser: TestClient
) -> None:
    tokens = {
        name: create_api_token(services, make_person(services, name), "tests", HERE)
        for name in ("mei", "tom")
    }
    begun: list[int] = []

    async def scene() -> tuple[list[httpx.Response], httpx.Response, int]:
        may_end = asyncio.Event()
        transport = httpx.ASGITransport(browser.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://studio.test") as client:

            async def slow_body(number: int) -> AsyncIterator[bytes]:
                begun.append(number)
                yield b"--x\r\n"
                await may_end.wait()
                yield b"--x--\r\n"

            async def send_slowly(number: int) -> httpx.Response:
                headers = {
                    "Authorization": f"Bearer {tokens['mei']}",
                    "Content-Type": "multipart/form-data; boundary=x",
                }
                body = slow_body(number)
                return await client.post("/api/v1/jobs", content=body, headers=headers)

            sending = [asyncio.create_task(send_slowly(number)) for number in range(106)]
            done: set[asyncio.Task[httpx.Response]] = set()
            while len(done) < 2:
                done, _ = await asyncio.wait(sending, timeout=0.05)
            others = await client.post(
                "/api/v1/jobs",
                data={"tool": "upscale", "params": '{"model": "interpolation"}'},
                files={"image": ("a.png", png())},
                headers={"Authorization": f"Bearer {tokens['tom']}"},
            )
            at_once = len(begun)
            may_end.set()
            return await asyncio.gather(*sending), others, at_once

    answers, others, at_once = asyncio.run(scene())

    assert others.status_code == 202
    assert at_once == 4
    assert Counter(answer.status_code for answer in answers) == {422: 104, 429: 2}
    [refused, _] = [answer for answer in answers if answer.status_code == 429]
    assert refused.json()["code"] == "request.too_many"
    assert int(refused.headers["retry-after"]) > 0
