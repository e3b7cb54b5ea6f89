"""Error of the spectra of what a masked autoencoder makes up for the patches it did not see."""

import torch

from .masked_reconstruction import check_patches, target_patches
from .pair_targets import without_autocast
from .record_means import mean_by_record


def masked_spectrum_loss(
    prediction: torch.Tensor, patches: torch.Tensor, judged: torch.Tensor, *, normalise: bool = True
) -> torch.Tensor:
    r"""Mean over records of the mean of $\bigl||F\hat x|-|Fx|\bigr|$ over their judged patches and frequencies.

    F is the orthonormal Fourier transform of the real patch. Phases are not compared: a wave that is made up a
    little too early costs much in `masked_reconstruction_loss`, and nothing here.

    Args:
        prediction: (batch, ..., patch_size).
        patches: the same shape, what was there.
        judged: bool (batch, ...), true where a patch was removed and holds a record.
        normalise: compare with each patch less its mean, by its standard deviation, as `masked_reconstruction_loss`
            does.

    Returns:
        Scalar; a record without a judged patch adds zero.

    Raises:
        ValueError: shapes that do not fit, or patches of one sample that are to be normalised.

    Source:
        Our own design: the loss in the frequency domain of arXiv 2506.22495 is not published in detail.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import masked_spectrum_loss
        >>> patch = torch.sin(torch.arange(8) * torch.pi / 2)[None, None]
        >>> late = patch.roll(1, dims=-1)  # another phase
        >>> bool(masked_spectrum_loss(late, patch, torch.ones(1, 1, dtype=torch.bool), normalise=False) < 1e-6)
        True
    """
    check_patches(prediction, patches, judged, normalise)
    with without_autocast(prediction):
        found, wanted = (
            torch.fft.rfft(values, dim=-1, norm="ortho").abs()
            for values in (prediction.float(), target_patches(patches, normalise))
        )
        return mean_by_record((found - wanted).abs().mean(dim=-1), judged)
