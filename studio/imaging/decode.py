"""The only way in: a file's bytes to upright sRGB pixels, or a refusal that explains itself.

Light enough for the web process, which checks uploads with ``inspect``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin
from pillow_heif import register_heif_opener

from studio.errors import UserInputError
from studio.imaging import sniff
from studio.imaging.colour import to_eight_bits, to_srgb
from studio.imaging.picture import Picture
from studio.imaging.thumbnail import THUMBNAIL_SIDE_PX, thumbnail
from studio.settings import Settings

register_heif_opener()

READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF or HEIC"
"""What may be uploaded, for sentences."""

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


def decode(data: bytes, *, file_name: str, limits: Limits) -> Picture:
    """Decode a picture to upright sRGB.

    Embedded profiles (Adobe RGB, Display P3, CMYK, grey) are converted, 16 bits a sample
    are rounded to 8, of several pictures in a file the first is taken; ``Picture.notes``
    says which of these happened.

    Args:
        data: the file as it was uploaded; its type is found from these bytes.
        file_name: named in refusals, used for nothing else.
        limits: most bytes and pixels.

    Raises:
        UserInputError: with code ``image.empty``, ``image.too_many_bytes``,
            ``image.not_an_image``, ``image.unsupported``, ``image.too_many_pixels``,
            ``image.bomb`` or ``image.truncated`` (cut off or damaged).

    """
    with _refusing(file_name):
        file_type = _check_bytes(data, limits)
        with _open(data, file_type, limits) as image:
            notes = _depth_notes(image)
            _load(image, data)
            return _to_picture(image, notes + _frame_notes(image))


def inspect(data: bytes, *, file_name: str, limits: Limits) -> ImageInfo:
    """Check an upload as strictly as ``decode`` and preview it, at a fraction of the cost.

    Every byte of picture data is read, so a file that passes will decode; but JPEG is
    decoded at reduced size, and colours are converted at thumbnail size only.

    Raises:
        UserInputError: as ``decode`` does.

    """
    with _refusing(file_name):
        file_type = _check_bytes(data, limits)
        with _open(data, file_type, limits) as image:
            full_size = image.size
            _load(image, data, least_side_px=2 * THUMBNAIL_SIDE_PX)
            if file_type is not sniff.JPEG:
                full_size = image.size  # a container may turn the picture while loading
            picture = _to_picture(image, (), max_side_px=2 * THUMBNAIL_SIDE_PX)
            width, height = full_size[::-1] if _turns_sideways(image) else full_size
    return ImageInfo(file_type.media_type, width, height, thumbnail(picture))


@contextmanager
def _refusing(file_name: str) -> Iterator[None]:
    """Name the file in every refusal, and turn whatever a reader raises into one.

    The bytes come from anyone, and Pillow's readers meet broken ones with exceptions of
    every kind; so everything is caught here, once, and nothing is hidden: the cause stays.
    """
    try:
        yield
    except UserInputError as refusal:
        raise _naming(file_name, refusal) from refusal.__cause__
    except Exception as error:
        raise _naming(file_name, _bomb() if _is_bomb(error) else _truncated()) from error


def _naming(file_name: str, refusal: UserInputError) -> UserInputError:
    return UserInputError(
        refusal.reason, remedy=refusal.remedy, code=refusal.code, file_name=file_name
    )


def _is_bomb(error: Exception) -> bool:
    guards = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)
    return isinstance(error, guards) or "Decompressed data too large" in str(error)


def _check_bytes(data: bytes, limits: Limits) -> sniff.FileType:
    """Everything that can be said before a reader is trusted with the bytes."""
    if not data:
        raise UserInputError(
            "The file is empty", remedy="Choose a file with a picture in it.", code="image.empty"
        )
    if len(data) > limits.max_bytes:
        raise UserInputError(
            f"The file has {_megabytes(len(data))} MB and the limit is "
            f"{_megabytes(limits.max_bytes)} MB",
            remedy="Save it as JPEG or make it smaller.",
            code="image.too_many_bytes",
        )
    file_type = sniff.sniff(data)
    if file_type is None:
        raise _foreign(data)
    size = sniff.header_size(data, file_type)
    if size:
        _check_size(size, limits)
    if file_type is sniff.JPEG and sniff.jpeg_bits(data) not in (8, None):
        raise _unsupported("This JPEG has more than 8 bits a sample")
    if not sniff.is_complete(data, file_type):
        raise _truncated()
    return file_type


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width == 0 or height == 0:
        raise UserInputError(
            f"The picture is {width} × {height} pixels",
            remedy="Choose a file with a picture in it.",
            code="image.empty",
        )
    if width * height > limits.max_pixels:
        raise UserInputError(
            f"The picture is {width:,} × {height:,}, that is {width * height / 1e6:,.1f} "
            f"megapixels, and the limit is {limits.max_pixels / 1e6:,.1f}",
            remedy="Make it smaller first.",
            code="image.too_many_pixels",
        )


def _open(data: bytes, file_type: sniff.FileType, limits: Limits) -> ImageFile.ImageFile:
    """Read the header. Only the reader that fits the bytes is tried."""
    image = Image.open(BytesIO(data), formats=[file_type.name])
    _check_size(image.size, limits)
    if isinstance(image, TiffImagePlugin.TiffImageFile) and _is_camera_raw(image):
        raise _unsupported("This is a camera raw file")
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
    image.load()
    if not is_jpeg or not (image.info.get("progressive") or _ends_in_grey(image)):
        return
    with Image.open(BytesIO(sniff.with_longer_scan(data, _FILLER)), formats=["JPEG"]) as filled:
        _draft(filled, least_side_px)
        filled.load()
        if not np.array_equal(np.asarray(filled), np.asarray(image)):
            raise _truncated()


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
    image: Image.Image, notes: tuple[str, ...], max_side_px: int | None = None
) -> Picture:
    """Normalise a loaded image, first reduced to about ``max_side_px`` when that is given."""
    orientation = _orientation(image)
    plain = to_eight_bits(image)
    if max_side_px and (factor := max(plain.size) // max_side_px) > 1:
        plain = plain.reduce(factor)
    colour, alpha, colour_notes = to_srgb(plain, image.info.get("icc_profile"))
    if orientation in _UPRIGHT:
        colour = colour.transpose(_UPRIGHT[orientation])
        alpha = alpha and alpha.transpose(_UPRIGHT[orientation])
    is_opaque = alpha is None or alpha.getextrema() == (255, 255)
    return Picture(
        np.asarray(colour), None if is_opaque else np.asarray(alpha), notes + colour_notes
    )


def _depth_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Asked before loading, which itself rounds 16-bit colour and then forgets it did."""
    if any(";16" in str(tile.args) for tile in image.tile):
        return ("16 bits a sample were rounded to 8.",)
    return ()


def _frame_notes(image: Image.Image) -> tuple[str, ...]:
    # a JPEG's further pictures are previews and depth or gain maps, nothing a person chose
    if image.format in ("JPEG", "MPO") or not getattr(image, "is_animated", False):
        return ()
    return ("The file holds several pictures; the first was taken.",)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is written by anything; a broken block is no reason to refuse
        return 1


def _turns_sideways(image: Image.Image) -> bool:
    return _orientation(image) in (5, 6, 7, 8)


def _foreign(data: bytes) -> UserInputError:
    kind = sniff.foreign_kind(data)
    if kind:
        return _unsupported(f"This is {kind}")
    return UserInputError(
        "This is not a picture", remedy=f"Choose a {READABLE} file.", code="image.not_an_image"
    )


def _unsupported(reason: str) -> UserInputError:
    return UserInputError(
        reason, remedy=f"Save it as {READABLE} and try again.", code="image.unsupported"
    )


def _truncated() -> UserInputError:
    return UserInputError(
        "The file is damaged or was cut off",
        remedy="Upload it again, or open and save it in another program first.",
        code="image.truncated",
    )


def _bomb() -> UserInputError:
    return UserInputError(
        "Unpacked, this file would fill the memory",
        remedy="Open it in another program and save it again, or make it smaller.",
        code="image.bomb",
    )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f}".removesuffix(".0")
