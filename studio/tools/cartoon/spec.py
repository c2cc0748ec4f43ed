"""The facts of the cartoon tool."""

from studio.params import ALL_LOOKS, CartoonParams, Look
from studio.tools.spec import PHOTOGRAPH, BuiltIn, Media, Reuse, ToolRole, ToolSpec
from studio.words import N_, N_n

_LOOKS = (
    (Look.ANIME, N_("Anime"), N_("Flat colours and fine lines.")),
    (Look.COMIC, N_("Comic"), N_("Strong lines, few colours and dots.")),
    (Look.THREE_D, N_("3D"), N_("Smooth and rounded, as if modelled.")),
    (Look.HANDDRAWN, N_("Hand-drawn"), N_("Watercolour with wobbling lines on paper.")),
    (Look.SKETCH, N_("Sketch"), N_("Pencil on paper.")),
    (ALL_LOOKS, N_("All on one sheet"), N_("A contact sheet of all built-in looks.")),
)

SPEC = ToolSpec(
    name="cartoon",
    title=N_("Cartoon"),
    summary=N_("Draws photographs."),
    action=N_("Draw"),
    counted_action=N_n("Draw a picture", "Draw {n} pictures"),
    verb="cartoon",
    icon="brush",
    version=2,
    params=CartoonParams,
    runner_path="studio.tools.cartoon.tool:run",
    page="pages/cartoon.py",
    roles=(
        PHOTOGRAPH,
        ToolRole(
            "render",
            N_("Full render"),
            help=N_(
                "The full render that an earlier run on this picture left; spares drawing again."
            ),
        ),
        ToolRole(
            "alpha",
            N_("Alpha mask"),
            help=N_(
                "Alpha of an earlier cutout of this picture, touched up or not; spares the network."
            ),
            media=Media.MASK,
            is_sized_as_main=True,
        ),
    ),
    built_in=tuple(BuiltIn(look, title, note, "cartoon") for look, title, note in _LOOKS),
    reuse=Reuse(
        "render",
        free_params=("strength", "region", "format", "quality"),
        free_roles=("alpha",),
    ),
)
