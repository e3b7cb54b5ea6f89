from ..shared.configuration_ecg import ECGConfig
from ..shared.strict_configuration import strict

_WEIGHTS = ("frequency_loss_weight", "fine_loss_weight", "coarse_loss_weight")
_TEMPERATURES = ("student_temperature", "teacher_temperature", "sinkhorn_temperature")


@strict
class ECGTFMAEConfig(ECGConfig):
    r"""Configuration of [`ECGTFMAEModel`] and [`ECGTFMAEForPreTraining`]: a masked autoencoder with filters in time
    and frequency, and prototypes.

    **Inferred.** "Masked Autoencoders that Feel the Heart" (arXiv 2506.22495) has no public code, and its abstract
    names two parts: temporal-frequency aware filters, and multi-grained prototype reconstruction. Every size, formula
    and value here is our own design after that abstract, from the closest published parts. It is not a reproduction.

    Args:
        num_leads (`int`, defaults to 12): leads of the input.
        num_samples (`int`, defaults to 2250): the most samples of the input; any multiple of `patch_size` up to it
            works.
        sampling_rate (`float | int`, defaults to 250): hertz of the input.
        patch_size (`int`, defaults to 75): samples a patch; a token is a patch of all leads.
        hidden_size (`int`, defaults to 768): of a token.
        num_hidden_layers (`int`, defaults to 12): blocks.
        num_attention_heads (`int`, defaults to 12): heads.
        intermediate_size (`int`, defaults to 3072): inside a block's feed-forward part.
        num_filter_layers (`int`, defaults to 4): the first blocks, so many, have a filter before their attention; 0
            for none.
        filter_kernel_size (`int`, defaults to 7): tokens that the filter in time sees, an odd number.
        frequency_gate (`bool`, defaults to `False`): whether what a record holds at each frequency opens or closes the
            filter in frequency there.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm.
        hidden_dropout (`float`, defaults to 0.0): of what a block adds.
        attention_dropout (`float`, defaults to 0.0): of attention weights.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.
        mask_ratio (`float`, defaults to 0.75): share of the patches that pretraining removes. Kept are
            int(patches * (1 - mask_ratio)).
        normalise_patches (`bool`, defaults to `True`): pretraining compares with each lead's patch less its mean, by
            its standard deviation.
        decoder_hidden_size (`int`, defaults to 256): of a token in the decoder of the pretraining.
        decoder_num_hidden_layers (`int`, defaults to 4): its blocks.
        decoder_num_attention_heads (`int`, defaults to 4): their heads.
        decoder_intermediate_size (`int`, defaults to 1024): inside their feed-forward part.
        decoder_num_filter_layers (`int`, defaults to 1): its first blocks, so many, have a filter before their
            attention too: what is made up hears its neighbours from the first step; 0 for none.
        frequency_loss_weight (`float`, defaults to 0.1): of the spectra of removed patches. As heavy as the loss in
            time it wins over it: waves of the right size in the wrong place cost less than none.
        fine_loss_weight (`float`, defaults to 0.1): of the prototypes of removed patches; 0 leaves them out, and the
            reconstruction from prototypes with them.
        coarse_loss_weight (`float`, defaults to 0.1): of the prototypes of whole records; 0 leaves them out.
        num_fine_prototypes (`int`, defaults to 512): prototypes of patches.
        num_coarse_prototypes (`int`, defaults to 128): prototypes of records, at most about as many as the records of
            a batch on all processes.
        student_temperature (`float`, defaults to 0.1): of what the student names.
        teacher_temperature (`float`, defaults to 0.04): of the targets of patches.
        sinkhorn_temperature (`float`, defaults to 0.05): of the balanced targets of records.
        sinkhorn_iterations (`int`, defaults to 3): of the balance.
        center_momentum (`float`, defaults to 0.9): of the running mean of the patches' targets.
        prototype_reconstruction (`bool`, defaults to `True`): whether a patch is made up from the prototypes that it
            was given too.
        teacher_momentum (`float`, defaults to 0.996): of the teacher that sees whole records, in the beginning.
        teacher_momentum_end (`float`, defaults to 1.0): and at the end.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Source:
        MAE, arXiv 2111.06377; GFNet, arXiv 2107.00645 (filters in frequency); SwAV, arXiv 2006.09882, and DINO, arXiv
        2104.14294 (prototypes, teacher).

    Example:
        >>> from hf_ecg import ECGTFMAEConfig
        >>> config = ECGTFMAEConfig()
        >>> config.num_patches, config.kept_patches(config.num_patches)
        (30, 7)
    """

    model_type = "ecg_tf_mae"

    num_leads: int = 12
    num_samples: int = 2250
    sampling_rate: float | int = 250
    patch_size: int = 75
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    num_filter_layers: int = 4
    filter_kernel_size: int = 7
    frequency_gate: bool = False
    layer_norm_eps: float = 1e-5
    hidden_dropout: float | int = 0.0
    attention_dropout: float | int = 0.0
    classifier_dropout: float | int = 0.0
    initializer_range: float = 0.02
    mask_ratio: float = 0.75
    normalise_patches: bool = True
    decoder_hidden_size: int = 256
    decoder_num_hidden_layers: int = 4
    decoder_num_attention_heads: int = 4
    decoder_intermediate_size: int = 1024
    decoder_num_filter_layers: int = 1
    frequency_loss_weight: float | int = 0.1
    fine_loss_weight: float | int = 0.1
    coarse_loss_weight: float | int = 0.1
    num_fine_prototypes: int = 512
    num_coarse_prototypes: int = 128
    student_temperature: float | int = 0.1
    teacher_temperature: float | int = 0.04
    sinkhorn_temperature: float | int = 0.05
    sinkhorn_iterations: int = 3
    center_momentum: float | int = 0.9
    prototype_reconstruction: bool = True
    teacher_momentum: float | int = 0.996
    teacher_momentum_end: float | int = 1.0

    @property
    def num_patches(self) -> int:
        """The most patches of a record."""
        return self.num_samples // self.patch_size

    def kept_patches(self, patches: int) -> int:
        """How many of a record's patches pretraining keeps."""
        return int(patches * (1 - self.mask_ratio))

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        for prefix in ("", "decoder_"):
            self.check_blocks(prefix)
            size = getattr(self, f"{prefix}hidden_size")
            if size % 2:
                raise ValueError(f"{prefix}hidden_size is {size}, wanted an even number: sines and cosines share it")
            filters, blocks = (getattr(self, f"{prefix}num_{name}_layers") for name in ("filter", "hidden"))
            if not 0 <= filters <= blocks:
                raise ValueError(f"{prefix}num_filter_layers is {filters}, wanted 0 to {blocks}")
        if not (1 <= self.filter_kernel_size < 2**16 and self.filter_kernel_size % 2):
            raise ValueError(f"filter_kernel_size is {self.filter_kernel_size}, wanted an odd number")

    def validate_patches(self):
        """Run by `@strict` after construction and before saving."""
        self.check_patches()
        self.check_mask_ratio()

    def validate_prototypes(self):
        """Run by `@strict` after construction and before saving."""
        for name in _WEIGHTS:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 0 or more")
        for name in _TEMPERATURES:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted above 0")
        for name in ("num_fine_prototypes", "num_coarse_prototypes"):
            if not 2 <= getattr(self, name) <= 2**20:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 2 to {2**20}")
        if not 1 <= self.sinkhorn_iterations <= 1000:
            raise ValueError(f"sinkhorn_iterations is {self.sinkhorn_iterations}, wanted 1 to 1000")
        for name in ("center_momentum", "teacher_momentum", "teacher_momentum_end"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 0 to 1")
