"""An event loop with many small tasks."""

import asyncio

from workload import run


async def answer(i):
    await asyncio.sleep(0)
    return {"number": i, "text": f"answer {i}"}


async def serve(rounds):
    for _ in range(rounds):
        answers = await asyncio.gather(*(answer(i) for i in range(50)))
        assert len(answers) == 50


def work(rounds):
    asyncio.run(serve(rounds))


run(work, 4500)
