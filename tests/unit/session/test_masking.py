"""Planted secrets never survive, whatever stands around them; the words of machine learning stay as they are."""

from __future__ import annotations

import io
import string
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.session.masking import (
    MASK,
    holds_secret,
    mask,
    mask_argv,
    mask_url,
    mask_value,
    masked,
    masked_file,
    masked_source,
)
from autotrack.core.session.secret_names import is_secret_name

ALNUM, UPPER, HEX = string.ascii_letters + string.digits, string.ascii_uppercase + string.digits, "0123456789abcdef"
URLSAFE = ALNUM + "_-"


def _random(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


def _mixed(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    """As tokens are in life: digits among the letters."""
    return st.tuples(_random(alphabet, least, most), _random("0123456789", 2, 4), _random(ALNUM, 3, 9)).map(
        lambda parts: f"a1{parts[0]}{parts[1]}{parts[2]}Z"
    )


#: What issuers hand out, each with the part that must not be left.
TOKENS = st.one_of(
    *(_random(UPPER, 16, 16).map(f"{start}{{}}".format) for start in ("AKIA", "ASIA")),
    _random(ALNUM, 34, 34).map("hf_{}".format),
    *(_random(ALNUM, 36, 36).map(f"gh{kind}_{{}}".format) for kind in "pousr"),
    _random(ALNUM + "_", 82, 82).map("github_pat_{}".format),
    _random(URLSAFE, 20, 26).map("glpat-{}".format),
    _mixed(ALNUM, 20, 48).map("sk-{}".format),
    _mixed(URLSAFE, 40, 90).map("sk-proj-{}".format),
    _random(ALNUM, 24, 24).map("sk_live_{}".format),
    *(_mixed(ALNUM + "-", 20, 40).map(f"xox{kind}-{{}}".format) for kind in "bap"),
    _random(URLSAFE, 35, 35).map("AIza{}".format),
    _random(ALNUM, 36, 36).map("npm_{}".format),
    _random(URLSAFE, 60, 150).map("pypi-AgEI{}".format),
    _random(HEX, 32, 32).map("dapi{}".format),
    _mixed(URLSAFE, 36, 43).map("at_{}".format),
    st.tuples(*[_random(URLSAFE, 20, 40)] * 3).map(lambda parts: "eyJ" + ".".join(parts)),
)
AROUND = st.sampled_from(["", " ", "\n", '"', "'", "(", ",", "=", ": ", "\\n", "/", "`", "{", "é", "key="])


@given(AROUND, TOKENS, AROUND.filter(lambda text: text[:1] not in ("-", "_")), st.booleans())
def test_a_token_is_masked_wherever_it_stands(before: str, token: str, after: str, source: bool) -> None:
    text = f"x{before if before != '' else ' '}{token}{after}y" if not after[:1].isalnum() else f"{token} "
    hidden = mask(text, source=source)
    assert token not in hidden and token[4:-4] not in hidden
    assert MASK in hidden


@given(TOKENS, st.integers(0, 3), st.booleans())
def test_a_token_deep_in_a_long_text_is_masked(token: str, where: int, source: bool) -> None:
    lines = ["    self.layers = nn.ModuleList([Block(config) for _ in range(config.depth)])"] * 40
    lines.insert(where * 10, f"+call({token!r})")
    assert token not in mask("\n".join(lines), source=source)


SECRET = _random(ALNUM + "!$%^*+./-", 6, 40).map(lambda text: f"q{text}7w")
NAMES = (
    "password passwd db_password PGPASSWORD secret client_secret clientSecret api_key apikey API-KEY X-Api-Key "
    "access_key AWS_SECRET_ACCESS_KEY private_key credential credentials auth_token access_token accessToken "
    "hf_token GITHUB_TOKEN refresh_token passphrase wandb_api_key encryption_key storage_account_key authorization"
).split()


@pytest.mark.parametrize("name", NAMES)
@given(secret=SECRET)
def test_what_a_telling_name_holds_is_masked(name: str, secret: str) -> None:
    assert is_secret_name(name)
    assert mask_value(name, secret) == MASK
    for text in (f"{name}={secret}", f'"{name}": "{secret}"', f"connect({name}='{secret}')", f"--{name} {secret}"):
        assert secret not in mask(text), text
    for line in (f'+{name} = "{secret}"', f"+    '{name}': '{secret}',", f'+x["{name}"] = "{secret}"'):
        assert secret not in mask(line, source=True), line
    for arguments in ([f"--{name}", secret], [f"--{name}={secret}"], ["-e", f"{name}={secret}"]):
        assert secret not in "\n".join(mask_argv(["train.py", *arguments, "--lr", "0.1"]))


@given(
    SECRET.map(lambda text: text.replace("/", "")),
    st.sampled_from(["postgresql", "https", "redis", "s3", "mongodb+srv"]),
)
def test_a_password_in_a_url_is_masked(password: str, scheme: str) -> None:
    url = f"{scheme}://anna:{password}@db.example.org:5432/runs?sslmode=require"
    hidden = mask_url(url)
    assert hidden == f"{scheme}://anna:{MASK}@db.example.org:5432/runs?sslmode=require"
    assert password not in mask(f"cannot connect to {url}: refused")


def test_what_travels_in_a_query_or_a_header_is_masked() -> None:
    for text in (
        "https://x.org/d?sig=ab12cd34ef56&v=1",
        "https://x.org/d?a=1&X-Amz-Signature=ab12cd34ef56",
        "https://x.org/d?access_token=ab12cd34ef56",
        "Authorization: Bearer ab12cd34ef56",
        "curl -H 'Authorization: Basic ab12cd34ef56'",
        '{"Authorization": "token ab12cd34ef56"}',
    ):
        assert "ab12cd34ef56" not in mask(text) and "ab12cd34ef56" not in mask(text, source=True), text


def test_a_private_key_is_masked_and_the_diff_keeps_its_lines() -> None:
    body = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj", "AgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4mF2"]
    lines = [
        "@@ -1 +1,4 @@",
        "+-----BEGIN PRIVATE KEY-----",
        *(f"+{part}" for part in body),
        "+-----END PRIVATE KEY-----",
    ]
    hidden = mask("\n".join(lines), source=True).split("\n")
    assert hidden == [*lines[:2], f"+{MASK}", f"+{MASK}", lines[-1]]
    cut = mask("\n".join(lines[:-1]), source=True)  # the end was beyond a limit
    assert not any(part in cut for part in body)


ORDINARY = [
    "max_tokens=1000 n_tokens=5 pad_token='<pad>' eos_token=\"</s>\" tokenizer=bert-base token_pattern=(?u)\\b\\w+",
    "LogisticRegression(C=0.1, max_iter=200)",
    "num_key_value_heads: 8, key_padding_mask=None, attention_mask",
    "passed 12 of 14 tests; bypass=True; passes=3",
    "the author's authors: authority=0.2",
    "risk-averse-strategy-2021-model-v2-final",
    "category_feature_at_2021_01_01_with_a_long_name",
    "task-specific-prefix-tuning-base-100-epochs",
    "/data/secrets_of_the_sea/train.csv",
    "https://huggingface.co/bert-base-uncased?revision=main",
    "git@github.com:org/project.git",
    "ssh://git@github.com/org/project.git",
    "sha256:9914ef5638a2decd9ea32ac8811732f515ef0b1d91c53d3ff56cc1618880af1b",
    "Unexpected token: '}' at position 3",
    "[1, 2, 3, 4, 5, 6]",
    "2021-01-01 12:00:00 loss: 0.4512 lr: 3e-4 tokens/s: 12345",
    "StandardScaler -> PCA(n_components=2) -> KMeans(n_clusters=8)",
    "public_key=abc sort_key='x' primary_key: id keyword=value monkey=1",
]
CODE = [
    "+    def __init__(self, password: str, token: str | None = None) -> None:",
    "+        self.password = password",
    "+token = tokenizer.encode(text)",
    "+    token: str",
    "+    password: Optional[SecretStr] = None",
    "+client = Client(api_key=os.environ['API_KEY'], token=token2, secret=get_secret('name'))",
    '+url = f"postgresql://{user}:{password}@{host}/db"',
    '+    "password": args.password,',
    "+if token == 'abc': secrets.token_hex(16)",
    '+parser.add_argument("--token-pattern", default="[a-z]+")',
    "+special_tokens = {'pad_token': '[PAD]', 'mask_token': '[MASK]'}",
    "+auth = requests.auth.HTTPBasicAuth(user, password)",
    '+headers = {"Authorization": f"Bearer {token}"}',
    "+if line.startswith('-----BEGIN RSA PRIVATE KEY-----'): pass",
    "+key = jax.random.PRNGKey(0)",
    "+for key, value in state_dict.items():",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert masked(text) == (text, 0)
    assert mask_value("note", text) == text


@pytest.mark.parametrize("line", CODE)
def test_ordinary_code_stays_as_it_is(line: str) -> None:
    assert masked(line, source=True) == (line, 0)


def test_the_sources_of_libraries_stay_as_they_are() -> None:
    import click.core
    import sklearn.feature_extraction.text as text
    import sklearn.linear_model._logistic as logistic

    for module in (click.core, logistic, string, text):
        content = Path(str(module.__file__)).read_bytes()
        assert masked_source(content) == (content, 0), module


@given(st.text(max_size=200), st.booleans())
def test_any_text_passes_and_a_second_time_changes_nothing(text: str, source: bool) -> None:
    hidden, count = masked(text, source=source)
    assert (hidden == text) == (count == 0)
    assert mask(hidden, source=source) == hidden
    assert hidden.count("\n") == text.count("\n")


@given(st.binary(max_size=300))
def test_any_bytes_pass(content: bytes) -> None:
    assert masked_source(content)[0] == content or masked_source(content)[1] > 0


def test_weak_names_may_hold_numbers_and_switches() -> None:
    assert mask_value("token", "5") == "5" and mask_value("use_auth", "True") == "True"
    assert mask_value("password", "12345") == MASK and mask_value("password", "None") == "None"
    assert mask_value("max_tokens", "abc") == "abc"


def test_arguments_beside_a_secret_stay() -> None:
    assert mask_argv(["t.py", "--token", "--lr", "0.1", "--password=", "--use-auth", "x.csv", "-v"]) == [
        *("t.py", "--token", "--lr", "0.1", "--password=", "--use-auth", "x.csv", "-v")
    ]
    assert mask_argv(["--user-pin", "12", "--user-pin=12"], {"user_pin"}) == ["--user-pin", MASK, f"--user-pin={MASK}"]


#: Each is a beginning that a careless pattern would try again at every place of a long line.
HOSTILE = (
    *(
        "sk-",
        "eyJ",
        "AKIA",
        "token",
        "token=",
        "://",
        "://a:",
        'password="',
        "hf_",
        "Bearer ",
        "--token ",
        "a",
        "A",
        "_",
    ),
    *("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq", "-", "token.", "password: ", '\\"', 'secret\\\\"', "token:str="),
    *('password="""', "&sig=", "xox", "auth:" + " " * 19, "a1sk-", "password: a", "Authorization: Basic "),
)


@pytest.mark.parametrize("unit", HOSTILE, ids=range(len(HOSTILE)))
def test_time_is_linear_in_hostile_text(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        best = 1e9
        for _ in range(3):
            began = time.process_time()
            mask(text)
            mask(text, source=True)
            best = min(best, time.process_time() - began)
        return best

    small, large = seconds(30_000), seconds(300_000)
    assert large < 0.02 or large < 40 * small  # ten times the text; a quadratic pattern takes a hundred times as long


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@pytest.mark.parametrize(
    "text",
    [
        "[db]\nuser = bob\npassword = {}\n",
        "é: 1\ndb: {{user: bob, password: {}}}\n",
        "Server=x;User=sa;Password={};\n",
        'password = "{}"\n',
        "see postgresql://bob:{}@host/db\n",
        "export PASSWORD={}",
    ],
)
def test_files_that_are_no_code_are_running_text(text: str, encoding: str) -> None:
    content = text.format("hunter2-x9").encode(encoding)
    assert masked_file(content) == (text.format(MASK).encode(encoding), 1)
    assert holds_secret(io.BytesIO(content))


@pytest.mark.parametrize(
    "text",
    [
        '{"password": 9206, "secret":3595, "pass": 1}',
        "token,key,auth\na,b,c\n",
        "TOKEN=$(cat token)\nPASSWORD=${PASSWORD:-}\npassword=$1\n",
        "secretstorage==3.3.3\n",
    ],
)
def test_data_that_only_looks_like_secrets_stays(text: str) -> None:
    assert masked_file(text.encode()) == (text.encode(), 0) and not holds_secret(io.BytesIO(text.encode()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("before", range(-24, 24, 3))
def test_a_secret_across_the_pieces_of_a_large_file_is_seen(before: int, encoding: str) -> None:
    size = ((4 << 20) >> (encoding == "utf-16")) - 12 + before
    text = "7" * size + "\npassword = hunter2-x9\n" + "7" * 100
    assert holds_secret(io.BytesIO(text.encode(encoding)))
    assert not holds_secret(io.BytesIO(("7" * size + " pad_token = hunter2-x9").encode(encoding)))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff"]))
def test_any_file_passes(content: bytes, bom: bytes) -> None:
    hidden, count = masked_file(bom + content)
    assert (hidden == bom + content) == (count == 0)
