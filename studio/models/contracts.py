"""How a network is fed and read, as data: one class per way of calling it.

Models that share a way of calling differ only in these numbers, so a new model of a known
kind needs a catalogue entry and no code.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.words import N_, msg

Triple = tuple[float, float, float]
"""One number a channel, in the order of the contract's ``colour``."""
Resample = Literal["bilinear", "cubic", "lanczos", "area"]
Alignment = Literal[
    "arcface_112_v1", "arcface_112_v2", "arcface_128", "mtcnn_512", "ffhq_512", "dct_net_288"
]
"""Where five points of a face lie in a crop, by the name the field gives each template."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallContract(_Frozen):
    """One way of calling a network. ``noun`` is what a network of this kind is called."""

    noun: ClassVar[str]


class MattingContract(CallContract):
    """RGB picture in, one soft mask out; NCHW float32, batch of one.

    Attributes:
        input_name: the picture's input; None takes the first.
        output_index: which output holds the mask; its channel 0 is read.
        size_px: (width, height) every picture is stretched to; None keeps its proportions
            under ``short_side_px`` and ``multiple``.
        short_side_px: when ``size_px`` is None, pictures whose long side is below or whose
            short side is above this are resized until the short side has it.
        multiple: when ``size_px`` is None, both sides are floored to a multiple of this.
        resample: filter of the resize, there and back.
        divide_by: what pixels are divided by: a number, or "max" for the picture's own
            brightest value.
        mean: subtracted after the division, RGB.
        std: divided by after that, RGB.
        sigmoid: whether the output is logits that need one.
        min_max: whether the mask is stretched to span 0 to 1; a flat mask is left alone.

    """

    noun: ClassVar[str] = N_("a matting network")
    kind: Literal["matting"] = "matting"
    layout: Literal["nchw"] = "nchw"
    colour: Literal["rgb"] = "rgb"
    input_name: str | None = None
    output_index: int = Field(default=0, ge=0)
    size_px: tuple[int, int] | None = None
    short_side_px: int | None = Field(default=None, gt=0)
    multiple: int = Field(default=1, ge=1)
    resample: Resample
    divide_by: float | Literal["max"]
    mean: Triple
    std: Triple
    sigmoid: bool
    min_max: bool

    @model_validator(mode="after")
    def _has_one_size_rule(self) -> MattingContract:
        if (self.size_px is None) == (self.short_side_px is None):
            raise ValueError(msg("give either size_px or short_side_px"))
        return self


class EnlargingContract(CallContract):
    """What all ways of enlarging share.

    Attributes:
        overlap_px: source pixels of context each tile needs on every side.
        bytes_per_px: working memory a source pixel takes while the network runs.

    """

    noun: ClassVar[str] = N_("a super-resolution network")
    overlap_px: int = Field(ge=0)
    bytes_per_px: int = Field(default=16_384, gt=0)


class SuperresContract(EnlargingContract):
    """RGB 0 to 1 in, RGB 0 to 1 out (to be clipped); NCHW float32, any size.

    Attributes:
        input_name: None takes the first input.
        multiple: both sides are padded to a multiple of this by reflection.

    """

    kind: Literal["superres"] = "superres"
    layout: Literal["nchw"] = "nchw"
    colour: Literal["rgb"] = "rgb"
    input_name: str | None = None
    multiple: int = Field(default=1, ge=1)


class OpencvSuperresContract(EnlargingContract):
    """A TensorFlow graph in the convention of OpenCV's ``dnn_superres``; NCHW through OpenCV.

    Attributes:
        channels: "y": luma 0 to 1 of YCrCb goes through the network and Cr, Cb are resized
            bilinearly; "bgr": BGR 0 to 255 minus ``mean``, which is added back to the output.
        mean: B, G, R; unused for "y".

    """

    kind: Literal["opencv-superres"] = "opencv-superres"
    channels: Literal["y", "bgr"]
    mean: Triple = (0.0, 0.0, 0.0)


class StyleContract(CallContract):
    """Photograph in, the same picture drawn out, of the same size; float32, batch of one.

    ``(x / divide_by - mean) / std`` is what the network wants of a picture of 0 to 255; the
    ``output_`` numbers turn its answer back, and are those of the input where left out.

    Attributes:
        input_name: None takes the first input.
        output_index: which output holds the drawing.
        layout: axes; "hwc" has no batch axis.
        colour: order of the channels, in and out.
        multiple: both sides are padded to a multiple of this.
        least_side_px: shorter sides are padded to this.
        padding: what a picture is padded with at the right and at the bottom.
        overlap_px: source pixels of context that decide a pixel, so that a large picture can be
            drawn in tiles; None when every pixel depends on all, as with normalisation over
            the whole picture.
        short_side_px: where the network was trained, a larger picture is drawn reduced to this
            and given back its detail; None draws every size as it is.
        bytes_per_px: working memory a pixel takes while the network runs.
        head_side_px: for portrait styles with a second network that draws each head: side of
            the aligned crop it draws. None when one network draws all.

    """

    noun: ClassVar[str] = N_("an image-to-image network")
    kind: Literal["style"] = "style"
    input_name: str | None = None
    output_index: int = Field(default=0, ge=0)
    layout: Literal["nchw", "nhwc", "hwc"]
    colour: Literal["rgb", "bgr"] = "rgb"
    divide_by: float = Field(default=127.5, gt=0)
    mean: Triple = (1.0, 1.0, 1.0)
    std: Triple = (1.0, 1.0, 1.0)
    output_divide_by: float | None = Field(default=None, gt=0)
    output_mean: Triple | None = None
    output_std: Triple | None = None
    multiple: int = Field(default=1, ge=1)
    least_side_px: int = Field(default=1, ge=1)
    padding: Literal["reflect", "white"] = "reflect"
    overlap_px: int | None = Field(default=None, ge=0)
    short_side_px: int | None = Field(default=None, gt=0)
    bytes_per_px: int = Field(default=2_048, gt=0)
    head_side_px: int | None = Field(default=None, gt=0)


class Port(_Frozen):
    """One input or output of a network.

    Attributes:
        name: None when it is found by position.
        layout: "nhwc" for a picture, RGB; "boxes", "points" or "scalar" for an answer.
        shape: sizes of the axes.
        divide_by, mean: ``x / divide_by - mean`` turns 0 to 255 into what an input wants.
        meaning: range or decoding, in words.

    """

    name: str | None = None
    layout: Literal["nhwc", "boxes", "points", "scalar"]
    shape: tuple[int, ...]
    divide_by: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    meaning: str = Field(min_length=1)


class NetworkContract(CallContract):
    """The ports of a network that has code of its own.

    Attributes:
        inputs: in the graph's order.
        outputs: in the graph's order; those with names are asked for by name.
        procedure: the steps around the network, in words.

    """

    noun: ClassVar[str] = N_("a network of the face finder")
    kind: Literal["network"] = "network"
    inputs: tuple[Port, ...] = Field(min_length=1)
    outputs: tuple[Port, ...] = Field(min_length=1)
    procedure: str = ""


class EmbeddingContract(CallContract):
    """Aligned face in, a vector that tells people apart out; RGB NCHW float32, batch of one.

    Attributes:
        input_name: None takes the first input.
        size_px: side of the crop.
        alignment: the template the crop is warped to.
        mean, std: ``(x / 255 - mean) / std``, RGB.

    """

    noun: ClassVar[str] = N_("a recognition network")
    kind: Literal["face-embedding"] = "face-embedding"
    input_name: str | None = None
    size_px: int = Field(gt=0)
    alignment: Alignment
    mean: Triple
    std: Triple


class EmbeddingBridgeContract(CallContract):
    """One network's embedding in, another's out; ``float32 (1, n)`` both, not normalised."""

    noun: ClassVar[str] = N_("an embedding bridge")
    kind: Literal["embedding-bridge"] = "embedding-bridge"
    input_name: str | None = None


class FaceSwapContract(CallContract):
    """Aligned face and somebody's embedding in, the face with that identity out.

    RGB NCHW float32, batch of one; the face is the first output.

    Attributes:
        target_name: input of the aligned face.
        source_name: input of the embedding, ``float32 (1, 512)``.
        size_px: side of the crop.
        alignment: the template the crop is warped to.
        mean, std: ``(x / 255 - mean) / std`` for the target, RGB.
        output_mean, output_std: ``output * std + mean`` is RGB 0 to 1.
        bridge: the model that translates ArcFace embeddings for this network.
        is_unit: whether the embedding, translated, has length 1.
        matrix_name: initializer 512 x 512 that multiplies the embedding before the network
            sees it; the graph holds it and does not use it. None when there is none.
        mask_output: which output tells where the face was changed, 0 to 1; None when none.

    """

    noun: ClassVar[str] = N_("a face swap network")
    kind: Literal["face-swap"] = "face-swap"
    target_name: str = "target"
    source_name: str = "source"
    size_px: int = Field(gt=0)
    alignment: Alignment
    mean: Triple
    std: Triple
    output_mean: Triple = (0.0, 0.0, 0.0)
    output_std: Triple = (1.0, 1.0, 1.0)
    bridge: str | None = None
    is_unit: bool = True
    matrix_name: str | None = None
    mask_output: int | None = Field(default=None, ge=1)


class FaceRestorationContract(CallContract):
    """Aligned face in, the same face sharp and clean out; RGB -1 to 1, NCHW float32.

    Attributes:
        input_name: None takes the first input that is not the weight.
        weight_name: input of the fidelity, ``float64 (1,)``, 1 closest to the face as it was;
            None when the network has none.
        size_px: side of the crop.
        alignment: the template the crop is warped to.

    """

    noun: ClassVar[str] = N_("a face restoration network")
    kind: Literal["face-restoration"] = "face-restoration"
    input_name: str | None = None
    weight_name: str | None = None
    size_px: int = Field(default=512, gt=0)
    alignment: Alignment = "ffhq_512"


class FaceOcclusionContract(CallContract):
    """Face crop in, where the face is not covered out; BGR 0 to 1, NHWC float32 there and back.

    Attributes:
        input_name: None takes the first input.
        size_px: side of the crop.

    """

    noun: ClassVar[str] = N_("an occlusion network")
    kind: Literal["face-occlusion"] = "face-occlusion"
    input_name: str | None = None
    size_px: int = Field(gt=0)


class InpaintContract(CallContract):
    """Picture and hole in, the picture with the hole filled out; NCHW, batch of one.

    ``(x / divide_by - mean) / std`` is what the network wants of a picture of 0 to 255; the
    ``output_`` numbers turn its answer back, and are those of the input where left out.

    Attributes:
        image_name: None takes the first input.
        mask_name: None takes the second input.
        is_stacked: whether the mask is no input of its own but the first of four channels, with
            the picture, black in the network's numbers (0) where the hole is, behind it.
        colour: order of the channels, in and out.
        dtype: element type of the picture.
        mask_dtype: element type of the mask, where it is an input of its own.
        hole_value: what the mask is where the network shall paint.
        kept_value: what the mask is elsewhere.
        rim_px: how far inside the mask the network still shows the picture; the mask it is given
            is grown by this.
        size_px: side of the one square it takes: larger pictures are shrunk to it, smaller ones
            mirrored at the right and at the bottom. None takes any size.
        multiple: when ``size_px`` is None, both sides are mirrored to a multiple of this.
        least_side_px: when ``size_px`` is None, shorter sides are mirrored to this.
        bytes_per_px: working memory a pixel takes while the network runs.

    """

    noun: ClassVar[str] = N_("an inpainting network")
    kind: Literal["inpaint"] = "inpaint"
    layout: Literal["nchw"] = "nchw"
    image_name: str | None = None
    mask_name: str | None = None
    is_stacked: bool = False
    colour: Literal["rgb", "bgr"] = "rgb"
    dtype: Literal["float32", "uint8"] = "float32"
    divide_by: float = Field(default=255.0, gt=0)
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    mask_dtype: Literal["float32", "int64", "uint8"] = "float32"
    hole_value: float = 1.0
    kept_value: float = 0.0
    rim_px: int = Field(default=0, ge=0)
    output_divide_by: float | None = Field(default=None, gt=0)
    output_mean: Triple | None = None
    output_std: Triple | None = None
    size_px: int | None = Field(default=None, gt=0)
    multiple: int = Field(default=1, ge=1)
    least_side_px: int = Field(default=1, ge=1)
    bytes_per_px: int = Field(default=2_048, gt=0)

    @model_validator(mode="after")
    def _is_of_one_size_or_any(self) -> InpaintContract:
        if self.size_px is not None and (self.multiple > 1 or self.least_side_px > 1):
            raise ValueError(msg("size_px leaves nothing to multiple and least_side_px"))
        return self


Contract = Annotated[
    MattingContract
    | SuperresContract
    | OpencvSuperresContract
    | StyleContract
    | EmbeddingContract
    | EmbeddingBridgeContract
    | FaceSwapContract
    | FaceRestorationContract
    | FaceOcclusionContract
    | InpaintContract
    | NetworkContract,
    Field(discriminator="kind"),
]
