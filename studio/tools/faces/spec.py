"""The facts of the search for faces."""

from studio.params import FacesParams
from studio.tools.spec import MASK_ROLE, MaskOffer, ToolSpec
from studio.words import N_, N_n

SPEC = ToolSpec(
    name="faces",
    title=N_("Find faces"),
    summary=N_("Finds faces."),
    action=N_("Find faces"),
    counted_action=N_n("Find faces in a picture", "Find faces in {n} pictures"),
    verb="faces",
    icon="familiar_face_and_zone",
    version=1,
    params=FacesParams,
    runner_path="studio.tools.faces.tool:run",
    mask=MaskOffer(MASK_ROLE, N_("All faces"), N_("Find faces"), FacesParams()),
    is_auxiliary=True,
)
