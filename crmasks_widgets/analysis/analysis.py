"""From exposures and parameters to masks and combinations, in named stages.

An `Analysis` is immutable. A stage is computed when it is first read; `Analysis.replace` shares
every stage whose inputs stay the same.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from crmasks_widgets.analysis import as_ccddata, checks, identity
from crmasks_widgets.analysis.as_ccddata import CombinedImage
from crmasks_widgets.analysis.graph import (
    Inputs,
    Key,
    MasksFile,
    Results,
    Slot,
    Target,
    stages_changed_by,
)
from crmasks_widgets.analysis.run import Run
from crmasks_widgets.analysis.stages import mm as mm_stages
from crmasks_widgets.analysis.table import STAGES
from crmasks_widgets.combination_kinds import Kind
from crmasks_widgets.core import codes
from crmasks_widgets.core.alignment import Alignment
from crmasks_widgets.core.hits import label_hits
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.masks import Flags, HandEdits, Masks, detection_codes
from crmasks_widgets.core.matching.match import Matching
from crmasks_widgets.core.mm.boundary import BoundaryFit
from crmasks_widgets.core.mm.diagram import Plane
from crmasks_widgets.core.mm.simulation import ExpectedDiagram
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.over_dispersion import OverDispersions
from crmasks_widgets.core.significance.excess import SignificanceDiagram
from crmasks_widgets.core.significance.hits import SignificanceLimits, threshold
from crmasks_widgets.core.significance.noise_scale import NoiseScale
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.targets import all_targets, mask_name
from crmasks_widgets.core.typing import BoolArray
from crmasks_widgets.exposures import CALIBRATION_NAMES, Calibration, ExposureSet, read_calibration
from crmasks_widgets.parameters import Parameters

if TYPE_CHECKING:
    from astropy.nddata import CCDData, NDData

_PLAIN = Run()


class Analysis:
    """All that follows from exposures and parameters; immutable.

    Parameters
    ----------
    exposures : ExposureSet
        Two or more equivalent exposures.
    parameters : Parameters
        How to look at them.
    calibration : Calibration, optional
        Gain, readout noise and bias; by default what the parameters say. Maps that they name are
        opened relative to the current folder.

    Raises
    ------
    ParameterError
        A region or pixel is outside the frame, or a list does not have one item per exposure.
    InputError
        A calibration map cannot be used.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> analysis.masks["MEDIANCR"].shape
    (64, 80)
    >>> other = analysis.replace(crmethod="significance")  # the stack is computed once
    >>> len(other.hits) < len(analysis.hits)
    True
    """

    __slots__ = ("__weakref__", "_inputs", "_masks_file", "_results", "_run")

    def __init__(
        self,
        exposures: ExposureSet,
        parameters: Parameters,
        calibration: Calibration | None = None,
        written: tuple[str, Parameters] | None = None,
    ) -> None:
        checks.check_against_frame(parameters, exposures)
        calibration = calibration or read_calibration(parameters, exposures.shape)
        self._become(Inputs(exposures, parameters, calibration, written), Results(), _PLAIN, None)

    @classmethod
    def from_ccddata(cls, images: "Sequence[NDData]", parameters: Parameters) -> "Analysis":
        """Begin with `CCDData` or `NDData`; as `ExposureSet.from_arrays` takes them."""
        return cls(ExposureSet.from_arrays(images), parameters)

    def _become(
        self, inputs: Inputs, results: Results, run: Run, masks_file: MasksFile | None
    ) -> None:
        self._inputs, self._results = inputs, results
        self._run, self._masks_file = run, masks_file

    @classmethod
    def _made(
        cls, inputs: Inputs, results: Results, run: Run, masks_file: MasksFile | None
    ) -> "Analysis":
        new = cls.__new__(cls)
        new._become(inputs, results, run, masks_file)
        return new

    @property
    def exposures(self) -> ExposureSet:
        """The exposures."""
        return self._inputs.exposures

    @property
    def parameters(self) -> Parameters:
        """The parameters."""
        return self._inputs.parameters

    @property
    def calibration(self) -> Calibration:
        """Gain, readout noise and bias."""
        return self._inputs.calibration

    @property
    def noise(self) -> Noise:
        """Noise of an exposure, as all detections but L.A.Cosmic take it: numbers or maps."""
        return self._inputs.noise

    @property
    def masks_checksum(self) -> str | None:
        """SHA-256 of the file that the masks come from; None where they were computed."""
        return None if self._masks_file is None else self._masks_file.checksum

    @property
    def sources(self) -> tuple[Path, ...]:
        """Files that it was read from: exposures, maps, and masks that were not computed.

        Nothing is ever written over one of them.
        """
        masks = () if self._masks_file is None else (self._masks_file.path,)
        return (*self.exposures.paths, *self.calibration.paths.values(), *masks)

    @property
    def written(self) -> tuple[str, Parameters] | None:
        """Text of the parameter file that it began with, and what that said; None without."""
        return self._inputs.written

    @property
    def run(self) -> Run:
        """How its stages are followed and stopped."""
        return self._run

    def replace(self, **changes: Any) -> "Analysis":
        """Change parameters.

        Parameters
        ----------
        **changes
            New values by parameter name.

        Returns
        -------
        Analysis
            Shares the result of every stage whose inputs did not change.

        Raises
        ------
        ParameterError
            Unknown name or unusable value.
        """
        return self.with_parameters(self.parameters.replace(**changes))

    def with_parameters(self, parameters: Parameters) -> "Analysis":
        """Take other parameters, as `replace`.

        Parameters
        ----------
        parameters : Parameters
            All of them.

        Returns
        -------
        Analysis
            Shares the result of every stage whose inputs did not change.

        Raises
        ------
        ParameterError
            A region or pixel is outside the frame, or a list does not have one item per exposure.
        """
        changed = {
            name
            for name in type(parameters).model_fields
            if getattr(parameters, name) != getattr(self.parameters, name)
        }
        names = changed.intersection(CALIBRATION_NAMES)
        calibration = self.calibration.updated(parameters, names, self.exposures.shape)
        checks.check_against_frame(parameters, self.exposures)
        stale = stages_changed_by(changed, STAGES, self._unaffected(parameters, changed))
        return self._made(
            Inputs(self.exposures, parameters, calibration, self.written),
            self._results.without(stale),
            _PLAIN,
            None if "masks" in stale else self._masks_file,
        )

    def _unaffected(self, parameters: Parameters, changed: set[str]) -> tuple[str, ...]:
        """Stages that come out the same although they read a parameter that changed."""
        as_before = tuple(mm_stages.same_sources(self.parameters, parameters))
        if ("plane", None) not in self.computed():
            return as_before
        same = mm_stages.same_plane(
            self.parameters, parameters, changed, self.plane, displaced=self.alignment.displaced
        )
        return (*as_before, "plane") if same else as_before

    def preset(
        self, results: Mapping[Key, Any], checksum: str, path: Path | None = None
    ) -> "Analysis":
        """Give stages a result instead of computing them; masks read from a file enter here.

        Parameters
        ----------
        results : mapping
            Values by (stage, target).
        checksum : str
            SHA-256 of where they come from; a part of the run's UUID.
        path : Path, optional
            The file that they come from.

        Returns
        -------
        Analysis
            A new one.
        """
        slots = {key: Slot.of(value) for key, value in results.items()}
        return self._made(self._inputs, Results(slots), _PLAIN, MasksFile(checksum, path))

    def under(self, run: Run) -> "Analysis":
        """Follow, and be able to stop, what is computed from now on.

        Parameters
        ----------
        run : Run
            Who is told, and what is kept.

        Returns
        -------
        Analysis
            Shares every result with this one.
        """
        return self._made(self._inputs, self._results, run, self._masks_file)

    def result(self, stage: str, target: Target | None = None) -> Any:
        """Result of a stage, computed when it is first asked for.

        Parameters
        ----------
        stage : str
            Key of `STAGES`.
        target : str or int, optional
            For stages that have one.

        Returns
        -------
        object
            What the stage makes.
        """
        return self._run.result(self._inputs, self._results, stage, target)

    def fleeting(self, stage: str, target: Target | None = None) -> Any:
        """Result of a stage, as `result`, that is not kept unless it is there already."""
        return self._run.result(self._inputs, self._results, stage, target, keep=False)

    def computed(self) -> frozenset[Key]:
        """Stages whose result is known.

        Returns
        -------
        frozenset
            Pairs (stage, target); the target is None for stages that have none.
        """
        return self._results.known()

    def origin(self, stage: str, target: Target | None = None) -> object | None:
        """What tells a result, known or being computed, from all others; asked as `result`.

        The same object in all analyses that share it, to be referred to weakly; None without one.
        """
        return self._results.slot((stage, target))

    # What a user reads ----------------------------------------------------------------------

    @property
    def targets(self) -> tuple[Target, ...]:
        """What detections look at: "median", "mean" and the numbers of the exposures."""
        return all_targets(self.exposures.n)

    @property
    def alignment(self) -> Alignment:
        """Flux factors and offsets of the exposures."""
        return self.result("alignment")

    @property
    def stack(self) -> Stack:
        """Bias-subtracted cube, and its frames over the exposures."""
        return self.result("stack")

    @property
    def mm_stack(self) -> Stack:
        """The stack as the Median-Minimum diagram has it: see `mm_cr_coincidences`."""
        return self.result("mm_stack")

    def lacosmic(self, target: Target) -> LacosmicResult:
        """L.A.Cosmic of "median", "mean" or exposure 1...n."""
        return self.result("lacosmic", target)

    @property
    def plane(self) -> Plane:
        """Bins of the Median-Minimum diagram."""
        return self.result("plane")[0]

    @property
    def expected(self) -> ExpectedDiagram:
        """Diagram that equivalent exposures would give, and its crosses."""
        return self.result("expected")

    def observed(self, target: Target = "median") -> npt.NDArray[np.int64]:
        """Histogram (nx_bins, ny_bins) of target - min2d against min2d, on `plane`."""
        return self.result("observed", target)

    @property
    def boundary(self) -> BoundaryFit:
        """Detection boundary and its iterations."""
        return self.result("boundary")

    @property
    def threshold(self) -> float | npt.NDArray[np.float32]:
        """Lowest target - min2d that the MM method flags, ADU; a map if the readout noise is."""
        return self.result("threshold")

    def flags(self, target: Target) -> Flags:
        """Detections in "median", "mean" or exposure 1...n by method, before dilation."""
        raw: Flags = self.result("flags", target)
        return raw.inside(self.edits.allowed)

    def detections(self, target: Target) -> Flags:
        """Detections that enter a target's mask: no rejected hits, of exposures in MEANCRT."""
        flags = self.flags(target)
        if target == "mean":
            return flags
        return flags.inside(~self.edits.rejected if target == "median" else self._built.meancrt)

    def significance(self, target: Target) -> npt.NDArray[np.float32]:
        """Significance of "median", "mean" or exposure 1...n over the minimum, (ny, nx), sigma.

        NaN where fewer than two exposures are valid. See `significance_limits`.
        """
        return self.result("significance", target)

    def significance_diagram(self, target: Target) -> SignificanceDiagram:
        """Density of the pixels in significance and minimum."""
        return self.result("significance_diagram", target)

    def significance_limits(self, target: Target) -> SignificanceLimits:
        """Significances above which a hit of the target begins, and above which it grows."""
        p = self.parameters
        if target == "median":
            return SignificanceLimits(self.result("coincidences").start, p.sg_growth)
        start = threshold(p.sg_false_alarms, self.result("level").n_tested)
        return SignificanceLimits((start,), p.sg_growth)

    @property
    def matching(self) -> Matching:
        """Displacement, seeing, flux and sky of each exposure, and the exposures without them.

        Tests of the significance and of the noise look at `matching.cube`; products do not.
        """
        return self.result("matching")

    @property
    def noise_check(self) -> NoiseCheck:
        """Noise predicted and observed, fitted gain and readout noise, flux and displacement.

        `core.noise_remarks.remarks_on` says which parameter to look at.
        """
        return self.result("noise_check")

    @property
    def dispersions(self) -> OverDispersions:
        """Scatter of the exposures beyond that of photons, by level, before and after matching."""
        return self.result("dispersions")

    @property
    def noise_scale(self) -> NoiseScale:
        """Scatter relative to what gain and readout noise say, by contrast."""
        return self.result("noise_scale")

    @property
    def edits(self) -> HandEdits:
        """Pixels that may be flagged and pixels that must be, as the user says."""
        return self.result("edits")

    @property
    def mediancr(self) -> BoolArray:
        """Mask of the median, (ny, nx); it needs no detection in the mean or the exposures."""
        return self.result("mediancr")

    @property
    def _built(self) -> Masks:
        return self.result("masks")

    @property
    def masks(self) -> Mapping[str, BoolArray]:
        """Masks by name: MEDIANCR, MEANCRT, CRMASK1...N; (ny, nx) bool."""
        built = self._built
        in_order = (self.mediancr, built.meancrt, *built.exposures)
        names = map(mask_name, self.targets)
        return MappingProxyType(dict(zip(names, in_order, strict=True)))

    def mask(self, target: Target) -> BoolArray:
        """Mask made for "median", "mean" or exposure 1...n."""
        # That of the median is known before the others.
        return self.mediancr if target == "median" else self.masks[mask_name(target)]

    def codes(self, target: Target = "median") -> npt.NDArray[np.uint8]:
        """Why each pixel is in the target's mask: see `core.codes.all_codes`."""
        return detection_codes(self.flags(target), self.mask(target), self.edits)

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """Numbers of the hits of the median, (ny, nx); 0 elsewhere.

        Those of classes outside `sg_corrected` are numbered too, and are not in MEDIANCR.
        """
        return self.result("labels")

    @property
    def n_hits(self) -> int:
        """Number of hits of the median: the highest of `labels`."""
        return int(self.labels.max(initial=0))

    @property
    def hits(self) -> Table:
        """One row for each hit of the median; a copy."""
        return self.result("hits").copy()

    @property
    def problematic(self) -> BoolArray:
        """Pixels that no exposure is left for: masked, or invalid, in every one of them."""
        built, valid = self._built, self.stack.valid
        lost = list(built.exposures)
        if valid is not None:
            lost = [mask | ~good for mask, good in zip(lost, valid, strict=True)]
        return np.logical_and.reduce(lost) & (self.stack.n_valid > 0)

    @property
    def problematic_labels(self) -> npt.NDArray[np.int32]:
        """Numbers of the groups of problematic pixels, (ny, nx)."""
        return label_hits(self.problematic)

    @property
    def problematic_codes(self) -> npt.NDArray[np.uint8]:
        """2 where every exposure has a detection of its own, 1 where a mask only grew there."""
        everywhere = self.problematic
        made = everywhere.astype(np.uint8)
        for number in range(1, self.exposures.n + 1):
            everywhere = everywhere & self.detections(number).either
        made[everywhere] = codes.DETECTED_EVERYWHERE
        return made

    @property
    def meancr_mask(self) -> BoolArray:
        """Pixels of meancr in which the method finds hits, (ny, nx), filled in meancr2."""
        return self.result("meancr_mask")

    def combination(self, kind: Kind) -> CombinedImage:
        """Combination "mediancr", "meancrt", "meancr", or one that `more_combinations` may name."""
        return as_ccddata.combined_image(self, kind)

    def masks_of(self, exposure: int) -> "CCDData":
        """Exposure 1...n, masked, as `ccdproc.Combiner` takes it: see `as_ccddata.masked`."""
        return as_ccddata.masked(self, exposure)

    @property
    def uuid(self) -> str:
        """Version 5 UUID of exposures, calibration, parameters and package version."""
        return identity.uuid_of(self._inputs, self.masks_checksum)
