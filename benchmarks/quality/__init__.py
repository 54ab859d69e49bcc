"""How good the merges are: continual merging of CLIP checkpoints, every method through the engine that serves.

`python -m benchmarks.quality` measures it all and writes the report; see benchmarks/README.md.
"""
