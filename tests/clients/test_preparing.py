"""`odem calibrate` and `odem convert`: the same pixels as open_clip's, and names that come back."""

import io
import json
import struct
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import open_clip
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_tensors
from skimage import data as photographs

from odem_client import calibration, conversion
from odem_client.calibration import Sizing, Unusable
from tests.acceptance import networks

_SIDE = 64


def _photos() -> dict[str, Image.Image]:
    """Real photographs in several modes and shapes: wide, tall, small, grey, with a palette, with transparency."""
    wide = Image.fromarray(photographs.coffee())
    grey = Image.fromarray(photographs.camera())
    return {
        "wide": wide,
        "tall": Image.fromarray(photographs.astronaut()).crop((100, 0, 317, 512)),
        "small": wide.resize((50, 37)),
        "exact": wide.crop((0, 0, _SIDE, _SIDE)),
        "grey": grey,
        "palette": wide.convert("P"),
        "transparent": Image.fromarray(photographs.logo()),
    }


@pytest.mark.parametrize("name", sorted(_photos()))
@pytest.mark.parametrize("side", [_SIDE, 224])
def test_images_are_sized_to_the_very_pixels_of_open_clip(name: str, side: int) -> None:
    image = _photos()[name]
    transform = open_clip.image_transform(side, is_train=False, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    theirs = (transform(image) * 255).round().to(torch.uint8).numpy()
    ours = np.asarray(Sizing(side).apply(image)).transpose(2, 0, 1)
    np.testing.assert_array_equal(ours, theirs)


def test_the_size_is_read_from_the_models_config() -> None:
    assert Sizing.from_config({"model_cfg": {"vision_cfg": {"image_size": 336}}, "preprocess_cfg": {}}).side == 336
    assert Sizing.from_config({"model_cfg": {"vision_cfg": {}}, "preprocess_cfg": {"size": [224, 224]}}).side == 224
    with pytest.raises(Unusable, match="squash"):
        Sizing.from_config(
            {"model_cfg": {"vision_cfg": {"image_size": 8}}, "preprocess_cfg": {"resize_mode": "squash"}}
        )


def _encoded(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 30), (shade, shade, shade)).save(out, "png")
    return out.getvalue()


def _folder(root: Path) -> Path:
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(6):
            (root / name / f"{number}.png").write_bytes(_encoded(100 * label + number))
        (root / name / "notes.txt").write_text("not an image")
    return root


def _tar(path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        for number in range(12):
            for suffix, content in (
                ("png", _encoded(100 * (number // 6) + number % 6)),
                ("cls", b"%d" % (number // 6)),
            ):
                member = tarfile.TarInfo(f"shard/{number:04}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def _parquet(path: Path) -> Path:
    images = [{"bytes": _encoded(100 * (number // 6) + number % 6), "path": None} for number in range(12)]
    table = pa.table({"image": images, "label": [number // 6 for number in range(12)]})
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), path)
    return path


def test_folder_tar_and_parquet_of_the_same_images_give_the_same_file(tmp_path: Path) -> None:
    sources = (_folder(tmp_path / "folder"), _tar(tmp_path / "shard.tar"), _parquet(tmp_path / "rows.parquet"))
    result = []
    for number, source in enumerate(sources):
        output = tmp_path / f"{number}.safetensors"
        calibration.write(calibration.find(source), output, Sizing(16), limit=7, seed=3)
        result.append(output.read_bytes())
    assert result[0] == result[1] == result[2]
    tensors = load_file(tmp_path / "0.safetensors")
    assert (tensors["images"].dtype, tensors["images"].shape) == (np.uint8, (7, 3, 16, 16))
    assert (tensors["labels"].dtype, sorted(Counter(tensors["labels"].tolist()).values())) == (np.int64, [3, 4])
    assert {int(image.mean()) // 100 for image in tensors["images"]} == {0, 1}
    assert calibration.find(sources[0]).classnames == calibration.find(sources[2]).classnames == ["cat", "dog"]


def test_the_file_is_laid_out_as_safetensors_asks(tmp_path: Path) -> None:
    output = tmp_path / "made.safetensors"
    calibration.write(calibration.find(_folder(tmp_path / "folder")), output, Sizing(16))
    header_size = struct.unpack("<Q", output.read_bytes()[:8])[0]
    assert header_size % 8 == 0
    assert output.stat().st_size == 8 + header_size + 12 * (3 * 16 * 16 + 8)


def test_the_choice_is_even_bounded_and_the_same_for_the_same_seed() -> None:
    labels = [0] * 100 + [1] * 5 + [2] * 50
    chosen = calibration.choose(labels, 45, seed=1)
    assert Counter(labels[index] for index in chosen) == {0: 20, 1: 5, 2: 20}
    assert chosen == calibration.choose(labels, 45, seed=1) != calibration.choose(labels, 45, seed=2)
    assert len(calibration.choose(labels, 2, seed=1)) == 2
    assert len(calibration.choose(labels, 1000, seed=1)) == 155


def test_a_broken_image_is_named_and_no_file_is_left(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "folder")
    (folder / "cat" / "0.png").write_bytes(b"no image")
    with pytest.raises(Unusable, match=r"cat/0\.png"):
        calibration.write(calibration.find(folder), tmp_path / "out.safetensors", Sizing(16))
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]


# Conversions


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("wrapped", [lambda state: state, lambda state: {"epoch": 3, "state_dict": state}])
def test_a_pickled_state_dict_becomes_safetensors_out_of_its_wrappers(tmp_path: Path, wrapped) -> None:  # type: ignore[no-untyped-def]
    state = {f"module.{name}": value for name, value in networks.build().state_dict().items()}
    torch.save(wrapped(state), tmp_path / "tuned.pt")
    conversion.save(conversion.load(tmp_path / "tuned.pt"), tmp_path / "tuned.safetensors")
    wanted = {name.removeprefix("module."): value for name, value in state.items()}
    assert _same(load_tensors(tmp_path / "tuned.safetensors"), wanted)


def test_a_pickle_that_would_run_something_is_not_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"weight": Trap()}, tmp_path / "bad.pt")
    with pytest.raises(conversion.NotConvertible, match="state dict"):
        conversion.load(tmp_path / "bad.pt")
    assert not (tmp_path / "sprung").exists()


def test_open_clip_names_become_hugging_faces_and_come_back() -> None:
    state = {name: value for name, value in networks.build().state_dict().items() if name != "attn_mask"}
    theirs = conversion.to_hugging_face(state)
    assert conversion.is_hugging_face(theirs)
    assert theirs["visual_projection.weight"].shape == state["visual.proj"].T.shape
    layer = "vision_model.encoder.layers.0.self_attn"
    parts = [theirs[f"{layer}.{part}.weight"] for part in ("q_proj", "k_proj", "v_proj")]
    assert torch.equal(torch.cat(parts), state["visual.transformer.resblocks.0.attn.in_proj_weight"])
    assert _same(conversion.to_open_clip(theirs), state)


def test_an_unknown_name_is_reported() -> None:
    with pytest.raises(conversion.NotConvertible, match=r"vision_model\.stranger"):
        conversion.to_open_clip({"vision_model.stranger": torch.zeros(1)})
