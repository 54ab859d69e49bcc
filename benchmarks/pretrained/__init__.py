"""Real pretrained networks fine-tuned on real tasks, made of what package indexes hold: text and image models.

`build` returns one family as files; see benchmarks/README.md.
"""

from benchmarks.pretrained.build import Plan, PretrainedTask, build
from benchmarks.pretrained.networks import Network, load

__all__ = ["Network", "Plan", "PretrainedTask", "build", "load"]
