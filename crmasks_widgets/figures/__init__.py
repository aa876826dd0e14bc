"""The figures of a run, drawn with matplotlib and without pyplot.

`all_figures` says which figures an analysis has; each is drawn when its job is called.
"""

from collections.abc import Iterator
from functools import partial

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.figures import _backend as _backend
from crmasks_widgets.figures.alignment import flux_factor_figure, offset_figure
from crmasks_widgets.figures.diagnostics import diagnostic_figure
from crmasks_widgets.figures.histogram2d import histogram2d_figure
from crmasks_widgets.figures.hit_pages import hit_jobs
from crmasks_widgets.figures.jobs import png_job
from crmasks_widgets.files.writing import FigureJob

__all__ = ["FigureJob", "all_figures"]


def all_figures(analysis: Analysis) -> Iterator[FigureJob]:
    """List the figures of a run.

    Parameters
    ----------
    analysis : Analysis
        What the figures show. It is not changed, apart from stages that are computed when needed.

    Yields
    ------
    FigureJob
        Nothing is drawn before its `draw` is called.
    """
    parameters = analysis.parameters
    numbers = range(1, analysis.exposures.n + 1)
    if parameters.mm_crosscorr_region is not None:
        for i in numbers:
            yield png_job(f"xyoffset_crosscorr_{i}.png", partial(offset_figure, analysis, i))
    if parameters.flux_factor == "auto":
        for i in numbers:
            yield png_job(f"flux_factor{i}.png", partial(flux_factor_figure, analysis, i))
    if parameters.has_boundary:
        yield png_job("diagnostic_histogram2d.png", partial(histogram2d_figure, analysis))
    for target in analysis.targets:
        name = f"crmask{target}" if isinstance(target, int) else f"{target}cr"
        yield png_job(f"diagnostic_{name}.png", partial(diagnostic_figure, analysis, target))
    yield from hit_jobs(analysis)
