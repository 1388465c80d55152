"""What MLflow's clients ask of a server before anything else."""

from __future__ import annotations

from ..answers import Answer
from ..calls import Call
from ..routing import PUBLIC, Table

#: The version of MLflow whose API this is.
SPEAKS = "3.17.2"
TEXT = "text/plain; charset=utf-8"

ROUTES = Table("", mlflow=True)


@ROUTES.get("/health", PUBLIC, answers_with_bytes=TEXT)
async def health(call: Call) -> Answer:
    """Says OK while the server answers."""
    return Answer(b"OK", media=TEXT)


@ROUTES.get("/version", PUBLIC, answers_with_bytes=TEXT)
async def version(call: Call) -> Answer:
    """The version of MLflow whose API is spoken here."""
    return Answer(SPEAKS.encode(), media=TEXT)


@ROUTES.get("/api/3.0/mlflow/server-info", PUBLIC)
async def server_info(call: Call) -> dict[str, object]:
    """Which optional parts of the API there are."""
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "trace_archival_enabled": False,
        "features_enabled": {},
    }
