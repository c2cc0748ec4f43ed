"""The published architectures as small PyTorch modules, the reference for what we convert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # everybody's name for it


def spread(module: nn.Module) -> nn.Module:
    """Random weights large enough that every layer shows in the answer."""
    generator = torch.Generator().manual_seed(5)
    for name, parameter in module.named_parameters():
        gain = 0.3 if name.endswith("bias") else 0.8 / parameter[0].numel() ** 0.5
        centre = 1.0 if parameter.ndim == 1 and not name.endswith("bias") else 0.0
        parameter.data = centre + gain * torch.randn(parameter.shape, generator=generator)
    return module.eval()


def answer(module: nn.Module, planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        return np.asarray(module(torch.from_numpy(planes)))


def save(module: nn.Module, path: Path, *, key: str | None = None) -> Path:
    state: Any = module.state_dict()
    torch.save({key: state} if key else state, path)
    return path


class Dense(nn.Module):
    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for index in range(5):
            outputs = features if index == 4 else growth
            convolution = nn.Conv2d(features + index * growth, outputs, 3, 1, 1)
            setattr(self, f"conv{index + 1}", convolution)

    def forward(self, x: Any) -> Any:
        seen = [x]
        for index in range(1, 5):
            convolution = getattr(self, f"conv{index}")
            seen.append(F.leaky_relu(convolution(torch.cat(seen, 1)), 0.2))
        return self.conv5(torch.cat(seen, 1)) * 0.2 + x


class Block(nn.Module):
    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(features, growth) for _ in range(3))

    def forward(self, x: Any) -> Any:
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class RRDBNet(nn.Module):
    """Enlarges by 4, or by 2 when it takes the picture in blocks of 2 x 2."""

    def __init__(self, scale: int, features: int = 8, blocks: int = 2, growth: int = 4) -> None:
        super().__init__()
        self.block = 4 // scale
        self.conv_first = nn.Conv2d(3 * self.block**2, features, 3, 1, 1)
        self.body = nn.Sequential(*(Block(features, growth) for _ in range(blocks)))
        for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
            setattr(self, name, nn.Conv2d(features, features, 3, 1, 1))
        self.conv_last = nn.Conv2d(features, 3, 3, 1, 1)

    def forward(self, x: Any) -> Any:
        first = self.conv_first(F.pixel_unshuffle(x, self.block))
        x = first + self.conv_body(self.body(first))
        for convolution in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(convolution(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


class SRVGG(nn.Module):
    def __init__(self, scale: int = 4, features: int = 8, layers: int = 3) -> None:
        super().__init__()
        self.scale = scale
        body: list[nn.Module] = [nn.Conv2d(3, features, 3, 1, 1), nn.PReLU(features)]
        for _ in range(layers):
            body += [nn.Conv2d(features, features, 3, 1, 1), nn.PReLU(features)]
        self.body = nn.ModuleList([*body, nn.Conv2d(features, 3 * scale**2, 3, 1, 1)])

    def forward(self, x: Any) -> Any:
        inner = x
        for layer in self.body:
            inner = layer(inner)
        base = F.interpolate(x, scale_factor=self.scale, mode="nearest")
        return F.pixel_shuffle(inner, self.scale) + base


def unit(
    inputs: int, outputs: int, size: int = 3, stride: int = 1, *, depthwise: bool = False
) -> nn.Sequential:
    before = size // 2 if stride == 1 else 0
    pad = (before, size // 2, before, size // 2)
    return nn.Sequential(
        nn.ReflectionPad2d(pad),
        nn.Conv2d(inputs, outputs, size, stride, groups=inputs if depthwise else 1, bias=depthwise),
        nn.GroupNorm(1, outputs),
        nn.LeakyReLU(0.2),
    )


class Inverted(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.is_as_wide = inputs == outputs
        self.layers = nn.Sequential(
            unit(inputs, 2 * inputs, 1),
            unit(2 * inputs, 2 * inputs, depthwise=True),
            nn.Conv2d(2 * inputs, outputs, 1, bias=False),
            nn.GroupNorm(1, outputs),
        )

    def forward(self, x: Any) -> Any:
        return self.layers(x) + x if self.is_as_wide else self.layers(x)


class AnimeGAN2(nn.Module):
    """The generator, ``width`` channels at full size; the published one has 32."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        w = width
        self.block_a = nn.Sequential(unit(3, w, 7), unit(w, 2 * w, 3, 2), unit(2 * w, 2 * w))
        self.block_b = nn.Sequential(unit(2 * w, 4 * w, 3, 2), unit(4 * w, 4 * w))
        self.block_c = nn.Sequential(
            unit(4 * w, 4 * w),
            Inverted(4 * w, 8 * w),
            *(Inverted(8 * w, 8 * w) for _ in range(3)),
            unit(8 * w, 4 * w),
        )
        self.block_d = nn.Sequential(unit(4 * w, 4 * w), unit(4 * w, 4 * w))
        self.block_e = nn.Sequential(unit(4 * w, 2 * w), unit(2 * w, 2 * w), unit(2 * w, w, 7))
        self.out_layer = nn.Sequential(nn.Conv2d(w, 3, 1, bias=False), nn.Tanh())

    def forward(self, x: Any) -> Any:
        half = self.block_a(x)
        inner = self.block_c(self.block_b(half))
        for model, block in ((half, self.block_d), (x, self.block_e)):
            size = model.shape[-2:]
            inner = block(F.interpolate(inner, size, mode="bilinear", align_corners=True))
        return self.out_layer(inner)
