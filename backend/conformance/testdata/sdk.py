"""One call of JobSubmissionClient, for the conformance suite: sdk.py ADDRESS VERB [ARG…]; prints JSON."""

import asyncio
import json
import sys

from ray.job_submission import JobSubmissionClient

address, verb, *args = sys.argv[1:]
client = JobSubmissionClient(address)


async def tail(job_id):
    text = ""
    async for lines in client.tail_job_logs(job_id):
        text += lines
    return text


def details(job):
    return {"submission_id": job.submission_id, "status": str(job.status.value), "message": job.message}


if verb == "submit":
    job_id, working_dir, entrypoint = args
    env = {"working_dir": working_dir} if working_dir else None
    result = client.submit_job(entrypoint=entrypoint, submission_id=job_id, runtime_env=env, metadata={"by": "sdk"})
elif verb == "status":
    result = str(client.get_job_status(args[0]).value)
elif verb == "logs":
    result = client.get_job_logs(args[0])
elif verb == "follow":
    result = asyncio.run(tail(args[0]))
elif verb == "list":
    result = [details(job) for job in client.list_jobs()]
elif verb == "stop":
    result = client.stop_job(args[0])
elif verb == "delete":
    result = client.delete_job(args[0])
else:
    sys.exit(f"no verb {verb}")
print(json.dumps(result))
