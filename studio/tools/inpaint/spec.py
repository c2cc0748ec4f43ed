"""The facts of the inpaint tool."""

from studio.params import Filler, InpaintParams
from studio.tools.spec import (
    DRAWING_ROLE,
    MASK_ROLE,
    PHOTOGRAPH,
    BuiltIn,
    Media,
    ToolRole,
    ToolSpec,
)
from studio.words import N_, N_n

_FILLERS = (
    (
        Filler.AUTO,
        N_("Automatic"),
        N_("Looks at each spot and picks what fills it best; the run says what it picked."),
    ),
    (
        Filler.PATCHMATCH,
        N_("PatchMatch (built in)"),
        N_("Copies from the rest of the picture: keeps texture. Good for objects and crowds."),
    ),
    (
        Filler.FREQUENCY,
        N_("Frequency-selective (built in)"),
        N_("Continues patterns into thin gaps: scratches, cables, text. Slow on large spots."),
    ),
    (Filler.TELEA, N_("Telea (built in)"), N_("Quick and smooth: specks and hairlines only.")),
    (
        Filler.NAVIER_STOKES,
        N_("Navier-Stokes (built in)"),
        N_("Continues edges into specks and hairlines; blurs anything larger."),
    ),
)

SPEC = ToolSpec(
    name="inpaint",
    title=N_("Inpaint"),
    summary=N_("Removes what is painted over."),
    action=N_("Repaint"),
    counted_action=N_n("Repaint a picture", "Repaint {n} pictures"),
    verb="inpainted",
    icon="healing",
    version=2,
    params=InpaintParams,
    runner_path="studio.tools.inpaint.tool:run",
    page="pages/inpaint.py",
    roles=(
        PHOTOGRAPH,
        ToolRole(
            MASK_ROLE,
            N_("Mask"),
            help=N_("Grey picture; white is repainted."),
            media=Media.MASK,
        ),
        ToolRole(
            DRAWING_ROLE,
            N_("Drawing"),
            help=N_("A drawing in the studio's JSON form, as mask."),
            media=Media.DRAWING,
        ),
    ),
    built_in=tuple(BuiltIn(filler, title, note, "inpainting") for filler, title, note in _FILLERS),
    digital_source_type="compositeWithTrainedAlgorithmicMedia",
)
