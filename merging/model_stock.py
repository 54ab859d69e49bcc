"""Model Stock: the mean of all task vectors, shrunk towards the base by how little they agree.

θ_pre + t · S/T, t = T c / (1 + (T − 1) c), c the mean cosine of all pairs of task vectors of a tensor. With
D = Σ τ/‖τ‖, c = (‖D‖² − T') / (T (T − 1)), T' the number of task vectors that are not zero: S, D and T' are all that the
result depends on, so it is exact continually. Meant for checkpoints of one task: those of unrelated tasks are nearly
orthogonal, and t is then close to 0.
Source: "Model Stock: all we need is just a few fine-tuned models", arXiv 2403.19522, section 4.2; for more than two
checkpoints the mean cosine, as in mergekit.
"""

from merging.streaming import Float64, dot


def mean_cosine(directions: Float64, nonzero: float, tasks: int) -> float:
    """c, from D (any shape), T' and T; 1 for a single task."""
    if tasks == 1:
        return 1.0
    flat = directions.reshape(-1)
    return (dot(flat, flat) - nonzero) / (tasks * (tasks - 1))


def interpolation(cosine: float, tasks: int) -> float:
    """t, held between 0 (the base) and 1 (the mean): negative cosines would step behind the base, without a bound."""
    cosine = min(max(cosine, 0.0), 1.0)
    return tasks * cosine / (1.0 + (tasks - 1) * cosine)
