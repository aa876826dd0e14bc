"""Cases that lead to code which no case before has reached, by atheris, where it installs.

`python -m tests.fuzz.guided texts 2000` makes 2000 cases; the bytes that atheris hands in take the
place of a seed. What breaks a promise ends it, and is printed as an entry of the corpus.
"""

import argparse
import gc
import logging
import random
import sys
import tempfile
from pathlib import Path

import atheris
import yaml

with atheris.instrument_imports(include=["crmasks_widgets"]):
    from . import campaign, cases


def main():
    """Run a generator under the guidance of atheris."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("generator", choices=cases.GENERATORS)
    parser.add_argument("runs", type=int)
    given = parser.parse_args()
    logging.lastResort = None
    gc.freeze()  # each run searches for garbage, and what was imported is none

    def target(data):
        case = cases.make(given.generator, data)
        faults = campaign.tried(case)
        if faults:
            print(yaml.safe_dump(case, sort_keys=False, width=200))  # noqa: T201
            raise AssertionError(faults)

    # The trial has its own limits of time and memory.
    options = [f"-runs={given.runs}", "-timeout=0", "-rss_limit_mb=0", "-max_len=400", "-seed=1"]
    with tempfile.TemporaryDirectory() as seeds:
        for number in range(30):
            Path(seeds, str(number)).write_bytes(random.Random(number).randbytes(400))  # noqa: S311
        options += ["-len_control=0", f"-artifact_prefix={seeds}/"]
        atheris.Setup([sys.argv[0], *options, seeds], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
