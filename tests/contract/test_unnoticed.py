"""What a user's process could notice of autotrack: nothing. Scripts say the same with and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import autotrack

#: Where autotrack is: the folder of a clone may have its name, too.
PACKAGE = f"{Path(autotrack.__file__).parent}{os.sep}"
FITS = """
import warnings
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier, BaggingRegressor, ExtraTreesRegressor, GradientBoostingRegressor,
    HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier, StackingClassifier, VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Perceptron, RANSACRegressor, Ridge, SGDClassifier, SGDRegressor
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeRegressor

X, y = load_iris(return_X_y=True)
A, b = load_diabetes(return_X_y=True)
MODELS = [
    (LogisticRegression(max_iter=20), X, y), (Ridge(), A, b), (SGDClassifier(), X, y),
    (RandomForestClassifier(9), X, y),
    (GradientBoostingRegressor(n_estimators=9, subsample=0.5), A, b), (KMeans(3, n_init=2), X, None),
    (MLPClassifier((5,), max_iter=5), X, y), (GaussianMixture(2), X, None), (GaussianNB(), X, y),
    (SVC(probability=False), X, y), (DecisionTreeClassifier(max_features=1), X, y),
    (make_pipeline(StandardScaler(), PCA(2, svd_solver="randomized"), SGDClassifier()), X, y),
    (GridSearchCV(SGDClassifier(), {"alpha": [0.01, 0.1]}, cv=3), X, y),
    (AdaBoostClassifier(n_estimators=3), X, y), (BaggingRegressor(n_estimators=3), A, b),
    (ExtraTreesRegressor(n_estimators=3), A, b),
    (HistGradientBoostingClassifier(max_iter=3, early_stopping=True), X, y),
    (IsolationForest(n_estimators=3), X, None), (StackingClassifier([("s", SGDClassifier())], GaussianNB()), X, y),
    (VotingClassifier([("s", SGDClassifier()), ("n", GaussianNB())]), X, y), (Perceptron(), X, y),
    (CalibratedClassifierCV(SGDClassifier(), cv=2), X, y), (GaussianProcessRegressor(), A[:40], b[:40]),
    (RANSACRegressor(max_trials=5), A, b), (SGDRegressor(), A, b), (OneVsRestClassifier(Perceptron()), X, y),
    (KNeighborsClassifier(), X, y), (MLPRegressor(hidden_layer_sizes=(3,), max_iter=3), A, b), (LinearSVC(), X, y),
    (ExtraTreeRegressor(), A, b),
]
"""

RESULTS = """
import hashlib, pickle, random, sys
np.random.seed(0); random.seed(0)
def parts(thing, seen):
    if id(thing) in seen or isinstance(thing, (type, np.random.RandomState)): return
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray) and thing.dtype == object: yield from parts(thing.tolist(), seen)
    elif isinstance(thing, np.ndarray): yield f"{thing.dtype}{thing.shape}{hashlib.sha256(thing.tobytes()).hexdigest()}"
    elif isinstance(thing, (int, float, str)): yield repr(thing)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if "time" not in str(key): yield from parts(value, seen)
    elif isinstance(thing, (list, tuple)):
        for value in thing: yield from parts(value, seen)
    elif hasattr(thing, "__getstate__") and hasattr(thing, "get_params"): yield from parts(vars(thing), seen)
for model, data, target in MODELS:
    same = model.fit(data, target) if target is not None else model.fit(data)
    print(type(model).__name__, same is model, sorted(vars(model)), list(parts(model, {})))
    print(np.random.get_state()[2], hashlib.sha256(np.random.get_state()[1].tobytes()).hexdigest(), random.random())
    if hasattr(model, "predict"): print(hashlib.sha256(np.asarray(model.predict(data)).tobytes()).hexdigest())
"""

ENABLE = "import autotrack; autotrack.enable()\n"


def run(tmp_path: Path, source: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(source))
    return subprocess.run([sys.executable, *options, str(path)], cwd=tmp_path, capture_output=True, timeout=100)


def both(tmp_path: Path, source: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """The same script bare and tracked: exit code, output and error output are equal to the byte."""
    bare = run(tmp_path, "pass; pass\n" + source, *options)
    tracked = run(tmp_path, ENABLE + source, *options)
    assert (tracked.returncode, tracked.stdout, tracked.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    return tracked


def test_coefficients_and_random_streams_to_the_bit(store: Path, tmp_path: Path) -> None:
    done = both(tmp_path, FITS + "warnings.simplefilter('ignore')\n" + RESULTS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b" True ['") == 30  # lines of estimators
    assert len(autotrack.search_runs()) >= 29


def test_verbose_output_is_the_same(store: Path, tmp_path: Path) -> None:
    source = (
        FITS
        + """
warnings.simplefilter("ignore")
for model in (MLPClassifier((5,), max_iter=3, verbose=True, random_state=0),
              KMeans(3, n_init=1, verbose=1, random_state=0),
              GaussianMixture(2, verbose=1, random_state=0), SVC(verbose=True),
              GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-8]}, cv=2, verbose=1)):
    model.fit(X, y)
print("done")
"""
    )
    assert both(tmp_path, source).stdout.endswith(b"done\n")
    assert len(autotrack.search_runs()) >= 5


WARNS = """
def fit():
    MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    LogisticRegression(max_iter=2).fit(X, y)
"""


def test_warnings_are_the_same(store: Path, tmp_path: Path) -> None:
    recorded = """
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fit()
for each in caught:
    print(each.category.__name__, each.message, each.filename, each.lineno)
"""
    assert both(tmp_path, FITS + WARNS + recorded).stdout.count(b"ConvergenceWarning") == 2
    assert both(tmp_path, FITS + WARNS + "fit(); fit()").stderr.count(b"ConvergenceWarning") >= 2


def test_warnings_as_errors_are_the_same_errors(store: Path, tmp_path: Path) -> None:
    code = """
try:
    fit()
except Warning as error:
    print(type(error).__name__, error)
"""
    assert both(tmp_path, FITS + WARNS + code, "-W", "error").stdout.startswith(b"ConvergenceWarning")


def test_an_uncaught_error_shows_the_same_lines_but_two(store: Path, tmp_path: Path) -> None:
    source = FITS + "def train():\n    Ridge().fit(A, ['x'] * len(A))\ntrain()\n"
    bare, tracked = run(tmp_path, "pass; pass\n" + source), run(tmp_path, ENABLE + source)
    assert bare.returncode == tracked.returncode == 1
    ours = [line for line in tracked.stderr.decode().splitlines() if PACKAGE in line]
    assert len(ours) <= 2
    theirs = bare.stderr.decode().splitlines()
    assert [line for line in tracked.stderr.decode().splitlines() if line in theirs] == theirs


STATE = """
import atexit, gc, json, locale, logging, os, random, signal, sys, threading, warnings
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.datasets import load_iris
import sklearn, decimal
X, y = load_iris(return_X_y=True)
LogisticRegression(max_iter=500).fit(X, y)
def state():
    return {
        "environment": dict(os.environ), "cwd": os.getcwd(), "umask": (lambda m: (os.umask(m), m)[1])(os.umask(0)),
        "signals": {str(s): repr(signal.getsignal(s)) for s in signal.valid_signals()},
        "path": list(sys.path), "argv": sys.argv, "hooks": [repr(h) for h in (sys.excepthook, sys.displayhook,
            sys.unraisablehook, threading.excepthook, sys.breakpointhook, sys.exit, sys.gettrace(), sys.getprofile())],
        "path hooks": repr(sys.path_hooks), "filters": repr(warnings.filters),
        "showwarning": repr(warnings.showwarning),
        "handlers": repr(logging.root.handlers), "level": logging.root.level, "locale": locale.setlocale(locale.LC_ALL),
        "random": repr(random.getstate()), "numpy": repr(np.random.get_state()), "errors": repr(np.geterr()),
        "print options": repr(np.get_printoptions()), "gc": [repr(gc.callbacks), gc.get_threshold(), gc.isenabled()],
        "recursion": sys.getrecursionlimit(), "switch": sys.getswitchinterval(), "decimal": repr(decimal.getcontext()),
        "config": repr(sklearn.get_config()), "streams": [id(sys.stdin), id(sys.stdout), id(sys.stderr)],
        "fit": [repr(vars(LogisticRegression)["fit"]), id(vars(LogisticRegression)["fit"])],
        "bases": [repr(c.__dict__.get("__init_subclass__")) for c in LogisticRegression.__mro__],
    }
def threads(): return sorted(t.name for t in threading.enumerate())
before, finders, before_threads = state(), list(sys.meta_path), threads()
descriptors = sorted(os.listdir("/proc/self/fd"))
import autotrack
autotrack.enable()
during = state()
model = LogisticRegression(max_iter=500)
model.fit(X, y)
fitted = state()
autotrack.disable()
after = state()
changed = lambda a, b: sorted(k for k in a if a[k] != b[k])
print(json.dumps({
    "enable": changed(before, during), "fit": changed(before, fitted), "disable": changed(before, after),
    "finders": len(sys.meta_path) - len(finders),
    "threads": sorted(set(threads()) - set(before_threads)),
    "non-daemon": [t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()],
    "descriptors": len(os.listdir("/proc/self/fd")) - len(descriptors),
    "inheritable": [fd for fd in os.listdir("/proc/self/fd")
                    if fd not in descriptors and os.path.exists(f"/proc/self/fd/{fd}") and os.get_inheritable(int(fd))],
}))
"""


def test_the_process_is_as_it_was(store: Path, tmp_path: Path) -> None:
    done = run(tmp_path, STATE)
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout)
    assert found["enable"] == found["fit"] == ["bases", "fit"] or set(found["enable"] + found["fit"]) <= {
        "bases",
        "fit",
    }
    assert found["disable"] == []
    assert found["finders"] == 0
    assert found["threads"] == []  # what looks for threads that others left behind finds none of ours
    assert found["non-daemon"] == []
    assert found["descriptors"] <= 6  # the journal, its two maps, and a place each for three kinds of last words
    assert found["inheritable"] == []


def test_descriptors_and_threads_do_not_grow(store: Path, tmp_path: Path) -> None:
    source = """
    import gc, os, threading
    import autotrack
    from sklearn.linear_model import Ridge
    autotrack.enable(runs_per_site=10_000, models=False)
    def round():
        for number in range(20):
            Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
            with autotrack.start_run() as run:
                run.log_text("t", "t.txt")
                with autotrack.start_run():
                    run.log_metric("a", 1.0)
        autotrack.search_runs()
        autotrack.disable(); autotrack.enable(runs_per_site=10_000, models=False)
        gc.collect()
        return len(os.listdir("/proc/self/fd")), threading.active_count()
    round()
    first = round()
    for _ in range(5):
        last = round()
    print(first == last, first, last)
    """
    done = run(tmp_path, source)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"True"), done.stdout


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")
def test_a_program_that_only_imports_us_leaves_nothing(tmp_path: Path, store: Path) -> None:
    done = run(tmp_path, "import autotrack, os\nautotrack.enable()\nprint(sorted(os.listdir('.')))\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"['script.py']\n", b"")
    assert not store.exists()


LATE = """
import sys
class Held:
    def __del__(self, write=__import__("os").write):
        write(1, b"while modules are there\\n" if sys else b"too late\\n")
held = Held()
import numpy as np, torch, xgboost
from sklearn.linear_model import LogisticRegression
X, y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
LogisticRegression().fit(X, y)
xgboost.train({"nthread": 1}, xgboost.DMatrix(X, label=y), 1)
net = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters())
net(torch.ones(1, 2)).sum().backward()
optimizer.step()
"""


def test_what_the_program_holds_goes_when_it_would(store: Path, tmp_path: Path) -> None:
    bare, tracked = run(tmp_path, LATE), run(tmp_path, ENABLE + LATE)
    assert (tracked.returncode, tracked.stdout, tracked.stderr) == (0, bare.stdout, bare.stderr)
    assert bare.stdout == b"while modules are there\n"
