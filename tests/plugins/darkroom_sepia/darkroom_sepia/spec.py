"""The facts of the sepia tool."""

from darkroom_sepia.params import SepiaParams
from studio.tools.spec import PHOTOGRAPH, Consent, Media, ToolRole, ToolSpec

SPEC = ToolSpec(
    name="sepia",
    title="Sepia",
    summary="Browns photographs as if they were old.",
    action="Tone",
    counted_action=("Tone a picture", "Tone {n} pictures"),
    verb="sepia",
    icon="filter_vintage",
    version=1,
    params=SepiaParams,
    runner_path="darkroom_sepia.tool:run",
    roles=(
        PHOTOGRAPH,
        ToolRole("where", "Where", help="Grey picture; white is toned.", media=Media.MASK),
    ),
    consent=Consent(
        title="Before your first sepia",
        about="This tool makes pictures **look old**.",
        statement="I will not pass new pictures off as old ones.",
    ),
)
