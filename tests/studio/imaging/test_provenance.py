from __future__ import annotations

from io import BytesIO
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import ValidationError

from studio.imaging.picture import Picture
from studio.imaging.provenance import Provenance, read_provenance, to_xmp
from studio.params import ImageFormat
from tests.pictures import encoded
from tests.studio.imaging.files import photo, save

ALL_FORMATS = pytest.mark.parametrize("format", list(ImageFormat))


def make_provenance(**changes: object) -> Provenance:
    values: dict[str, object] = {
        "job_id": UUID("0195f1c4-7b5e-7cc3-9d8b-1f2e3d4c5b6a"),
        "tool": "cutout",
        "tool_version": 3,
        "studio_version": "0.1.0",
        "params": {"model": "isnet", "colour": "#ffffff", "feather_px": 1.5},
        "inputs": {"image": "a" * 64},
        "weights": {"isnet": "b" * 64},
        "digital_source_type": "compositeWithTrainedAlgorithmicMedia",
    }
    return Provenance.model_validate(values | changes)


def _encoded(format: ImageFormat, provenance: Provenance | None) -> bytes:
    return encoded(Picture(photo()), format, provenance=provenance)


@ALL_FORMATS
def test_provenance_comes_back_from_every_format(format: ImageFormat) -> None:
    provenance = make_provenance()
    assert read_provenance(_encoded(format, provenance)) == provenance


@ALL_FORMATS
def test_provenance_outside_the_record_has_no_job(format: ImageFormat) -> None:
    provenance = make_provenance(job_id=None)
    assert read_provenance(_encoded(format, provenance)) == provenance


@ALL_FORMATS
def test_provenance_is_none_when_not_embedded(format: ImageFormat) -> None:
    assert read_provenance(_encoded(format, None)) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)


@given(params=st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_provenance_survives_any_parameters(params: dict[str, object]) -> None:
    provenance = make_provenance(params=params)
    data = save(photo(2, 2), "WEBP", xmp=to_xmp(provenance))
    assert read_provenance(data) == provenance


@ALL_FORMATS
def test_source_type_is_found_where_other_programs_look(format: ImageFormat) -> None:
    data = _encoded(format, make_provenance(digital_source_type="algorithmicallyEnhanced"))
    with Image.open(BytesIO(data)) as image:
        root = ET.fromstring(image.info["xmp"])
    description = root.find(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert description is not None
    assert (
        description.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
        == "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
    )
    assert description.get("{http://ns.adobe.com/xap/1.0/}CreatorTool") == "Darkroom 0.1.0"


def test_source_type_that_is_no_iptc_term_is_refused() -> None:
    with pytest.raises(ValidationError):
        make_provenance(digital_source_type="http://elsewhere.example/x")


def test_provenance_rewritten_as_an_element_is_still_read() -> None:
    provenance = make_provenance()
    packet = to_xmp(provenance).decode()
    start = packet.index(" darkroom:run=")
    attribute = packet[start : packet.index("/>", start)]
    text = attribute.split("=", 1)[1][1:-1]
    packet = packet.replace(
        attribute + "/>", f"><darkroom:run>{text}</darkroom:run></rdf:Description>"
    )
    assert read_provenance(save(photo(), "PNG", pnginfo=_png_xmp(packet))) == provenance


def _png_xmp(packet: str) -> PngInfo:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    return info


@pytest.mark.parametrize(
    "packet",
    [
        b"not xml",
        b"<a>",
        to_xmp(make_provenance()).replace(b"cutout", b"cut&out"),
        to_xmp(make_provenance()).replace(b"tool_version", b"tool_vers"),
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + to_xmp(make_provenance()),
        b"",
    ],
)
def test_provenance_that_is_garbled_is_none(packet: bytes) -> None:
    assert read_provenance(save(photo(), "WEBP", xmp=packet)) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_provenance_behind_a_document_type_in_any_encoding_is_none(encoding: str) -> None:
    packet = to_xmp(make_provenance()).decode().replace("cutout", "&a;").replace("\ufeff", "")
    declared = f'<?xml version="1.0" encoding="{encoding[:6]}"?>'
    text = f'\ufeff{declared}<!DOCTYPE x [<!ENTITY a "cutout">]>{packet}'
    assert read_provenance(save(photo(), "WEBP", xmp=text.encode(encoding))) is None


def test_provenance_in_an_enormous_packet_is_none() -> None:
    packet = to_xmp(make_provenance()).replace(b"<rdf:RDF", b" " * 2_000_000 + b"<rdf:RDF")
    assert read_provenance(save(photo(), "WEBP", xmp=packet)) is None


def test_provenance_beside_a_comment_of_another_editor_is_still_read() -> None:
    provenance = make_provenance()
    packet = to_xmp(provenance).replace(b"<rdf:RDF", b"<!-- touched --><rdf:RDF")
    assert read_provenance(save(photo(), "WEBP", xmp=packet)) == provenance


@given(data=st.binary(max_size=100))
def test_provenance_of_arbitrary_bytes_is_none(data: bytes) -> None:
    assert read_provenance(data) is None
    assert read_provenance(b"\x89PNG\r\n\x1a\n" + data) is None
