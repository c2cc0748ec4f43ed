"""Where a picture came from, written into the picture itself as XMP.

Two audiences read the block: any metadata tool finds IPTC ``DigitalSourceType`` and
``xmp:CreatorTool``, and the studio finds the whole run as JSON in ``darkroom:run``.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.imaging import sniff
from studio.imaging.parts import require_few_parts

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_RDF_NS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RUN_NS = "urn:darkroom:provenance:1:"
_RUN_TAG = f"{{{_RUN_NS}}}run"
_READABLE_FORMATS = ("PNG", "JPEG", "WEBP")
_MAX_PACKET_BYTES = 1_000_000
"""A hundred times what the studio writes."""
_NO_PIXEL_IS_READ = 2**40

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="{rdf}">
<rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:darkroom="{run_ns}"
 xmp:CreatorTool={creator}
 Iptc4xmpExt:DigitalSourceType={source_type}
 darkroom:run={run}/>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


class Provenance(BaseModel):
    """The run that made a picture."""

    model_config = ConfigDict(frozen=True)

    job_id: UUID | None
    """None when made on the command line, outside the record."""
    tool: str
    tool_version: int
    studio_version: str
    params: dict[str, Any]
    inputs: dict[str, str]
    """SHA-256 of each input file by role."""
    weights: dict[str, str]
    """SHA-256 of each weight file by model id."""
    digital_source_type: str = Field(pattern=r"^[A-Za-z]+$")
    """IPTC term of how an edited picture came about, as in ``algorithmicallyEnhanced``."""


def to_xmp(provenance: Provenance) -> bytes:
    """The XMP packet, UTF-8."""
    return _PACKET.format(
        rdf=_RDF_NS,
        run_ns=_RUN_NS,
        creator=quoteattr(f"Darkroom {provenance.studio_version}"),
        source_type=quoteattr(f"{_IPTC}{provenance.digital_source_type}"),
        run=quoteattr(provenance.model_dump_json()),
    ).encode()


def read_provenance(data: bytes) -> Provenance | None:
    """The provenance in an encoded PNG, JPEG or WebP; None when there is none, or it is garbled.

    Only metadata is read, no pixel is decoded.
    """
    packet = _xmp_packet(data)
    text = _run_text(packet) if packet else None
    if text is None:
        return None
    try:
        return Provenance.model_validate_json(text)
    except ValidationError:
        return None


def _xmp_packet(data: bytes) -> bytes | None:
    try:
        file_type = sniff.sniff(data)
        if file_type is None or file_type.name not in _READABLE_FORMATS:
            return None
        require_few_parts(data, file_type, _NO_PIXEL_IS_READ)
        with Image.open(BytesIO(data), formats=_READABLE_FORMATS) as image:
            packet = image.info.get("xmp")
    except MemoryError:
        raise
    except Exception:  # any bytes may come in, and readers of broken files raise anything
        return None
    return packet if isinstance(packet, bytes) else None


def _run_text(packet: bytes) -> str | None:
    """The JSON, whether still an attribute or rewritten as an element by another editor.

    Entities of a document type could expand without bound, and the parser would meet one in any
    encoding that it knows. So only UTF-8 is read, which is what XMP in these formats has to be.
    """
    if len(packet) > _MAX_PACKET_BYTES:
        return None
    try:
        document = packet.strip(b"\0 ").decode("utf-8-sig")
        if "<!DOCTYPE" in document:
            return None
        root = ET.fromstring(document)  # noqa: S314 -- no document type, checked above
    except (UnicodeDecodeError, ValueError, ET.ParseError):
        return None
    for description in root.iter(f"{{{_RDF_NS}}}Description"):
        text = description.get(_RUN_TAG) or description.findtext(_RUN_TAG)
        if text:
            return text
    return None
