"""The facts of the cutout tool."""

from studio.params import CutoutOutput, CutoutParams
from studio.tools.spec import PHOTOGRAPH, MaskOffer, Media, Reuse, ToolRole, ToolSpec
from studio.words import N_, N_n

_FINISH = (
    "format",
    "quality",
    "output",
    "colour",
    "blur_px",
    "feather_px",
    "shift_px",
    "despill",
    "keep_largest",
    "matting",
    "foreground_threshold",
    "background_threshold",
    "erode_size_px",
    "shadow",
    "shadow_x_px",
    "shadow_y_px",
    "shadow_blur_px",
    "shadow_opacity",
    "shadow_colour",
    "outline_px",
    "outline_colour",
    "crop",
    "crop_margin_px",
)
"""What is done with the alpha that the network gave."""

SPEC = ToolSpec(
    name="cutout",
    title=N_("Cutout"),
    summary=N_("Removes backgrounds."),
    action=N_("Cut out"),
    counted_action=N_n("Cut out a picture", "Cut out {n} pictures"),
    verb="cutout",
    icon="content_cut",
    version=4,
    params=CutoutParams,
    runner_path="studio.tools.cutout.tool:run",
    page="pages/cutout.py",
    roles=(
        PHOTOGRAPH,
        ToolRole(
            "alpha",
            N_("Alpha mask"),
            help=N_(
                "Alpha of an earlier cutout of this picture, touched up or not; spares the network."
            ),
            media=Media.MASK,
            is_sized_as_main=True,
        ),
        ToolRole("background", N_("Background"), help=N_("Picture to put behind the subject.")),
    ),
    mask=MaskOffer(
        "alpha",
        N_("The subject"),
        N_("Find the subject"),
        CutoutParams(output=CutoutOutput.MASK),
    ),
    reuse=Reuse("alpha", free_params=_FINISH, free_roles=("background",)),
)
