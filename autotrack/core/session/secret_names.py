"""Tells by its name whether a value is a secret: ``api_key`` and ``hf_token`` are, ``max_tokens`` is none."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Literal

#: ``"strong"``: whatever it holds is masked. ``"weak"``: a number, or in running text a plain word, may stand there.
Secrecy = Literal["strong", "weak", "none"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_STRONG = frozenset(
    "password passwd passwort passphrase passcode secret secrets credential credentials apikey accesskey secretkey "
    "privatekey authtoken accesstoken dbpassword pgpassword sshpass mysqlpwd".split()
)
#: What makes a ``key`` a secret one.
_OPENS = frozenset(
    "api access private secret encryption signing account storage license service master subscription ssh deploy auth "
    "authentication authorization shared app client openai wandb anthropic neptune comet".split()
)
_WEAK = frozenset("token auth authorization authentication oauth bearer jwt cookie pwd pass".split())
#: Before ``token``: what it opens. ``tracking``: MLFLOW_TRACKING_TOKEN.
_BEARERS = _OPENS | {"bearer", "refresh", "tracking", "autotrack"}
#: Before ``token``: the tokens of text, of images and of loops.
_OF_TEXT = frozenset(
    "pad padding eos bos unk mask sep cls special next last first prev previous max min n num number nb per prompt "
    "input output image img text audio video start stop end begin additional new class cls context decoder encoder "
    "word sub subword char byte bytes target source query label thinking think reasoning completion generated "
    "sample masked register dist distill distillation patch visual vision time speech mean avg average total "
    "current all only added is by use no has with lang language forced suppress sot eot boi eoi fake dummy "
    "early cross of in to multi single each every tool system assistant".split()
)
#: After it: something about the secret and not the secret, and the fields of text processing.
_ABOUT = frozenset(
    "length len size sizes count min max policy pattern regex type types kind method mode file files path paths dir "
    "folder name names url uri endpoint id ids idx index indices position positions embedding embeddings embed dim "
    "dims weight weights loss logits prob probs rate ratio budget limit limits freq frequency map vocab classifier "
    "classification level list usage expiry expires expiration ttl enabled required timeout scope manager provider "
    "helper var variable env header field strength mixer mixing dropout span spans tensor tensors ner shift s "
    "overlap overlaps backend class encoding format strategy attn attention".split()
)


def is_secret_name(name: str) -> bool:
    """True where a param, variable or option of that name holds a secret."""
    return secrecy(name) != "none"


@lru_cache(maxsize=4096)
def secrecy(name: str) -> Secrecy:
    """How far the name says that its value is a secret."""
    words = [word.lower() for word in _WORDS.findall(name[-200:])]
    if not words or words[-1] in _ABOUT:
        return "none"
    while words and words[-1].isdecimal():
        words.pop()  # password2
    if any(word in _STRONG for word in words):
        return "strong"
    for before, word in pairwise(words):
        if word in ("key", "keys") and before in _OPENS:
            return "strong"
        if word == "tokens" and before in ("auth", "access", "api", "bearer", "refresh"):
            return "strong"
    return _weakly(words)


def _weakly(words: list[str]) -> Secrecy:
    last = words[-1] if words else ""
    if last not in _WEAK:
        return "none"
    before = words[-2] if len(words) > 1 else ""
    if last == "token":
        return "none" if before in _OF_TEXT else "strong" if before in _BEARERS else "weak"
    if last in ("pwd", "pass"):  # the working directory; a pass over the data
        return "weak" if before in ("db", "user", "root", "admin", "mysql", "pg", "smtp", "ftp", "ldap") else "none"
    return "none" if before in ("use", "no", "is", "has", "with") else "weak"
