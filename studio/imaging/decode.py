"""The only way in: a file's bytes to upright sRGB pixels, or a refusal that explains itself.

Light enough for the web process, which checks uploads with ``inspect``.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import (
    ExifTags,
    Image,
    ImageFile,
    PngImagePlugin,
    TiffImagePlugin,
)
from pillow_heif import register_heif_opener

from studio.errors import UserInputError
from studio.imaging import sniff
from studio.imaging.colour import by_gamma, to_eight_bits, to_srgb
from studio.imaging.parts import is_several, require_few_parts
from studio.imaging.picture import Picture
from studio.imaging.png_facts import PngFacts, png_facts, scale_transparent_level
from studio.imaging.refusals import (
    MAX_PNG_TEXT_BYTES,
    foreign,
    refusing,
    too_many_bytes,
    truncated,
    unsupported,
)
from studio.imaging.sixteen_bits import can_be_rounded, rounded
from studio.imaging.thumbnail import THUMBNAIL_SIDE_PX, thumbnail
from studio.imaging.whole import is_oddly_packed, is_whole
from studio.settings import Settings
from studio.words import Message, msg

register_heif_opener()
# For profiles too, of which those of presses and printers have up to 3 MB.
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PNG_TEXT_BYTES

_NEW_SUBFILE_TYPE = 254
_REDUCED_IMAGE = 1
_DNG_VERSION = 50706
_FILLER = b"\x55\xa3" * 512
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may ask for, checked before any pixel is decoded.

    Pillow's own guard also refuses anything above 178,956,970 pixels.
    """

    max_bytes: int
    max_pixels: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """The limits an operator has set."""
        return cls(max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What an upload turned out to be; sizes are upright, after EXIF orientation."""

    media_type: str
    width_px: int
    height_px: int
    thumbnail_jpeg: bytes


def decode(data: bytes, *, file_name: str, limits: Limits, as_numbers: bool = False) -> Picture:
    """Decode a picture to upright sRGB.

    Embedded profiles (Adobe RGB, Display P3, CMYK, grey) are converted, 16 bits a sample
    are rounded to 8, of several pictures in a file the first is taken; ``Picture.notes``
    says which of these happened.

    Args:
        data: the file as it was uploaded; its type is found from these bytes.
        file_name: named in refusals, used for nothing else.
        limits: most bytes and pixels.
        as_numbers: keep levels as the file has them, for masks and alphas: what a level means
            there is a share and not a light, so no profile and no gamma applies.

    Raises:
        UserInputError: with code ``image.empty``, ``image.too_many_bytes``,
            ``image.not_an_image``, ``image.unsupported``, ``image.too_many_pixels``,
            ``image.too_complex`` (made of too many parts), ``image.bomb`` or
            ``image.truncated`` (cut off or damaged).

    """
    with refusing(file_name):
        file_type = _check_bytes(data, limits)
        with _open(data, file_type, limits) as image:
            notes = _depth_notes(image)
            has_lower_bytes = can_be_rounded(image)
            _load(image, data)
            whole = rounded(image, data, file_type.name) if has_lower_bytes else image
            notes += _frame_notes(image, data, file_type)
            return _to_picture(image, whole, data, notes, as_numbers=as_numbers)


def inspect(data: bytes, *, file_name: str, limits: Limits) -> ImageInfo:
    """Check an upload as strictly as ``decode`` and preview it, at a fraction of the cost.

    Every byte of picture data is read, so a file that passes will decode; but JPEG is
    decoded at reduced size, and colours are converted at thumbnail size only.

    Raises:
        UserInputError: as ``decode`` does.

    """
    with refusing(file_name):
        file_type = _check_bytes(data, limits)
        with _open(data, file_type, limits) as image:
            full_size = image.size
            _load(image, data, least_side_px=2 * THUMBNAIL_SIDE_PX)
            if file_type is not sniff.JPEG:
                full_size = image.size  # a container may turn the picture while loading
            picture = _to_picture(image, image, data, (), max_side_px=2 * THUMBNAIL_SIDE_PX)
            width, height = full_size[::-1] if _turns_sideways(image) else full_size
    return ImageInfo(file_type.media_type, width, height, thumbnail(picture))


def _check_bytes(data: bytes, limits: Limits) -> sniff.FileType:
    """Everything that can be said before a reader is trusted with the bytes."""
    if not data:
        raise UserInputError(
            msg("The file is empty"),
            remedy=msg("Choose a file with a picture in it."),
            code="image.empty",
        )
    if len(data) > limits.max_bytes:
        raise too_many_bytes(len(data), limits.max_bytes)
    file_type = sniff.sniff(data)
    if file_type is None:
        raise foreign(data)
    require_few_parts(data, file_type, limits.max_pixels)
    size = sniff.header_size(data, file_type)
    if size:
        _check_size(size, limits)
    if file_type is sniff.JPEG and sniff.jpeg_bits(data) not in (8, None):
        raise unsupported(msg("This JPEG has more than 8 bits a sample"))
    if not sniff.is_complete(data, file_type):
        raise truncated()
    return file_type


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width == 0 or height == 0:
        raise UserInputError(
            msg("The picture is {width} × {height} px", width=width, height=height),
            remedy=msg("Choose a file with a picture in it."),
            code="image.empty",
        )
    if width * height > limits.max_pixels:
        raise UserInputError(
            msg(
                "The picture is {width} × {height}, that is {megapixels:.1f} megapixels, and the "
                "limit is {most:.1f}",
                width=width,
                height=height,
                megapixels=width * height / 1e6,
                most=limits.max_pixels / 1e6,
            ),
            remedy=msg("Make it smaller first."),
            code="image.too_many_pixels",
        )


def _open(data: bytes, file_type: sniff.FileType, limits: Limits) -> ImageFile.ImageFile:
    """Read the header. Only the reader that fits the bytes is tried."""
    try:
        image = Image.open(BytesIO(data), formats=[file_type.name])
    except (OSError, KeyError) as error:
        if is_whole(data, file_type):
            raise unsupported(
                msg("The studio does not read this form of {kind}", kind=file_type.name)
            ) from error
        raise
    _check_size(image.size, limits)
    if isinstance(image, TiffImagePlugin.TiffImageFile) and _is_camera_raw(image):
        raise unsupported(msg("This is a camera raw file"))
    return image


def _load(image: ImageFile.ImageFile, data: bytes, least_side_px: int | None = None) -> None:
    """Decode all pixels; a JPEG down to ``least_side_px``, if that is given, to save time.

    Pillow refuses a JPEG that just stops. One that was cut and closed with an end marker,
    as some repair tools do, it fills up without a word: with mid-grey, or in a progressive
    file with the coarser picture. So such a file is decoded once more with filler before
    its end. That changes nothing where all pixels were there, and shows where not.
    """
    is_jpeg = image.format in ("JPEG", "MPO")
    _draft(image, least_side_px if is_jpeg else None)
    try:
        image.load()
    except OSError as error:
        if isinstance(image, TiffImagePlugin.TiffImageFile) and is_oddly_packed(image):
            raise unsupported(msg("The studio does not unpack this form of TIFF")) from error
        raise
    if not is_jpeg or not (image.info.get("progressive") or _ends_in_grey(image)):
        return
    with Image.open(BytesIO(sniff.with_longer_scan(data, _FILLER)), formats=["JPEG"]) as filled:
        _draft(filled, least_side_px)
        filled.load()
        if not np.array_equal(np.asarray(filled), np.asarray(image)):
            raise truncated()


def _draft(image: Image.Image, least_side_px: int | None) -> None:
    if least_side_px:
        image.draft(None, (least_side_px, least_side_px))


def _ends_in_grey(image: Image.Image) -> bool:
    width, height = image.size
    corner = np.asarray(image.crop((max(width - 4, 0), max(height - 4, 0), width, height)))
    return bool(((corner == 127) | (corner == 128)).all())


def _is_camera_raw(image: TiffImagePlugin.TiffImageFile) -> bool:
    """Raw files are TIFFs whose first page is only a preview of the picture."""
    tags = image.tag_v2
    return _DNG_VERSION in tags or bool(tags.get(_NEW_SUBFILE_TYPE, 0) & _REDUCED_IMAGE)


def _to_picture(
    image: ImageFile.ImageFile,
    loaded: Image.Image,
    data: bytes,
    notes: tuple[Message, ...],
    *,
    max_side_px: int | None = None,
    as_numbers: bool = False,
) -> Picture:
    """Normalise the samples ``loaded`` from ``image``, first reduced when a side is given."""
    orientation = _orientation(image)
    facts = png_facts(data) if image.format == "PNG" else None
    if facts:
        scale_transparent_level(loaded, facts.bits)
    plain = to_eight_bits(loaded)
    if max_side_px and (factor := max(plain.size) // max_side_px) > 1:
        plain = plain.reduce(factor)
    profile = None if as_numbers else image.info.get("icc_profile")
    colour, alpha, colour_notes = to_srgb(plain, profile)
    if facts and not as_numbers:
        colour, png_notes = _by_png_facts(colour, facts)
        colour_notes += png_notes
    if orientation in _UPRIGHT:
        colour = colour.transpose(_UPRIGHT[orientation])
        alpha = alpha and alpha.transpose(_UPRIGHT[orientation])
    return Picture(
        np.asarray(colour),
        None if alpha is None or _says_nothing(alpha, image.format) else np.asarray(alpha),
        notes + colour_notes,
    )


def _says_nothing(alpha: Image.Image, format_name: str | None) -> bool:
    """Whether all is opaque. Most programs leave the fourth byte of a BMP's pixels at 0."""
    levels = alpha.getextrema()
    return levels == (255, 255) or (format_name == "BMP" and levels == (0, 0))


def _by_png_facts(colour: Image.Image, facts: PngFacts) -> tuple[Image.Image, tuple[Message, ...]]:
    if facts.gamma is not None:
        note = msg(
            "Brightness was converted from the file's gamma of {gamma} to sRGB.",
            gamma=facts.gamma,
        )
        return by_gamma(colour, facts.gamma), (note,)
    if facts.has_foreign_codes:
        note = msg("Its colour space (cICP) is not read; colours are taken as sRGB.")
        return colour, (note,)
    return colour, ()


def _depth_notes(image: ImageFile.ImageFile) -> tuple[Message, ...]:
    """Asked before loading, which itself rounds 16-bit colour and then forgets it did."""
    if any(";16" in str(tile.args) for tile in image.tile):
        return (msg("16 bits a sample were rounded to 8."),)
    return ()


def _frame_notes(image: Image.Image, data: bytes, file_type: sniff.FileType) -> tuple[Message, ...]:
    if file_type in (sniff.GIF, sniff.TIFF):
        # not asked of Pillow, which reads the second picture for it and may find that damaged
        is_one_of_several = is_several(data, file_type)
    else:
        # a JPEG's further pictures are previews and depth or gain maps, nothing a person chose
        is_one_of_several = file_type is not sniff.JPEG and getattr(image, "is_animated", False)
    if not is_one_of_several:
        return ()
    return (msg("The file holds several pictures; the first was taken."),)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is written by anything; a broken block is no reason to refuse
        return 1


def _turns_sideways(image: Image.Image) -> bool:
    return _orientation(image) in (5, 6, 7, 8)
