"""Lists, hashes, sets and sorted sets inside this process: a queue of jobs that survives a restart, and who did what.

`python examples/job_queue.py [PATH]`
"""

import sys
import tempfile
from pathlib import Path

import kvark

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "jobs.kvark"

with kvark.open(path) as db:
    queue = db.lists(codec="json")["jobs:waiting"]
    queue.extend({"task": task, "minutes": minutes} for task, minutes in [("paint", 90), ("sand", 30), ("oil", 45)])
    # What is being worked on is in a list too: a worker that dies loses no job.
    job = queue.move_to("jobs:running", take="left", put="right")
    print(f"{job['task']} is being done, {len(queue)} wait")

# Opened again, as after a restart: everything is still there.
with kvark.open(path) as db:
    running, minutes = db.lists(codec="json")["jobs:running"], db.zsets(codec="str")["minutes"]
    done = running.pop()
    minutes.increment("ada", done["minutes"])
    minutes.update(grace=60)
    db.hashes["worker:ada"].update(name="Ada", last=done["task"])
    db.sets(codec="str")["on duty"] |= {"ada", "grace"}

    print(f"{minutes.range(reverse=True)[0][0]} has worked most: {minutes['ada']:.0f} minutes")
    print(db.hashes(codec="str")["worker:ada"].to_dict())
    print(sorted(db.sets(codec="str")["on duty"]), len(running))
