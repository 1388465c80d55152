"""A Job of Kubernetes: made, followed and deleted through its own client."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from autotrack.plugin import ProjectError, UsageError, attempt, shown

from .manifests import manifest, secret
from .options import Options, read

#: Seconds that one answer may take.
CALL = 30.0
_URIS = ("AUTOTRACK_TRACKING_URI", "MLFLOW_TRACKING_URI")
_HERE = re.compile(r"localhost|127\..*|::1|0\.0\.0\.0", re.IGNORECASE)


def submit(job: Any) -> Any:
    """Makes the Job; UsageError for what it must not have, ProjectError where the cluster does not take it."""
    options = read(job.config, job.docker.image if job.docker is not None else None)
    variables = dict(job.own)
    if options.tracking_uri is not None:
        variables |= {name: options.tracking_uri for name in _URIS if name in variables}
    else:
        _check_store(variables.get("AUTOTRACK_TRACKING_URI", ""))
    files = job.files_to_start_it(variables=variables)
    api, namespace = _client(options)
    from kubernetes import client

    batch, core = client.BatchV1Api(api), client.CoreV1Api(api)
    name = f"autotrack-{job.run_id}"
    made, error = attempt(
        batch.create_namespaced_job, namespace, manifest(name, job.name, job.run_id, options), _request_timeout=CALL
    )
    if made is None:
        raise ProjectError(f"kubernetes did not take {job.name} in the namespace {namespace}: {_said(error)}")
    submitted = PodJob(name, namespace, batch, core, options)
    try:  # its pod waits for the files
        _, error = attempt(
            core.create_namespaced_secret, namespace, secret(name, files, made.metadata), _request_timeout=CALL
        )
        if error is not None:
            raise ProjectError(f"kubernetes did not take the files of {job.name}: {_said(error)}")
    except BaseException:
        submitted.stop()
        raise
    return job.follow(submitted, f"{namespace}/{name}", every=options.poll)


class PodJob:
    """A Job that the cluster has taken, by its namespace and name."""

    def __init__(self, name: str, namespace: str, batch: Any, core: Any, options: Options) -> None:
        self._name, self._namespace = name, namespace
        self._batch, self._core, self._options = batch, core, options

    def standing(self) -> str:
        """The pod's phase, and why it waits: ``Pending (ImagePullBackOff)``."""
        pod = self._pod()
        if pod is None:
            return "waiting for a pod"
        state = self._state(pod)
        waits = state.waiting.reason if state is not None and state.waiting is not None else pod.status.reason
        return f"{pod.status.phase} ({waits})" if waits else str(pod.status.phase)

    def stop(self) -> None:
        """Deletes the Job, its pod and its files, without waiting."""
        attempt(
            self._batch.delete_namespaced_job,
            self._name,
            self._namespace,
            propagation_policy="Foreground",
            _request_timeout=CALL,
        )

    def tidy(self) -> None:
        """The cluster removes a Job that has ended, after ``keep`` seconds."""

    def look(self) -> int | None:
        """The exit code, or None while it waits or runs; ConnectionError where the cluster does not answer."""
        found, error = attempt(
            self._batch.read_namespaced_job_status, self._name, self._namespace, _request_timeout=CALL
        )
        if found is None:
            if getattr(error, "status", None) == 404:
                return -15  # somebody deleted it
            raise ConnectionError(f"kubernetes does not answer: {_said(error)}")
        for condition in found.status.conditions or ():
            if condition.status == "True" and condition.type in ("Complete", "Failed"):
                return 0 if condition.type == "Complete" else self._exit_code(condition.reason)
        return None

    def _exit_code(self, reason: str | None) -> int:
        pod = self._pod()
        state = self._state(pod) if pod is not None else None
        code = state.terminated.exit_code if state is not None and state.terminated is not None else None
        if reason == "DeadlineExceeded" or (pod is None and code is None):
            return -15  # ended by the cluster
        return code or 1

    def _pod(self) -> Any:
        found, _ = attempt(
            self._core.list_namespaced_pod,
            self._namespace,
            label_selector=f"job-name={self._name}",
            _request_timeout=CALL,
        )
        return found.items[0] if found is not None and found.items else None

    @staticmethod
    def _state(pod: Any) -> Any:
        states = pod.status.container_statuses or []
        return states[0].state if states else None

    def output(self, ended: threading.Event) -> Iterator[bytes]:
        """What the program writes, as it comes, once its container has started."""
        while True:
            over = ended.is_set()
            pod = self._pod()
            state = self._state(pod) if pod is not None else None
            if state is not None and (state.running is not None or state.terminated is not None):
                answer, _ = attempt(
                    self._core.read_namespaced_pod_log,
                    pod.metadata.name,
                    self._namespace,
                    follow=True,
                    _preload_content=False,
                )
                if answer is not None:
                    blocks = answer.stream(65536)
                    while (block := attempt(next, blocks, None)[0]) is not None:
                        yield block
                    return
            if over:
                return
            ended.wait(self._options.poll)


def _client(options: Options) -> tuple[Any, str]:
    """A client of the cluster, and the namespace: as the kubeconfig says, or the pod that this runs in."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise ProjectError("the backend kubernetes needs its client; pip install kubernetes") from None
    where = {"config_file": options.kubeconfig, "context": options.context}
    api, error = attempt(config.new_client_from_config, **where)
    if api is not None:
        contexts, _ = attempt(config.list_kube_config_contexts, options.kubeconfig)
        return api, options.namespace or _namespace(options.context, *(contexts or ([], {})))
    if options.kubeconfig is None and options.context is None:
        _, inside = attempt(config.load_incluster_config)
        if inside is None:
            return client.ApiClient(), options.namespace or "default"
    raise ProjectError(f"no cluster is known here: {_said(error)}; see `kubectl config view`")


def _namespace(context: str | None, contexts: list[dict[str, Any]], active: dict[str, Any]) -> str:
    """The namespace that a context of the kubeconfig (or the current one) is for."""
    chosen = next((found for found in contexts if context is not None and found.get("name") == context), active)
    return str((chosen.get("context") or {}).get("namespace") or "default")


def _said(error: Exception | None) -> str:
    """What the cluster answered, in a line."""
    body = getattr(error, "body", None)
    found = re.search(r'"message"\s*:\s*"((?:[^"\\]|\\.)*)"', body) if isinstance(body, str) else None
    return f"{found[1] if found else error!s:.400}".replace("\n", " ")[:400]


def _check_store(uri: str) -> None:
    """UsageError for a store that a pod cannot reach."""
    scheme, address = urlsplit(uri).scheme, urlsplit(uri).hostname or ""
    if scheme in ("", "file", "sqlite") or _HERE.fullmatch(address):
        raise UsageError(
            f"a pod cannot record into {shown(uri)}; start `autotrack server` where the cluster reaches it, and set "
            "AUTOTRACK_TRACKING_URI, or say what the pod is to use with -B tracking_uri=..."
        )
