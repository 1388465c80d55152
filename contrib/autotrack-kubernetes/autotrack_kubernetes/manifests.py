"""A job as a Secret with its files, and a Job that starts them: the client's own models, and nothing that is text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from autotrack.plugin import ProjectError

from .options import Options

#: Where the files are in the container. What is run is the same for every job.
FOLDER = "/autotrack"
COMMAND = ("python", f"{FOLDER}/start.py")
#: Bytes that a Secret may have.
LARGEST = 1_000_000


def secret(name: str, files: Mapping[str, bytes], owner: Any) -> Any:
    """The Secret with the job's files, which goes when its Job goes (``owner``: that Job's metadata)."""
    from kubernetes import client

    size = sum(len(content) for content in files.values())
    if size > LARGEST:
        raise ProjectError(
            f"the project has {size:,} bytes when packed, and a job of Kubernetes carries {LARGEST:,}; put data and "
            "large files where a URI names them"
        )
    reference = client.V1OwnerReference(
        api_version="batch/v1", kind="Job", name=owner.name, uid=owner.uid, block_owner_deletion=True, controller=True
    )
    return client.V1Secret(
        api_version="v1",
        kind="Secret",
        metadata=client.V1ObjectMeta(name=name, owner_references=[reference]),
        type="Opaque",
        immutable=True,
        data={file: base64.b64encode(content).decode("ascii") for file, content in files.items()},
    )


def manifest(name: str, title: str, run_id: str, options: Options) -> Any:
    """The Job: one try, one container, which reads its files from the Secret of the same name."""
    from kubernetes import client

    limits = {"cpu": options.cpu, "memory": options.memory, "nvidia.com/gpu": options.gpus}
    limits = {resource: quantity for resource, quantity in limits.items() if quantity is not None}
    labels = {"app.kubernetes.io/managed-by": "autotrack", "autotrack/run": run_id}
    container = client.V1Container(
        name="program",
        image=options.image,
        command=list(COMMAND),
        env=[client.V1EnvVar(name="PYTHONUNBUFFERED", value="1")],
        resources=client.V1ResourceRequirements(limits=limits, requests=limits) if limits else None,
        security_context=client.V1SecurityContext(allow_privilege_escalation=False),
        volume_mounts=[client.V1VolumeMount(name="job", mount_path=FOLDER, read_only=True)],
    )
    pod = client.V1PodSpec(
        restart_policy="Never",
        containers=[container],
        volumes=[client.V1Volume(name="job", secret=client.V1SecretVolumeSource(secret_name=name, default_mode=0o444))],
        service_account_name=options.service_account,
        automount_service_account_token=options.service_account is not None,
        image_pull_secrets=[client.V1LocalObjectReference(name=options.pull_secret)] if options.pull_secret else None,
        node_selector=dict(options.node_selector) or None,
    )
    return client.V1Job(
        api_version="batch/v1",
        kind="Job",
        metadata=client.V1ObjectMeta(name=name, labels=labels, annotations={"autotrack/project": _line(title)}),
        spec=client.V1JobSpec(
            backoff_limit=0,
            ttl_seconds_after_finished=options.keep,
            template=client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=pod),
        ),
    )


def _line(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:200]
