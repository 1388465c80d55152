"""The bodies of MLflow's requests about models, and what it lets through as a name or a tag of one."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from autotrack.core.keys import check_text
from autotrack.core.registered import check_model_name

from ..errors import invalid
from .names import key_of
from .wire import Enumerated, Tags, Text, Texts, Whole

TAG_VALUE = 100_000


class ModelName(Struct):
    name: Text = None


class CreateModel(ModelName):
    tags: Tags = None
    description: Text = None


class RenameModel(ModelName):
    new_name: Text = None


class DescribeModel(ModelName):
    description: Text = None


class SearchModels(Struct):
    filter: Text = None
    max_results: Whole = None
    order_by: Texts = None
    page_token: Text = None


class LatestVersions(ModelName):
    stages: Texts = None


class ModelTag(ModelName):
    key: Text = None
    value: Text = None


class Alias(ModelName):
    alias: Text = None
    version: Whole = None


class VersionOf(ModelName):
    version: Whole = None


class FileOfVersion(VersionOf):
    path: Text = None


class CreateVersion(ModelName):
    source: Text = None
    run_id: Text = None
    tags: Tags = None
    run_link: Text = None
    description: Text = None
    model_id: Text = None


class DescribeVersion(VersionOf):
    description: Text = None


class TransitionStage(VersionOf):
    stage: Text = None
    archive_existing_versions: bool | str | None = None


class VersionTag(VersionOf):
    key: Text = None
    value: Text = None


class CreateLoggedModel(Struct):
    experiment_id: Text = None
    name: Text = None
    model_type: Text = None
    source_run_id: Text = None
    params: Tags = None
    tags: Tags = None


class FinalizeLoggedModel(Struct):
    status: Enumerated = None


class LoggedModelTags(Struct):
    tags: Tags = None


class LoggedModelParams(Struct):
    params: Tags = None


class OrderBy(Struct):
    field_name: Text = None
    ascending: bool | str | None = None
    dataset_name: Text = None
    dataset_digest: Text = None


class MeasuredOn(Struct):
    dataset_name: Text = None
    dataset_digest: Text = None


class SearchLoggedModels(Struct):
    experiment_ids: Texts = None
    filter: Text = None
    datasets: list[MeasuredOn] | dict[str, Any] | None = None
    max_results: Whole = None
    order_by: list[OrderBy] | dict[str, Any] | None = None
    page_token: Text = None


class LoggedModelFolder(Struct):
    artifact_directory_path: Text = None
    page_token: Text = None


def model_name(value: str | None) -> str:
    """A registered model's name (ApiError 400)."""
    if not value:
        raise invalid("Registered model name cannot be empty.")
    return check_model_name(value)


def tag_key(value: str | None) -> str:
    """The key of a tag (ApiError 400)."""
    return key_of(value, "key")


def checked_tag(key: str | None, value: str | None) -> tuple[str, str]:
    """A tag of a registered model or a version (ApiError 400)."""
    found = value or ""
    if len(found) > TAG_VALUE:
        raise invalid(f"'value' exceeds the maximum length of {TAG_VALUE} characters")
    return tag_key(key), check_text(found, "value")


def said_yes(value: bool | str | None) -> bool:
    """A boolean that R writes as a text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
