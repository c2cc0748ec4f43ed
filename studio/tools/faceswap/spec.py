"""The facts of the face swap tool."""

from studio.params import MESH, FaceswapParams
from studio.tools.spec import PHOTOGRAPH, BuiltIn, Consent, ToolRole, ToolSpec
from studio.words import N_, N_n

_MAX_SOURCES = 16

SPEC = ToolSpec(
    name="faceswap",
    title=N_("Face swap"),
    summary=N_("Replaces faces. Each person confirms once that those shown have agreed."),
    action=N_("Swap faces"),
    counted_action=N_n("Swap faces in a picture", "Swap faces in {n} pictures"),
    verb="swapped",
    icon="face_retouching_natural",
    version=4,
    params=FaceswapParams,
    runner_path="studio.tools.faceswap.tool:run",
    page="pages/faceswap.py",
    roles=(
        PHOTOGRAPH,
        ToolRole(
            "source",
            N_("Source"),
            help=N_("Picture of a face to put in; may be repeated."),
            is_required=True,
            max_files=_MAX_SOURCES,
        ),
        ToolRole("reference", N_("Reference"), help=N_("Picture of the person to look for.")),
    ),
    built_in=(
        BuiltIn(
            MESH,
            N_("Mesh warp (built in)"),
            N_("Warps the source's features onto the target's face. The head keeps its shape."),
            "face-swap",
        ),
    ),
    digital_source_type="compositeSynthetic",
    consent=Consent(
        title=N_("Before your first face swap"),
        about=N_(
            "This tool replaces faces in photographs with other people’s. The results can look "
            "real, so the studio asks you once:\n"
            "- **Agreement.** Everybody whose face you use or replace must have agreed to "
            "it.\n"
            "- **Marked as edited.** Each result carries a note inside the file that says it "
            "was composed, by which run and from which files.\n"
            "- **On record.** The studio keeps who ran what, and this confirmation with its "
            "time."
        ),
        statement=N_(
            "Everybody whose face I use or replace has agreed to it. I know that each "
            "result is marked as edited, and that the studio keeps a record of my runs."
        ),
    ),
)
