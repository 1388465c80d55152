"""The model registry against a plain model of it, its searches, and logged models."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from autotrack.core.errors import ConflictError, FilterError, NotFoundError, UsageError
from autotrack.core.registered import STAGES, LoggedMetric, LoggedModel, ModelVersion
from autotrack.store.registry.needed import needed
from autotrack.store.store import Store
from autotrack.store.upkeep.reachable import _referenced

ON_BOTH = True
NAMES = st.sampled_from(["a", "b", "größe"])
ALIASES = st.sampled_from(["champion", "next-1"])
NUMBERS = st.integers(1, 5)


def version(name: str, **fields: object) -> ModelVersion:
    return replace(ModelVersion(name, 0, "runs:/" + "a" * 32 + "/model"), **fields)


class Registry(RuleBasedStateMachine):
    """Every operation on a registry and on dicts; both must say the same."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(Path(self.folder.name) / "store")
        self.real = self.store.registry
        self.models: dict[str, dict] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def both(self, there: bool, act, then) -> None:
        if there:
            act()
            then()
        else:
            with pytest.raises(NotFoundError):
                act()

    @rule(name=NAMES)
    def create(self, name):
        if name in self.models:
            with pytest.raises(ConflictError):
                self.real.create(name)
        else:
            self.real.create(name, tags={"k": name})
            self.models[name] = {"versions": {}, "aliases": {}, "last": 0, "moves": []}

    @rule(name=NAMES, new=NAMES)
    def rename(self, name, new):
        if name in self.models and new in self.models and new != name:
            with pytest.raises(ConflictError):
                self.real.rename(name, new)
            return
        self.both(
            name in self.models,
            lambda: self.real.rename(name, new),
            lambda: self.models.update({new: self.models.pop(name)}),
        )

    @rule(name=NAMES)
    def delete(self, name):
        self.both(name in self.models, lambda: self.real.delete(name), lambda: self.models.pop(name))

    @rule(name=NAMES)
    def add(self, name):
        def then():
            model = self.models[name]
            model["last"] += 1
            model["versions"][model["last"]] = "None"

        self.both(name in self.models, lambda: self.real.create_version(version(name)), then)

    @rule(name=NAMES, number=NUMBERS, stage=st.sampled_from(STAGES), archive=st.booleans())
    def stage(self, name, number, stage, archive):
        def then():
            versions = self.models[name]["versions"]
            for other in versions:
                if archive and other != number and versions[other] == stage:
                    versions[other] = "Archived"
            versions[number] = stage

        if archive and stage in ("None", "Archived"):
            return
        there = name in self.models and number in self.models[name]["versions"]
        self.both(there, lambda: self.real.set_stage(name, number, stage, archive_others=archive), then)

    @rule(name=NAMES, number=NUMBERS)
    def delete_version(self, name, number):
        def then():
            model = self.models[name]
            del model["versions"][number]
            for alias in sorted(alias for alias, at in model["aliases"].items() if at == number):
                del model["aliases"][alias]
                model["moves"].append((alias, None))

        there = name in self.models and number in self.models[name]["versions"]
        self.both(there, lambda: self.real.delete_version(name, number), then)

    @rule(name=NAMES, alias=ALIASES, number=NUMBERS)
    def set_alias(self, name, alias, number):
        def then():
            model = self.models[name]
            if model["aliases"].get(alias) != number:
                model["moves"].append((alias, number))
            model["aliases"][alias] = number

        there = name in self.models and number in self.models[name]["versions"]
        self.both(there, lambda: self.real.set_alias(name, alias, number, user="me"), then)

    @rule(name=NAMES, alias=ALIASES)
    def delete_alias(self, name, alias):
        def then():
            if self.models[name]["aliases"].pop(alias, None) is not None:
                self.models[name]["moves"].append((alias, None))

        self.both(name in self.models, lambda: self.real.delete_alias(name, alias), then)

    @invariant()
    def the_same(self):
        assert [model.name for model in self.real.search()] == sorted(self.models)
        for name, model in self.models.items():
            found = self.real.get(name)
            assert dict(found.aliases) == model["aliases"] and len(found.tags) == 1
            versions = self.real.versions(f"name = '{name}'")
            assert {each.version: each.stage for each in versions} == model["versions"]
            assert [each.version for each in versions] == sorted(model["versions"], reverse=True)
            newest = {stage: number for number, stage in sorted(model["versions"].items())}
            assert {each.stage: each.version for each in found.latest} == newest
            assert [(move.alias, move.version) for move in self.real.alias_moves(name)] == model["moves"][::-1]
            for alias, number in model["aliases"].items():
                assert self.real.at_alias(name, alias).version == number
                assert alias in self.real.version(name, number).aliases


TestRegistry = Registry.TestCase
TestRegistry.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_models_are_found_by_name_and_tag(store):
    registry = store.registry
    for name, tags in (("alpha", {"team": "a"}), ("beta", {"team": "b", "x.y": "1"}), ("Gamma", {})):
        registry.create(name, tags=tags)

    def found(filter, **options):
        return [model.name for model in registry.search(filter, **options)]

    assert found("") == ["Gamma", "alpha", "beta"]
    assert found("name = 'beta'") == found("tags.`x.y` = '1'", mlflow=True) == ["beta"]
    assert found("name ILIKE 'G%'", mlflow=True) == ["Gamma"] and found("name LIKE 'g%'") == []
    assert found("tags.team != 'a'") == ["beta"] and found("tags.team IS NULL") == ["Gamma"]
    assert found("name IN ('alpha', 'beta')", mlflow=True) == ["alpha", "beta"]
    assert found("", order_by=["name DESC"], max_results=2) == ["beta", "alpha"]
    assert found("", order_by=["name DESC"], max_results=2, offset=2) == ["Gamma"]
    registry.create("greeting", tags={"mlflow.prompt.is_prompt": "true"})
    not_prompts = found("tag.`mlflow.prompt.is_prompt` != 'true'", mlflow=True)  # what MLflow's client adds
    assert not_prompts == ["Gamma", "alpha", "beta"] == found("tag.`mlflow.prompt.is_prompt` = 'false'")
    assert found("tags.`mlflow.prompt.is_prompt` = 'true'") == ["greeting"]
    for wrong in ("params.a = '1'", "colour = 'red'", "name = 1"):
        with pytest.raises(FilterError):
            registry.search(wrong)


def test_versions_are_found(store):
    registry = store.registry
    for name in "ab":
        registry.create(name)
        for number in range(3):
            registry.create_version(
                version(name, run=f"{number}" * 32, source=f"s3://x/{number}", tags={"n": str(number)})
            )

    def found(filter, **options):
        return [(each.name, each.version) for each in registry.versions(filter, **options)]

    assert found("") == [("a", 3), ("a", 2), ("a", 1), ("b", 3), ("b", 2), ("b", 1)]
    assert found(f"run_id IN ('{'1' * 32}') AND name = 'b'", mlflow=True) == [("b", 2)]
    assert found("version_number > 2") == [("a", 3), ("b", 3)] and found("source_path LIKE '%/0'") == [
        ("a", 1),
        ("b", 1),
    ]
    assert found("tags.n = '2'", order_by=["name DESC"]) == [("b", 3), ("a", 3)]
    assert registry.version("a", 2).tags == {"n": "1"}
    registry.set_stage("a", 1, "Staging")
    assert found("", mlflow=True)[:3] == [("a", 1), ("b", 3), ("b", 2)], "MLflow's order: what changed last"
    with pytest.raises(NotFoundError, match="version=9"):
        registry.version("a", 9)


@pytest.mark.parametrize("alias", ["latest", "v12", "V1", "a b", "", "a/b", "x" * 256])
def test_aliases_that_could_be_something_else_are_refused(store, alias):
    store.registry.create("m")
    store.registry.create_version(version("m"))
    with pytest.raises(UsageError, match="alias"):
        store.registry.set_alias("m", alias, 1)


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "..", "a\0", "x" * 501])
def test_names_that_no_uri_can_have_are_refused(store, name):
    with pytest.raises(UsageError):
        store.registry.create(name)


def test_logged_models(store):
    experiment = store.create_experiment("x").id
    models = store.logged_models
    for number, score in enumerate([0.5, float("nan"), 0.9, None]):
        made = LoggedModel(f"m-{number}", experiment, f"model{number}", run="a" * 32, params={"lr": str(number)})
        assert models.create(made).status == "PENDING"
        if score is not None:
            models.measured(made.id, [LoggedMetric("acc", score, 0, 5, "a" * 32)] * 2)
    assert len(models.get("m-0").metrics) == 1
    assert models.set_status("m-2", "READY").status == "READY" and models.set_tags("m-2", {"a": "b"}).tags == {"a": "b"}

    def found(filter="", **options):
        return [each.id for each in models.search([experiment], filter, **options)]

    assert found("metrics.acc > 0.6") == ["m-2"] and found("params.lr = '3'") == ["m-3"]
    assert found("name LIKE 'model%' AND tags.a = 'b'") == ["m-2"]
    models.measured(
        "m-0", [LoggedMetric("acc", 0.7, 1, 6, "a" * 32, "test", "d1"), LoggedMetric("acc", 0.5, 2, 7, "x")]
    )
    assert found("metrics.acc > 0.6") == ["m-2", "m-0"], "any point"
    assert found("metrics.acc > 0.6", datasets=[("test", None)]) == ["m-0"] == found(datasets=[("test", "d1")])
    assert found(datasets=[("test", "d2")]) == found("metrics.acc < 0.6", datasets=[("test", "d1")]) == []
    assert found(order_by=[("metrics.acc", False)]) == ["m-2", "m-0", "m-1", "m-3"]
    assert found(order_by=[("metrics.acc", True)], max_results=2, offset=1) == ["m-2", "m-1"]
    models.delete("m-2")
    assert "m-2" not in found()
    with pytest.raises(NotFoundError):
        models.get("m-2")
    with pytest.raises(ConflictError):
        models.create(LoggedModel("m-2", experiment, "again"))
    with pytest.raises(NotFoundError):
        models.create(LoggedModel("m-9", "nowhere", "x"))


def test_what_versions_stand_on_is_known(store):
    registry = store.registry
    registry.create("m")
    run, other = "a" * 32, "b" * 32
    for place in (f"e/{run}/model", f"e/{other}/model", "e/models/m-1", "/somewhere/else", "s3://bucket/x"):
        registry.create_version(version("m", run=run, artifact_uri=place))
    with store.reading() as connection:
        found = needed(connection)
        kept = _referenced(connection)
    assert set(found.runs) >= {run, other} and found.runs[other] == ["m version 2"]
    assert found.models == {"m-1": ["m version 3"]} and kept == set()
