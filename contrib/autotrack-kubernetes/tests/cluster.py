"""A small cluster for tests: the endpoints of an API server that a Job needs, and a kubelet that runs its container's
command here. It takes manifests apart strictly, and is no Kubernetes: no admission, no scheduling, no images.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kubernetes import client

JOBS = re.compile(r"/apis/batch/v1/namespaces/([^/]+)/jobs(?:/([^/]+))?(?:/status)?")
SECRETS = re.compile(r"/api/v1/namespaces/([^/]+)/secrets")
PODS = re.compile(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)/log)?")


class Cluster:
    """The objects of the cluster. ``posted`` are the manifests as they came over the wire."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.posted: list[dict[str, Any]] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.deleted: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer(*cluster.make(self.path.partition("?")[0], body))

            def do_DELETE(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.answer(*cluster.remove(self.path))

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                pods = PODS.fullmatch(path)
                if pods and pods[2]:
                    self.log(pods[2])
                else:
                    self.answer(*cluster.look(path, query))

            def answer(self, status: int, document: dict[str, Any]) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log(self, pod: str) -> None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                process = cluster.processes[pod.removesuffix("-pod")]
                assert process.stdout is not None
                while block := process.stdout.read1(65536):  # type: ignore[union-attr]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
                self.wfile.write(b"0\r\n\r\n")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.communicate()
        self.server.shutdown()
        self.server.server_close()

    def make(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if found := JOBS.fullmatch(path):
            if found[1] == "forbidden":
                return 403, {"kind": "Status", "message": 'jobs.batch is forbidden: User "x" cannot create it'}
            strictly(body, "V1Job")
            name = body["metadata"]["name"]
            body["metadata"]["uid"] = f"uid-of-{name}"
            self.jobs[name] = body
        elif SECRETS.fullmatch(path):
            strictly(body, "V1Secret")
            (owner,) = body["metadata"]["ownerReferences"]
            assert owner["uid"] == f"uid-of-{body['metadata']['name']}" and owner["kind"] == "Job"
            self.start(body["metadata"]["name"], body["data"])
        else:
            return 404, {"kind": "Status", "message": f"no {path}"}
        self.posted.append(body)
        return 201, body

    def start(self, name: str, data: dict[str, str]) -> None:
        """The pod: the Secret as files where the container sees them, and its command."""
        spec = self.jobs[name]["spec"]["template"]["spec"]
        (container,), (volume,) = spec["containers"], spec["volumes"]
        (mount,) = container["volumeMounts"]
        assert volume["secret"]["secretName"] == name and mount["name"] == volume["name"]
        place = self.folder / name
        place.mkdir()
        for file, content in data.items():
            (place / file).write_bytes(base64.b64decode(content, validate=True))
        words = [word.replace(mount["mountPath"], str(place)) for word in container["command"]]
        environment = {variable["name"]: variable["value"] for variable in container["env"]}
        environment["PATH"] = "/usr/bin:/bin"
        environment["PYTHONPATH"] = ":".join(entry for entry in sys.path if entry)
        words[0] = {"python": sys.executable}[words[0]]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.processes[name] = subprocess.Popen(words, cwd="/", env=environment, start_new_session=True, **output)

    def look(self, path: str, query: str) -> tuple[int, dict[str, Any]]:
        if (found := JOBS.fullmatch(path)) and found[2]:
            if found[2] not in self.jobs:
                return 404, {"kind": "Status", "message": "not found"}
            return 200, {**self.jobs[found[2]], "status": self.status(found[2])}
        name = query.partition("job-name%3D")[2].partition("&")[0]
        process = self.processes.get(name)
        if process is None or name not in self.jobs:
            return 200, {"kind": "PodList", "items": []}
        code = process.poll()
        state = {"running": {}} if code is None else {"terminated": {"exitCode": code if code >= 0 else 128 - code}}
        status = {"name": "program", "image": "x", "imageID": "x", "ready": True, "restartCount": 0, "state": state}
        phase = "Running" if code is None else "Failed" if code else "Succeeded"
        pod = {"metadata": {"name": f"{name}-pod"}, "status": {"phase": phase, "containerStatuses": [status]}}
        return 200, {"kind": "PodList", "items": [pod]}

    def status(self, name: str) -> dict[str, Any]:
        process = self.processes.get(name)
        code = process.poll() if process is not None else None
        if code is None:
            return {"active": 1}
        kind = {"type": "Failed", "reason": "BackoffLimitExceeded"} if code else {"type": "Complete"}
        return {"conditions": [{**kind, "status": "True"}]}

    def remove(self, path: str) -> tuple[int, dict[str, Any]]:
        path, _, query = path.partition("?")
        found = JOBS.fullmatch(path)
        assert found is not None
        self.deleted.append((found[2], query))
        self.jobs.pop(found[2], None)
        if process := self.processes.get(found[2]):
            process.terminate()
            process.wait(30)
        return 200, {"kind": "Status", "status": "Success"}


def strictly(body: dict[str, Any], model: str) -> None:
    """Nothing in the manifest that the client's model of the API does not know, and nothing that it misses."""
    api = client.ApiClient()
    found = api.deserialize(json.dumps(body), model, "application/json")
    assert api.sanitize_for_serialization(found) == body


def until(true: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
