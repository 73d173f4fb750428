"""The recogniser: encoders, class prototypes and fusion weights in one module."""

import shutil
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from selfsame.encoders.encoder import Encoder
from selfsame.errors import DamagedError, InputError
from selfsame.fusion.weighted import ModalityWeights
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap

PROTOTYPE_DEVIATION = 0.1
NO_CLASS = -1


class Recogniser(nn.Module):
    """Encoders by name, the prototypes of their classes, and a weight for each modality.

    Attributes:
        design: the architecture.
        labels: what prototypes and scores stand for.
        encoders: one encoder a name; modalities that name the same one share it.
        prototypes: for each encoder (classes, embedding_size); their direction is what counts.
        fusion: the weights of the modalities.
    """

    def __init__(self, design: Design, labels: LabelMap) -> None:
        super().__init__()
        self.design = design
        self.labels = labels
        self.encoders = nn.ModuleDict({name: Encoder(one) for name, one in design.encoders.items()})
        self.prototypes = nn.ParameterDict(
            {
                name: nn.Parameter(
                    torch.randn(len(labels.classes[name]), one.embedding_size) * PROTOTYPE_DEVIATION
                )
                for name, one in design.encoders.items()
            }
        )
        self.fusion = ModalityWeights(len(design.modalities))
        self.lay_out(channels_last=True)

    def lay_out(self, *, channels_last: bool) -> None:
        """Keep the channels of a pixel side by side in memory, or the pixels of a channel."""
        for name in self.encoders:
            self.encoder(name).lay_out(torch.channels_last if channels_last else torch.contiguous_format)

    def compile_encoders(self) -> None:
        """Let torch compile the encoders when they first encode.

        Raises:
            InputError: there is no C++ compiler, which torch needs for it.
        """
        require_compiler()
        for encoder in self.encoders.values():
            encoder.compile()

    def encode(self, modality: str, pixels: Tensor, factors: Tensor | None = None) -> Tensor:
        """Encode captures of a modality, (n, 2, height, width) in [0, 1] -> (n, d) of unit length.

        `factors` drop features, as `Encoder.forward` says.
        """
        embedded: Tensor = self.encoders[self.design.encoder_of[modality]](pixels, factors)
        return embedded

    def encoder(self, name: str) -> Encoder:
        """Return an encoder by its name."""
        return cast(Encoder, self.encoders[name])

    def compare_classes(self, modality: str, embeddings: Tensor) -> Tensor:
        """Compare embeddings with the prototypes of their encoder, (n, d) -> cosines (n, classes)."""
        return embeddings @ functional.normalize(self.prototypes[self.design.encoder_of[modality]]).T


def require_compiler() -> None:
    """Check that there is a C++ compiler.

    Raises:
        InputError: there is none by any of the names that torch looks for.
    """
    from torch._inductor import config

    names = [name for name in config.cpp.cxx if name]
    if not any(shutil.which(name) for name in names):
        raise InputError(
            f"expected a C++ compiler, which compile: true needs, found none named {' or '.join(names)}: "
            "install one, or set compile to false"
        )


def tabulate_classes(labels: LabelMap, encoder: str, instances: tuple[str, ...]) -> Tensor:
    """Tell which class of an encoder is a subject's instance.

    Args:
        labels: the label map.
        encoder: whose classes.
        instances: the instances, in the order of the columns.

    Returns:
        (subjects, instances) int64: row of the prototypes, -1 where training never saw that instance of the
        subject.
    """
    number = {one: row for row, one in enumerate(labels.classes[encoder])}
    rows = [
        [number.get((subject, instance), NO_CLASS) for instance in instances] for subject in labels.subjects
    ]
    return torch.tensor(rows, dtype=torch.int64).reshape(len(labels.subjects), len(instances))


def pick_subjects(cosines: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Reorder cosines with classes into cosines with subjects.

    Args:
        cosines: (n, classes) of one modality.
        classes: (n, subjects) int64: for each presentation the class that is this subject's instance, or -1.

    Returns:
        Cosines (n, subjects), and (n, subjects) bool: whether there is such a class.
    """
    return cosines.gather(1, classes.clamp_min(0)), classes >= 0


def restore(checkpoint: Checkpoint) -> Recogniser:
    """Build the recogniser that a checkpoint describes, in evaluation mode on the CPU.

    Raises:
        DamagedError: its weights do not fit its own design; the message names the first tensor that differs.
    """
    with torch.random.fork_rng(devices=[]):
        recogniser = Recogniser(checkpoint.design, checkpoint.labels)
    expected = {name: tuple(tensor.shape) for name, tensor in recogniser.state_dict().items()}
    found = {name: array.shape for name, array in checkpoint.weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise DamagedError(
                f"expected weights that fit the checkpoint's own design, with {name} of shape "
                f"{expected.get(name, 'absent')}, got {found.get(name, 'absent')}: choose another version "
                "with --load-versions, or run the training pipeline again"
            )
    recogniser.load_state_dict(
        {name: torch.from_numpy(array.copy()) for name, array in checkpoint.weights.items()}
    )
    return recogniser.eval()
