"""Put the first layer of a trained net on record, for the figures and the widgets.

    alexnet train --preset imagenette --set image_size=144 --set crop=128 --set epochs=24 \
        --set milestones=17,22 --out runs/half-size --record imagenette:half-size
    python tools/first_layer.py runs/half-size imagenette half-size

The 96 kernels of conv1, its biases and the mean color of the images go to alexnet_lib/results/first_layer,
in float16, with a record that says which run they are from.
"""

import argparse
import io
from dataclasses import replace

import numpy as np

from alexnet_lib import records
from alexnet_lib.architecture import SPECS
from alexnet_lib.training.fileio import atomic_write
from alexnet_lib.training.runs import load_net


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", help="the --out of the run")
    parser.add_argument("experiment", help="the experiment under which the run is on record")
    parser.add_argument("label", help="and its label")
    arguments = parser.parse_args()

    trained = load_net(arguments.run)
    (run,) = [record for record in records.load(arguments.experiment) if record.label == arguments.label]
    spec, side = SPECS[trained.config.spec], trained.config.input_size
    size = "" if side == spec.image_size else f" on images of {side} instead of {spec.image_size} pixels"
    conv1 = trained.net.features.conv1
    arrays = {"kernels": conv1.weight, "bias": conv1.bias, "mean": trained.mean.mean(dim=(1, 2))}
    halves = {name: tensor.detach().numpy().astype(np.float16) for name, tensor in arrays.items()}
    packed = io.BytesIO()
    np.savez_compressed(packed, **halves)
    record = replace(
        run,
        experiment="first_layer",
        label=arguments.label,
        command=f"{run.command}; python tools/first_layer.py RUN {arguments.experiment} {arguments.label}",
        config={**run.config, "net": f"conv1 of AlexNet({spec.name!r}){size}", "towers": spec.towers},
        results={"test error": run.results["top-1 error, center"]},
    )
    path = records.store(record)
    atomic_write(path.with_suffix(".npz"), lambda file: file.write(packed.getvalue()))
    print(path.with_suffix(".npz"))


if __name__ == "__main__":
    main()
