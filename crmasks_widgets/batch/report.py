"""What was done to which observing block, as a page and as a table."""

import csv
import io
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from crmasks_widgets.batch.block import Outcome
from crmasks_widgets.files.writing import text_product, write_products

# As `crmasks_widgets.report` names them, which takes long to import; one for each detector.
_REPORT: Final = re.compile(r"report(_detector\d+)?\.html")
CSV_NAME, HTML_NAME = "batch.csv", "batch.html"
_COUNTS: Final = ("hits", "MEDIANCR", "MEANCRT", "masked in every exposure")
COLUMNS: Final = (
    "block", "state", *_COUNTS, "CRMASK", "seconds", "attempts", "warnings", "error", "inputs",
    "sha256", "parameters", "version", "uuid",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_STYLE: Final = (
    "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}"
    "th,td{border-bottom:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}"
    "td.number{text-align:right}tr.failed{background:#fdd}tr.waiting{color:#777}"
    "td ul{margin:0;padding-left:1em}code{font-size:12px;overflow-wrap:anywhere}"
)


def write_table(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write ``batch.csv`` and ``batch.html``.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One row each.
    folder : Path
        Where to; the blocks' folders lie in it.

    Raises
    ------
    OutputError
        A file cannot be written; the earlier ones stay.
    """
    products = (
        text_product(CSV_NAME, "what was done", csv_text(outcomes)),
        text_product(HTML_NAME, "what was done", html_text(outcomes)),
    )
    write_products(products, folder)


def _row(outcome: Outcome) -> dict[str, Any]:
    """Cells by column; a list where there may be several things."""
    record = outcome.record
    counts, inputs = record.get("counts", {}), record.get("inputs", {})
    masks = [str(n) for name, n in counts.items() if name.startswith("CRMASK")]
    parameters = record.get("parameters", {})
    return {
        "block": outcome.name,
        "state": outcome.state,
        **{name: counts.get(name, "") for name in _COUNTS},
        "CRMASK": masks,
        "seconds": "" if outcome.seconds is None else f"{outcome.seconds:.1f}",
        "attempts": outcome.attempts,
        "warnings": outcome.warnings,
        "error": outcome.error,
        "inputs": list(inputs),
        "sha256": list(inputs.values()),
        "parameters": [f"{name} = {json.dumps(value)}" for name, value in parameters.items()],
        "version": record.get("version", ""),
        "uuid": record.get("request", {}).get("uuid", ""),
    }


def csv_text(outcomes: Sequence[Outcome]) -> str:
    """Write outcomes as CSV; several things in a cell have "; " between them.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One row each.

    Returns
    -------
    str
        With a line of headings.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for outcome in outcomes:
        row = _row(outcome)
        cells = {k: "; ".join(v) if isinstance(v, list) else v for k, v in row.items()}
        writer.writerow({k: _no_formula(cell) for k, cell in cells.items()})
    return stream.getvalue()


def _no_formula(cell: Any) -> Any:
    """Keep a spreadsheet from computing text: names may come from somebody else."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def html_text(outcomes: Sequence[Outcome]) -> str:
    """Write outcomes as a page that needs nothing else.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One row each.

    Returns
    -------
    str
        HTML; whatever comes from files stands in it as text.
    """
    states = [outcome.state for outcome in outcomes]
    total = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    heads = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    rows = "\n".join(f'<tr class="{outcome.state}">{_cells(outcome)}</tr>' for outcome in outcomes)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>crmasks batch</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>crmasks batch</h1>\n<p>{escape(total)}</p>\n"
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>\n</body></html>\n"
    )


def _cells(outcome: Outcome) -> str:
    reports = [name for name in outcome.record.get("products", {}) if _REPORT.fullmatch(name)]
    return "".join(_cell(name, value, reports) for name, value in _row(outcome).items())


def _cell(name: str, value: Any, reports: Sequence[str]) -> str:
    if name == "block":
        folder = escape(quote(str(value)))
        links = "".join(f' <a href="{folder}/{report}">report</a>' for report in reports)
        return f'<td><a href="{folder}/">{escape(str(value))}</a>{links}</td>'
    if isinstance(value, list):
        items = "".join(f"<li><code>{escape(item)}</code></li>" for item in value)
        return f"<td><ul>{items}</ul></td>" if items else "<td></td>"
    number = ' class="number"' if name in (*_COUNTS, "seconds", "attempts") else ""
    return f"<td{number}>{escape(str(value))}</td>"
