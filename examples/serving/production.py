"""Production: asks the server about new cells, patient by patient; weeks later the truth comes back."""

import json
import sys
import urllib.request

import pandas

address = sys.argv[1]
later = pandas.read_csv("later.csv")
truth = later.pop("diagnosis")
later["mean radius"] *= 1.4  # another microscope


def ask(path: str, body: object, request: str = "") -> dict:
    headers = {"Content-Type": "application/json", **({"X-Request-Id": request} if request else {})}
    asked = urllib.request.Request(address + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


for at, row in enumerate(later.to_dict("records")):
    ask("/invocations", {"dataframe_records": [row]}, f"patient-{at}")
known = [{"request_id": f"patient-{at}", "truth": [int(each)]} for at, each in enumerate(truth)]
print(f"{len(later)} patients: {ask('/feedback', known)}")
