"""Stages from flagged pixels to masks, hits, fill values and combinations."""

import dataclasses
import logging

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from crmasks_widgets.analysis import runaway
from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.analysis.stages import learned
from crmasks_widgets.analysis.stages.lacosmic import saturation
from crmasks_widgets.combination_kinds import Kind
from crmasks_widgets.core import combine, regions, verdicts
from crmasks_widgets.core.between import ALIKE
from crmasks_widgets.core.doubt import look_alike
from crmasks_widgets.core.fill import Fill, Spoilt, best_fill
from crmasks_widgets.core.hits import (
    groups_inside,
    groups_touching,
    hit_table,
    label_hits,
    least_probability,
    significance,
)
from crmasks_widgets.core.low import hits_of_low_values
from crmasks_widgets.core.masks import (
    Flags,
    HandEdits,
    Masks,
    build_masks,
    build_mediancr,
    detection_codes,
    grow,
    mm_flags,
)
from crmasks_widgets.core.significance.classes import HitClasses, classify_hits
from crmasks_widgets.core.significance.everywhere import (
    Everywhere,
    estimate_around,
    mark_everywhere,
)
from crmasks_widgets.core.targets import all_targets
from crmasks_widgets.core.typing import BoolArray
from crmasks_widgets.detectors import rows
from crmasks_widgets.hit_classes import (
    ALIKE_NAME,
    ALIKE_REASON,
    CLASS_NAMES,
    COINCIDENT,
    LOW_NAME,
    LOW_REASON,
    PLAIN_NAME,
)
from crmasks_widgets.parameters import types

logger = logging.getLogger(__name__)


def flagged_lacosmic(read: Reader, target: Target) -> BoolArray:
    """Detections of L.A.Cosmic in a frame."""
    mask: BoolArray = read("lacosmic", target).mask
    return mask


def flagged_mm(read: Reader, target: Target) -> BoolArray:
    """Detections of the Median-Minimum diagram in a frame."""
    stack = read("mm_stack")
    flagged = mm_flags(
        stack.target(target),
        stack,
        read("boundary").boundary,
        read("threshold"),
        read.p.mm_minimum_max2d_rnoise * read.rnoise,
    )
    grown = grow(flagged, read.p.mm_dilation)
    valid = stack.target_valid(target)
    return grown if valid is None else grown & valid


def flagged_significance(read: Reader, target: Target) -> BoolArray:
    """Detections of the local significance in a frame."""
    flagged: BoolArray = read("significant", target).flagged
    return flagged


def flags(read: Reader, target: Target) -> Flags:
    """Detections in a frame by detector, before dilation and hand edits."""
    # In the order of the method: of two reasons to stop, the first named is told.
    keys = types.METHODS[read.p.crmethod]
    each = {k: read(f"flagged_{k}", target, keep=False) for k in keys}
    if read.p.mm_threshold_for == "all" and any(row.has_boundary for row in rows(keys)):
        above = _above_threshold(read, target)
        for row in rows(keys):
            if row.looks_at == "one frame":
                each[row.key] = groups_touching(each[row.key], above)
    found = Flags(each)
    valid = read("stack").target_valid(target)
    n_valid = found.either.size if valid is None else int(np.count_nonzero(valid))
    runaway.check_flags(
        found, target, n_valid, read.p.max_flagged_fraction, lambda: read("disagreement")
    )
    # Matched exposures flag little even if they are of another field, and it has to be said.
    if _judged(read) and target == "median" and read("apart"):
        read("disagreement")
    return found


def _above_threshold(read: Reader, target: Target) -> BoolArray:
    stack = read("mm_stack")
    return np.asarray(stack.target(target) - stack.min2d > read("threshold"))


def _judged(read: Reader) -> bool:
    """Tell whether a detector of the method judges hit by hit."""
    return any(row.judges for row in rows(types.METHODS[read.p.crmethod]))


def _allowed(read: Reader, target: Target) -> Flags:
    """Detections where the user allows any."""
    found: Flags = read("flags", target)
    return found.inside(read("edits").allowed)


def edits(read: Reader) -> HandEdits:
    """What the user decides about pixels and regions."""
    shape, p = read.exposures.shape, read.p
    forced, ignored, rejected = (
        regions.pixel_mask(getattr(p, name), shape, name)
        for name in (
            "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr", "mediancr_pixels_rejected",
        )
    )  # fmt: skip
    boxes = p.pixels_to_be_replaced_by_local_median or ()
    allowed = ~regions.region_mask(p.regions_to_be_skipped, shape, "regions_to_be_skipped")
    refused = ignored | regions.pixel_mask(
        tuple((x, y) for x, y, _, _ in boxes), shape, "pixels_to_be_replaced_by_local_median"
    )
    return HandEdits((allowed | forced) & ~refused, forced & ~refused, rejected & ~forced)


def listed(read: Reader) -> BoolArray:
    """Pixels of all hits of the median: those that a user put out of masks keep their numbers."""
    edited, flagged = read("edits"), read("flags", "median").either

    def built(allowed: BoolArray) -> BoolArray:
        plain = HandEdits(allowed, edited.forced, np.zeros_like(allowed))
        return build_mediancr(flagged, read("stack"), plain, read.p.dilation)

    kept, ignored = built(edited.allowed), _ignored(read)
    if not ignored.any():
        return kept
    return kept | groups_inside(built(edited.allowed | ignored), ignored)


def _ignored(read: Reader) -> BoolArray:
    name = "pixels_to_be_ignored_as_cr"
    return regions.pixel_mask(getattr(read.p, name), read.exposures.shape, name)


def found(read: Reader) -> BoolArray:
    """MEDIANCR before any hit is taken out for its class."""
    kept: BoolArray = read("listed") & read("edits").allowed & ~read("edits").rejected
    return kept


def labels(read: Reader) -> npt.NDArray[np.int32]:
    """Numbers of the hits."""
    return label_hits(read("listed"))


def everywhere(read: Reader) -> Everywhere:
    """Flagged pixels that stand out in all exposures."""
    return mark_everywhere(
        read("coincidences"), _allowed(read, "median").either, read("listed"),
        read("level"), read("tested"),
        [read("own_hits", number).pixels for number in range(1, read.exposures.n + 1)],
    )  # fmt: skip


def classes(read: Reader) -> HitClasses:
    """What each hit is."""
    return classify_hits(
        read("labels"), read("flags", "median").either, read("everywhere"), read("tested"),
        read("clean"), read("level"), read("noise_scale"),
        saturation(read, "median", divided=True),
    )  # fmt: skip


def listed_only(read: Reader) -> BoolArray:
    """Which numbers of hits are listed and not corrected, (n + 1,); number 0 is no hit."""
    by_class = read("classes").outside(read.p.sg_corrected) if _judged(read) else None
    if read.p.network_veto is None:
        return np.zeros(1, bool) if by_class is None else by_class
    vetoed = np.append(False, read("opinion") < np.float32(read.p.network_veto))
    return vetoed if by_class is None else vetoed | by_class


def _lists(read: Reader) -> bool:
    """Tell whether some hits may be listed and not corrected."""
    return _judged(read) or read.p.network_veto is not None


def mediancr(read: Reader) -> BoolArray:
    """MEDIANCR."""
    whole: BoolArray = read("found")
    if not _lists(read) or not read("listed_only").any():
        return whole
    # What a user flags is not a matter of its class.
    kept: BoolArray = whole & (~read("listed_only")[read("labels")] | read("edits").forced)
    return kept


def masks(read: Reader) -> Masks:
    """MEANCRT and CRMASK1...N."""
    targets = all_targets(read.exposures.n)
    flagged = {target: read("flags", target).either for target in targets}
    nested, edited = _judged(read), read("edits")
    if _lists(read):
        left = read("found") & ~read("mediancr")
        edited = dataclasses.replace(edited, allowed=edited.allowed & ~left)
    noise = read("noise_in_use") if nested else read.noise
    return build_masks(flagged, read("stack"), edited, noise, read.p.dilation, nested=nested)


def lost(read: Reader) -> verdicts.Lost:
    """Verdicts on hits that are not found."""
    return verdicts.lost_hits(
        read("labels"), _confirmed(read), read("edits").rejected, _ignored(read)
    )


def _confirmed(read: Reader) -> BoolArray:
    name = "mediancr_pixels_confirmed"
    return regions.pixel_mask(getattr(read.p, name), read.exposures.shape, name)


def hits(read: Reader) -> Table:
    """One row a hit of the median."""
    labels, stack, edited = read("labels"), read("stack"), read("edits")
    codes = detection_codes(read("flags", "median"), read("listed"), edited)
    table = hit_table(labels, codes, stack)
    if read.checkpoint is not None:
        read.checkpoint(0.5)
    verdict = verdicts.verdicts(labels, _confirmed(read), edited.rejected, _ignored(read))
    _warn_of_lost(read("lost").confirmed, labels.shape[1])
    if _judged(read):
        classes = read("classes")
        # Of two exposures, one that is hit is enough: nothing need coincide.
        names = {**CLASS_NAMES, COINCIDENT: PLAIN_NAME} if stack.n == 2 else CLASS_NAMES
        table["class"] = np.array([names[k] for k in classes.names], "U28")
        table["reason"] = classes.reasons
        table["corrected"] = _corrected(read, verdict)
        table["significance"] = classes.significance
    else:
        table["significance"] = significance(labels, stack, read.noise)
        _tell_how_exposures_look(table, read)
        if _lists(read):
            table["corrected"] = _corrected(read, verdict)
    if learned.asked(read):
        table["network_probability"] = read("opinion")
        table["network_probability"].format = ".3f"
    if read.p.mm_simulation == "exact":
        tail = read("exact").tail
        table["noise_probability"] = least_probability(labels, stack, tail.exceedance)
        table["noise_probability"].format = ".3g"
    table["significance"].format = ".1f"
    table["verdict"] = verdict
    return table


def _corrected(read: Reader, verdict: npt.NDArray[np.str_]) -> BoolArray:
    return np.asarray(~read("listed_only")[1:] & ~np.isin(verdict, verdicts.OUT))


def _tell_how_exposures_look(table: Table, read: Reader) -> None:
    """Add class and reason where not all hits are pixels in which the exposures differ."""
    labels, stack = read("labels"), read("stack")
    low = hits_of_low_values(
        labels, read("flags", "median").either, read("low_by_given_noise"), stack.n
    )
    same = look_alike(labels, stack, read.noise)
    table["class"] = np.select([low > 0, same], [LOW_NAME, ALIKE_NAME], PLAIN_NAME)
    table["reason"] = [
        LOW_REASON.format(number) if number else ALIKE_REASON if all_alike else ""
        for number, all_alike in zip(low, same, strict=True)
    ]
    if not (low.any() or same.any()):
        table.remove_columns(["class", "reason"])
    if low.any():
        _warn_of_low(low)


def _warn_of_lost(confirmed: tuple[npt.NDArray[np.int64], ...], nx: int) -> None:
    """Tell that hits which a user has confirmed are in no mask now."""
    if not confirmed:
        return
    y, x = divmod(int(confirmed[0][0]), nx)
    logger.warning(
        "mediancr_pixels_confirmed: found no hit at %d of its places (first [%d, %d]), expected "
        "those that were confirmed: these parameters do not find them",
        len(confirmed), x + 1, y + 1,
    )  # fmt: skip


def _warn_of_low(low: npt.NDArray[np.int64]) -> None:
    """Tell that masks of the reference's methods hold pixels that are filled with lost light."""
    logger.warning(
        "%d of %d hits of the median are no hits: there one exposure reads low (number %s) and the "
        "others agree, but this method fills them with the lowest value; crmethod: significance "
        "leaves it out, and so does a mask of bad pixels in the file (DQ)",
        np.count_nonzero(low),
        len(low),
        " or ".join(str(k) for k in np.unique(low[low > 0])),
    )


def fill(read: Reader) -> Fill:
    """Values and variances for masked pixels."""
    stack, built, edited = read("clean"), read("masks"), read("edits")
    hit = [
        _allowed(read, number).either | (edited.forced & mask)
        for number, mask in enumerate(built.exposures, start=1)
    ]
    lost = np.logical_and.reduce(built.exposures)
    level, masked, between = read("level"), read("found"), read("between")
    spoilt = Spoilt(built.exposures, hit, read("everywhere").hit)
    # Without dilation, the pixels beside a hit are clean for the masks, but not beyond doubt.
    beside = [
        mask | grow(mask_of_hit, 1) for mask, mask_of_hit in zip(built.exposures, hit, strict=True)
    ]
    return best_fill(
        stack, spoilt, read("mediancr") | lost,
        lambda pixels: estimate_around(level, stack, masked, beside, pixels, between),
        read("noise_in_use"), read("alignment").flux_factors, between,
    )  # fmt: skip


def combination(read: Reader, kind: Kind) -> combine.Combination:
    """A corrected combination with its variance and map."""
    return _with_boxes(read, combine.combine(kind, _ingredients(read)))


def meancr_mask(read: Reader) -> BoolArray:
    """Pixels of meancr in which a hit is left."""
    allowed, valid = read("edits").allowed, read("stack").target_valid("mean")
    grown = grow(read("left_over").mask & allowed, read.p.dilation) & allowed
    return grown if valid is None else grown & valid


def more(read: Reader, kind: Kind) -> combine.Combination:
    """A combination that is made on request."""
    if kind != "meancr2":
        return combine.combine(kind, _ingredients(read))
    plain = read("combination", "meancr")
    made = combine.refilled(plain, read("meancr_mask"), _ingredients(read))
    return _with_boxes(read, made)


def _with_boxes(read: Reader, made: combine.Combination) -> combine.Combination:
    boxes = read.p.pixels_to_be_replaced_by_local_median
    return combine.replace_by_local_median(made, boxes) if boxes else made


def _ingredients(read: Reader) -> combine.Ingredients:
    stack, between, n_hit, noise = read("scaled"), ALIKE, None, read.noise
    factors = read("alignment").flux_factors
    values, better = stack.min2d, None
    if _judged(read):
        stack, better, between = read("clean"), read("fill"), read("between")
        noise = read("noise_in_use")
        values = better.value
        hit = [_allowed(read, number).either for number in range(1, stack.n + 1)]
        n_hit = np.asarray(np.sum(hit, axis=0, dtype=np.int16))
    if read.p.use_lamedian:
        cleaned = read("cleaned", "median")
        # Cleaned before it was divided: the median of the factors is the factor of the median.
        divisor = 1.0 if read.p.apply_flux_factor_to == "original" else float(np.median(factors))
        values = values.copy()
        values[cleaned.mask] = cleaned.filled / np.float32(divisor)
    return combine.Ingredients(
        stack,
        read("mediancr"),
        read("masks"),
        values,
        noise,
        factors,
        combine.median_variance_factors(stack.n),
        None if better is None else better.variance,
        None if better is None else better.count,
        between,
        n_hit,
    )
