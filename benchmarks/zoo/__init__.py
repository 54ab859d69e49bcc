"""A zoo of small CLIP models: one base, and a checkpoint fine-tuned from it for each of several kinds of image.

Made from images that packages ship and from generators, on two cores in minutes, the same again by the same seed.
"""

from benchmarks.zoo.build import Plan, Zoo, ZooTask, build, read

__all__ = ["Plan", "Zoo", "ZooTask", "build", "read"]
