"""RQ with Kvark, over the wire or inside the process.

    python rq_jobs.py redis://127.0.0.1:6379/0    # a server, as RQ has it anywhere
    python rq_jobs.py jobs.kvark                  # a store of this process; its worker does not fork

A worker finds its functions by name, so they are in a module that it can import: here the standard library's.
"""

import math
import statistics
import sys
from datetime import timedelta

import kvark
import kvark.redis
import redis
from rq import Queue, Retry, SimpleWorker
from rq.job import Job, JobStatus


def main(where: str) -> None:
    if "://" in where:
        with redis.Redis.from_url(where) as client:
            return work(client)
    with kvark.open(where) as store, kvark.redis.client(store) as client:
        return work(client)


def work(client: redis.Redis) -> None:
    queue, urgent = Queue("default", connection=client), Queue("urgent", connection=client)
    mean = queue.enqueue(statistics.mean, [1, 2, 3, 4])
    root = urgent.enqueue(math.sqrt, 49)
    behind = queue.enqueue(math.factorial, 5, depends_on=mean)
    fails = queue.enqueue(math.sqrt, -1, retry=Retry(max=2))
    later = queue.enqueue_in(timedelta(hours=1), math.sqrt, 4)
    print(f"{len(urgent)} urgent, {len(queue)} others, {queue.deferred_job_registry.count} behind another")

    SimpleWorker([urgent, queue], connection=client).work(burst=True, logging_level="CRITICAL")
    print(mean.return_value(), root.return_value(), behind.return_value())
    print(Job.fetch(fails.id, connection=client).get_status() == JobStatus.FAILED, queue.failed_job_registry.count)
    print(later.get_status() == JobStatus.SCHEDULED, queue.scheduled_job_registry.count)


if __name__ == "__main__":
    main(sys.argv[1])
