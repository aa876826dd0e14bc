"""Several dashboards on one machine, each in a kernel of its own, as on a hub for a class.

Each opens the demo; then all make edits at the same time, one after the other in each kernel. An
edit is timed in its kernel, from the change to the result; the browser is not measured here. Run:
python benchmarks/many_dashboards.py --dashboards 10. Prints a table.
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from crmasks_widgets.dashboard.model.engine import REST

OPEN = """
from crmasks_widgets.demo import demo_analysis
import crmasks_widgets as cm
dashboard = cm.Dashboard(demo_analysis({shape}))
assert dashboard.wait(1200)
print(1)
"""
EDITS = """
import json, time
times = []
for i in range({n}):
    began = time.monotonic()
    dashboard.state.update(la_sigclip=5.0 + (i + 1) / 10)
    assert dashboard.wait(600)
    times.append(time.monotonic() - began)
print(json.dumps(times))
"""


def run(kernel, code):
    """Run a cell and return what it printed."""
    _, client = kernel
    printed = []

    def listen(message):
        if message["msg_type"] == "error":
            raise RuntimeError(message["content"]["evalue"])
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            printed.append(message["content"]["text"])

    client.execute_interactive(code, timeout=1800, output_hook=listen)
    return "".join(printed)


def resident(kernel):
    """Proportional memory of a kernel, MiB: what it shares with others is divided among them."""
    pid = kernel[0].provisioner.process.pid
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measure(n, shape, n_edits):
    """Seconds until all are open, seconds of each edit, and MiB of each kernel."""
    with ThreadPoolExecutor(n) as pool:
        kernels = list(pool.map(lambda _: start_new_kernel(), range(n)))
        try:
            began = time.monotonic()
            list(pool.map(lambda k: run(k, OPEN.format(shape=shape)), kernels))
            elapsed = time.monotonic() - began
            texts = list(pool.map(lambda k: run(k, EDITS.format(n=n_edits)), kernels))
            edits = [float(t) for text in texts for t in text.strip()[1:-1].split(",")]
            time.sleep(REST + 2)  # what was freed is given back then
            return elapsed, edits, [resident(kernel) for kernel in kernels]
        finally:
            for manager, client in kernels:
                client.stop_channels()
                manager.shutdown_kernel(now=True)


def main():
    """Measure one dashboard, and then as many as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dashboards", type=int, default=10)
    parser.add_argument("--size", nargs=2, type=int, default=(1000, 800), metavar=("NX", "NY"))
    parser.add_argument("--edits", type=int, default=3)
    arguments = parser.parse_args()
    nx, ny = arguments.size
    print("| dashboards | opened, s | an edit, s: median | highest | memory of each, MiB |")
    print("|---|---|---|---|---|")
    for n in dict.fromkeys((1, arguments.dashboards)):
        elapsed, edits, memory = measure(n, (ny, nx), arguments.edits)
        print(
            f"| {n} | {elapsed:.1f} | {statistics.median(edits):.2f} | {max(edits):.2f} "
            f"| {max(memory):.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
