"""Everything that a plugin author needs, and the only module of autotrack that a plugin imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.core.addresses import shown
from autotrack.core.errors import (
    ArtifactError,
    AutotrackError,
    NotFoundError,
    PluginError,
    ProjectError,
    SchemaError,
    StoreError,
    UntrustedModelError,
    UsageError,
)
from autotrack.core.guard import attempt, warn
from autotrack.core.late import late_names
from autotrack.core.plugins.hookspecs import hookimpl, hookspec
from autotrack.core.private import Ours, make_private
from autotrack.core.probes.patching import Ear, Family, Hook, Later, Patch, ResultTap, Tap

if TYPE_CHECKING:
    from autotrack import environments
    from autotrack.answers.goals import main_metric
    from autotrack.client import get_run
    from autotrack.core import family, pickled
    from autotrack.core.artifact_paths import check_artifact_path
    from autotrack.core.background import Background
    from autotrack.core.config import Location, find_store
    from autotrack.core.entities import (
        Columns,
        DatasetRecord,
        Delivery,
        Experiment,
        FileRecord,
        ForeignExperiment,
        MetricSummary,
        ModelRecord,
        RunRecord,
        SessionRecord,
        Status,
    )
    from autotrack.core.filesystems import file_system, is_network
    from autotrack.core.garbage import uncollected
    from autotrack.core.held import hold_folder, remove_left
    from autotrack.core.keys import check_key
    from autotrack.core.launching import launched_with
    from autotrack.core.model_uris import find_version, parse_model_uri
    from autotrack.core.plugins.flavor import Flavor, file_inside, path_inside
    from autotrack.core.plugins.pages import Panel, Reply, Request, ServerRoute
    from autotrack.core.plugins.registry import artifacts_at, choose, notify, open_sink, settings, store_at
    from autotrack.core.probes.argument_names import argument_name
    from autotrack.core.probes.capture import Call
    from autotrack.core.questions import unwarned
    from autotrack.core.registered import LoggedMetric, LoggedModel, ModelVersion
    from autotrack.core.room import with_room
    from autotrack.core.runs.active import active_run, open_run
    from autotrack.core.runs.foreign import ForeignRun, is_taken, receiver, take_in
    from autotrack.core.runs.handing import hand_over, only_launches
    from autotrack.core.runs.looprun import LoopRun
    from autotrack.core.runs.names import run_name
    from autotrack.core.runs.outside import carry_on, end_run, later
    from autotrack.core.runs.proberun import ProbeRun
    from autotrack.core.runs.run import Run
    from autotrack.core.runs.starting import run_for_another, start_run
    from autotrack.core.session.beyond import names_in
    from autotrack.core.session.masking import mask, mask_argv, mask_value, secrets_told
    from autotrack.core.session.opened import saw_file
    from autotrack.core.sink import Sink
    from autotrack.core.streams import streams_put_back
    from autotrack.core.switch import enable_worker, given
    from autotrack.core.terminal import clean
    from autotrack.core.terminating import termination_as_interrupt
    from autotrack.models.finding import local_model
    from autotrack.models.golden import compare as compare_answers
    from autotrack.models.inference import is_missing
    from autotrack.models.loading import load_pyfunc
    from autotrack.models.mlmodel import read as read_mlmodel
    from autotrack.models.profile import ColumnProfile
    from autotrack.models.profile import key_of as kind_key
    from autotrack.models.profile import of_fingerprint as fingerprint_profiles
    from autotrack.models.pyfunc import PyFunc
    from autotrack.models.sampling import columns_of
    from autotrack.models.schema import Column as SchemaColumn
    from autotrack.models.schema import Schema
    from autotrack.models.schema import Type as SchemaType
    from autotrack.models.signature import Signature, signature_of

__all__ = [
    "ArtifactError",
    "AutotrackError",
    "Background",
    "Call",
    "ColumnProfile",
    "Columns",
    "DatasetRecord",
    "Delivery",
    "Ear",
    "Experiment",
    "Family",
    "FileRecord",
    "Flavor",
    "ForeignExperiment",
    "ForeignRun",
    "Hook",
    "Later",
    "Location",
    "LoggedMetric",
    "LoggedModel",
    "LoopRun",
    "MetricSummary",
    "ModelRecord",
    "ModelVersion",
    "NotFoundError",
    "Ours",
    "Panel",
    "Patch",
    "PluginError",
    "ProbeRun",
    "ProjectError",
    "PyFunc",
    "Reply",
    "Request",
    "ResultTap",
    "Run",
    "RunRecord",
    "Schema",
    "SchemaColumn",
    "SchemaError",
    "SchemaType",
    "ServerRoute",
    "SessionRecord",
    "Signature",
    "Sink",
    "Status",
    "StoreError",
    "Tap",
    "UntrustedModelError",
    "UsageError",
    "active_run",
    "argument_name",
    "artifacts_at",
    "attempt",
    "carry_on",
    "check_artifact_path",
    "check_key",
    "choose",
    "clean",
    "columns_of",
    "compare_answers",
    "enable_worker",
    "end_run",
    "environments",
    "family",
    "file_inside",
    "file_system",
    "find_store",
    "find_version",
    "fingerprint_profiles",
    "get_run",
    "given",
    "hand_over",
    "hold_folder",
    "hookimpl",
    "hookspec",
    "is_missing",
    "is_network",
    "is_taken",
    "kind_key",
    "later",
    "launched_with",
    "load_pyfunc",
    "local_model",
    "main_metric",
    "make_private",
    "mask",
    "mask_argv",
    "mask_value",
    "names_in",
    "notify",
    "only_launches",
    "open_run",
    "open_sink",
    "parse_model_uri",
    "path_inside",
    "pickled",
    "read_mlmodel",
    "receiver",
    "remove_left",
    "run_for_another",
    "run_name",
    "saw_file",
    "secrets_told",
    "settings",
    "shown",
    "signature_of",
    "start_run",
    "store_at",
    "streams_put_back",
    "take_in",
    "termination_as_interrupt",
    "uncollected",
    "unwarned",
    "warn",
    "with_room",
]

#: What plugins name in annotations, or need only when a model is saved or a command is called, is not loaded with every
#: plugin: the modules of the core that have it.
_LATER = {
    "Background": ".background",
    "Call": ".probes.capture",
    "ColumnProfile": "..models.profile",
    "Columns": ".entities",
    "DatasetRecord": ".entities",
    "Delivery": ".entities",
    "Experiment": ".entities",
    "FileRecord": ".entities",
    "Flavor": ".plugins.flavor",
    "ForeignExperiment": ".entities",
    "ForeignRun": ".runs.foreign",
    "Location": ".config",
    "LoggedMetric": ".registered",
    "LoggedModel": ".registered",
    "LoopRun": ".runs.looprun",
    "MetricSummary": ".entities",
    "ModelRecord": ".entities",
    "ModelVersion": ".registered",
    "Panel": ".plugins.pages",
    "ProbeRun": ".runs.proberun",
    "PyFunc": "..models.pyfunc",
    "Reply": ".plugins.pages",
    "Request": ".plugins.pages",
    "Run": ".runs.run",
    "RunRecord": ".entities",
    "Schema": "..models.schema",
    "SchemaColumn": "..models.schema:Column",
    "SchemaType": "..models.schema:Type",
    "ServerRoute": ".plugins.pages",
    "SessionRecord": ".entities",
    "Signature": "..models.signature",
    "Sink": ".sink",
    "Status": ".entities",
    "active_run": ".runs.active",
    "argument_name": ".probes.argument_names",
    "artifacts_at": ".plugins.registry",
    "carry_on": ".runs.outside",
    "check_artifact_path": ".artifact_paths",
    "check_key": ".keys",
    "choose": ".plugins.registry",
    "clean": ".terminal",
    "columns_of": "..models.sampling",
    "compare_answers": "..models.golden:compare",
    "enable_worker": ".switch",
    "end_run": ".runs.outside",
    "environments": "..environments",
    "family": ".family",
    "file_inside": ".plugins.flavor",
    "file_system": ".filesystems",
    "find_store": ".config",
    "find_version": ".model_uris",
    "fingerprint_profiles": "..models.profile:of_fingerprint",
    "get_run": "..client",
    "given": ".switch",
    "hand_over": ".runs.handing",
    "hold_folder": ".held",
    "is_missing": "..models.inference",
    "is_network": ".filesystems",
    "is_taken": ".runs.foreign",
    "kind_key": "..models.profile:key_of",
    "later": ".runs.outside",
    "launched_with": ".launching",
    "load_pyfunc": "..models.loading",
    "local_model": "..models.finding",
    "main_metric": "..answers.goals",
    "mask": ".session.masking",
    "mask_argv": ".session.masking",
    "mask_value": ".session.masking",
    "names_in": ".session.beyond",
    "notify": ".plugins.registry",
    "only_launches": ".runs.handing",
    "open_run": ".runs.active",
    "open_sink": ".plugins.registry",
    "parse_model_uri": ".model_uris",
    "path_inside": ".plugins.flavor",
    "pickled": ".pickled",
    "read_mlmodel": "..models.mlmodel:read",
    "receiver": ".runs.foreign",
    "remove_left": ".held",
    "run_for_another": ".runs.starting",
    "run_name": ".runs.names",
    "saw_file": ".session.opened",
    "secrets_told": ".session.masking",
    "settings": ".plugins.registry",
    "signature_of": "..models.signature",
    "start_run": ".runs.starting",
    "store_at": ".plugins.registry",
    "streams_put_back": ".streams",
    "take_in": ".runs.foreign",
    "termination_as_interrupt": ".terminating",
    "uncollected": ".garbage",
    "unwarned": ".questions",
    "with_room": ".room",
}

__getattr__ = late_names("autotrack.core", _LATER, of=__name__)
