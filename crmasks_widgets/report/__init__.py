"""A report to send to a colleague: one HTML file that needs nothing else."""

from crmasks_widgets.products.names import REPORT_NAME
from crmasks_widgets.report.page import report_html
from crmasks_widgets.report.writing import report_job, save_report

__all__ = ["REPORT_NAME", "report_html", "report_job", "save_report"]
