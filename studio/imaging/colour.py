"""From any colour model and profile that files carry to 8-bit sRGB."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageChops, ImageCms, TiffImagePlugin

from studio.errors import UserInputError
from studio.words import Message, msg

Notes = tuple[Message, ...]

_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_IDENTITY_LEVELS = 1
"""A profile that moves no colour by more than this is sRGB by another name."""
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}


def to_eight_bits(image: Image.Image) -> Image.Image:
    """A loaded image as L, LA, RGB, RGBA, CMYK or LAB with 8 bits a sample.

    Raises:
        UserInputError: ``image.unsupported`` for samples without a defined white.

    """
    mode = image.mode
    if mode.startswith("I;16"):
        return _from_sixteen_bits(image)
    if mode in ("I", "F"):
        raise UserInputError(
            msg("The picture has 32-bit samples, which have no defined white"),
            remedy=msg("Save it with 8 or 16 bits a channel and try again."),
            code="image.unsupported",
        )
    if mode == "CMYK" and _is_plain_cmyk_jpeg(image):
        return ImageChops.invert(image)
    if mode == "La":
        return image.convert("LA")
    if image.has_transparency_data:
        return image.convert("LA" if mode in ("1", "L", "LA") else "RGBA")
    if mode == "1":
        return image.convert("L")
    if mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("RGB")


def to_srgb(
    image: Image.Image, icc_profile: bytes | None
) -> tuple[Image.Image, Image.Image | None, Notes]:
    """RGB image in sRGB, its alpha if it has one, and what was converted.

    Args:
        image: L, LA, RGB, RGBA, CMYK or LAB.
        icc_profile: as embedded in the file; a damaged or unfitting one is ignored.

    """
    alpha, colour = None, image
    if image.mode in ("LA", "RGBA"):
        alpha = image.getchannel("A")
        colour = image.convert(image.mode[:-1])
    notes: Notes = ()
    if icc_profile:
        converted, notes = _by_profile(colour, icc_profile)
        if converted:
            return converted, alpha, notes
    converted, approximation = _without_profile(colour)
    return converted, alpha, notes + approximation


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    bits, is_white_zero = 16, False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0]
        is_white_zero = image.tag_v2.get(_PHOTOMETRIC) == 0
    white = 2**bits - 1
    levels = np.minimum(np.arange(2**16), white)
    if is_white_zero:
        levels = white - levels
    table = ((levels * 510 + white) // (2 * white)).astype(np.uint8)
    samples = np.asarray(image)
    grey = Image.fromarray(table[samples])
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    grey.putalpha(Image.fromarray(np.where(samples == transparent, 0, 255).astype(np.uint8)))
    return grey


def _is_plain_cmyk_jpeg(image: Image.Image) -> bool:
    """Whether 0 means no ink in the file. Pillow assumes Adobe's inverted form for every JPEG."""
    return image.format in ("JPEG", "MPO") and "adobe" not in image.info


def _by_profile(image: Image.Image, icc_profile: bytes) -> tuple[Image.Image | None, Notes]:
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc_profile))
        space = profile.profile.xcolor_space
        if image.mode == "L" and space == "RGB ":
            image = image.convert("RGB")
        if image.mode == "RGB" and space == "GRAY" and _is_grey(image):
            image = image.getchannel("R")  # grey with alpha of 16 bits is read as colour
        if _SPACES[image.mode] != space:
            return None, (msg("Its colour profile does not fit the picture and was ignored."),)
        transform = _transform(profile, image.mode)
        if image.mode == "RGB" and _is_identity(transform):
            return image, ()
        converted = _grey_by_table(image, transform) if space == "GRAY" else transform.apply(image)
    except (ImageCms.PyCMSError, OSError):
        return None, (msg("Its colour profile is damaged and was ignored."),)
    return converted, (
        msg("Colours were converted from {profile} to sRGB.", profile=_name(profile)),
    )


def _is_grey(image: Image.Image) -> bool:
    red, green, blue = image.split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    """As photo editors convert: relative colorimetry with black point compensation."""
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":
        flags |= ImageCms.Flags.NOOPTIMIZE  # else steep curves are off by up to 10 levels
    return ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags,
    )


def _grey_by_table(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    """Convert each of the 256 levels once: exact, and ten times faster than each pixel."""
    levels = Image.fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    table = np.asarray(transform.apply(levels))[0]
    return Image.fromarray(table[np.asarray(image)])


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(transform.apply(Image.fromarray(lattice)))
    return int(np.abs(moved.astype(np.int16) - lattice).max()) <= _IDENTITY_LEVELS


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    name = "".join(c for c in ImageCms.getProfileDescription(profile) if c.isprintable())
    return name.strip()[:60] or "an unnamed profile"


def _without_profile(image: Image.Image) -> tuple[Image.Image, Notes]:
    match image.mode:
        case "LAB":
            transform = ImageCms.buildTransform(
                ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
            )
            return transform.apply(image), (msg("Lab colours became sRGB."),)
        case "CMYK":
            return image.convert("RGB"), (
                msg("CMYK without a colour profile: the colours are an approximation."),
            )
        case _:
            return image.convert("RGB"), ()


def by_gamma(image: Image.Image, gamma: float) -> Image.Image:
    """An L or RGB image whose levels to the power of 1 / ``gamma`` are light, in sRGB.

    ``gamma`` is that of a PNG's gAMA chunk; about 0.45 is what sRGB has anyway.
    """
    light = (np.arange(256) / 255) ** (1 / gamma)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    table = np.rint(encoded * 255).astype(np.uint8).tolist()
    return image.point(table * len(image.getbands()))
