"""Commands that prepare files: calibration samples, and safetensors from other formats. Neither needs the service."""

import json
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from odem_client.cli.options import LOCAL, Key, Url, connect
from odem_client.cli.showing import say, size, transfer_bars
from odem_client.errors import OdemError

_PANEL = "Prepare files"
app = typer.Typer()


class Names(StrEnum):
    """Naming scheme of a converted file."""

    OPEN_CLIP = "open-clip"
    HUGGING_FACE = "hugging-face"
    AS_THEY_ARE = "as-they-are"


@app.command(rich_help_panel=_PANEL)
def calibrate(
    images: Annotated[
        Path,
        typer.Argument(exists=True, help="A folder with one subfolder per class, a WebDataset tar, or a parquet file."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The calibration file to write.")],
    lineage: Annotated[
        str | None, typer.Option("--lineage", "-l", help="Resize the images for this lineage's model.")
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Resize the images to this many pixels, such as 224.", min=1)
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", "-n", help="Maximum number of images over all classes.", min=1)
    ] = 256,
    seed: Annotated[int, typer.Option(help="Seed of the random sample.")] = 0,
    task: Annotated[
        str | None, typer.Option(help="Also write TASK.json with the class names, for `odem merge --task TASK.json`.")
    ] = None,
    image_column: Annotated[str, typer.Option(help="Column of a parquet file.")] = "image",
    label_column: Annotated[str, typer.Option(help="Column of a parquet file.")] = "label",
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Make a calibration file: a labelled sample of a task's images, for `odem merge --calibration`.

    Images are resized and cropped as open_clip does for evaluation.

    Example: odem calibrate photos/ -o eurosat.calibration.safetensors --lineage default --task eurosat
    """
    try:
        from odem_client import calibration
    except ImportError as error:
        raise OdemError("Pillow is not installed: pip install 'odem-client[calibrate]'.") from error
    if (lineage is None) == (image_size is None):
        raise typer.BadParameter("specify either --lineage or --image-size")
    if image_size is not None:
        sizing = calibration.Sizing(image_size)
    else:
        with connect(url, key) as odem:
            sizing = calibration.Sizing.from_config(odem.open_clip_config(f"{lineage}@0"))
    result = calibration.find(images, image_column, label_column)
    with transfer_bars(images.name, quiet=False, counted=True) as progress:
        labels = calibration.write(result, output, sizing, limit=samples, seed=seed, progress=progress)
    counts = Counter(labels)
    typer.echo(output)
    fewest, largest = min(counts.values()), max(counts.values())
    spread = f"{fewest if fewest == largest else f'{fewest} to {largest}'} of each of {len(counts)} classes"
    say(f"{len(labels)} images of {sizing.side} x {sizing.side} pixels, {spread}, {size(output.stat().st_size)}")
    if absent := len(result.classnames) - len(counts):
        say(f"{absent} classes have no image in the sample; increase --samples")
    if task is not None:
        document = {"name": task, "classnames": list(result.classnames), "templates": ["a photo of a {}."]}
        Path(f"{task}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        say(f"{task}.json has the class names of the source; edit them and the prompt template to describe your images")


@app.command(rich_help_panel=_PANEL)
def convert(
    source: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A .pt, .pth, .bin, .ckpt, .safetensors.")
    ],
    output: Annotated[Path, typer.Argument(help="The safetensors file to write.")],
    to: Annotated[Names, typer.Option(help="Naming scheme of the tensors.")] = Names.OPEN_CLIP,
) -> None:
    """Convert a checkpoint to safetensors with open_clip's tensor names.

    Pickles are opened with weights_only=True, so nothing in them is executed. Hugging Face's CLIP names become
    open_clip's, or the other way round with --to hugging-face.
    """
    try:
        from odem_client import conversion
    except ImportError as error:
        raise OdemError("torch and safetensors are not installed: pip install 'odem-client[convert]'.") from error
    tensors = conversion.load(source)
    theirs = conversion.is_hugging_face(tensors)
    if to is Names.OPEN_CLIP and theirs:
        tensors = conversion.to_open_clip(tensors)
    elif to is Names.HUGGING_FACE and not theirs:
        tensors = conversion.to_hugging_face(tensors)
    conversion.save(tensors, output)
    typer.echo(output)
    say(f"{len(tensors)} tensors, {size(output.stat().st_size)}")
