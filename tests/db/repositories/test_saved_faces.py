from __future__ import annotations

from db.repositories.blobs import BlobRepository
from db.repositories.saved_faces import SavedFaceRepository
from db.session import Database
from db.types import Role, utc_now
from tests.factories import make_actor, make_blob


def test_saved_faces_are_the_owners_alone_admins_included(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session), make_actor(session)
        admin = make_actor(session, role=Role.ADMIN)
        blob = make_blob(session)
        faces = SavedFaceRepository(session)
        face = faces.add(ann, "Ana", blob_sha256=blob.sha256, file_name="ana.png")
        for other in (bob, admin):
            assert faces.of(other) == []
            assert faces.get(other, face.id) is None
            assert not faces.remove(other, face.id)
            assert BlobRepository(session).readable_by(other, blob.sha256) is None
        assert [one.name for one in faces.of(ann)] == ["Ana"]
        assert BlobRepository(session).readable_by(ann, blob.sha256) is not None


def test_saved_face_removed_leaves_its_picture_to_the_sweep(database: Database) -> None:
    with database.write() as session:
        ann = make_actor(session)
        blob = make_blob(session)
        faces = SavedFaceRepository(session)
        face = faces.add(ann, "Ana", blob_sha256=blob.sha256, file_name="ana.png")
        blobs = BlobRepository(session)
        assert blobs.unreferenced(utc_now()) == []
        assert faces.remove(ann, face.id)
        assert not faces.remove(ann, face.id)
        assert blobs.unreferenced(utc_now()) == [blob.sha256]


def test_saved_faces_newest_first_with_their_pictures(database: Database) -> None:
    with database.write() as session:
        ann = make_actor(session)
        faces = SavedFaceRepository(session)
        for name in ("first", "second"):
            faces.add(ann, name, blob_sha256=make_blob(session).sha256, file_name="x.png")
        assert [(one.name, one.blob.width_px) for one in faces.of(ann)] == [
            ("second", 640),
            ("first", 640),
        ]


def test_saved_face_is_found_and_removed_by_its_id_alone(database: Database) -> None:
    with database.write() as session:
        ann = make_actor(session)
        faces = SavedFaceRepository(session)
        blobs = [make_blob(session).sha256 for _ in range(2)]
        first, second = (
            faces.add(ann, "Ana", blob_sha256=sha256, file_name="x.png") for sha256 in blobs
        )
        ids = [first.id, second.id]
        found = [faces.get(ann, face_id) for face_id in ids]
        assert [face and face.id for face in found] == ids
        assert faces.remove(ann, ids[0])
        assert [face.id for face in faces.of(ann)] == ids[1:]
