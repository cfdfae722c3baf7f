"""Sets the image of every container.

TFX's default image does not contain our code. The image's name, including its tag, is in KFP's cache key; the contents
of the image are not.
"""

from __future__ import annotations

import copy

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import Spec, containers

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "none: TFX cannot know our image"


def set_image(spec: Spec, image: str) -> Spec:
    """A spec whose containers are started from `image`. Raises ConfigError where that is no name of an image."""
    if not image or image != image.strip() or any(letter.isspace() for letter in image):
        raise ConfigError(
            f"--image takes the name of a container image such as registry/limbeck:1, received {image!r}"
        )
    spec = copy.deepcopy(spec)
    for _, _, container in containers(spec):
        container["image"] = image
    return spec
