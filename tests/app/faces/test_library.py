from __future__ import annotations

import pytest

from app.faces import library
from app.people import accounts
from db.types import Role
from studio.errors import UserInputError
from tasks.authority import NotAllowedError
from tasks.services import Services
from tasks.submit import store_upload
from tests.people import HERE, make_person
from tests.pictures import png


def test_library_viewer_keeps_no_face(any_services: Services) -> None:
    file = store_upload(any_services, "ana.png", png())
    viewer = make_person(any_services, "vera", Role.VIEWER)
    with pytest.raises(NotAllowedError, match="Viewers") as refused:
        library.save_face(any_services, viewer, file, "Ana")
    assert refused.value.code == "permission.may_not_run"
    assert library.saved_faces(any_services, viewer) == []


def test_library_person_who_became_a_viewer_deletes_no_face(any_services: Services) -> None:
    file = store_upload(any_services, "ana.png", png())
    mei = make_person(any_services)
    boss = make_person(any_services, "boss", Role.ADMIN)
    face = library.save_face(any_services, mei, file, "Ana")
    accounts.set_role(any_services, mei.id, Role.VIEWER, by=boss, visitor=HERE)
    with pytest.raises(NotAllowedError):
        library.delete_face(any_services, mei, face.id, HERE)
    assert [one.id for one in library.saved_faces(any_services, mei)] == [face.id]


def test_library_of_as_many_faces_as_are_kept_takes_no_more_until_one_goes(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = store_upload(any_services, "ana.png", png())
    mei, tom = make_person(any_services), make_person(any_services, "tom")
    ana, ben = (library.save_face(any_services, mei, file, name) for name in ("Ana", "Ben"))
    monkeypatch.setattr(library, "MAX_FACES", 1)
    counted = r"“Cem” was not saved, as you have 2 faces and may keep 1\. Delete 2 first"
    with pytest.raises(UserInputError, match=counted) as refused:
        library.save_face(any_services, mei, file, "Cem")
    assert refused.value.code == "face.too_many"
    library.save_face(any_services, tom, file, "Cem")
    for face in (ana, ben):
        library.delete_face(any_services, mei, face.id, HERE)
    library.save_face(any_services, mei, file, "Cem")
