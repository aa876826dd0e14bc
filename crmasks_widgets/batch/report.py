"""What was done to which observing block, as a page and as a table."""

import csv
import io
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from crmasks_widgets.batch.block import Outcome
from crmasks_widgets.files.writing import text_product, write_products
from crmasks_widgets.products.names import REPORT_NAMES

CSV_NAME, HTML_NAME = "batch.csv", "batch.html"
_COUNTS: Final = ("hits", "MEDIANCR", "MEANCRT", "masked in every exposure")
COLUMNS: Final = (
    "block", "state", *_COUNTS, "CRMASK", "seconds", "attempts", "warnings", "error", "inputs",
    "sha256", "parameters", "version", "uuid",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
# Numbers in narrow columns; whatever is long wraps below them, and stands in cards on a phone.
_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:14px/1.4 system-ui,sans-serif;margin:1.5em}"
    "h1{font-size:1.4em}table{border-collapse:collapse;width:100%}"
    "th,td{padding:.35em .7em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{overflow-wrap:normal}tbody{border-top:1px solid #8886}"
    ".number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "tr.more td{padding-top:0}ul{margin:.2em 0;padding-left:1.2em}code{font-size:12px}"
    "summary{cursor:pointer;color:GrayText}.error{margin:0;color:#c22}"
    "tbody.failed{background:#f002}tbody.waiting{color:GrayText}"
    "@media(max-width:700px){body{margin:1em}thead{display:none}"
    "table,tbody,tr,td{display:block}tbody{padding:.5em 0}td{padding:.1em .3em}"
    "td.number{text-align:left}td:empty{display:none}td[data-name]::before"
    "{content:attr(data-name) ': ';color:GrayText}}"
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
    KeyboardInterrupt
        Ctrl-C was pressed meanwhile; both are whole.
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
        A row each; what is long stands below its numbers. Checksums are in the CSV only.

    Returns
    -------
    str
        HTML; whatever comes from files stands in it as text.
    """
    states = [outcome.state for outcome in outcomes]
    total = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    heads = "".join(
        f"<th{_NUMBER if name in _NUMBERS else ''}>{escape(name)}</th>" for name in _SHOWN
    )
    rows = "\n".join(map(_block, outcomes))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>crmasks batch</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>crmasks batch</h1>\n"
        f"<p>{escape(total)}; masks in pixels; checksums and all the rest: "
        f'<a href="{CSV_NAME}">{CSV_NAME}</a></p>\n'
        f"<table><thead><tr>{heads}</tr></thead>\n{rows}\n</table>\n</body></html>\n"
    )


_SHOWN: Final = ("block", "state", *_COUNTS, "CRMASK", "seconds")
_NUMBERS: Final = frozenset({*_COUNTS, "CRMASK", "seconds"})
_NUMBER: Final = ' class="number"'


def _block(outcome: Outcome) -> str:
    row = _row(outcome)
    cells = "".join(_cell(name, row[name]) for name in _SHOWN[1:])
    more = _more(outcome, row)
    below = f'\n<tr class="more"><td colspan="{len(_SHOWN)}">{more}</td></tr>' if more else ""
    first = f"<td>{_links(outcome)}</td>"
    return f'<tbody class="{outcome.state}"><tr>{first}{cells}</tr>{below}</tbody>'


def _links(outcome: Outcome) -> str:
    """Name of a block; links lead to what there is."""
    name, products = escape(outcome.name), outcome.record.get("products", {})
    if not products:
        return name
    folder = escape(quote(outcome.name))
    reports = [product for product in products if REPORT_NAMES.fullmatch(product)]
    links = "".join(f' <a href="{folder}/{report}">report</a>' for report in reports)
    return f'<a href="{folder}/">{name}</a>{links}'


def _cell(name: str, value: Any) -> str:
    text = ", ".join(value) if isinstance(value, list) else str(value)
    number = _NUMBER if name in _NUMBERS else ""
    return f'<td{number} data-name="{escape(name)}">{escape(text)}</td>'


def _more(outcome: Outcome, row: dict[str, Any]) -> str:
    """Error, warnings, and, behind a click, what was run."""
    error = f'<p class="error">{escape(outcome.error)}</p>' if outcome.error else ""
    tries = f"<p>{outcome.attempts} attempts</p>" if outcome.attempts > 1 else ""
    asked = _listed([*row["inputs"], *row["parameters"]])
    version = f"crmasks_widgets {escape(str(row['version']))}, run {escape(str(row['uuid']))}"
    details = (
        f"<details><summary>exposures and parameters</summary>{asked}<p>{version}</p></details>"
        if asked
        else ""
    )
    return f"{error}{tries}{_listed(outcome.warnings)}{details}"


def _listed(items: Sequence[str]) -> str:
    lines = "".join(f"<li><code>{escape(item)}</code></li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""
