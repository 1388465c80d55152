"""Who gets in, by what, for how long and how often; and that nobody gives himself more than he has."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from access_world import PASSWORD, QUICK, RUN_A, RUN_B, SESSION_A, WRITER_A, WRITER_B, World, batch, new_world, start
from asgi_calls import Asgi, basic, bearer
from sqlalchemy import select

from autotrack.core.errors import ConflictError, UsageError
from autotrack.core.journal.reader import Cursor
from autotrack.core.journal.shipping import MEDIA, Shipped, packed
from autotrack.server.access.access import Access
from autotrack.server.access.budget import Budget
from autotrack.server.access.passwords import Passwords, check_password
from autotrack.server.access.throttle import SECOND, Throttle, address_key
from autotrack.server.access.tokens import is_token, new_code, new_token, sha256_of_code
from autotrack.server.app import make_app
from autotrack.server.errors import ApiError
from autotrack.server.proxies import Proxies, check_proxies
from autotrack.server.services import ServerSettings, Services
from autotrack.store.intake.direct import DirectWrites
from autotrack.store.schema import access_tables as tables
from autotrack.store.store import Store

API = "/api/v1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    yield made
    made.http.close()


def status(world: World, authorization: str | None, path: str = f"{API}/me", **more: object) -> int:
    return world.http.request("GET", path, authorization=authorization, **more)[0]  # type: ignore[arg-type]


def test_mlflows_clients_get_in_as_they_are(world: World) -> None:
    """MLFLOW_TRACKING_USERNAME and _PASSWORD come as Basic, MLFLOW_TRACKING_TOKEN as Bearer."""
    token = world.tokens["editor"]
    for authorization in (
        basic("editor", PASSWORD),
        basic("Editor", PASSWORD),
        basic("editor", token),
        basic("", token),
        bearer(token),
        f"bearer  {token}",
        basic("editor", PASSWORD).replace("Basic", "BASIC"),
    ):
        assert status(world, authorization) == 200, authorization
    for authorization in (
        None,
        "",
        "Bearer",
        "Bearer ",
        bearer(token[:-1]),
        bearer(token.upper()),
        bearer(token + " x"),
        bearer(hashlib.sha256(token.encode()).hexdigest()),
        bearer("at_" + hashlib.sha256(token.encode()).hexdigest()),
        basic("admin", token),
        basic("editor", PASSWORD + " "),
        basic("editor", ""),
        basic("viewer", PASSWORD[:-1]),
        basic("", ""),
        basic("nobody\0", PASSWORD),
        basic("disabled", PASSWORD),
        bearer(world.tokens["disabled"]),
        "Basic !!!",
        "Basic YWRtaW4=",
        "Basic /w==",
        f"Digest {token}",
        token,
    ):
        assert status(world, authorization, client=f"10.0.0.{len(authorization or '')}") == 401, authorization


def test_a_token_is_256_random_bits_and_only_its_sha256_is_kept(world: World) -> None:
    made = [new_token() for _ in range(200)]
    assert len(set(made)) == 200 and all(is_token(each) and len(bytes.fromhex(each[3:])) == 32 for each in made)
    with world.store.reading() as connection:
        kept = {
            row.user: row.sha256 for row in connection.execute(select(tables.tokens).order_by(tables.tokens.c.name))
        }
    assert kept["viewer"] == hashlib.sha256(world.tokens["viewer"].encode()).hexdigest()


def test_a_password_is_kept_as_scrypt_with_what_made_it() -> None:
    usual = Passwords()
    assert (usual.n, usual.r, usual.p) == (2**15, 8, 1)
    stored = usual.hashed(PASSWORD)
    _, n, r, p, salt, expected = stored.split("$")
    assert (n, r, p) == ("32768", "8", "1") and len(b64decode(salt)) == 16
    again = hashlib.scrypt(PASSWORD.encode(), salt=b64decode(salt), n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    assert again == b64decode(expected)
    # The parameters of the hash count, not those of today.
    assert QUICK.match(PASSWORD, stored) and not QUICK.match(PASSWORD + "!", stored)
    assert usual.match(PASSWORD, QUICK.hashed(PASSWORD)) and QUICK.hashed(PASSWORD) != QUICK.hashed(PASSWORD)
    # Whoever is not there takes the same work.
    begun = time.process_time()
    assert not usual.match(PASSWORD, None)
    assert time.process_time() - begun > 0.01
    assert QUICK.match("pa\u0301ssword-with-accent", QUICK.hashed("pássword-with-accent"))


def test_a_password_that_is_none_is_refused(world: World) -> None:
    weak = [
        "",
        "a",
        "password1234",
        "12345678901",
        "a" * 40,
        "ada123456789",
        "x" * 1025,
        new_token(),
        "half\ud800 a pair",
    ]
    for password in weak:
        with pytest.raises(UsageError) as caught:
            check_password(password, "ada")
        assert len(password) < 5 or password not in str(caught.value)
        if password.isascii():
            body = {"name": "ada", "password": password, "role": "admin"}
            code, content = world.as_("admin", "POST", f"{API}/users", body)
            assert code == 422 and (len(password) < 5 or password.encode() not in content)
    assert check_password(PASSWORD, "ada") == PASSWORD


def test_a_change_counts_at_once(world: World) -> None:
    run = f"/api/2.0/mlflow/runs/get?run_id={RUN_A}".partition("?")
    read = lambda who: world.as_(who, "GET", run[0], query=run[2])[0]  # noqa: E731
    assert read("nobody") == 404 and read("viewer-of-a") == 200
    change = {"experiment": "apricots", "user": "nobody", "role": "viewer"}
    assert world.as_("admin-of-a", "POST", f"{API}/grants", change)[0] == 200
    assert read("nobody") == 200
    assert world.as_("admin-of-a", "POST", f"{API}/grants", {**change, "role": "none"})[0] == 200
    assert read("nobody") == 404
    assert world.as_("admin", "PATCH", f"{API}/users/viewer-of-a", {"disabled": True})[0] == 200
    assert read("viewer-of-a") == 401
    assert world.as_("admin", "PATCH", f"{API}/users/viewer-of-a", {"disabled": False})[0] == 200
    assert read("viewer-of-a") == 200
    token = json.loads(world.as_("viewer-of-a", "GET", f"{API}/users/viewer-of-a/tokens")[1])["tokens"][0]["id"]
    assert world.as_("viewer-of-a", "DELETE", f"{API}/users/viewer-of-a/tokens/{token}")[0] == 200
    assert read("viewer-of-a") == 401
    assert world.as_("editor", "POST", f"{API}/logout")[0] == 200
    assert read("editor") == 401
    wrong = {"old": PASSWORD + "?", "new": "another good one"}
    assert world.as_("viewer", "POST", f"{API}/me/password", wrong)[0] == 401
    assert world.as_("viewer", "POST", f"{API}/me/password", {**wrong, "old": PASSWORD})[0] == 200
    assert status(world, basic("viewer", PASSWORD)) == 401 and status(world, basic("viewer", wrong["new"])) == 200


def test_what_another_process_changes_counts_after_seconds(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    assert world.http.app.services is not None
    world.http.app.services.access = Access(world.store, passwords=QUICK, fresh=0.05)
    assert status(world, world.shown["viewer"]) == 200
    world.directory.change_user("viewer", disabled=True)
    until = time.monotonic() + 10
    while status(world, world.shown["viewer"]) == 200:
        assert time.monotonic() < until
    # A token ends on time, whatever was looked up before.
    world.http.app.services.access = Access(world.store, passwords=QUICK, fresh=1000)
    ends_soon, _ = world.directory.add_token("editor", "", "admin", time.time_ns() + 1_000_000_000)
    assert status(world, bearer(ends_soon)) == 200
    while status(world, bearer(ends_soon)) == 200:
        assert time.monotonic() < until
    world.http.close()


def test_nobody_gives_himself_more_than_he_has(world: World) -> None:
    def made(who: str, user: str, **wanted: object) -> tuple[int, dict[str, object]]:
        code, content = world.as_(who, "POST", f"{API}/users/{user}/tokens", wanted)
        return code, json.loads(content)

    assert made("admin with a viewer's token", "admin", scope="viewer")[0] == 200
    assert made("admin with a viewer's token", "admin", scope="editor")[0] == 403
    assert made("admin with a viewer's token", "admin")[0] == 403
    assert made("editor", "admin", scope="viewer")[0] == 404
    assert made("editor", "nobody", scope="viewer")[0] == 404
    assert made("admin", "nobody", scope="viewer")[0] == 200
    assert made("admin", "no-such-user")[0] == 404
    assert made("admin", "admin", scope="none")[0] == 422 and made("admin", "admin", days=0)[0] == 422
    # One that ends makes none that lives longer.
    short, about = world.directory.add_token("editor", "", "editor", time.time_ns() + 3600 * 10**9)
    world.shown["short"] = bearer(short)
    for days in (None, 3000.0):
        code, found = made("short", "editor", scope="viewer", days=days)
        assert code == 200 and found["about"]["expires"] == about.expires  # type: ignore[index]
    for path in (f"{API}/users", f"{API}/users/admin/tokens"):
        assert world.as_("editor", "GET", path)[0] in (403, 404)
    for body in ({"role": "admin"}, {"password": "another good one"}, {"disabled": False}):
        assert world.as_("editor", "PATCH", f"{API}/users/editor", body)[0] == 403
    grant = {"experiment": "apricots", "user": "editor-of-a", "role": "admin"}
    assert world.as_("editor-of-a", "POST", f"{API}/grants", grant)[0] == 403
    assert world.as_("admin-of-a", "POST", f"{API}/grants", {**grant, "experiment": "bananas"})[0] == 404
    assert world.as_("admin-of-a", "GET", f"{API}/grants", query="experiment=apricots")[0] == 200
    assert {user.name: user.role for user in world.directory.users()}["editor"] == "editor"


def test_somebody_stays_who_may_add_users(world: World) -> None:
    for body in ({"role": "editor"}, {"disabled": True}):
        assert world.as_("admin", "PATCH", f"{API}/users/admin", body)[0] == 422
    assert world.as_("admin", "PATCH", f"{API}/users/editor", {"role": "admin"})[0] == 200
    assert world.as_("admin", "PATCH", f"{API}/users/admin", {"role": "viewer"})[0] == 200
    assert world.as_("admin", "GET", f"{API}/users")[0] == 403


def test_an_experiment_that_is_called_as_anothers_id_opens_nothing(world: World) -> None:
    """Names are ids' equals in the store's own calls: both that could be meant have to be the user's."""
    named = world.store.create_experiment(world.ids["apricots"])
    world.directory.grant("editor-of-b", named.id, "admin")
    for experiment in (world.ids["apricots"], "apricots"):
        assert (
            world.as_("editor-of-b", "GET", f"{API}/grants", query=f"experiment={experiment.replace(' ', '+')}")[0]
            == 404
        )


def test_guessing_is_slow_from_one_address_and_for_one_user(world: World) -> None:
    def guess(user: str, address: str, password: str = "wrong wrong wrong") -> tuple[int, dict[str, str]]:
        body = {"user": user, "password": password}
        found = world.http.request("POST", f"{API}/login", body, client=address)
        return found[0], found[1]

    assert [guess("viewer", f"10.0.{n}.1")[0] for n in range(12)] == [401] * 10 + [429] * 2
    assert guess("viewer", "10.9.9.9", PASSWORD)[0] == 429  # right or wrong: it would tell
    assert [guess(f"user{n}", "10.1.1.1")[0] for n in range(12)] == [401] * 10 + [429] * 2
    code, headers = guess("editor", "10.1.1.1", PASSWORD)
    assert code == 429 and 0 < int(headers["retry-after"]) <= 60
    # Basic is the same door, and tokens go on to be good.
    assert status(world, basic("viewer", "wrong wrong"), client="10.9.9.8") == 429
    assert status(world, world.shown["viewer"], client="10.1.1.1") == 200
    # A thousand at once are a thousand: none is let through because the first are not done.
    many = (
        world.http.asked("POST", f"{API}/login", {"user": f"v{n}", "password": f"wrong {n} wrong"}, client="10.2.2.2")
        for n in range(300)
    )
    codes = [answer[0] for answer in world.http.together(*many)]
    assert codes.count(401) == 10 and codes.count(429) == 290
    # Right ones do not count, one password that many send at once is hashed once, and then not again.
    good = (
        world.http.asked("GET", f"{API}/me", authorization=basic("admin", PASSWORD), client="10.3.3.3")
        for _ in range(50)
    )
    assert {answer[0] for answer in world.http.together(*good)} == {200}
    for _ in range(15):
        assert guess("admin", "10.3.3.3", PASSWORD)[0] == 200
    for n in range(15):
        world.directory.add_user(f"many{n}", PASSWORD, "none")
        assert guess(f"many{n}", "10.3.3.3", PASSWORD)[0] == 200


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_attempts_count_for_all_workers_and_are_forgotten_after_a_minute(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue("postgresql") if engine == "postgresql" else tmp_path / "store"
    now = [1_000 * SECOND]
    with closing(Store.open(where, root=tmp_path / "here")) as one, closing(Store.open(where)) as other:
        workers = [Throttle(store, clock=lambda: now[0]) for store in (one, other)]

        def tried(worker: int) -> int:
            try:
                return workers[worker % 2].enter(["a", "b"])
            except ApiError as refused:
                assert refused.status == 429 and refused.headers == {"Retry-After": "60"}
                return 0

        with ThreadPoolExecutor(8) as pool:
            assert sorted(map(bool, pool.map(tried, range(30)))) == [False] * 20 + [True] * 10
        now[0] += 60 * SECOND
        attempt = workers[0].enter(["b"])
        workers[1].forgive(["b"], attempt)
        for worker in range(10):
            workers[worker % 2].enter(["b"])
        for throttle in workers:
            with pytest.raises(ApiError):
                throttle.enter(["b"])
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:1") != address_key("2001:db8:0:1::1")
    assert address_key("10.0.0.1") != address_key("10.0.0.2") and address_key("not an address")


def test_a_token_has_a_budget_of_requests_that_fills_up_again(world: World) -> None:
    now = [0.0]
    access = world.http.app.services.access  # type: ignore[union-attr]
    assert access is not None
    access.budget = Budget(2.0, clock=lambda: now[0])
    viewer, editor = world.shown["viewer"], world.shown["editor"]
    assert [status(world, viewer) for _ in range(21)] == [200] * 20 + [429]
    refused = world.http.request("GET", f"{API}/me", authorization=viewer)
    assert refused[1]["retry-after"] == "1" and b"REQUEST_LIMIT_EXCEEDED" in refused[2]
    assert status(world, editor) == 200 and status(world, basic("viewer", PASSWORD)) == 200
    now[0] = 0.9
    assert [status(world, viewer) for _ in range(2)] == [200, 429]
    now[0] = 100.0
    assert [status(world, viewer) for _ in range(21)] == [200] * 20 + [429]
    access.budget = Budget(0)
    assert {status(world, viewer) for _ in range(50)} == {200}


def test_a_proxy_is_believed_where_it_is_trusted(world: World) -> None:
    """What it says decides whose wrong passwords count, and whether a cookie is for TLS alone."""
    app = world.http.app
    app._proxies = Proxies(["10.0.0.0/8", "::1"])

    def guess(client: str, forwarded: str | None) -> int:
        headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
        body = {"user": f"u{next(numbers)}", "password": "wrong wrong wrong"}
        return world.http.request("POST", f"{API}/login", body, client=client, headers=headers)[0]

    numbers = itertools.count()
    assert [guess("10.0.0.7", "6.6.6.6, 203.0.113.5, 10.0.0.9") for _ in range(11)] == [401] * 10 + [429]
    # The same client by other ways, whatever it claims to be; and another one.
    assert guess("::ffff:10.0.0.7", "7.7.7.7, 203.0.113.5:4711") == guess("::1", "203.0.113.5") == 429
    assert guess("203.0.113.5", "8.8.8.8") == 429
    assert guess("10.0.0.7", "203.0.113.6") == guess("10.0.0.7", "203.0.113.5, nonsense") == 401
    body = {"name": "viewer", "password": PASSWORD}
    own = {"origin": "https://127.0.0.1:5000", "x-forwarded-proto": "https"}
    for client, begins in (("10.1.1.1", "__Host-autotrack-session="), ("11.1.1.1", "autotrack-session=")):
        _, headers, _ = world.http.request("POST", f"{API}/session", body, client=client, headers=own)
        assert headers["set-cookie"].startswith(begins) and ("Secure" in headers["set-cookie"]) == (begins[0] == "_")
    for wrong in ("10.0.0.300", "proxy.example.org", ""):
        with pytest.raises(UsageError, match="no address and no network"):
            check_proxies([wrong])


def empty(folder: Path, *, auth: bool, code: str | None = None) -> Asgi:
    store = Store.open(folder / "store")
    settings = ServerSettings(str(folder / "store"), auth=auth)
    services = Services(settings, store, DirectWrites(store.writing))
    if auth:
        services.access = Access(store, code=code, passwords=QUICK)
    return Asgi(make_app(settings, services))


def test_the_first_administrator_has_the_code_and_there_is_one(tmp_path: Path) -> None:
    code = new_code()
    http = empty(tmp_path, auth=True, code=sha256_of_code(code))
    first = {"user": "Ada", "password": PASSWORD, "code": code}
    assert http.request("GET", f"{API}/login")[2] == b'{"users":true,"first":true}'
    for body in (
        {**first, "code": new_code()},
        {**first, "code": ""},
        {**first, "code": sha256_of_code(code)},
        {"user": "admin", "password": "password1234"},
        {"user": "admin", "password": ""},
    ):
        assert http.request("POST", f"{API}/login", body)[0] == 401, body
    assert http.request("POST", f"{API}/login", {**first, "password": "a"})[0] == 422
    typed = code.lower().replace("-", " ")
    answers = http.together(
        *(http.asked("POST", f"{API}/login", {**first, "code": typed, "user": name}) for name in ("ada", "eve", "mal"))
    )
    assert sorted(answer[0] for answer in answers) == [200, 409, 409]
    token = json.loads(next(answer[2] for answer in answers if answer[0] == 200))["token"]
    assert json.loads(http.request("GET", f"{API}/me", authorization=bearer(token))[2])["role"] == "admin"
    assert http.request("GET", f"{API}/login")[2] == b'{"users":true,"first":false}'
    assert http.app.services is not None and http.app.services.access is not None
    with pytest.raises(ConflictError):
        http.app.services.access.directory.add_first("eve", PASSWORD)
    http.close()


def test_users_that_the_command_line_has_made_leave_no_room_for_a_first_one(world: World) -> None:
    with pytest.raises(ConflictError):
        world.directory.add_first("eve", PASSWORD)
    with pytest.raises(ConflictError):
        world.directory.add_user("Viewer", PASSWORD, "admin")


def test_a_server_without_users_lets_nobody_make_any(tmp_path: Path) -> None:
    """Whoever could would be an administrator once --auth is given."""
    http = empty(tmp_path, auth=False)
    assert http.request("GET", f"{API}/login")[2] == b'{"users":false,"first":false}'
    for method, path, body in (
        ("POST", "/login", {"user": "eve", "password": PASSWORD, "code": ""}),
        ("POST", "/users", {"name": "eve", "password": PASSWORD, "role": "admin"}),
        ("PATCH", "/users/eve", {"role": "admin"}),
        ("POST", "/users/eve/tokens", {}),
        ("POST", "/me/password", {"old": PASSWORD, "new": PASSWORD}),
        ("POST", "/grants", {"experiment": "default", "user": "eve", "role": "admin"}),
        ("GET", "/users", None),
        ("GET", "/me", None),
    ):
        code, _, content = http.request(method, API + path, body)
        assert code == 400 and b"--auth" in content, (path, content)
    http.close()


def test_who_has_a_role_in_one_experiment_writes_to_that_one(world: World) -> None:
    """MLflow's requests with their real handlers."""
    at = "/api/2.0/mlflow/runs/"
    for experiment, run, wanted in (("bananas", RUN_B, 200), ("apricots", RUN_A, 404)):
        point = {"run_id": run, "key": "loss", "value": 1, "timestamp": 1}
        assert world.as_("editor-of-b", "POST", f"{at}log-metric", point)[0] == wanted
        assert world.as_("editor-of-b", "POST", f"{at}log-batch", {"run_id": run, "metrics": []})[0] == wanted
        assert world.as_("editor-of-b", "POST", f"{at}update", {"run_id": run, "run_name": "x"})[0] == wanted
        assert world.as_("editor-of-b", "POST", f"{at}create", {"experiment_id": world.ids[experiment]})[0] == wanted
        assert world.as_("editor-of-b", "GET", f"{at}get", query=f"run_id={run}")[0] == wanted
    assert world.as_("editor-of-b", "POST", f"{at}log-metric", {"key": "k", "value": 1, "timestamp": 1})[0] == 400
    assert world.as_("viewer-of-a", "POST", f"{at}log-batch", {"run_id": RUN_A})[0] == 403
    assert world.as_("editor-of-b", "POST", "/api/2.0/mlflow/experiments/create", {"name": "mine"})[0] == 403
    assert world.as_("editor", "POST", "/api/2.0/mlflow/experiments/create", {"name": "mine"})[0] == 200
    assert world.store.run(RUN_A).name == "run of apricots"


def test_a_batch_is_taken_where_all_that_it_is_about_is_the_users(world: World) -> None:
    fresh = "de" * 16

    def sent(who: str, writer: str, *events: dict[str, object], path: str = "batches") -> int:
        known = world.store.cursor(writer)
        shipped = Shipped(known, batch(*events, at=known.events + 1), None, None)
        headers = {"content-type": MEDIA}
        return world.as_(who, "POST", f"{API}/writers/{writer}/{path}", packed(shipped), headers=headers)[0]

    now = time.time_ns()
    tag = {"k": "tags", "t": now, "r": RUN_A, "tags": {"x": "1"}}
    child = {
        "id": RUN_A,
        "name": "c",
        "started": 1,
        "ended": 2,
        "status": "FINISHED",
        "params": {},
        "tags": {},
        "metrics": {},
    }
    part = {"k": "part", "t": now, "session": SESSION_A, "part": "environment", "data": {}}
    session = {"k": "session", "t": now, "id": SESSION_A}
    for events in (
        [tag],
        [start("e" * 32, "apricots")],
        [start(RUN_A, "bananas")],
        [start("e" * 32, "bananas"), tag],
        [start("e" * 32, "bananas", parent=RUN_A)],
        [start("e" * 32, "bananas", session=SESSION_A)],
        [start("e" * 32, "bananas"), {"k": "children", "t": now, "r": "e" * 32, "runs": [child]}],
        [part],
        [session],
        [start("e" * 32, "a new experiment")],
        [start("e" * 32, "default")],
        [{**tag, "r": "f" * 32}],
    ):
        assert sent("editor-of-b", fresh, *events) == 403, events
    assert sent("viewer", fresh) == sent("nobody", fresh) == sent("admin with a viewer's token", fresh) == 403
    # Somebody else's writer, whose numbers for metrics are known to the store.
    assert sent("editor-of-b", WRITER_A) == 403
    for method, path in (("GET", ""), ("POST", "/end")):
        body = None if method == "GET" else {}
        assert world.as_("editor-of-b", method, f"{API}/writers/{WRITER_A}{path}", body)[0] == 403
        assert world.as_("editor-of-b", method, f"{API}/writers/{WRITER_B}{path}", body)[0] == 200
    assert world.store.cursor(fresh) == Cursor(0, 0) and world.store.run(RUN_A).tags == {}
    assert sent("editor-of-b", fresh, start("e" * 32, "bananas"), {**tag, "r": "e" * 32}) == 200
    assert sent("editor-of-b", WRITER_B, {**tag, "r": RUN_B}) == 200
    assert sent("editor", "ed" * 16, start("f" * 32, "a new experiment"), tag) == 200
    assert world.store.run(RUN_A).tags == {"x": "1"} and world.store.run("e" * 32).experiment == "bananas"
