"""A person's private library of faces for swaps. Nobody else sees it, admins neither."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.faces.search import find_searches, shows_no_face
from app.people.sessions import Visitor
from db.actor import Actor
from db.models import SavedFace
from db.repositories.audit import AuditRepository
from db.repositories.blobs import BlobRepository
from db.repositories.saved_faces import SavedFaceRepository
from studio.errors import StudioError, UserInputError
from studio.text import line
from studio.words import msg, msgs
from tasks.authority import Needs, authorise
from tasks.files import StoredFile
from tasks.services import Services

MAX_NAME_CHARS = 100
MAX_FACES = 100
"""Of one person: the page shows all of them."""


def save_face(services: Services, actor: Actor, file: StoredFile, name: str) -> SavedFace:
    """Keep an uploaded picture in the person's library.

    It is refused where a search is known to have found no face in it. None is begun here: it
    would be a run, and admins see those.

    Raises:
        UserInputError: ``face.name_invalid``, ``text.invalid``, ``face.too_many``,
            ``faceswap.no_source_face`` or ``submit.expired``.
        NotAllowedError: the actor may not run, or not any more.

    """
    clean = line(name, MAX_NAME_CHARS, what=msg("The name of a face"))
    if not clean:
        raise UserInputError(
            msg("A saved face needs a name"),
            remedy=msgs(
                "Give it one of {n} character.",
                "Give it one of 1 to {n} characters.",
                MAX_NAME_CHARS,
            ),
            code="face.name_invalid",
        )
    search = find_searches(services, actor, [file]).get(file.sha256)
    if search and shows_no_face(search):
        raise UserInputError(
            msg("No face was found in this picture"),
            remedy=msg("Choose a picture that shows a face from the front."),
            code="faceswap.no_source_face",
            file_name=file.file_name,
        )
    with services.database.write() as unit:
        authorise(unit, actor, Needs.COUNTING)
        faces = SavedFaceRepository(unit)
        _require_room(clean, faces.count(actor))
        if not BlobRepository(unit).hold([file.sha256]):
            raise UserInputError(
                msg("The upload is no longer there, as it was not used for a day"),
                remedy=msg("Upload the picture again."),
                code="submit.expired",
                file_name=file.file_name,
            )
        return faces.add(actor, clean, blob_sha256=file.sha256, file_name=file.file_name)


def _require_room(name: str, kept: int) -> None:
    """Refuse another face where ``kept`` are as many as may be, or more."""
    if kept >= MAX_FACES:
        raise UserInputError(
            msgs(
                "“{name}” was not saved, as you have {n} face and may keep {most}",
                "“{name}” was not saved, as you have {n} faces and may keep {most}",
                kept,
                name=name,
                most=MAX_FACES,
            ),
            remedy=msgs("Delete one first.", "Delete {n} first.", kept - MAX_FACES + 1),
            code="face.too_many",
        )


def saved_faces(services: Services, actor: Actor) -> Sequence[SavedFace]:
    """The person's own faces with their blobs, the newest first."""
    with services.database.read() as unit:
        return SavedFaceRepository(unit).of(actor)


def find_face(services: Services, actor: Actor, face_id: UUID) -> SavedFace:
    """One of the person's own faces.

    Raises:
        StudioError: ``face.not_found``; also for somebody else's.

    """
    with services.database.read() as unit:
        face = SavedFaceRepository(unit).get(actor, face_id)
    if face is None:
        raise StudioError(msg("There is no such saved face."), code="face.not_found")
    return face


def delete_face(services: Services, actor: Actor, face_id: UUID, visitor: Visitor) -> bool:
    """Take a face out of the library. Returns whether it was there.

    Its picture goes with the next sweep, unless a run has read it.

    Raises:
        NotAllowedError: the actor may not run, or not any more.

    """
    with services.database.write() as unit:
        authorise(unit, actor, Needs.RUNNING)
        is_gone = SavedFaceRepository(unit).remove(actor, face_id)
        if is_gone:
            AuditRepository(unit).record(actor.id, "face.delete", str(face_id), ip=visitor.ip)
    return is_gone


def stored_face(face: SavedFace) -> StoredFile:
    """The face's picture as something that a run may read."""
    blob = face.blob
    return StoredFile(blob.sha256, face.file_name, blob.media_type, blob.width_px, blob.height_px)
