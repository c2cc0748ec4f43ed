"""The facts of the upscale tool."""

from studio.params import INTERPOLATION, NEAREST, UpscaleParams
from studio.tools.spec import BuiltIn, ToolSpec
from studio.words import N_, N_n

SPEC = ToolSpec(
    name="upscale",
    title=N_("Upscale"),
    summary=N_("Enlarges pictures."),
    action=N_("Enlarge"),
    counted_action=N_n("Enlarge a picture", "Enlarge {n} pictures"),
    verb="upscaled",
    icon="photo_size_select_large",
    version=3,
    params=UpscaleParams,
    runner_path="studio.tools.upscale.tool:run",
    page="pages/upscale.py",
    built_in=(
        BuiltIn(
            INTERPOLATION,
            N_("Classic interpolation"),
            N_("No network: quick, faithful, and adds no detail."),
            "super-resolution",
        ),
        BuiltIn(
            NEAREST,
            N_("Nearest neighbour"),
            N_("No network: repeats pixels. For pixel art, masks and screenshots."),
            "super-resolution",
        ),
    ),
)
