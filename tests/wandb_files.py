"""What W&B writes to a folder, read back with its own messages."""

import json
from typing import Any

from helpers import Copy

# Reads a file of W&B (LevelDB's log format) with the messages of the installed wandb.
READ = """
import json, struct, sys
from wandb.proto import wandb_internal_pb2 as messages

content = open(sys.argv[1], "rb").read()
position, whole, found = 7, b"", {"config": {}, "metrics": {}, "files": [], "artifacts": {}}
while position + 7 <= len(content):
    left = 32768 - position % 32768
    if left < 7:
        position += left
        continue
    size, kind = struct.unpack("<HB", content[position + 4 : position + 7])
    whole += content[position + 7 : position + 7 + size]
    position += 7 + size
    if kind not in (1, 4):  # neither a whole record nor the end of one
        continue
    record = messages.Record()
    record.ParseFromString(whole)
    whole = b""
    if record.HasField("run"):
        run = record.run
        found.update(id=run.run_id, project=run.project, name=run.display_name)
        found.update(tags=list(run.tags), job_type=run.job_type, group=run.run_group)
        found.update(notes=run.notes, commit=run.git.commit, repository=run.git.remote_url)
        found["config"] |= {each.key: json.loads(each.value_json) for each in run.config.update}
    if record.HasField("history"):
        for item in record.history.item:
            key = item.key or "/".join(item.nested_key)
            found["metrics"][key] = json.loads(item.value_json)
    if record.HasField("files"):
        found["files"] += [file.path for file in record.files.files]
    if record.HasField("artifact"):
        art = record.artifact
        found["artifacts"][art.name] = {
            "type": art.type, "aliases": list(art.aliases), "used": art.use_after_commit,
            "digest": art.digest, "metadata": json.loads(art.metadata or "{}"),
            "files": {each.path: each.local_path for each in art.manifest.contents},
        }
print(json.dumps(found))
"""


def wandb_runs(copy: Copy) -> list[dict[str, Any]]:
    """Return what each run folder of W&B holds."""
    return [
        {**json.loads(copy.run("python", "-c", READ, str(file)).stdout), "folder": file.parent}
        for file in sorted((copy.path / "wandb").glob("offline-run-*/*.wandb"))
    ]
